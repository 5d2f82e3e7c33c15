"""What the register knows of itself: who keeps it, under which rules and keys."""

from functools import lru_cache
from typing import Literal

import msgspec

from ledger.encoding import parse_base64url
from ledger.identifiers import key_identifier
from ledger.log_keys import LogKey
from ledger.note import parse_verifier_key
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
    """A key that signs answers and certificates, from the entry `seq` on."""

    seq: int
    alg: str
    public: str

    @property
    def key(self) -> str:
        """Its `key_…` identifier."""
        return key_identifier(parse_base64url(self.public))


class KeyChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry that adds a key to the log or its seal, retires one, or both.

    Keys of the log are told as verifier keys, those of the seal by algorithm and public key, and retired by identifier.
    """

    recorded: Stamp
    use: Literal["log", "seal"]
    add: str | SealKey | None = None
    retire: str | None = None


class SealTerm(msgspec.Struct, frozen=True):
    """A seal key with the entries that list and retire it: what it seals in between holds for ever."""

    key: SealKey
    since: Stamp
    until: Stamp | None = None


class Registry(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts of `log.open` and what has come since: `log_keys` and `seal_keys` are those that it listed."""

    origin: str
    registrar: str
    clerk: str
    log_keys: tuple[str, ...]
    seal_keys: tuple[SealKey, ...]
    rulebooks: tuple[Adoption, ...]
    opened: Stamp
    spec: int = 1
    key_changes: tuple[KeyChange, ...] = ()

    def as_of(self, size: int) -> "Registry":
        """The registry as it was after `size` entries."""
        return msgspec.structs.replace(
            self,
            rulebooks=tuple(r for r in self.rulebooks if r.seq < size),
            key_changes=tuple(change for change in self.key_changes if change.recorded.seq < size),
        )

    def log_terms(self) -> tuple[LogKey, ...]:
        """Every key that the log ever had, in the order listed."""
        return _log_terms(self.log_keys, self.opened.seq, self.key_changes)

    def seal_terms(self) -> tuple[SealTerm, ...]:
        """Every key that the seal ever had, in the order listed."""
        terms = {key.key: SealTerm(key, self.opened) for key in self.seal_keys}
        for change in self.key_changes:
            if change.use == "seal" and isinstance(change.add, SealKey):
                terms[change.add.key] = SealTerm(change.add, change.recorded)
            if change.use == "seal" and change.retire is not None:
                terms[change.retire] = msgspec.structs.replace(terms[change.retire], until=change.recorded)
        return tuple(terms.values())

    def office_keys(self) -> frozenset[str]:
        """The identifiers of all keys of log and seal, retired ones included: none may serve another purpose."""
        log = (key_identifier(term.key.public) for term in self.log_terms())
        return frozenset((*log, *(term.key.key for term in self.seal_terms())))

    def default_rulebook(self) -> Adoption:
        """The rulebook of a case that names none: the last adopted as default."""
        return next(r for r in reversed(self.rulebooks) if r.default)

    def rulebook(self, identifier: str) -> Adoption | None:
        """The version of a rulebook adopted last."""
        return next((r for r in reversed(self.rulebooks) if r.id == identifier), None)


@lru_cache(maxsize=32)
def _log_terms(founding: tuple[str, ...], opened: int, changes: tuple[KeyChange, ...]) -> tuple[LogKey, ...]:
    terms = {text: LogKey(parse_verifier_key(text), opened) for text in founding}
    for change in changes:
        if change.use == "log" and isinstance(change.add, str):
            terms[change.add] = LogKey(parse_verifier_key(change.add), change.recorded.seq)
        if change.use == "log" and change.retire is not None:
            found = terms[change.retire]
            terms[change.retire] = LogKey(found.key, found.since, change.recorded.seq)
    return tuple(terms.values())
