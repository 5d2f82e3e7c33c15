"""Contract sections 2, 4, 5 and 7 by HTTP alone: agents, the window, custody, assents, evidence that comes later."""

import base64
import hashlib
import json
from typing import Any

import pytest

from tests.contract.served import Live
from tests.registry.desk import ALL, Actor, ids, newcomer, party_body, scope

SCAN = [{"kind": "identity", "sha256": "ab" * 32}]
UNTIL = "2026-12-31T00:00:00Z"


def ok(live: Live, act: str, by: Actor, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = live.post(live.desk.envelope(act, by, body, **more))
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def problem(live: Live, act: str, by: Actor, body: dict[str, Any], **more: Any) -> tuple[int, str, str]:
    answer = live.post(live.desk.envelope(act, by, body, **more))
    found = answer.json()
    return answer.status_code, found["code"], found["reasons"][0]["pointer"]


def get(live: Live, path: str, **params: Any) -> dict[str, Any]:
    answer = live.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def check(live: Live, party: Actor, asset: str, **more: Any) -> dict[str, Any]:
    return get(live, "/v1/check", party=party.id, asset=asset, purpose="research", territory="CN", **more)


@pytest.fixture
def parties(live: Live) -> tuple[Actor, Actor, Actor]:
    return live.desk.party("甲"), live.desk.party("乙"), live.desk.party("丙")


def test_an_agency_is_named_by_the_statement_that_gives_it(live: Live, parties: tuple[Actor, Actor, Actor]) -> None:
    principal, agent, _ = parties
    body = {"agent": agent.id, "acts": ["case.file", "right.grant"], "until": UNTIL}
    envelope = live.desk.envelope("agency.give", principal, body)
    name = hashlib.sha256(base64.b64decode(json.loads(envelope)["payload"])).hexdigest()
    receipt = live.post(envelope).json()
    assert receipt["statement"] == name
    assert [folio["id"] for folio in receipt["folios"]] == [principal.id]
    (shown,) = get(live, f"/v1/parties/{principal.id}")["agencies"]
    assert (shown["agency"], shown["agent"], shown["acts"]) == (name, agent.id, body["acts"])
    filing = live.desk.filing([{"party": principal.id, "rights": ALL}])
    title = ok(live, "case.file", agent, filing, for_=principal.id)
    asset = ids(title, "ast")[0]
    assert get(live, f"/v1/cases/{ids(title, 'cas')[0]}")["applicant"] == principal.id
    assert check(live, principal, asset)["decision"]
    assert not check(live, agent, asset)["decision"]
    refusal = problem(live, "party.update", agent, {"contact": "1"}, for_=principal.id)
    assert refusal == (403, "NOT_ENTITLED", "/for")
    ended = ok(live, "agency.end", agent, {"agency": name})
    assert [folio["id"] for folio in ended["folios"]] == [principal.id]
    assert problem(live, "case.file", agent, filing, for_=principal.id) == (403, "NOT_ENTITLED", "/for")
    entry = get(live, f"/v1/entries/{title['seq']}")
    assert (entry["statement"]["by"], entry["statement"]["for"]) == (agent.id, principal.id)


def test_a_power_of_attorney_alone_is_not_enough(live: Live, parties: tuple[Actor, Actor, Actor]) -> None:
    principal, agent, _ = parties
    power = {"evidence": [{"kind": "power_of_attorney", "sha256": "cd" * 32}]}
    filing = live.desk.filing([{"party": principal.id, "rights": ALL}]) | power
    assert problem(live, "case.file", agent, filing, for_=principal.id) == (403, "NOT_ENTITLED", "/for")


def test_paper_filed_at_the_window(live: Live) -> None:
    registrar, paper = live.desk.registrar, newcomer("纸质申请人")
    body = party_body(paper) | {"evidence": SCAN, "received_on": "2025-12-31"}
    registered = ok(live, "party.register", registrar, body, for_=paper.id)
    assert ([warning["code"] for warning in registered["warnings"]], ids(registered, "pty")) == (
        ["WINDOW_ENTRY"], [paper.id],
    )  # fmt: skip
    filing = live.desk.filing([{"party": paper.id, "rights": ALL}]) | {"evidence": SCAN, "received_on": "2025-12-22"}
    filed = ok(live, "case.file", registrar, filing, for_=paper.id)
    assert [warning["code"] for warning in filed["warnings"]] == ["WINDOW_ENTRY", "LATE_ENTRY"]
    answer = check(live, paper, ids(filed, "ast")[0])
    assert answer["decision"]
    assert {"code": "WINDOW_ENTRY"} in answer["warnings"]
    assert get(live, f"/v1/cases/{ids(filed, 'cas')[0]}")["entered"] == "window"
    tomorrow = filing | {"received_on": "2026-01-02"}
    assert problem(live, "case.file", registrar, tomorrow, for_=paper.id) == (422, "INVALID_VALUE", "/body/received_on")
    transfer = {"kind": "transfer", "evidence": SCAN}
    assert problem(live, "case.file", registrar, transfer, for_=paper.id)[:2] in (
        (403, "NOT_ENTITLED"), (422, "INVALID_VALUE"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("capacity", "place", "may"), [("custody", 0, {"store"}), ("entrusted", 1, {"process", "aggregate", "analyse"})]
)
def test_custody_and_entrusted_processing(
    live: Live, parties: tuple[Actor, Actor, Actor], capacity: str, place: int, may: set[str]
) -> None:
    holder, other, _ = parties
    title = live.desk.register(holder)
    asset, parent = ids(title, "ast")[0], ids(title, "rgt")[place]
    body = {
        "from_right": parent, "to": other.id, "rights": [ALL[place]], "scope": scope(), "capacity": capacity,
    }  # fmt: skip
    right = ids(ok(live, "right.grant", holder, body), "rgt")[0]
    for action in ("store", "access", "process", "aggregate", "analyse", "train_model", "derive", "provide", "license"):
        answer = check(live, other, asset, action=action)
        assert answer["decision"] is (action in may), action
        if answer["decision"]:
            assert [link.get("capacity") for link in answer["chain"]] == [None, capacity]
            assert {"code": "FOR_PRINCIPAL"} in answer["warnings"]
        else:
            assert answer["reasons"][0]["code"] == "ACTION_OUTSIDE_SCOPE"
    assert get(live, f"/v1/rights/{right}")["capacity"] == capacity
    assert get(live, "/v1/assets", holder=other.id)["items"] == []


def test_a_filing_that_awaits_assents(live: Live, parties: tuple[Actor, Actor, Actor]) -> None:
    a, b, c = parties
    claims = [{"party": party.id, "rights": [kind]} for party, kind in zip(parties, ALL, strict=True)]
    filing = live.desk.filing(claims) | {"awaits": [b.id, c.id]}
    filed = ok(live, "case.file", a, filing)
    asset, case = ids(filed, "ast")[0], ids(filed, "cas")[0]
    shown = get(live, f"/v1/cases/{case}")
    assert (shown["state"], shown["awaits"]) == ("passed", [b.id, c.id])
    assert {right["status"] for right in get(live, f"/v1/assets/{asset}")["rights"]} == {"pending"}
    assert check(live, b, asset)["reasons"][0]["code"] == "NOT_YET_EFFECTIVE"
    live.desk.pass_time(hours=5)
    assert problem(live, "case.assent", a, {"case": case, "assents": True}) == (403, "NOT_ENTITLED", "/by")
    ok(live, "case.assent", b, {"case": case, "assents": True})
    assert problem(live, "case.assent", b, {"case": case, "assents": True}) == (409, "CASE_STATE", "/body/case")
    last = ok(live, "case.assent", c, {"case": case, "assents": True})
    shown = get(live, f"/v1/cases/{case}")
    assert (shown["state"], shown["awaits"]) == ("deposited", [])
    rights = get(live, f"/v1/assets/{asset}")["rights"]
    assert [right["id"] for right in rights] == ids(filed, "rgt")
    assert {(right["status"], right["scope"]["from"]) for right in rights} == {("active", last["time"])}
    assert check(live, b, asset)["decision"]
    past = get(live, f"/v1/cases/{case}", size=last["seq"])
    assert (past["state"], past["awaits"]) == ("passed", [c.id])
    assert [item["seq"] for item in get(live, f"/v1/assets/{asset}/history")["items"]] == [
        filed["seq"], last["seq"] - 1, last["seq"],
    ]  # fmt: skip


def test_refused_and_withdrawn(live: Live, parties: tuple[Actor, Actor, Actor]) -> None:
    a, b, _ = parties
    for act, by, extra, state in (
        ("case.assent", b, {"assents": False}, "refused"), ("case.withdraw", a, {}, "withdrawn"),
    ):  # fmt: skip
        filed = ok(live, "case.file", a, live.desk.filing([{"party": b.id, "rights": ALL}]) | {"awaits": [b.id]})
        case = ids(filed, "cas")[0]
        ok(live, act, by, {"case": case} | extra)
        assert get(live, f"/v1/cases/{case}")["state"] == state
        assert {get(live, f"/v1/rights/{right}")["status"] for right in ids(filed, "rgt")} == {state}
        assert get(live, "/v1/rights", status=state)["items"]


def test_evidence_that_comes_later(live: Live, parties: tuple[Actor, Actor, Actor]) -> None:
    a, b, _ = parties
    title = live.desk.register(a)
    right, digest = ids(title, "rgt")[0], "ef" * 32
    body = {"target": right, "evidence": [{"kind": "contract", "sha256": digest}]}
    assert problem(live, "evidence.attach", b, body) == (403, "NOT_ENTITLED", "/by")
    receipt = ok(live, "evidence.attach", a, body)
    assert [folio["id"] for folio in receipt["folios"]] == ids(title, "ast")
    assert get(live, f"/v1/rights/{right}")["evidence"] == [
        {"kind": "contract", "sha256": digest, "recorded": {"seq": receipt["seq"], "time": receipt["time"]}}
    ]
    assert [item["id"] for item in get(live, "/v1/rights", evidence=digest)["items"]] == [right]
    assert get(live, "/v1/rights", evidence=digest, size=receipt["seq"])["items"] == []
