"""What a right covers, as a value. The algebra of scopes is in `registry.title.scope`."""

from datetime import datetime
from typing import Literal

import msgspec


class Duty(msgspec.Struct, frozen=True):
    """What the holder must do. Two duties are the same only if all three members are equal."""

    id: str
    when: Literal["before", "during", "after"]
    text: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.id, self.when, self.text)))


class Scope(msgspec.Struct, frozen=True):
    """What a right covers. Made by the functions of `registry.title.scope`, which bring it to normal form, never by hand.

    `actions` None: the default of the right's kind. `rights`: what an operating right may confer, None all three.
    `depth`: links that may still follow, None without limit, as titles have it.
    """

    purposes: tuple[str, ...]
    territory: tuple[str, ...]
    fields: tuple[str, ...]
    starts: datetime
    ends: datetime | None
    duties: tuple[Duty, ...] = ()
    actions: tuple[str, ...] | None = None
    rights: tuple[str, ...] | None = None
    depth: int | None = 0
