"""`case.assent`, `case.withdraw`: what becomes of a filing that others have still to join. Contract sections 4 and 5.

More parties may have to join than can sign one envelope. The filing then names them in `awaits`: its asset, case and
rights are there from the filing on, the rights `pending`, and with the last assent it is deposited. One refusal, or the
applicant's withdrawal, ends the case.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from ledger.statement import Statement
from registry.acts import filing
from registry.acts.act import Act, Context, Names, Outcome
from registry.acts.agents import must_not_take_for_itself
from registry.acts.shapes import CaseId, Shape, body_of
from registry.refusals.refusal import Reason, RefusedError, refused
from registry.register.asset import Assent, Case, CaseState
from registry.register.register import Register
from registry.register.right import Decision

_DEPOSITS: dict[str, Callable[[Context, Case, Register], Outcome]] = {"initial": filing.deposit}
"""How a filing of each kind takes effect once nobody is awaited any more."""


class AssentBody(Shape, frozen=True):
    case: CaseId
    assents: bool


class WithdrawBody(Shape, frozen=True):
    case: CaseId


def _decide_assent(context: Context, body: AssentBody, register: Register) -> Outcome:
    case = case_named(register, body.case)
    party = context.principal
    if party not in case.awaits:
        raise refused(
            "NOT_ENTITLED",
            f"The case {case.id} does not await {party}.",
            f"案件 {case.id} 不等待主体 {party} 的同意。",
            "/by",
        )
    _must_be_open(case)
    if body.assents and case.filing is not None and _rests_on(case.filing.body, party):
        for claim in case.filing.body["claims"]:
            must_not_take_for_itself(context.statement, claim["party"], "/for")
    if party not in case.awaited():
        raise refused(
            "CASE_STATE",
            f"{party} has assented to the case {case.id} already.",
            f"主体 {party} 已经同意案件 {case.id}。",
            "/body/case",
        )
    said = Assent(context.stamp, party, body.assents)
    case = msgspec.structs.replace(case, assents=(*case.assents, said))
    if not body.assents:
        return _end(context, case, register, "refused")
    if case.awaited():
        return Outcome(register.put(("case", case.id, case)), (case.asset,))
    return _deposit(context, case, register)


def _rests_on(filing: Mapping[str, Any], party: str) -> bool:
    """Whether others may get by the filing what is the party's: its data, or its share in what several made."""
    sources = filing["sources"]
    return (
        isinstance(filing["asset"], str)
        or any("asset" in item for source in sources for item in source.get("inputs", ()))
        or any(party in source.get("facts", {}).get("participants", ()) for source in sources)
    )


def _deposit(context: Context, case: Case, register: Register) -> Outcome:
    try:
        outcome = _DEPOSITS[case.kind](context, case, register)
    except RefusedError as refusal:
        reasons = (_about_case(reason) for reason in refusal.reasons)
        raise RefusedError(*reasons, code=refusal.code) from refusal
    moved = _moved(context, case, "deposited")
    return msgspec.structs.replace(outcome, register=outcome.register.put(("case", case.id, moved)))


def _about_case(reason: Reason) -> Reason:
    """The reason, whose pointer led into the filing, as one about the case."""
    return Reason(
        reason.code, reason.message, "/body/case", reason.rule, reason.article, reason.right, reason.dimension,
        reason.wanted, reason.allowed,
    )  # fmt: skip


def _decide_withdraw(context: Context, body: WithdrawBody, register: Register) -> Outcome:
    case = case_named(register, body.case)
    if context.principal != case.applicant:
        raise refused(
            "NOT_ENTITLED",
            f"Only the applicant {case.applicant} may withdraw the case.",
            f"只有登记申请人 {case.applicant} 可以撤回案件。",
            "/by",
        )
    _must_be_open(case)
    return _end(context, case, register, "withdrawn")


def _end(context: Context, case: Case, register: Register, state: Literal["refused", "withdrawn"]) -> Outcome:
    """The case has ended without a registration, and with it the titles that it was to bring about."""
    titles = [right for right in register.rights_of(case.asset) if right.case == case.id and right.is_awaited()]
    ended = [
        msgspec.structs.replace(right, decision=Decision(context.seq, state, right.scope)) for right in titles
    ]  # fmt: skip
    after = register.put(
        ("case", case.id, _moved(context, case, state)), *(("right", right.id, right) for right in ended)
    )
    return Outcome(after, (case.asset,))


def _moved(context: Context, case: Case, state: str) -> Case:
    """The case in its last state, in which nothing has to be decided again."""
    return msgspec.structs.replace(case, states=(*case.states, CaseState(context.seq, state)), filing=None)


def case_named(register: Register, identifier: str, pointer: str = "/body/case") -> Case:
    """The case that a body names.

    Raises:
        RefusedError: NOT_FOUND with the pointer.
    """
    case = register.case(identifier)
    if case is None:
        raise refused("NOT_FOUND", f"There is no case {identifier}.", f"没有案件 {identifier}。", pointer)
    return case


def _must_be_open(case: Case) -> None:
    if not case.is_open():
        raise refused(
            "CASE_STATE",
            f"The case {case.id} is {case.state}; it moves no more.",
            f"案件 {case.id} 的状态为 {case.state}，已经办结。",
            "/body/case",
        )


CASE_ASSENT = Act(
    "case.assent",
    lambda statement: body_of(statement, AssentBody),
    _decide_assent,
    lambda _statement, body: Names(cases=(body.case,)),
)


def _parse_withdraw(statement: Statement) -> WithdrawBody:
    return body_of(statement, WithdrawBody)


CASE_WITHDRAW = Act(
    "case.withdraw", _parse_withdraw, _decide_withdraw, lambda _statement, body: Names(cases=(body.case,))
)
