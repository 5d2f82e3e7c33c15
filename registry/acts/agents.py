"""Acting for somebody: agents, and the registrar at the window. Contract section 2, "Who signs"; article 16.

`for` names the principal, whose act it is. It counts if the principal itself signs (`with`), if a live agency of the
principal covers the act, or if the registrar enters a paper form whose scan the evidence names. An agent gains nothing
by signing: what its statement brings about, it brings about for the principal.
"""

from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from ledger.statement import Statement
from registry.acts.act import Outcome, known_party
from registry.acts.shapes import (
    RECEIVED_ON,
    calendar_date,
    documents_beside,
    invalid,
    must_keep_titles_confidential,
    not_at_window,
)
from registry.law.workdays import working_day_after
from registry.refusals.refusal import refused
from registry.register.register import Register

AGENTS_ACTS: Final = frozenset(
    {
        "party.update", "agency.end", "case.file", "case.supplement", "case.withdraw", "case.object", "case.answer",
        "case.assent", "evidence.attach", "right.grant", "right.revoke", "right.surrender", "right.suspend",
        "right.resume", "pledge.create", "pledge.release", "caution.lodge", "caution.withdraw", "consent.give",
        "consent.withdraw", "duty.fulfil",
    }
)  # fmt: skip
"""Acts of the contract's section 4 by which a party looks after its own rights, so that another may do it for it.

Keys, roles, agencies themselves and what belongs to an office are not among them.
"""
WINDOW_ACTS: Final = frozenset(
    {"party.register", "case.file", "case.supplement", "case.withdraw", "case.object", "case.answer"}
)
WINDOW_CASES: Final = frozenset({"initial", "change", "renewal"})
"""Kinds of filing that the registrar enters from paper; a transfer needs the signatures of both sides."""
PROMPT_DAYS: Final = 3
"""Working days within which paper is entered; later it is marked."""
SELF_DEALING_ARTICLE: Final = "《民法典》第一百六十八条第一款"
_SHANGHAI = timedelta(hours=8)


def must_be_sendable_for_another(act: str) -> None:
    """Returns if there is any way in which this act counts for somebody else than its sender.

    Raises:
        RefusedError: NOT_ENTITLED.
    """
    if act not in AGENTS_ACTS and act not in WINDOW_ACTS:
        raise refused(
            "NOT_ENTITLED",
            f"Nobody can send {act} for another; let whoever it concerns send it itself, without `for`.",
            f"{act} 不能由他人代为办理；请由本人提交，并去掉 for。",
            "/for",
        )


def at_window(statement: Statement, register: Register, time: datetime) -> bool:
    """Whether the registrar enters what the principal filed on paper; False where the principal or an agent of it acts.

    Raises:
        RefusedError: NOT_ENTITLED if `for` does not count; NOT_FOUND, or INVALID_VALUE for what comes with it.
    """
    principal = statement.for_
    assert principal is not None
    acted = _is_agent(statement, register, time)
    if not acted:
        _must_be_window(statement, register)
    if statement.act != "party.register":
        known_party(register.party(principal), principal, "/for")
    _check_beside(statement, register)
    if (text := statement.body.get(RECEIVED_ON)) is not None:
        if acted and statement.act != "case.object":  # which says of itself when it came
            raise not_at_window()
        if calendar_date(text, "/body/received_on") > _day(time):
            raise invalid("/body/received_on", "this day has not come yet", "该日期尚未到来")
    return not acted


def _is_agent(statement: Statement, register: Register, time: datetime) -> bool:
    """Whether the principal joins, or lets `by` do this in its name."""
    if statement.act not in AGENTS_ACTS or statement.for_ == statement.by:
        return False
    if statement.for_ in statement.with_:
        return True
    principal = register.party(statement.for_ or "")
    return principal is not None and any(
        agency.agent == statement.by and statement.act in agency.acts for agency in principal.live_agencies(time)
    )


def _must_be_window(statement: Statement, register: Register) -> None:
    registry = register.registry()
    entered = (
        registry is not None
        and statement.by == registry.registrar
        and statement.for_ != statement.by
        and statement.act in WINDOW_ACTS
        and (statement.act != "case.file" or statement.body.get("kind") in WINDOW_CASES)
    )
    if not entered:
        raise refused(
            "NOT_ENTITLED",
            "`for` does not count: the principal has to join in `with` and sign, or to have given an agency that is live "
            "and covers this act.",
            "for 不生效：委托人须列入 with 并签名，或已有涵盖该行为且仍有效的代理授权。",
            "/for",
        )
    if not statement.body.get("evidence"):
        raise refused(
            "NOT_ENTITLED",
            "What is entered at the window rests on the paper form: cite the digest of its scan in `evidence`.",
            "窗口录入须以纸质申请为凭，请在 evidence 中写明扫描件的摘要。",
            "/for",
        )


def _check_beside(statement: Statement, register: Register) -> None:
    """Titles of the documents that come with `for` are confidential where a person acts or is acted for."""
    parties = [register.party(name) for name in (statement.by, statement.for_ or "")]
    if any(party is not None and party.is_natural_person() for party in parties):
        must_keep_titles_confidential(documents_beside(statement), "/body/evidence")


def entered_at_window(statement: Statement, time: datetime, outcome: Outcome) -> Outcome:
    """The outcome with its warnings: that it comes from paper, and that the paper lay for long."""
    warnings: list[dict[str, Any]] = [{"code": "WINDOW_ENTRY"}]
    received = statement.body.get(RECEIVED_ON)
    if received is not None and _day(time) > working_day_after(date.fromisoformat(received), PROMPT_DAYS):
        warnings.append({"code": "LATE_ENTRY", "received_on": received})
    return msgspec.structs.replace(outcome, warnings=(*outcome.warnings, *warnings))


def _day(time: datetime) -> date:
    """The day in Asia/Shanghai."""
    return (time + _SHANGHAI).date()


def is_by_agency(statement: Statement) -> bool:
    """Whether somebody signs in the name of a principal that does not sign itself."""
    return statement.for_ is not None and statement.for_ not in statement.with_


def must_not_take_for_itself(statement: Statement, taker: str, pointer: str) -> None:
    """Returns unless somebody gives to itself in the name of a principal that does not sign.

    Raises:
        RefusedError: NOT_ENTITLED.
    """
    if is_by_agency(statement) and taker == statement.by:
        raise refused(
            "NOT_ENTITLED",
            "Who acts for another may not give to itself unless the principal signs too: name it in `with`.",
            f"代理人不得以被代理人名义为自己设立权利（{SELF_DEALING_ARTICLE}），除非委托人列入 with 并签名。",
            pointer,
        )
