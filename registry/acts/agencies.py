"""`agency.give`, `agency.end`: a party lets another act in its name. Contract section 4; article 16.

An agency has no identifier of its own: it is named by the statement that gave it. It may name any act, and is of use for
those that can be sent for another (`agents`).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.statement import Statement
from registry.acts.act import Act, Context, Names, Outcome, party_named
from registry.acts.names import ACT_NAMES
from registry.acts.shapes import Digest, PartyId, Shape, body_of, instant, invalid
from registry.refusals.refusal import refused
from registry.register.party import Agency
from registry.register.register import Register


class GiveBody(Shape, frozen=True):
    agent: PartyId
    acts: Annotated[tuple[Annotated[str, Meta(max_length=65)], ...], Meta(min_length=1, max_length=64)]
    until: str


class EndBody(Shape, frozen=True):
    agency: Digest


def _parse_give(statement: Statement) -> GiveBody:
    body = body_of(statement, GiveBody)
    for number, act in enumerate(body.acts):
        if act not in ACT_NAMES:
            raise invalid(f"/body/acts/{number}", f"{act!r} is not an act", "不是约定的行为")
    if len(set(body.acts)) != len(body.acts):
        raise invalid("/body/acts", "an act is listed twice", "行为重复列出")
    if body.agent == statement.by:
        raise invalid("/body/agent", "nobody is its own agent", "主体不能作自己的代理人")
    instant(body.until, "/body/until")
    return body


def _decide_give(context: Context, body: GiveBody, register: Register) -> Outcome:
    party = party_named(register, context.statement.by, "/by")
    party_named(register, body.agent, "/body/agent")
    until = instant(body.until, "/body/until")
    if until <= context.time:
        raise invalid("/body/until", "the agency would be over before it begins", "代理期限在开始之前已经届满")
    agency = Agency(context.statement.identifier, body.agent, body.acts, context.stamp, until)
    after = msgspec.structs.replace(party, agencies=(*party.agencies, agency))
    return Outcome(register.put(("party", party.id, after), ("agency", agency.id, (party.id,))), (party.id,))


def _decide_end(context: Context, body: EndBody, register: Register) -> Outcome:
    givers = register.names("agency", body.agency)
    party = register.party(givers[0]) if givers else None
    agency = party.agency(body.agency) if party else None
    if party is None or agency is None:
        raise refused(
            "NOT_FOUND",
            f"There is no agency {body.agency}; it is named by the statement that gave it.",
            f"没有代理授权 {body.agency}；代理授权以授予它的声明标识指明。",
            "/body/agency",
        )
    if context.principal not in (party.id, agency.agent):
        raise refused(
            "NOT_ENTITLED",
            "An agency is ended by who gave it or by the agent.",
            "代理授权只能由委托人或代理人终止。",
            "/by",
        )
    if not agency.is_live(context.time):
        raise refused(
            "ALREADY_ENDED", "The agency has ended or run out already.", "代理授权已经终止或期限已届满。", "/body/agency"
        )  # fmt: skip
    ended = msgspec.structs.replace(agency, ended=context.stamp)
    agencies = tuple(ended if other.id == agency.id else other for other in party.agencies)
    return Outcome(register.put(("party", party.id, msgspec.structs.replace(party, agencies=agencies))), (party.id,))


AGENCY_GIVE = Act("agency.give", _parse_give, _decide_give, lambda _statement, body: Names(parties=(body.agent,)))
AGENCY_END = Act(
    "agency.end",
    lambda statement: body_of(statement, EndBody),
    _decide_end,
    lambda _statement, body: Names(agencies=(body.agency,)),
)
