"""What a receipt must say, computed from the payload's bytes with nothing but the contract's section 1."""

import hashlib
from datetime import UTC, datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def ulid(bits: bytes) -> str:
    value, text = int.from_bytes(bits, "big"), ""
    for _ in range(26):
        value, digit = divmod(value, 32)
        text = ALPHABET[digit] + text
    return text


def identifier(prefix: str, payload: bytes, at: datetime, number: int = 0) -> str:
    milliseconds = round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    stem = ulid(milliseconds.to_bytes(6, "big") + hashlib.sha256(payload).digest()[:10])
    return f"{prefix}_{stem}_{number}" if number else f"{prefix}_{stem}"


def of_key(prefix: str, public: bytes) -> str:
    return f"{prefix}_{ulid(hashlib.sha256(public).digest()[:16])}"
