"""Seals what is kept for others with a key that is not in the database (`keys/custody.key`).

AES-256-GCM (NIST SP 800-38D) under a random nonce of 12 bytes; what a sealed text belongs to is authenticated with it,
so that a row moved to another place does not open. The keys for sealing and for comparing come from one secret by
HKDF-SHA-256 (RFC 5869), each under its own label.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.encoding import format_base64url, parse_base64url
from ledger.errors import FormatError

SECRET_BYTES = 32
_NONCE_BYTES = 12


class SealError(Exception):
    """A sealed text does not open: it was changed, belongs elsewhere, or was sealed with another key."""


class Sealer:
    """Seals texts, and makes digests that only the holder of the secret can make again."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 32 bytes."""
        self._cipher = AESGCM(_derive(secret, b"sanquan seal 1"))
        self._comparing = _derive(secret, b"sanquan compare 1")

    def seal(self, data: bytes, belongs_to: str) -> str:
        """`data` as text that opens only for `belongs_to`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return format_base64url(nonce + self._cipher.encrypt(nonce, data, belongs_to.encode()))

    def open(self, sealed: str, belongs_to: str) -> bytes:
        """Inverse of `seal`.

        Raises:
            SealError: it does not open.
        """
        try:
            data = parse_base64url(sealed)
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], belongs_to.encode())
        except (FormatError, InvalidTag, ValueError) as error:
            raise SealError(f"what is sealed for {belongs_to} does not open") from error

    def digest(self, data: bytes) -> str:
        """A hex digest that says nothing of `data` to whoever lacks the secret, however few values it may have."""
        return hmac.digest(self._comparing, data, "sha256").hex()


def _derive(secret: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), SECRET_BYTES, salt=None, info=label).derive(secret)
