"""The register as a persistent map: `put` gives a new register, so an act that fails leaves nothing behind."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from registry.register.asset import Asset, Case
from registry.register.citation import Citation, Withheld
from registry.register.office_state import Registry
from registry.register.party import Party
from registry.register.right import Right

Slot = tuple[str, str]
"""Kind of object and its identifier."""

EMPTY: tuple[str, ...] = ()


class Register:
    """A slice of the register that was loaded, and what acts have put over it.

    Objects: `party`, `asset`, `right`, `case`, `registry`. Indexes that acts read and extend: `key` → party,
    `agency` → party, `rights` of an asset, `verified` parties of an identifier, `fingerprint` → assets. Never changed
    in place.
    """

    __slots__ = ("_base", "_over", "changes")

    def __init__(
        self,
        base: Mapping[Slot, Any],
        changes: Mapping[Slot, Any] | None = None,
        over: Mapping[Slot, Any] = MappingProxyType({}),
    ) -> None:
        """`over` is what acts before have put over `base`. Nothing is ever taken out, so no layer holds None."""
        self._base = base
        self._over = over
        self.changes: Mapping[Slot, Any] = changes if changes is not None else {}

    def get(self, kind: str, identifier: str) -> Any:
        """The object, or None."""
        slot = (kind, identifier)
        found = self.changes.get(slot)
        if found is None:
            found = self._over.get(slot)
        return self._base.get(slot) if found is None else found

    def put(self, *items: tuple[str, str, Any]) -> "Register":
        """A register with these objects in it."""
        changes = {**self.changes, **{(kind, name): value for kind, name, value in items}}
        return Register(self._base, changes, self._over)

    def party(self, identifier: str) -> Party | None:
        found: Party | None = self.get("party", identifier)
        return found

    def asset(self, identifier: str) -> Asset | None:
        found: Asset | None = self.get("asset", identifier)
        return found

    def right(self, identifier: str) -> Right | None:
        found: Right | None = self.get("right", identifier)
        return found

    def case(self, identifier: str) -> Case | None:
        found: Case | None = self.get("case", identifier)
        return found

    def citations(self, digest: str) -> tuple[Citation, ...]:
        """The statements that cite what is kept under a digest, in the order recorded."""
        found: tuple[Citation, ...] | None = self.get("cited", digest)
        return found or ()

    def withheld(self, digest: str) -> tuple[Withheld, ...]:
        """What restricts or erased it."""
        found: tuple[Withheld, ...] | None = self.get("withheld", digest)
        return found or ()

    def registry(self) -> Registry | None:
        found: Registry | None = self.get("registry", "")
        return found

    def rights_of(self, asset: str) -> tuple[Right, ...]:
        """All rights on an asset, in the order made."""
        names: tuple[str, ...] = self.get("rights", asset) or EMPTY
        return tuple(right for name in names if (right := self.right(name)) is not None)

    def names(self, index: str, key: str) -> tuple[str, ...]:
        """The identifiers that an index holds under a key."""
        found: tuple[str, ...] | None = self.get(index, key)
        return found or EMPTY

    def as_of(self, size: int) -> "Register":
        """The loaded slice as it stood after `size` entries. Indexes keep what is newer; `get` answers None for it."""
        past: dict[Slot, Any] = {}
        for slot, value in {**self._base, **self._over, **self.changes}.items():
            if slot[0] in ("party", "asset", "right", "case", "registry"):
                if (then := value.as_of(size)) is not None:
                    past[slot] = then
            else:
                past[slot] = value
        return Register(past)
