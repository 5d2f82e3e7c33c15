"""What is kept beside the ledger together with a statement: in the same transaction, or not at all."""

from typing import Any

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """An idempotency key: of all requests under it one at most makes something.

    `key` and `request` are digests; another request under a key that was used is refused.
    """

    key: str
    request: str
    sealed: str = ""
    """What else the answer says, sealed."""


class Made(msgspec.Struct, frozen=True):
    """What was made under a claim: the statement, and the size of the log whose root the answer proves it in."""

    claim: Claim
    statement: bytes
    size: int


class Beside(msgspec.Struct, frozen=True):
    """`rows`: by the names of their tables."""

    rows: tuple[tuple[str, dict[str, Any]], ...] = ()
    claim: Claim | None = None
