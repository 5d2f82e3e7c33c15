"""What the register knows of itself: who keeps it, under which rules and keys."""

import msgspec

from registry.register.values import Stamp


class Adoption(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rulebook adopted by the registrar. A later adoption of the same id is its newer version."""

    seq: int
    id: str
    version: str
    sha256: str
    default: bool = False
    open: bool = False
    review: bool = False


class SealKey(msgspec.Struct, frozen=True):
    """A key that signs answers and certificates."""

    seq: int
    alg: str
    public: str


class Registry(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts of `log.open` and what has come since."""

    origin: str
    registrar: str
    clerk: str
    log_keys: tuple[str, ...]
    seal_keys: tuple[SealKey, ...]
    rulebooks: tuple[Adoption, ...]
    opened: Stamp
    spec: int = 1

    def as_of(self, size: int) -> "Registry":
        """The registry as it was after `size` entries."""
        return msgspec.structs.replace(self, rulebooks=tuple(r for r in self.rulebooks if r.seq < size))

    def default_rulebook(self) -> Adoption:
        """The rulebook of a case that names none: the last adopted as default."""
        return next(r for r in reversed(self.rulebooks) if r.default)

    def rulebook(self, identifier: str) -> Adoption | None:
        """The version of a rulebook adopted last."""
        return next((r for r in reversed(self.rulebooks) if r.id == identifier), None)
