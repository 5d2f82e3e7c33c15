"""Identifiers: 128 bits as 26 characters of Crockford's base32 (lower case) behind a prefix and `_`.

Those of keys and parties are taken from the public key and prove themselves; those of objects are taken from the
statement that makes them, so that a client knows them before it submits and they sort by time. Source: contract
section 1.
"""

import hashlib
import re

import msgspec

from ledger.errors import FormatError

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_BODY = r"[0-7][0-9a-hjkmnp-tv-z]{25}"
OBJECT_PREFIXES = ("ast", "cas", "rgt", "plg", "cau", "frz", "con", "obj", "rmk", "man", "rev")
_IDENTIFIER = re.compile(rf"(?:(?:key|pty)_{_BODY}|(?:{'|'.join(OBJECT_PREFIXES)})_{_BODY}(?:_[1-9][0-9]?)?)")


def _base32(bits: bytes) -> str:
    value = int.from_bytes(bits, "big")
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def key_identifier(public: bytes) -> str:
    """`key_…` of a raw public key."""
    return "key_" + _base32(hashlib.sha256(public).digest()[:16])


def party_identifier(public: bytes) -> str:
    """`pty_…` of the party whose first key is `public`."""
    return "pty_" + _base32(hashlib.sha256(public).digest()[:16])


def party_of_first_key(key: str) -> str:
    """The party identifier with the bits of a key identifier."""
    return "pty_" + key.removeprefix("key_")


def is_identifier(text: str, *prefixes: str) -> bool:
    """Whether `text` is a well-formed identifier, of one of `prefixes` where any are given."""
    return bool(_IDENTIFIER.fullmatch(text)) and (not prefixes or text[:3] in prefixes)


def check_identifier(text: object, *prefixes: str) -> str:
    """`text`, if it is an identifier of one of `prefixes`.

    Raises:
        FormatError: it is not.
    """
    if not isinstance(text, str) or not is_identifier(text, *prefixes):
        raise FormatError(f"not an identifier of the form {' or '.join(p + '_…' for p in prefixes)}")
    return text


class ObjectIdentifiers(msgspec.Struct, frozen=True):
    """The identifiers of what one statement makes."""

    stem: str

    @classmethod
    def of_statement(cls, at_milliseconds: int, payload_digest: bytes) -> "ObjectIdentifiers":
        """`at` of the statement in Unix milliseconds (48 bits), then the first 80 bits of its payload's SHA-256."""
        return cls(_base32(at_milliseconds.to_bytes(6, "big") + payload_digest[:10]))

    def identifier(self, prefix: str, number: int = 0) -> str:
        """The identifier of the object of `prefix` made as number `number`, counted from 0."""
        return f"{prefix}_{self.stem}_{number}" if number else f"{prefix}_{self.stem}"
