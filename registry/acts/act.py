"""What every act is: a body with a form, the objects it names, and a decision.

`parse` is judged before the queue, from the statement alone. `decide` is pure: it sees a `Register` and a `Context`,
never SQL, the clock or the network, and answers the register after the act or raises `RefusedError`. So an auditor
replays the ledger with the same code and must arrive at the same register.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from ledger.identifiers import ObjectIdentifiers
from ledger.statement import Statement
from registry.law.rulebook import Rulebook
from registry.refusals.refusal import refused
from registry.register.party import Party
from registry.register.register import Register
from registry.register.values import Stamp, reference

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a statement itself brings: it proves that its holder has it."""

    alg: str
    public: bytes


class Names(msgspec.Struct, frozen=True):
    """What an act needs to see of the register, besides the parties that sign."""

    parties: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    """Assets among `assets` whose ancestors the act looks at, too."""
    fingerprints: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """Digests of what is kept beside the ledger, whose citations and restrictions the act looks at."""
    confidential: tuple[str, ...] = ()
    """Digests of the statement's own confidential members: whether they were erased, whoever cited them before."""
    identifiers_of: tuple[str, ...] = ()
    """Parties whose official identifier the act takes or gives up."""
    identifiers: tuple[str, ...] = ()
    """Official identifiers, `scheme:value`, that the act itself gives to a party."""
    concerned: tuple[str, ...] = ()
    """Assets among `assets` and rights among `rights` whose applicant or holder the act looks at, too."""
    agencies: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    """Cases, each with its asset; of one that waits for assents also what deciding it needs."""


class Context(msgspec.Struct, frozen=True):
    """Everything an act may know besides the register."""

    statement: Statement
    seq: int
    time: datetime
    ids: ObjectIdentifiers
    rulebook: Callable[[str], Rulebook | None]
    """The rulebook of a digest, if its bytes are among the documents."""
    window: bool = False
    """The registrar enters what the principal filed on paper."""

    @property
    def principal(self) -> str:
        """Whose act it is: `for` where the statement names a principal, else `by`."""
        return self.statement.for_ or self.statement.by

    @property
    def signers(self) -> tuple[str, ...]:
        """Everyone who signed, `by` first."""
        return (self.statement.by, *self.statement.with_)

    @property
    def joined(self) -> frozenset[str]:
        """Everyone whose consent the statement carries: who signed, and the principal for whom an agent did."""
        return frozenset((self.principal, *self.signers))

    @property
    def authors(self) -> tuple[str, ...]:
        """`by` and, where there is one, `for`."""
        return (self.statement.by, self.statement.for_) if self.statement.for_ else (self.statement.by,)

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.seq, self.time)

    def ref(self, number: int = 0) -> int:
        """The integer key of the `number`-th object of a kind that this entry makes."""
        return reference(self.seq, number)

    def effective(self, wanted: datetime | None) -> datetime:
        """`wanted`, or the entry's time if it is absent or lies between the statement's `at` and the entry's time."""
        if wanted is None or self.statement.at <= wanted <= self.time:
            return self.time
        return wanted


class Made(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object that an act made, in the order of the receipt."""

    id: str
    kind: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What an act brought about. `folios` are the pages that the entry is written into."""

    register: Register
    folios: tuple[str, ...]
    made: tuple[Made, ...] = ()
    warnings: tuple[Mapping[str, Any], ...] = ()


def _no_names(_statement: Statement, _body: Any) -> Names:
    return Names()


def _no_keys(_body: Any) -> tuple[Key, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Act(Generic[Body]):
    """A kind of statement. `proofs` are the keys that sign behind the signers, as proof of possession."""

    name: str
    parse: Callable[[Statement], Body]
    decide: Callable[[Context, Body, Register], Outcome]
    names: Callable[[Statement, Body], Names] = _no_names
    proofs: Callable[[Body], tuple[Key, ...]] = _no_keys
    founding: Callable[[Body], tuple[Key, ...]] = field(default=_no_keys)
    """The keys that count for this entry because it lists them; the first is the one `by` signs with."""
    shape: type | None = None
    """The body on the wire, where members of it may be confidential."""


def must_be_registrar(context: Context, register: Register) -> None:
    """Returns if the registrar acts.

    Raises:
        RefusedError: NOT_ENTITLED.
    """
    registry = register.registry()
    if registry is None or context.statement.by != registry.registrar:
        raise refused(
            "NOT_ENTITLED",
            f"Only the registrar may send {context.statement.act}.",
            f"{context.statement.act} 只能由登记机构发出。",
            "/by",
        )


def party_named(register: Register, identifier: str, pointer: str) -> Party:
    """The party that a body names.

    Raises:
        RefusedError: NOT_FOUND with the pointer.
    """
    return known_party(register.party(identifier), identifier, pointer)


def known_party(party: Party | None, identifier: str, pointer: str) -> Party:
    """The party, if it was found.

    Raises:
        RefusedError: NOT_FOUND with the pointer.
    """
    if party is None:
        raise refused(
            "NOT_FOUND",
            f"There is no party {identifier} in this register.",
            f"本登记簿中没有主体 {identifier}。",
            pointer,
        )
    return party
