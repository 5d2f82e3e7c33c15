"""Rights: titles, born of a registration, and grants, derived from another right."""

from datetime import datetime
from typing import Literal

import msgspec

from registry.register.scope import Scope
from registry.register.values import Attached, Evidence, Stamp

Capacity = Literal["own", "custody", "entrusted"]
"""In whose interest a right is held: one's own, or that of the principal whose data one keeps or processes."""


class End(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry that ends a right from `effective` on. `cause` is the right whose end brought this one down."""

    seq: int
    kind: str
    effective: datetime
    cause: str
    ground: str | None = None


class Decision(msgspec.Struct, frozen=True):
    """What became of a title that had to wait for assents, in the entry `seq`. `filed`: its scope until then."""

    seq: int
    state: Literal["deposited", "refused", "withdrawn"]
    filed: Scope


class Right(msgspec.Struct, frozen=True, omit_defaults=True):
    """A right of a party over an asset. Its facts never change; what happens to it is added in `ends`.

    `granted_from`: the right that a grant was made from; what it hangs on at an instant says `title.chain.parent_of`.
    `window`: filed on paper and entered by the registrar. `awaited`: filed when others had still to assent; its scope is
    settled by the `decision`. `recovered`: the statement that made it was signed with a recovered key.
    """

    id: str
    ref: int
    asset: str
    asset_ref: int
    kind: str
    holder: str
    holder_ref: int
    scope: Scope
    recorded: Stamp
    basis: str
    rulebook_sha256: str
    case: str | None = None
    granted_from: str | None = None
    exclusivity: str = "none"
    survives: bool = False
    subject_to: tuple[str, ...] = ()
    registered_until: datetime | None = None
    previous: str | None = None
    ends: tuple[End, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    attached: tuple[Attached, ...] = ()
    capacity: Capacity = "own"
    window: bool = False
    awaited: bool = False
    decision: Decision | None = None
    recovered: bool = False

    def is_awaited(self) -> bool:
        """Whether it is only filed so far: others have still to assent."""
        return self.awaited and self.decision is None

    def is_registered(self) -> bool:
        """Whether its registration has taken effect, whatever became of it since."""
        return not self.awaited or (self.decision is not None and self.decision.state == "deposited")

    def is_for_principal(self) -> bool:
        """Whether a custodian or an entrusted processor has it, who is no right holder (articles 3 and 21(7))."""
        return self.capacity != "own"

    def documents(self) -> frozenset[str]:
        """The digests of all documents that support it."""
        return frozenset([e.sha256 for e in self.evidence] + [a.evidence.sha256 for a in self.attached])

    def is_title(self) -> bool:
        """Whether the right was born of a registration."""
        return self.granted_from is None

    def live_ends(self) -> tuple[End, ...]:
        """The ends that count: of several with one cause, the one recorded last (a judgment replaced the others)."""
        newest: dict[str, End] = {}
        for end in self.ends:
            newest[end.cause] = end
        return tuple(newest.values())

    def ended(self) -> End | None:
        """The end that takes effect first."""
        return min(self.live_ends(), key=lambda end: end.effective, default=None)

    def ended_at(self, at: datetime) -> End | None:
        """The end that has taken effect at an instant."""
        end = self.ended()
        return end if end is not None and end.effective <= at else None

    def status_at(self, at: datetime) -> str:
        """One of the contract's statuses (section 5)."""
        if not self.is_registered():
            return "pending" if self.decision is None else self.decision.state
        if (end := self.ended_at(at)) is not None:
            return end.kind
        if self.scope.ends is not None and self.scope.ends <= at:
            return "expired"
        if self.registered_until is not None and self.registered_until <= at:
            return "lapsed"
        return "active" if self.scope.starts <= at else "pending"

    def as_of(self, size: int) -> "Right | None":
        """The right as the register knew it after `size` entries; None if it did not."""
        if self.recorded.seq >= size:
            return None
        then = self
        if self.ends:
            then = msgspec.structs.replace(then, ends=tuple(end for end in self.ends if end.seq < size))
        if self.attached:
            known = tuple(item for item in self.attached if item.recorded.seq < size)
            then = msgspec.structs.replace(then, attached=known)
        if self.decision is not None and self.decision.seq >= size:
            then = msgspec.structs.replace(then, decision=None, scope=self.decision.filed)
        return then
