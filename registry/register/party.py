"""Parties, their keys and roles, and who acts for them."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from ledger.encoding import parse_base64url
from ledger.keys import Algorithm
from registry.register.values import Stamp

UNVERIFIED = "self_declared"


@lru_cache(maxsize=4096)
def _public_bytes(text: str) -> bytes:
    return parse_base64url(text)


class Revocation(msgspec.Struct, frozen=True):
    """An entry that ends a key."""

    seq: int
    effective: datetime
    reason: Any


class Key(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key of a party. Its identifier belongs to one party for ever, and so does the mark that it was `recovered`."""

    key: str
    alg: str
    public: str
    custody: str
    added: Stamp
    effective: datetime
    revocations: tuple[Revocation, ...] = ()
    recovered: bool = False

    def revoked(self) -> datetime | None:
        """From when on the key no longer counts."""
        return min((r.effective for r in self.revocations), default=None)

    def is_live(self, time: datetime) -> bool:
        """Whether the key counts for an entry of this time (contract section 2, "Keys")."""
        if self.effective > time:
            return False
        revoked = self.revoked() if self.revocations else None
        return revoked is None or time < revoked

    def is_pending(self, time: datetime) -> bool:
        """Whether it was recovered, does not count yet at this time, and will unless something is done."""
        revoked = self.revoked()
        return self.recovered and time < self.effective and (revoked is None or self.effective < revoked)

    def algorithm(self) -> Algorithm:
        return Algorithm(self.alg)

    def public_bytes(self) -> bytes:
        return _public_bytes(self.public)


class Details(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a party says of itself, from the entry `seq` on. Confidential members are digests."""

    seq: int
    name: Any
    kind: str
    subkind: str | None = None
    identifier: Any = None
    contact: Any = None
    status: Any = None


class Level(msgspec.Struct, frozen=True):
    """How far the registrar has verified a party, from the entry `seq` on."""

    seq: int
    level: str


class Role(msgspec.Struct, frozen=True, omit_defaults=True):
    """A role, from the entry `seq` until the entry `ended`."""

    role: str
    seq: int
    ended: int | None = None


class Agency(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a party lets another do in its name, named by the statement that gave it."""

    id: str
    agent: str
    acts: tuple[str, ...]
    given: Stamp
    until: datetime
    ended: Stamp | None = None

    def is_live(self, at: datetime) -> bool:
        """Whether it was given by then, and has neither ended nor run out."""
        return self.given.time <= at < self.until and (self.ended is None or at < self.ended.time)


class Party(msgspec.Struct, frozen=True, omit_defaults=True):
    """An organisation or person, named by its first key. `window`: registered from a paper form, no key has proven it."""

    id: str
    ref: int
    recorded: Stamp
    details: tuple[Details, ...]
    keys: tuple[Key, ...]
    levels: tuple[Level, ...] = ()
    roles: tuple[Role, ...] = ()
    agencies: tuple[Agency, ...] = ()
    window: bool = False

    @property
    def current(self) -> Details:
        return self.details[-1]

    @property
    def level(self) -> str:
        return self.levels[-1].level if self.levels else UNVERIFIED

    def is_natural_person(self) -> bool:
        return self.current.kind == "natural_person"

    def key(self, identifier: str) -> Key | None:
        """The party's key of this identifier, whatever its state."""
        return next((key for key in self.keys if key.key == identifier), None)

    def acts_by_recovered_key(self, at: datetime) -> bool:
        """Whether a key that was recovered counts at an instant: who speaks for the party may be somebody new."""
        return any(key.recovered and key.is_live(at) for key in self.keys)

    def live_roles(self) -> tuple[str, ...]:
        return tuple(role.role for role in self.roles if role.ended is None)

    def agency(self, identifier: str) -> Agency | None:
        """The agency of this identifier that the party gave, whatever became of it."""
        return next((agency for agency in self.agencies if agency.id == identifier), None)

    def live_agencies(self, at: datetime) -> tuple[Agency, ...]:
        return tuple(agency for agency in self.agencies if agency.is_live(at))

    def identifier_text(self) -> str | None:
        """`scheme:value` of a plain identifier."""
        value = self.current.identifier
        if isinstance(value, dict) and "scheme" in value:
            return f"{value['scheme']}:{value['value']}"
        return None

    def as_of(self, size: int) -> "Party | None":
        """The party as the register knew it after `size` entries; None if it did not."""
        if self.recorded.seq >= size:
            return None
        return msgspec.structs.replace(
            self,
            details=tuple(d for d in self.details if d.seq < size),
            levels=tuple(level for level in self.levels if level.seq < size),
            keys=tuple(
                msgspec.structs.replace(k, revocations=tuple(r for r in k.revocations if r.seq < size))
                for k in self.keys
                if k.added.seq < size
            ),
            roles=tuple(
                role if role.ended is None or role.ended < size else msgspec.structs.replace(role, ended=None)
                for role in self.roles
                if role.seq < size
            ),
            agencies=tuple(
                agency
                if agency.ended is None or agency.ended.seq < size
                else msgspec.structs.replace(agency, ended=None)
                for agency in self.agencies
                if agency.given.seq < size
            ),
        )
