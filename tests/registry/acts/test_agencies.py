"""`agency.give`, `agency.end`, and what counts with `for`. Contract sections 2 and 4; article 16."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from registry.acts import ACTS
from registry.acts.agents import AGENTS_ACTS, WINDOW_ACTS
from registry.acts.names import ACT_NAMES
from tests.registry.acts.tables import NOBODY, titled
from tests.registry.acts.test_derivation import derived
from tests.registry.desk import ALL, Actor, Desk, granting, ids, newcomer, party_body, scope, sd

EVIDENCE = [{"kind": "power_of_attorney", "sha256": "ab" * 32}]


def giving(desk: Desk, agent: Actor, *acts: str, days: int = 30) -> dict[str, Any]:
    return {"agent": agent.id, "acts": list(acts), "until": format_instant(desk.clock.now() + timedelta(days=days))}


def give(desk: Desk, principal: Actor, agent: Actor, *acts: str, days: int = 30) -> str:
    """The name of a new agency."""
    name: str = desk.ok("agency.give", principal, giving(desk, agent, *acts, days=days))["statement"]
    return name


def test_an_agency_stands_with_its_principal(desk: Desk, a: Actor, b: Actor) -> None:
    receipt = desk.ok("agency.give", a, giving(desk, b, "case.file", "right.grant"))
    assert (receipt["ids"], receipt["folios"]) == ([], [{"id": a.id, "n": 2, "prev": 1}])
    (shown,) = desk.view(a.id)["agencies"]
    assert shown == {
        "agency": receipt["statement"],
        "agent": b.id,
        "acts": ["case.file", "right.grant"],
        "until": "2026-01-31T00:00:00.000Z",
        "recorded": {"seq": receipt["seq"], "time": receipt["time"]},
    }
    assert desk.view(b.id)["agencies"] == []
    assert desk.view(a.id, size=receipt["seq"])["agencies"] == []
    assert desk.view(a.id, at=desk.clock.now() + timedelta(days=30))["agencies"] == []


@pytest.mark.parametrize("by_agent", [False, True])
def test_either_side_ends_it(desk: Desk, a: Actor, b: Actor, c: Actor, *, by_agent: bool) -> None:
    name = give(desk, a, b, "case.file")
    size, at = desk.size(), desk.clock.now()
    desk.expect(("NOT_ENTITLED", 403, "/by"), "agency.end", c, {"agency": name})
    desk.expect(("NOT_FOUND", 404, "/body/agency"), "agency.end", a, {"agency": "0" * 64})
    receipt = desk.ok("agency.end", b if by_agent else a, {"agency": name})
    assert [folio["id"] for folio in receipt["folios"]] == [a.id]
    desk.expect(("ALREADY_ENDED", 409, "/body/agency"), "agency.end", a, {"agency": name})
    body = desk.filing([{"party": a.id, "rights": ALL}])
    desk.expect(("NOT_ENTITLED", 403, "/for"), "case.file", b, body, for_=a.id)
    assert desk.view(a.id)["agencies"] == []
    assert len(desk.view(a.id, at, size)["agencies"]) == 1


def test_it_ends_within_the_same_batch(desk: Desk, a: Actor, b: Actor) -> None:
    given = desk.payload("agency.give", a, giving(desk, b, "party.update"))
    receipt = desk.deliver(given, a.signers).receipt
    assert receipt is not None
    lines = [
        desk.envelope("party.update", b, {"contact": "1"}, for_=a.id),
        desk.envelope("agency.end", b, {"agency": receipt["statement"]}),
        desk.envelope("party.update", b, {"contact": "2"}, for_=a.id),
    ]
    answers = desk.submit(*lines)
    assert [answer.refusal.code if answer.refusal else None for answer in answers] == [None, None, "NOT_ENTITLED"]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"agent": NOBODY}, ("NOT_FOUND", 404, "/body/agent")),
        ({"acts": []}, ("INVALID_VALUE", 422, "/body/acts")),
        ({"acts": ["case.file", "case.dance"]}, ("INVALID_VALUE", 422, "/body/acts/1")),
        ({"acts": ["case.file", "case.file"]}, ("INVALID_VALUE", 422, "/body/acts")),
        ({"until": "2026-01-01T00:00:00Z"}, ("INVALID_VALUE", 422, "/body/until")),
        ({"until": "soon"}, ("INVALID_VALUE", 422, "/body/until")),
        ({"reason": "trust"}, ("UNKNOWN_MEMBER", 400, "/body/reason")),
    ],
)
def test_what_an_agency_may_not_say(
    desk: Desk, a: Actor, b: Actor, change: dict[str, Any], refusal: tuple[str, int, str]
) -> None:
    desk.expect(refusal, "agency.give", a, giving(desk, b, "case.file") | change)


def test_nobody_is_its_own_agent(desk: Desk, a: Actor) -> None:
    desk.expect(("INVALID_VALUE", 422, "/body/agent"), "agency.give", a, giving(desk, a, "case.file"))
    body = desk.filing([{"party": a.id, "rights": ALL}])
    desk.expect(("NOT_ENTITLED", 403, "/for"), "case.file", a, body, for_=a.id)


def test_an_agency_covers_its_acts_for_its_time(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    body = desk.filing([{"party": a.id, "rights": ALL}])
    refusal = ("NOT_ENTITLED", 403, "/for")
    desk.expect(refusal, "case.file", b, body | {"evidence": EVIDENCE}, for_=a.id)
    give(desk, a, b, "case.file", days=2)
    desk.expect(refusal, "case.file", c, body, for_=a.id)
    desk.expect(refusal, "party.update", b, {"contact": "1"}, for_=a.id)
    desk.expect(refusal, "case.file", a, desk.filing([{"party": b.id, "rights": ALL}]), for_=b.id)
    receipt = desk.ok("case.file", b, body, for_=a.id)
    asset = desk.view(ids(receipt, "ast")[0])
    assert (asset["applicant"], {right["holder"] for right in asset["rights"]}) == (a.id, {a.id})
    assert receipt["warnings"] == []
    assert desk.check(a, asset["id"]).decision
    assert not desk.check(b, asset["id"]).decision
    desk.pass_time(days=2)
    desk.expect(refusal, "case.file", b, body, for_=a.id)


def test_what_agents_do_they_do_for_their_principals(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    give(desk, a, b, "right.grant", "right.revoke", "party.update", "agency.end")
    body = granting(title, c, ["processing"], survives=True)
    receipt = desk.ok("right.grant", b, body, for_=a.id)
    right = ids(receipt, "rgt")[0]
    assert [link.holder for link in desk.check(c, asset, territory=("CN",)).chain] == [a.id, c.id]
    desk.ok("right.revoke", b, {"rights": [right], "ground": "breach", "evidence": EVIDENCE}, for_=a.id)
    assert desk.view(right)["status"] == "revoked"
    updated = desk.ok("party.update", b, {"name": "甲二"}, for_=a.id)
    assert [folio["id"] for folio in updated["folios"]] == [a.id]
    assert (desk.view(a.id)["name"], desk.view(b.id)["name"]) == ("甲二", "乙")
    other = give(desk, a, c, "case.file")
    desk.ok("agency.end", b, {"agency": other}, for_=a.id)


def test_an_agent_gives_nothing_to_itself_unless_the_principal_signs(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    asset, _, title = titled(desk, a)
    give(desk, a, b, "right.grant", "case.file")
    body = granting(title, b, ["processing"])
    desk.expect(("NOT_ENTITLED", 403, "/body/to"), "right.grant", b, body, for_=a.id)
    desk.ok("right.grant", b, body, for_=a.id, with_=[a])
    further = desk.filing([{"party": b.id, "rights": ALL}]) | {"asset": asset}
    desk.expect(("SIGNATURE_MISSING", 403, "/with"), "case.file", b, further, for_=a.id)
    claims = [{"party": c.id, "rights": ALL}]
    desk.ok("case.file", b, further | {"claims": claims}, for_=a.id, with_=[c])
    desk.ok("case.file", b, further, for_=a.id, with_=[a])


def test_one_may_file_for_itself_and_for_another_at_once(desk: Desk, a: Actor, b: Actor) -> None:
    """What both made is both's: the agent takes nothing from its principal."""
    give(desk, a, b, "case.file")
    body = desk.filing([{"party": a.id, "rights": ["operating"]}, {"party": b.id, "rights": ["holding"]}])
    receipt = desk.ok("case.file", b, body, for_=a.id)
    assert [right["holder"] for right in desk.view(ids(receipt, "ast")[0])["rights"]] == [a.id, b.id]


def test_an_agent_gets_nothing_by_what_it_says_its_principal_agrees_to(desk: Desk, a: Actor, b: Actor) -> None:
    """Neither what is made by the principal's rights, nor what the principal has a share in, nor by an assent."""
    asset, processing, _ = titled(desk, a)
    give(desk, a, b, "case.file", "case.assent")
    mine = [{"party": b.id, "rights": ALL}]
    made = derived(desk, [(asset, processing)])
    body = desk.filing(mine, made, form="derived")
    desk.expect(("NOT_ENTITLED", 403, "/body/claims/0/party"), "case.file", b, body, for_=a.id)
    desk.ok("case.file", b, body, for_=a.id, with_=[a])
    desk.ok("case.file", b, desk.filing([{"party": a.id, "rights": ALL}], made, form="derived"), for_=a.id)
    fused = {"origin": "agreement", "basis": "fusion", "facts": {"participants": [a.id, b.id]}}
    body = desk.filing(mine, fused)
    desk.expect(("R_NO_CONSENT_CO_PARTY", 422, "/body/sources/0/facts/participants"), "case.file", b, body, for_=a.id)
    case = ids(desk.ok("case.file", b, body | {"awaits": [a.id]}), "cas")[0]
    said = {"case": case, "assents": True}
    desk.expect(("NOT_ENTITLED", 403, "/for"), "case.assent", b, said, for_=a.id)
    desk.ok("case.assent", b, said, for_=a.id, with_=[a])


ALONE: dict[str, dict[str, Any]] = {
    "party.verify": {"party": NOBODY, "level": "documented"},
    "key.add": party_body(newcomer())["keys"][0],
    "key.revoke": {"key": "key_" + "0" * 26, "reason": "x"},
    "role.grant": {"party": NOBODY, "role": "auditor"},
    "role.revoke": {"party": NOBODY, "role": "auditor"},
    "rulebook.adopt": {"id": "internal", "version": "1", "sha256": "0" * 64},
    "agency.give": {"agent": NOBODY, "acts": ["case.file"], "until": "2027-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("act", ALONE)
def test_acts_that_nobody_sends_for_another(desk: Desk, a: Actor, b: Actor, act: str) -> None:
    refusal = ("NOT_ENTITLED", 403, "/for")
    give(desk, b, a, act)
    desk.expect(refusal, act, a, ALONE[act], for_=b.id)
    desk.expect(refusal, act, a, ALONE[act], for_=b.id, with_=[b])
    if act != "party.verify":
        desk.expect(refusal, act, desk.registrar, ALONE[act] | {"evidence": EVIDENCE}, for_=b.id)


def test_agencies_name_acts_of_the_contract() -> None:
    assert set(ACTS) | AGENTS_ACTS | WINDOW_ACTS <= ACT_NAMES


def test_the_principal_is_registered(desk: Desk, a: Actor) -> None:
    body = desk.filing([{"party": a.id, "rights": ALL}])
    stranger = newcomer()
    desk.expect(("NOT_ENTITLED", 403, "/for"), "case.file", a, body, for_=stranger.id)
    desk.expect(("KEY_UNKNOWN", 403, "/signatures/1"), "case.file", a, body, for_=stranger.id, with_=[stranger])
    filed = body | {"evidence": EVIDENCE}
    desk.expect(("NOT_FOUND", 404, "/for"), "case.file", desk.registrar, filed, for_=stranger.id)


def test_any_body_may_cite_evidence_where_somebody_acts_for_another(desk: Desk, a: Actor, b: Actor) -> None:
    update = {"contact": "1", "evidence": EVIDENCE}
    desk.expect(("UNKNOWN_MEMBER", 400, "/body/evidence"), "party.update", a, update)
    desk.ok("party.update", b, update, for_=a.id, with_=[a])
    rumour = [{"kind": "rumour", "sha256": "ab" * 32}]
    desk.expect(
        ("INVALID_VALUE", 422, "/body/evidence/0/kind"), "party.update", b, update | {"evidence": rumour},
        for_=a.id, with_=[a],
    )  # fmt: skip
    desk.expect(("INVALID_VALUE", 422, "/body"), "party.update", b, {"evidence": EVIDENCE}, for_=a.id, with_=[a])
    desk.expect(
        ("INVALID_VALUE", 422, "/body/received_on"), "party.update", b, {"contact": "1", "received_on": "2025-12-31"},
        for_=a.id, with_=[a],
    )  # fmt: skip


def test_a_person_who_acts_or_is_acted_for_keeps_its_texts_confidential(desk: Desk, a: Actor) -> None:
    person = newcomer("person")
    name, disclosure = sd("name", "张三")
    desk.ok("party.register", person, party_body(person) | {"name": name, "kind": "natural_person"},
            disclosures=[disclosure])  # fmt: skip
    titled_ = [EVIDENCE[0] | {"title": "委托书"}]
    refusal = ("INVALID_VALUE", 422, "/body/evidence/0/title")
    contact, opened = sd("contact", "电话")
    body = {"contact": contact, "evidence": titled_}
    desk.expect(refusal, "party.update", person, body, for_=a.id, with_=[a], disclosures=[opened])
    desk.expect(refusal, "party.update", a, body, for_=person.id, with_=[person], disclosures=[opened])
    desk.expect(
        ("INVALID_VALUE", 422, "/body/contact"), "party.update", person, {"contact": "电话"}, for_=a.id, with_=[a]
    )  # fmt: skip
    title, beside = sd("title", "委托书")
    good = {"contact": contact, "evidence": [EVIDENCE[0] | {"title": title}]}
    desk.ok("party.update", person, good, for_=a.id, with_=[a], disclosures=[opened, beside])


def test_a_root_holder_joins_through_its_agent(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    """The grant survives its parent, which needs the root holder: the agent's principal."""
    _, _, title = titled(desk, a)
    give(desk, a, b, "right.grant")
    receipt = desk.ok("right.grant", b, granting(title, c, ["processing"], scope(), survives=True), for_=a.id)
    assert desk.view(ids(receipt, "rgt")[0])["survives"] is True
