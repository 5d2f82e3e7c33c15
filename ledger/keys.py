"""Signature algorithms, public keys and signers. One key serves one purpose.

| alg       | public key                     | signature                                                        |
|-----------|--------------------------------|------------------------------------------------------------------|
| Ed25519   | 32 bytes                       | 64 bytes; A and R canonical and not small-order, S < L           |
| ML-DSA-44 | 1,312 bytes                    | 2,420 bytes, pure, empty context (FIPS 204)                      |
| ES256     | 65 bytes, uncompressed, P-256  | 64 bytes r ‖ s over SHA-256, 1 ≤ r, s < n, high s accepted       |

Source: contract section 2; RFC 8032 section 5.1; FIPS 204; FIPS 186-5.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from ledger.errors import SignatureError
from ledger.private_files import write_private

PrivateKey = ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey | ec.EllipticCurvePrivateKey


class Algorithm(StrEnum):
    """The algorithms that the contract knows, by the name that stands in key records."""

    ED25519 = "Ed25519"
    ML_DSA_44 = "ML-DSA-44"
    ES256 = "ES256"


PUBLIC_KEY_BYTES = {Algorithm.ED25519: 32, Algorithm.ML_DSA_44: 1312, Algorithm.ES256: 65}
SIGNATURE_BYTES = {Algorithm.ED25519: 64, Algorithm.ML_DSA_44: 2420, Algorithm.ES256: 64}

_FIELD = 2**255 - 19
_EDWARDS_D = -121665 * pow(121666, -1, _FIELD)
_ORDER = 2**252 + 27742317777372353535851937790883648493
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# The y coordinates of the eight points whose order divides 8 (RFC 7748 curve in Edwards form). The sign bit of x is
# ignored when comparing, so every encoding of such a point is covered.
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y = frozenset({0, 1, _FIELD - 1, _ORDER_8_Y, _FIELD - _ORDER_8_Y})


def _is_usable_point(encoded: bytes) -> bool:
    """Whether a 32-byte Edwards point is canonical and not of small order."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    return y < _FIELD and y not in _SMALL_ORDER_Y


class _PublicKey(Protocol):
    def __call__(self, message: bytes, signature: bytes) -> None: ...


def _is_on_curve(encoded: bytes) -> bool:
    """Whether there is an x for this y: x² = (y² - 1) / (d·y² + 1) is a square. OpenSSL would find out on verifying."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    product = (y * y - 1) * (_EDWARDS_D * y * y + 1)
    return pow(product, (_FIELD - 1) // 2, _FIELD) == 1


def _load_ed25519(public: bytes) -> _PublicKey:
    if not _is_usable_point(public):
        raise SignatureError("the Ed25519 key is not canonical or of small order")
    if not _is_on_curve(public):
        raise SignatureError("the Ed25519 key is not on the curve")

    def verify(message: bytes, signature: bytes) -> None:
        if not _is_usable_point(signature[:32]) or int.from_bytes(signature[32:], "little") >= _ORDER:
            raise SignatureError("the Ed25519 signature is not in its canonical form")
        try:
            crypto_sign_open(signature + message, public)
        except BadSignatureError as error:
            raise InvalidSignature from error

    return verify


def _load_ml_dsa(public: bytes) -> _PublicKey:
    key = mldsa.MLDSA44PublicKey.from_public_bytes(public)
    return lambda message, signature: key.verify(signature, message)


def _load_es256(public: bytes) -> _PublicKey:
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)

    def verify(message: bytes, signature: bytes) -> None:
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (1 <= r < _P256_ORDER and 1 <= s < _P256_ORDER):
            raise SignatureError("r or s of the ES256 signature is out of range")
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))

    return verify


_LOADERS: dict[Algorithm, Callable[[bytes], _PublicKey]] = {
    Algorithm.ED25519: _load_ed25519,
    Algorithm.ML_DSA_44: _load_ml_dsa,
    Algorithm.ES256: _load_es256,
}


@lru_cache(maxsize=4096)
def _public_key(algorithm: Algorithm, public: bytes) -> _PublicKey:
    if len(public) != PUBLIC_KEY_BYTES[algorithm]:
        raise SignatureError(f"a public key of {algorithm} has {PUBLIC_KEY_BYTES[algorithm]} bytes, not {len(public)}")
    try:
        return _LOADERS[algorithm](public)
    except ValueError as error:
        raise SignatureError(f"not a public key of {algorithm}") from error


def check_public_key(algorithm: Algorithm, public: bytes) -> None:
    """Returns if `public` is a key that signatures can be verified with.

    Raises:
        SignatureError: wrong length, not on the curve, not canonical, or of small order.
    """
    _public_key(algorithm, public)


def verify_signature(algorithm: Algorithm, public: bytes, message: bytes, signature: bytes) -> None:
    """Returns if `signature` is one of `message` by `public`. Releases the interpreter lock while it computes.

    Raises:
        SignatureError: it is not, or key or signature are not in the form that the table above demands.
    """
    verify = _public_key(algorithm, public)
    if len(signature) != SIGNATURE_BYTES[algorithm]:
        raise SignatureError(f"a signature of {algorithm} has {SIGNATURE_BYTES[algorithm]} bytes, not {len(signature)}")
    try:
        verify(message, signature)
    except InvalidSignature as error:
        raise SignatureError("the signature does not match message and key") from error


class Signer(Protocol):
    """Something that holds a private key: a file today, a hardware module tomorrow."""

    @property
    def algorithm(self) -> Algorithm: ...

    @property
    def public(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes:
        """A signature of `message` in the form of the table above."""
        ...


class KeySigner:
    """A signer whose private key is in this process."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.algorithm = _algorithm_of(key)
        self.public = _raw_public(key)

    @classmethod
    def generate(cls, algorithm: Algorithm = Algorithm.ED25519) -> "KeySigner":
        """A signer with a new random key."""
        match algorithm:
            case Algorithm.ED25519:
                return cls(ed25519.Ed25519PrivateKey.generate())
            case Algorithm.ML_DSA_44:
                return cls(mldsa.MLDSA44PrivateKey.generate())
            case Algorithm.ES256:
                return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_seed(cls, seed: bytes, algorithm: Algorithm = Algorithm.ED25519) -> "KeySigner":
        """The signer of a 32-byte seed (RFC 8032, FIPS 204). For test vectors.

        Raises:
            SignatureError: another length, or an algorithm whose keys have no seed.
        """
        if len(seed) != 32 or algorithm is Algorithm.ES256:
            raise SignatureError(f"{algorithm} has no key for a seed of {len(seed)} bytes")
        if algorithm is Algorithm.ML_DSA_44:
            return cls(mldsa.MLDSA44PrivateKey.from_seed_bytes(seed))
        return cls(ed25519.Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> "KeySigner":
        """Inverse of `to_pem`.

        Raises:
            SignatureError: not an unencrypted PKCS#8 key of a known algorithm.
        """
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SignatureError("not an unencrypted PKCS#8 private key") from error
        if not isinstance(key, ed25519.Ed25519PrivateKey | mldsa.MLDSA44PrivateKey | ec.EllipticCurvePrivateKey):
            raise SignatureError(f"keys of type {type(key).__name__} are not used here")
        return cls(key)

    def to_pem(self) -> bytes:
        """PKCS#8, unencrypted."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """See `Signer.sign`."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self._key.sign(message)


def _algorithm_of(key: PrivateKey) -> Algorithm:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return Algorithm.ED25519
    if isinstance(key, mldsa.MLDSA44PrivateKey):
        return Algorithm.ML_DSA_44
    if key.curve.name != "secp256r1":
        raise SignatureError(f"the curve {key.curve.name} is not used here")
    return Algorithm.ES256


def _raw_public(key: PrivateKey) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return key.public_key().public_bytes_raw()


def write_private_key(path: Path, signer: KeySigner) -> None:
    """`path` holds the key of `signer`, readable by its owner only. Never overwrites.

    Raises:
        FileExistsError: there is a file already.
    """
    write_private(path, signer.to_pem(), fresh=True)


def read_private_key(path: Path) -> KeySigner:
    """The signer whose key `write_private_key` wrote."""
    return KeySigner.from_pem(path.read_bytes())
