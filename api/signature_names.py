"""The algorithms of keys as requests signed by RFC 9421 name them, for who signs and who verifies."""

from ledger.keys import Algorithm

SIGNATURE_NAMES = {
    Algorithm.ED25519: "ed25519",
    Algorithm.ES256: "ecdsa-p256-sha256",
    Algorithm.ML_DSA_44: "ml-dsa-44",
}
"""As the registry of RFC 9421 section 6.2 names them; ML-DSA has no name there yet."""
