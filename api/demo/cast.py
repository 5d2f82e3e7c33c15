"""Who acts in a demonstration, and what must hold in it."""

from dataclasses import dataclass, field
from pathlib import Path

from api.client import Client, Receipt
from api.demo.narrator import Narrator
from api.demo.scribe import Shelf


class DemoError(Exception):
    """The demonstration did not come out as it must."""


@dataclass(slots=True)
class Cast:
    """Who acts, and what they made so far."""

    tell: Narrator
    url: str
    data: Path
    firm_a: Client
    firm_b: Client
    bank: Client
    shelf: Shelf
    raw: dict[str, Receipt] = field(default_factory=dict)
    product: Receipt | None = None
    licence: Receipt | None = None
    revocation: Receipt | None = None


def expect(condition: bool, what: str) -> None:
    """The demonstration ends if something is not as it must be.

    Raises:
        DemoError: it is not.
    """
    if not condition:
        raise DemoError(f"the demonstration failed: {what}")
