from hashlib import sha512
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from dilithium_py.ml_dsa import ML_DSA_44
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import keys
from ledger.errors import SignatureError
from ledger.keys import (
    PUBLIC_KEY_BYTES,
    SIGNATURE_BYTES,
    Algorithm,
    KeySigner,
    check_public_key,
    read_private_key,
    verify_signature,
    write_private_key,
)
from tests.ledger.support import CHECKPOINT, LOG_SIGNER, ML_DSA_SIGNER, flip

MESSAGE = b"message"
ES256_SIGNER = KeySigner(ec.derive_private_key(7, ec.SECP256R1()))
SIGNERS = [LOG_SIGNER, ML_DSA_SIGNER, ES256_SIGNER]
EACH = pytest.mark.parametrize("signer", SIGNERS, ids=[signer.algorithm for signer in SIGNERS])

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SIGN = 1 << 255
# Every 32 bytes that decode, reducing or not, to a point whose order divides 8.
SMALL_ORDER = [
    (y | sign).to_bytes(32, "little")
    for y in (0, 1, FIELD - 1, ORDER_8_Y, FIELD - ORDER_8_Y, FIELD, FIELD + 1)
    for sign in (0, SIGN)
]
NOT_CANONICAL = [(y | sign).to_bytes(32, "little") for y in range(FIELD + 2, 2**255) for sign in (0, SIGN)]


def point(encoded: bytes) -> tuple[int, int]:
    """The affine point of an encoding, by RFC 8032 section 5.1.3."""
    d = -121665 * pow(121666, -1, FIELD) % FIELD
    number = int.from_bytes(encoded, "little")
    y = number % SIGN
    square = (y * y - 1) * pow(d * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if x * x % FIELD != square:
        x = x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    assert x * x % FIELD == square, "not on the curve"
    return (x if x % 2 == number // SIGN else -x % FIELD), y


def test_constants_name_the_small_order_points() -> None:
    """Doubled three times each of them is the neutral element (0, 1)."""
    d = -121665 * pow(121666, -1, FIELD) % FIELD
    for each in keys._SMALL_ORDER_Y:
        x, y = point(each.to_bytes(32, "little"))
        for _ in range(3):
            product = d * x * x * y * y
            x, y = (
                2 * x * y * pow(1 + product, -1, FIELD) % FIELD,
                (y * y + x * x) * pow(1 - product, -1, FIELD) % FIELD,
            )
        assert (x, y) == (0, 1)
    assert len(keys._SMALL_ORDER_Y) == 5


@EACH
def test_round_trip(signer: KeySigner, tmp_path: Path) -> None:
    signature = signer.sign(MESSAGE)
    assert len(signer.public) == PUBLIC_KEY_BYTES[signer.algorithm]
    assert len(signature) == SIGNATURE_BYTES[signer.algorithm]
    check_public_key(signer.algorithm, signer.public)
    verify_signature(signer.algorithm, signer.public, MESSAGE, signature)
    again = KeySigner.from_pem(signer.to_pem())
    assert (again.algorithm, again.public) == (signer.algorithm, signer.public)
    verify_signature(signer.algorithm, signer.public, MESSAGE, again.sign(MESSAGE))
    path = tmp_path / "key.pem"
    write_private_key(path, signer)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_private_key(path).public == signer.public
    with pytest.raises(FileExistsError):
        write_private_key(path, signer)
    assert read_private_key(path).public == signer.public


@pytest.mark.parametrize("algorithm", Algorithm)
def test_new_keys_differ(algorithm: Algorithm) -> None:
    signer = KeySigner.generate(algorithm)
    assert signer.algorithm is algorithm
    assert signer.public != KeySigner.generate(algorithm).public
    verify_signature(algorithm, signer.public, b"", signer.sign(b""))


@EACH
def test_other_messages_keys_and_signatures_are_refused(signer: KeySigner) -> None:
    signature = signer.sign(MESSAGE)
    for message, changed in (
        (MESSAGE + b"\x00", signature), (b"", signature), (MESSAGE, flip(signature)), (MESSAGE, flip(signature, 300)),
        (MESSAGE, signature[:-1]), (MESSAGE, signature + b"\x00"), (MESSAGE, b""), (MESSAGE, bytes(len(signature))),
    ):  # fmt: skip
        with pytest.raises(SignatureError):
            verify_signature(signer.algorithm, signer.public, message, changed)
    with pytest.raises(SignatureError):
        verify_signature(signer.algorithm, KeySigner.generate(signer.algorithm).public, MESSAGE, signature)


@EACH
def test_public_keys_of_other_lengths(signer: KeySigner) -> None:
    for public in (b"", signer.public[:-1], signer.public + b"\x00"):
        with pytest.raises(SignatureError):
            check_public_key(signer.algorithm, public)
        with pytest.raises(SignatureError):
            verify_signature(signer.algorithm, public, MESSAGE, signer.sign(MESSAGE))


def test_seeds() -> None:
    assert KeySigner.from_seed(bytes(range(32))).public.hex() == CHECKPOINT["log_pk_hex"]
    for seed, algorithm in (
        (bytes(31), Algorithm.ED25519), (bytes(33), Algorithm.ML_DSA_44), (bytes(32), Algorithm.ES256),
    ):  # fmt: skip
        with pytest.raises(SignatureError):
            KeySigner.from_seed(seed, algorithm)


def test_ml_dsa_context_is_empty() -> None:
    public, private = ML_DSA_44.key_derive(bytes(32))
    assert KeySigner.from_seed(bytes(32), Algorithm.ML_DSA_44).public == public
    verify_signature(Algorithm.ML_DSA_44, public, MESSAGE, ML_DSA_44.sign(private, MESSAGE))
    with pytest.raises(SignatureError):
        verify_signature(Algorithm.ML_DSA_44, public, MESSAGE, ML_DSA_44.sign(private, MESSAGE, ctx=b"context"))


@pytest.mark.parametrize("encoded", SMALL_ORDER + NOT_CANONICAL, ids=bytes.hex)
def test_small_order_and_non_canonical_points(encoded: bytes) -> None:
    with pytest.raises(SignatureError, match="canonical or of small order"):
        check_public_key(Algorithm.ED25519, encoded)
    signature = LOG_SIGNER.sign(MESSAGE)
    with pytest.raises(SignatureError, match="canonical form"):
        verify_signature(Algorithm.ED25519, LOG_SIGNER.public, MESSAGE, encoded + signature[32:])


def test_signature_that_holds_for_every_message() -> None:
    """With the neutral element for A and R and S = 0 the equation holds, so OpenSSL accepts."""
    neutral = (1).to_bytes(32, "little")
    forged = neutral + bytes(32)
    ed25519.Ed25519PublicKey.from_public_bytes(neutral).verify(forged, MESSAGE)
    with pytest.raises(SignatureError):
        verify_signature(Algorithm.ED25519, neutral, MESSAGE, forged)


@pytest.mark.parametrize("y", [2, 7, 8, 11])
def test_points_off_the_edwards_curve(y: int) -> None:
    for number in (y, y | SIGN):
        with pytest.raises(SignatureError, match="not on the curve"):
            check_public_key(Algorithm.ED25519, number.to_bytes(32, "little"))


@given(st.integers(0, FIELD - 1))
def test_points_on_the_edwards_curve(y: int) -> None:
    encoded = y.to_bytes(32, "little")
    try:
        check_public_key(Algorithm.ED25519, encoded)
    except SignatureError:
        if y not in keys._SMALL_ORDER_Y:
            with pytest.raises(AssertionError, match="not on the curve"):
                point(encoded)
    else:
        point(encoded)


def add_points(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    (x1, y1), (x2, y2) = one, other
    product = -121665 * pow(121666, -1, FIELD) * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, FIELD) % FIELD
    return x, (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD) % FIELD


def multiply(number: int, one: tuple[int, int]) -> tuple[int, int]:
    found = (0, 1)
    for bit in f"{number:b}":
        found = add_points(found, found)
        found = add_points(found, one) if bit == "1" else found
    return found


def encode(one: tuple[int, int]) -> bytes:
    return (one[1] | (one[0] % 2 * SIGN)).to_bytes(32, "little")


BASE = point((4 * pow(5, -1, FIELD) % FIELD).to_bytes(32, "little"))
TORSION = point(ORDER_8_Y.to_bytes(32, "little"))


@settings(max_examples=40)
@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1), st.integers(0, 7), st.integers(0, 7))
def test_the_equation_is_that_without_cofactor(secret: int, nonce: int, of_key: int, of_nonce: int) -> None:
    """Points with a part of small order: a verifier that multiplies by the cofactor would accept all of these.

    libsodium, OpenSSL and the equation S·B = R + h·A itself agree.
    """
    key = encode(add_points(multiply(secret, BASE), multiply(of_key, TORSION)))
    r = encode(add_points(multiply(nonce, BASE), multiply(of_nonce, TORSION)))
    h = int.from_bytes(sha512(r + key + MESSAGE).digest(), "little") % ORDER
    signature = r + ((nonce + h * secret) % ORDER).to_bytes(32, "little")
    holds = (of_nonce + h * of_key) % 8 == 0
    for accepts in (
        lambda: verify_signature(Algorithm.ED25519, key, MESSAGE, signature),
        lambda: ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, MESSAGE),
    ):
        if holds:
            accepts()
        else:
            with pytest.raises((SignatureError, InvalidSignature)):
                accepts()


def test_s_beyond_the_order() -> None:
    signature = LOG_SIGNER.sign(MESSAGE)
    s = int.from_bytes(signature[32:], "little")
    for other in (s + ORDER, ORDER, 2**256 - 1):
        with pytest.raises(SignatureError, match="canonical form"):
            changed = signature[:32] + other.to_bytes(32, "little")
            verify_signature(Algorithm.ED25519, LOG_SIGNER.public, MESSAGE, changed)


def test_high_and_low_s_of_es256() -> None:
    signature = ES256_SIGNER.sign(MESSAGE)
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    for each in (s, P256_ORDER - s):
        verify_signature(Algorithm.ES256, ES256_SIGNER.public, MESSAGE, r + each.to_bytes(32, "big"))


def test_r_and_s_of_es256_out_of_range() -> None:
    signature = ES256_SIGNER.sign(MESSAGE)
    for bad in (0, P256_ORDER, P256_ORDER + 1, 2**256 - 1):
        encoded = bad.to_bytes(32, "big")
        for changed in (encoded + signature[32:], signature[:32] + encoded):
            with pytest.raises(SignatureError, match="out of range"):
                verify_signature(Algorithm.ES256, ES256_SIGNER.public, MESSAGE, changed)


def test_points_off_p256() -> None:
    public = ES256_SIGNER.public
    compressed = bytes([2 + public[-1] % 2]) + public[1:33]
    hybrid = bytes([6 + public[-1] % 2]) + public[1:]
    for other in (flip(public, 519), b"\x04" + bytes(64), bytes(65), hybrid, compressed, compressed + bytes(32)):
        with pytest.raises(SignatureError):
            check_public_key(Algorithm.ES256, other)


SM2_PEM = b"""-----BEGIN PRIVATE KEY-----
MEECAQAwEwYHKoZIzj0CAQYIKoEcz1UBgi0EJzAlAgEBBCABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==
-----END PRIVATE KEY-----
"""


def test_other_private_keys_are_refused() -> None:
    def pem(key: x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey, password: bytes | None = None) -> bytes:
        encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    secret = ec.derive_private_key(7, ec.SECP256R1())
    for other in (
        b"", b"-----BEGIN PRIVATE KEY-----\n", pem(x25519.X25519PrivateKey.generate()), SM2_PEM,
        pem(ec.derive_private_key(7, ec.SECP384R1())), pem(secret, b"password"),
    ):  # fmt: skip
        with pytest.raises(SignatureError):
            KeySigner.from_pem(other)
    assert KeySigner.from_pem(pem(secret)).public == ES256_SIGNER.public
