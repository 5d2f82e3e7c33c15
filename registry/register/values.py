"""Values shared by the objects of the register.

Every object remembers at which entry each of its facts was recorded, so that the register as it stood at any size is a
pure function of the object (`… .as_of(size)`), and no answer needs a replay of the log.
"""

from datetime import datetime

import msgspec

OBJECTS_PER_STATEMENT = 64


class Stamp(msgspec.Struct, frozen=True):
    """The entry that recorded a fact: its position and time."""

    seq: int
    time: datetime


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document that supports a statement, by its digest."""

    kind: str
    sha256: str
    bytes: int | None = None
    media_type: str | None = None


class Attached(msgspec.Struct, frozen=True):
    """A document that was added to what is on record, and the entry that added it."""

    recorded: Stamp
    evidence: Evidence


def reference(seq: int, number: int = 0) -> int:
    """The integer key of the object that an entry makes as its `number`-th of a kind."""
    return seq * OBJECTS_PER_STATEMENT + number
