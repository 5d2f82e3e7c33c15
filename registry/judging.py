"""Judges admitted statements one after the other on a loaded slice of the register. Pure but for its own progress.

The writer and the auditor use the same code: what a replay decides is what was decided.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledger.instants import format_instant
from ledger.statement import Statement
from registry.acts.act import Context, Outcome
from registry.acts.agents import at_window, entered_at_window
from registry.acts.log_keys import LOG_KEY, added_key
from registry.admission import Admitted
from registry.key_ring import Use
from registry.law.rulebook import Rulebook
from registry.recoveries import with_recoveries
from registry.refusals.refusal import refused
from registry.register.citation import Citation, Cited, is_erased
from registry.register.party import UNVERIFIED
from registry.register.register import Register, Slot
from registry.signatures import is_signed_alone, required_verifications

OLDEST = timedelta(hours=24)
OLDEST_JOINT = timedelta(days=14)
NEWEST = timedelta(minutes=5)
OPEN_FAMILIES = ("party.", "key.")


@dataclass(frozen=True, slots=True)
class Rules:
    """How this registry admits statements."""

    rulebook: Callable[[str], Rulebook | None]
    verified_only: bool = False
    holds: Callable[[Use, str], bool] | None = None
    """Whether the private key of an identifier is at hand here; absent where nothing will be signed, as in a replay."""


class Bench:
    """A slice of the register with everything that this batch has changed in it so far."""

    def __init__(self, base: Mapping[Slot, Any], rules: Rules, stems: set[str]) -> None:
        """`stems` are those of identifiers that are taken already."""
        self._base = base
        self._rules = rules
        self._stems = stems
        self.changes: dict[Slot, Any] = {}

    def register(self) -> Register:
        """The register after what was accepted so far."""
        return Register(self._base, over=self.changes)

    def judge(
        self, item: Admitted, seq: int, time: datetime, folio_length: Callable[[str], int], *, check_at: bool = True,
        is_draft: bool = False,
    ) -> Outcome:  # fmt: skip
        """What the statement brings about as entry `seq`. Nothing is changed until `accept`.

        `is_draft`: it is asked what would be once all have signed; such an outcome is never accepted.

        Raises:
            RefusedError: it may not take effect.
        """
        register = self.register()
        if not is_draft and not is_signed_alone(register, item.signers, item.envelope.signatures, item.verified, time):
            for verification in required_verifications(register, item.signers, item.envelope.signatures, time):
                if (verification.position, verification.signature.key) not in item.verified:
                    verification.run(item.envelope)
        window = item.statement.for_ is not None and at_window(item.statement, register, time)
        self._check_admitted(item, register)
        if check_at:
            must_be_of_now(item, time)
        _check_expectations(item, folio_length)
        ids = item.ids
        if ids.stem in self._stems:
            raise refused(
                "ID_TAKEN",
                f"The identifiers …_{ids.stem} are taken; use another nonce.",
                f"标识 …_{ids.stem} 已被占用，请更换 nonce。",
            )
        must_not_be_erased(item, register)
        context = Context(item.statement, seq, time, ids, self._rules.rulebook, window)
        outcome = item.act.decide(context, item.body, register)
        self._check_held(item)
        outcome = with_recoveries(item, register, time, outcome, seq)
        return entered_at_window(item.statement, time, outcome) if window else outcome

    def accept(self, item: Admitted, outcome: Outcome, seq: int, time: datetime) -> None:
        """The outcome, as entry `seq`, is part of the register that the next statement sees."""
        self.changes.update(outcome.register.changes)
        self._stems.add(item.ids.stem)
        if item.cited is not None:
            self._cite(item.cited, item, outcome, seq, time)

    def _cite(self, cited: Cited, item: Admitted, outcome: Outcome, seq: int, time: datetime) -> None:
        register = self.register()
        case = next((made.id for made in outcome.made if made.id.startswith("cas_")), item.statement.body.get("case"))
        found = register.case(case) if isinstance(case, str) else None
        citation = Citation(
            seq, time, item.statement.act, outcome.folios, cited, found.rulebook_sha256 if found else None
        )
        self.changes["citation", str(seq)] = citation
        for digest in (*cited.digests, *cited.documents):
            self.changes["cited", digest] = (*register.citations(digest), citation)

    def fork(self) -> "Bench":
        """A bench on top of this one, for statements that stand or fall together."""
        return Bench(_Layered(self.changes, self._base), self._rules, set(self._stems))

    def join(self, fork: "Bench") -> None:
        """What the fork accepted is part of this bench."""
        self.changes.update(fork.changes)
        self._stems |= fork._stems  # noqa: SLF001  the same class

    def _check_admitted(self, item: Admitted, register: Register) -> None:
        if not self._rules.verified_only or item.statement.act.startswith(OPEN_FAMILIES):
            return
        party = register.party(item.statement.by)
        if party is not None and party.level == UNVERIFIED:
            raise refused(
                "NOT_ADMITTED",
                "This registry takes statements of verified parties only; ask the registrar to verify you.",
                "本登记簿只受理经核验主体的声明，请先向登记机构申请核验。",
                "/by",
            )

    def _check_held(self, item: Admitted) -> None:
        """What comes to sign for this registry must be able to: its private key is here."""
        if self._rules.holds is None or item.statement.act != LOG_KEY.name:
            return
        added = added_key(item.body)
        if added is not None and not self._rules.holds(item.body.use, added):
            raise refused(
                "INVALID_VALUE",
                f"/body/add: this server does not hold the private key of {added}; put it among its keys first "
                "(`sanquan keys rotate` does).",
                f"/body/add：本机没有 {added} 的私钥；请先将其放入密钥文件夹。",
                "/body/add",
            )


class _Layered(Mapping[Slot, Any]):
    """Two mappings read as one, the upper first."""

    __slots__ = ("_lower", "_upper")

    def __init__(self, upper: Mapping[Slot, Any], lower: Mapping[Slot, Any]) -> None:
        self._upper, self._lower = upper, lower

    def __getitem__(self, slot: Slot) -> Any:
        return self._upper[slot] if slot in self._upper else self._lower[slot]

    def get(self, slot: Slot, default: Any = None) -> Any:
        found = self._upper.get(slot)
        return self._lower.get(slot, default) if found is None else found

    def __iter__(self) -> Any:
        return iter({**self._lower, **self._upper})

    def __len__(self) -> int:
        return len({**self._lower, **self._upper})


def must_not_be_erased(item: Admitted, register: Register) -> None:
    """Returns if nothing that was erased would come back.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    for digest in item.cited.digests if item.cited else ():
        if is_erased(register.withheld(digest)):
            raise refused(
                "INVALID_VALUE",
                f"What {digest} stands for was erased; make another disclosure with a new salt.",
                f"摘要 {digest} 所对应的内容已被删除；请以新的盐值另行制作披露件。",
                "/body",
            )


def oldest_of(statement: Statement) -> timedelta:
    """How long before its entry a statement may be dated."""
    return OLDEST_JOINT if statement.with_ else OLDEST


def must_be_of_now(item: Admitted, time: datetime) -> None:
    """Returns if the statement's date is neither too old nor ahead at this time.

    Raises:
        RefusedError: AT_STALE or AT_FUTURE.
    """
    at = item.statement.at
    oldest = oldest_of(item.statement)
    if time - at > oldest:
        raise refused(
            "AT_STALE",
            f"The statement is dated {format_instant(at)}, more than {oldest} before now; sign it again.",
            f"声明日期 {format_instant(at)} 过早，请重新签署。",
            "/at",
        )
    if at - time > NEWEST:
        raise refused(
            "AT_FUTURE",
            f"The statement is dated {format_instant(at)}, more than five minutes ahead; check your clock.",
            f"声明日期 {format_instant(at)} 超前五分钟以上，请校准时钟。",
            "/at",
        )


def _check_expectations(item: Admitted, folio_length: Callable[[str], int]) -> None:
    for folio, expected in item.statement.expect.items():
        if (length := folio_length(folio)) != expected:
            raise refused(
                "STALE",
                f"The folio {folio} has {length} entries, not {expected}; look at what is new and sign again.",
                f"登记簿页 {folio} 现有 {length} 条，而非 {expected} 条；请查看新增内容后重新签署。",
                f"/expect/{folio}",
            )
