"""Canonical text forms of bytes: exactly one text for each byte string, anything else is refused.

Base64 with padding (RFC 4648 section 4) stands in notes, tiles' proofs and envelopes; base64url without padding
(section 5) in the JSON of the contract; lower-case hex for hashes.
"""

import base64
import binascii
import re

from ledger.errors import FormatError

_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def format_base64(data: bytes) -> str:
    """The standard alphabet, with padding."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def parse_base64(text: str) -> bytes:
    """Inverse of `format_base64`.

    Raises:
        FormatError: not the canonical form.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("not base64") from error
    if format_base64(data) != text:
        raise FormatError("base64 is not in its canonical form")
    return data


def format_base64url(data: bytes) -> str:
    """The URL-safe alphabet, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def parse_base64url(text: str) -> bytes:
    """Inverse of `format_base64url`.

    Raises:
        FormatError: not the canonical form.
    """
    if not text.isascii() or "=" in text:
        raise FormatError("not base64url without padding")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError("not base64url") from error
    if format_base64url(data) != text:
        raise FormatError("base64url is not in its canonical form")
    return data


def parse_hex(text: str) -> bytes:
    """Inverse of `bytes.hex`.

    Raises:
        FormatError: upper case, odd length or other characters.
    """
    if not _HEX.fullmatch(text):
        raise FormatError("not lower-case hex")
    return bytes.fromhex(text)
