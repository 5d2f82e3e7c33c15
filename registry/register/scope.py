"""What a right covers, as a value. The algebra of scopes is in `registry.title.scope`."""

from datetime import datetime
from typing import Any, Literal

import msgspec


class Duty(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the holder must do. Two duties are the same only if all members are equal.

    `sd`: the digest that stands in place of a confidential text.
    """

    id: str
    when: Literal["before", "during", "after"]
    text: str | None = None
    sd: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, (self.id, self.when, self.text, self.sd)))

    def to_json(self) -> dict[str, Any]:
        """The duty as a scope writes it."""
        text = {"sd": self.sd} if self.sd is not None else self.text
        return {"id": self.id, "when": self.when} | ({} if text is None else {"text": text})


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a right covers. Made by the functions of `registry.title.scope`, which bring it to normal form, never by hand.

    `actions` None: the default of the right's kind. `rights`: what an operating right may confer, None all three.
    `depth`: links that may still follow, None without limit, as titles have it.
    """

    purposes: tuple[str, ...]
    territory: tuple[str, ...]
    fields: tuple[str, ...]
    starts: datetime
    ends: datetime | None = None
    duties: tuple[Duty, ...] = ()
    actions: tuple[str, ...] | None = None
    rights: tuple[str, ...] | None = None
    depth: int | None = 0
