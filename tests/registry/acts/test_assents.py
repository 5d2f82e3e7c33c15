"""Filings that others have still to join: `awaits`, `case.assent`, `case.withdraw`. Contract section 5."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.instants import format_instant
from ledger.statement import format_envelope
from registry.drafting import sign_payload
from registry.title.question import Question
from tests.registry.acts.tables import NOBODY
from tests.registry.desk import ALL, OWN, Actor, Desk, codes, granting, ids, newcomer, open_desk, scope
from tests.registry.lists import listed
from tests.registry.made import identifier

NOTHING = "cas_" + "0" * 26


def shared(desk: Desk, a: Actor, b: Actor, *awaited: Actor, **form: Any) -> dict[str, Any]:
    """A files: operating for itself, holding and processing for B. B is awaited, and whoever else."""
    claims = [{"party": a.id, "rights": ["operating"]}, {"party": b.id, "rights": ["holding", "processing"]}]
    return desk.filing(claims, **form) | {"awaits": [party.id for party in (b, *awaited)]}


def assent(desk: Desk, party: Actor, case: str, *, assents: bool = True, **more: Any) -> dict[str, Any]:
    return desk.ok("case.assent", party, {"case": case, "assents": assents}, **more)


def test_what_waits_is_there_and_allows_nothing(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    receipt = desk.ok("case.file", a, shared(desk, a, b, c))
    assert [made["id"][:3] for made in receipt["ids"]] == ["ast", "cas", "rgt", "rgt", "rgt"]
    asset, case, rights = ids(receipt, "ast")[0], ids(receipt, "cas")[0], ids(receipt, "rgt")
    view = desk.view(case)
    assert (view["state"], view["awaits"], view["assents"]) == ("passed", [b.id, c.id], [])
    assert {right["status"] for right in desk.view(asset)["rights"]} == {"pending"}
    for party, action in ((a, "license"), (b, "process"), (b, "store")):
        for at in (None, desk.clock.now() + timedelta(days=9)):
            answer = desk.check(party, asset, action=action, at=at)
            assert (answer.decision, answer.reasons[0].code) == (False, "NOT_YET_EFFECTIVE")
            assert len(answer.reasons) == 1
    assert desk.check(c, asset).reasons[0].code == "NO_ACTIVE_PATH"
    body = granting(rights[0], c, ["processing"])
    desk.expect(("RIGHT_STATE", 409, "/body/from_right"), "right.grant", a, body)
    assert listed(desk, "assets", holder=[b.id]) == listed(desk, "assets", state=["registered"]) == []
    assert listed(desk, "assets", state=["pending"]) == listed(desk, "assets", applicant=[a.id]) == [asset]
    assert listed(desk, "rights", holder=[b.id], status=["pending"]) == rights[1:]
    assert listed(desk, "cases", state=["passed"]) == [case]


def test_the_last_assent_deposits(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    filed = desk.ok("case.file", a, shared(desk, a, b, c))
    asset, case, rights = ids(filed, "ast")[0], ids(filed, "cas")[0], ids(filed, "rgt")
    desk.pass_time(days=3)
    first = assent(desk, c, case)
    assert (first["ids"], [folio["id"] for folio in first["folios"]]) == ([], [asset])
    assert (desk.view(case)["state"], desk.view(case)["awaits"]) == ("passed", [b.id])
    desk.pass_time(days=3)
    last = assent(desk, b, case)
    view = desk.view(case)
    assert (view["state"], view["awaits"]) == ("deposited", [])
    assert view["assents"] == [
        {"party": party.id, "assents": True, "recorded": {"seq": said["seq"], "time": said["time"]}}
        for party, said in ((c, first), (b, last))
    ]
    for right in rights:
        shown = desk.view(right)
        assert (shown["status"], shown["scope"]["from"]) == ("active", last["time"])
        assert shown["recorded"] == {"seq": filed["seq"], "time": filed["time"]}
    assert desk.check(b, asset).decision
    assert desk.check(a, asset, action="license").decision
    before = desk.check(b, asset, at=desk.clock.now() - timedelta(days=1))
    assert before.reasons[0].code == "NOT_YET_EFFECTIVE"
    assert listed(desk, "assets", holder=[b.id], state=["registered"]) == [asset]
    desk.grant(a, rights[0], c, ["processing"])


def test_what_was_said_before_stays_said(desk: Desk, a: Actor, b: Actor) -> None:
    filed = desk.ok("case.file", a, shared(desk, a, b))
    names = [made["id"] for made in filed["ids"]]
    size, at = desk.size(), desk.clock.now() + timedelta(days=30)
    before = [desk.view(name, at, size) for name in names]
    desk.pass_time(days=1)
    assent(desk, b, ids(filed, "cas")[0])
    assert [desk.view(name, at, size) for name in names] == before
    assert all(desk.view(name, at) != view for name, view in zip(names[1:], before[1:], strict=True))
    assert not desk.check(b, names[0], at=at, size=size).decision
    assert desk.check(b, names[0], at=at).decision


def test_one_refusal_ends_it(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    filed = desk.ok("case.file", a, shared(desk, a, b, c))
    asset, case = ids(filed, "ast")[0], ids(filed, "cas")[0]
    assent(desk, c, case)
    assent(desk, b, case, assents=False)
    assert (desk.view(case)["state"], desk.view(case)["awaits"]) == ("refused", [])
    assert {right["status"] for right in desk.view(asset)["rights"]} == {"refused"}
    assert desk.check(b, asset).reasons[0].code == "NO_ACTIVE_PATH"
    assert listed(desk, "assets", state=["ended"]) == [asset]
    for party in (b, c):
        desk.expect(("CASE_STATE", 409, "/body/case"), "case.assent", party, {"case": case, "assents": True})
    desk.expect(("CASE_STATE", 409, "/body/case"), "case.withdraw", a, {"case": case})
    further = desk.filing([{"party": c.id, "rights": ALL}]) | {"asset": asset, "document": "d" * 64}
    desk.expect(("CASE_STATE", 409, "/body/asset"), "case.file", c, further, with_=[desk.registrar])


def test_the_applicant_withdraws(desk: Desk, a: Actor, b: Actor) -> None:
    filed = desk.ok("case.file", a, shared(desk, a, b))
    asset, case = ids(filed, "ast")[0], ids(filed, "cas")[0]
    desk.expect(("NOT_ENTITLED", 403, "/by"), "case.withdraw", b, {"case": case})
    desk.expect(("NOT_FOUND", 404, "/body/case"), "case.withdraw", a, {"case": NOTHING})
    receipt = desk.ok("case.withdraw", a, {"case": case})
    assert [folio["id"] for folio in receipt["folios"]] == [asset]
    assert desk.view(case)["state"] == "withdrawn"
    assert {right["status"] for right in desk.view(asset)["rights"]} == {"withdrawn"}
    desk.expect(("CASE_STATE", 409, "/body/case"), "case.withdraw", a, {"case": case})
    desk.expect(("CASE_STATE", 409, "/body/case"), "case.assent", b, {"case": case, "assents": True})
    deposited = ids(desk.register(a), "cas")[0]
    desk.expect(("CASE_STATE", 409, "/body/case"), "case.withdraw", a, {"case": deposited})


def test_withdrawn_at_the_window_and_by_an_agent(desk: Desk, a: Actor, b: Actor) -> None:
    cases = [ids(desk.ok("case.file", a, shared(desk, a, b)), "cas")[0] for _ in range(2)]
    scan = {"evidence": [{"kind": "identity", "sha256": "ab" * 32}]}
    receipt = desk.ok("case.withdraw", desk.registrar, {"case": cases[0]} | scan, for_=a.id)
    assert receipt["warnings"] == [{"code": "WINDOW_ENTRY"}]
    until = format_instant(desk.clock.now() + timedelta(days=1))
    desk.ok("agency.give", b, {"agent": a.id, "acts": ["case.assent"], "until": until})
    assent(desk, a, cases[1], for_=b.id)
    assert desk.view(cases[1])["state"] == "deposited"
    desk.expect(
        ("NOT_ENTITLED", 403, "/for"), "case.assent", desk.registrar, {"case": cases[1], "assents": True} | scan, for_=b.id
    )  # fmt: skip


def test_who_may_assent(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    case = ids(desk.ok("case.file", a, shared(desk, a, b, c)), "cas")[0]
    body = {"case": case, "assents": True}
    for stranger in (a, desk.registrar):
        desk.expect(("NOT_ENTITLED", 403, "/by"), "case.assent", stranger, body)
    desk.expect(("NOT_FOUND", 404, "/body/case"), "case.assent", b, body | {"case": NOTHING})
    desk.expect(("MALFORMED", 400, "/body/assents"), "case.assent", b, body | {"assents": "yes"})
    desk.ok("case.assent", b, body)
    desk.expect(("CASE_STATE", 409, "/body/case"), "case.assent", b, body)
    desk.expect(("CASE_STATE", 409, "/body/case"), "case.assent", b, body | {"assents": False})
    assert desk.view(case)["state"] == "passed"


def test_whom_a_filing_may_await(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    good = shared(desk, a, b)
    for awaits, refusal in (
        ([b.id, b.id], ("INVALID_VALUE", 422, "/body/awaits")),
        ([b.id, a.id], ("INVALID_VALUE", 422, "/body/awaits/1")),
        ([b.id, c.id], ("INVALID_VALUE", 422, "/body/awaits/1")),
        ([b.id, NOBODY], ("NOT_FOUND", 404, "/body/awaits/1")),
        (["somebody"], ("INVALID_VALUE", 422, "/body/awaits/0")),
        ([newcomer().id for _ in range(33)], ("INVALID_VALUE", 422, "/body/awaits")),
        ([], ("SIGNATURE_MISSING", 403, "/body/claims/1/party")),
    ):
        desk.expect(refusal, "case.file", a, good | {"awaits": awaits}, with_=[c])
    desk.expect(
        ("INVALID_VALUE", 422, "/body/awaits/0"), "case.file", c, good, for_=b.id, with_=[b]
    )  # fmt: skip
    alone = desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]) | {"awaits": []})
    assert desk.view(ids(alone, "cas")[0])["state"] == "deposited"


def test_a_participant_that_is_awaited_counts_as_joined(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    fused = {"origin": "agreement", "basis": "fusion", "facts": {"participants": [a.id, b.id, c.id]}}
    body = desk.filing([{"party": a.id, "rights": ALL}], fused)
    desk.expect(
        ("R_NO_CONSENT_CO_PARTY", 422, "/body/sources/0/facts/participants"), "case.file", a, body | {"awaits": [b.id]}
    )  # fmt: skip
    filed = desk.ok("case.file", a, body | {"awaits": [b.id]}, with_=[c])
    assent(desk, b, ids(filed, "cas")[0])
    assert desk.check(a, ids(filed, "ast")[0], action="license").decision


def test_a_holder_that_is_awaited_lets_another_in(desk: Desk, a: Actor, b: Actor) -> None:
    asset = ids(desk.register(a), "ast")[0]
    body = {"kind": "initial", "asset": asset, "sources": [OWN], "claims": [{"party": b.id, "rights": ["holding"]}]}
    filed = desk.ok("case.file", b, body | {"awaits": [a.id]})
    assert desk.view(asset)["rights"][-1]["status"] == "pending"
    assert "PARALLEL_TITLE" not in desk.check(a, asset, action="store").warnings
    desk.expect(("ALREADY_REGISTERED", 409, "/body/claims/0/rights/0"), "case.file", b, body, with_=[a])
    assent(desk, a, ids(filed, "cas")[0])
    assert "PARALLEL_TITLE" in desk.check(a, asset, action="store").warnings
    assert listed(desk, "assets", holder=[b.id]) == [asset]


def test_a_pending_claim_is_registered_once(desk: Desk, a: Actor, b: Actor) -> None:
    prints = [{"alg": "sha-256", "value": "ab" * 32}]
    body = shared(desk, a, b, fingerprints=prints)
    filed = desk.ok("case.file", a, body)
    desk.expect(("DUPLICATE_REGISTRATION", 409, "/body/asset/fingerprints"), "case.file", a, body)
    desk.ok("case.withdraw", a, {"case": ids(filed, "cas")[0]})
    again = desk.ok("case.file", a, body)
    assent(desk, b, ids(again, "cas")[0])


@pytest.mark.parametrize(
    ("term", "wanted"),
    [
        ({}, "assent"),
        ({"from": "2025-06-01T00:00:00Z"}, "assent"),
        ({"from": "2026-01-03T00:00:00Z"}, "assent"),
        ({"from": "2026-02-01T00:00:00Z"}, "2026-02-01T00:00:00.000Z"),
    ],
)
def test_from_when_titles_are_in_force(desk: Desk, a: Actor, b: Actor, term: dict[str, Any], wanted: str) -> None:
    body = shared(desk, a, b)
    body["claims"][0]["scope"] = scope(purposes=["*"], until="2030-01-01T00:00:00Z", **term)
    filed = desk.ok("case.file", a, body)
    desk.pass_time(days=5)
    last = assent(desk, b, ids(filed, "cas")[0])
    shown = desk.view(ids(filed, "rgt")[0])["scope"]
    assert shown["from"] == (last["time"] if wanted == "assent" else wanted)
    assert (shown["until"], shown["territory"]) == ("2030-01-01T00:00:00.000Z", ["CN"])


@pytest.mark.parametrize("start", [{}, {"from": "2025-06-01T00:00:00Z"}])
def test_a_term_that_runs_out_before_the_last_assent(desk: Desk, a: Actor, b: Actor, start: dict[str, Any]) -> None:
    body = shared(desk, a, b)
    body["claims"][0]["scope"] = scope(purposes=["*"], until="2026-01-03T00:00:00Z", **start)
    case = ids(desk.ok("case.file", a, body), "cas")[0]
    desk.pass_time(days=2)
    desk.expect(("INVALID_VALUE", 422, "/body/case"), "case.assent", b, {"case": case, "assents": True})
    assert (desk.view(case)["state"], desk.view(case)["awaits"]) == ("passed", [b.id])
    assent(desk, b, case, assents=False)


def derived(desk: Desk, right: str, *, days: int = 0, change: str = "derivative") -> dict[str, Any]:
    time = format_instant(desk.clock.now() + timedelta(days=days))
    return {
        "origin": "derived", "basis": "derived",
        "facts": {"change": change, "activity_time": time, "value_increase": True},
        "inputs": [{"asset": desk.view(right)["asset"], "right": right}],
    }  # fmt: skip


def test_what_it_was_made_from_is_looked_at_again(desk: Desk, a: Actor, b: Actor) -> None:
    title = desk.register(a)
    operating = ids(title, "rgt")[2]
    used = [ids(desk.grant(a, operating, b, ["processing"]), "rgt")[0] for _ in range(2)]
    claims = [{"party": b.id, "rights": ALL}]
    cases = []
    for right in used:
        body = desk.filing(claims, derived(desk, right), form="derived") | {"awaits": [a.id]}
        receipt = desk.ok("case.file", b, body)
        assert "inputs" not in desk.view(ids(receipt, "ast")[0])
        cases.append(receipt)
    desk.pass_time(days=1)
    made = format_instant(desk.clock.now() - timedelta(days=1))
    judgment = {"rights": [used[0]], "ground": "judgment", "document": "d" * 64, "effective": made}
    desk.ok("right.revoke", desk.registrar, judgment)
    desk.ok("right.revoke", a, {"rights": [used[1]], "ground": "breach"})
    body = {"case": ids(cases[0], "cas")[0], "assents": True}
    desk.expect(("INPUT_USE_RIGHT_MISSING", 422, "/body/case"), "case.assent", a, body)
    late = assent(desk, a, ids(cases[1], "cas")[0])
    assert late["warnings"] == [{"code": "LATE_RECORDED", "right": used[1]}]
    asset = ids(cases[1], "ast")[0]
    assert desk.view(asset)["inputs"] == [{"asset": ids(title, "ast")[0], "right": used[1]}]
    assert "LATE_RECORDED" in desk.check(b, asset).warnings
    assert "LATE_RECORDED" not in desk.check(b, asset, size=late["seq"]).warnings


def test_a_pending_claimant_is_nobody_whose_consent_counts(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    """Operating a compilation takes the holders of its inputs' operating rights."""
    title = desk.register(a)
    further = {"kind": "initial", "asset": ids(title, "ast")[0], "sources": [OWN]}
    waiting = further | {"claims": [{"party": c.id, "rights": ["operating"]}], "awaits": [a.id]}
    case = ids(desk.ok("case.file", c, waiting), "cas")[0]
    used = ids(desk.grant(a, ids(title, "rgt")[2], b, ["processing"]), "rgt")[0]
    body = desk.filing([{"party": b.id, "rights": ["operating"]}], derived(desk, used, change="compilation"))
    desk.expect(("R_RIGHT_NOT_ENTITLED", 422, "/body/claims/0/rights/0"), "case.file", b, body, with_=[c])
    assent(desk, a, case)
    desk.ok("case.file", b, body, with_=[c])


def test_two_that_wait_for_each_other_make_no_cycle(desk: Desk, a: Actor, b: Actor) -> None:
    one, two = (desk.register(a) for _ in range(2))
    filed = []
    for this, other in ((one, two), (two, one)):
        body = desk.filing([{"party": a.id, "rights": ["x.other"]}], derived(desk, ids(other, "rgt")[1]))
        body["sources"][0]["facts"]["clause_rights"] = ["x.other"]
        filed.append(ids(desk.ok("case.file", a, body | {"asset": ids(this, "ast")[0], "awaits": [b.id]}), "cas")[0])
    assent(desk, b, filed[0])
    desk.expect(("DERIVATION_CYCLE", 422, "/body/case"), "case.assent", b, {"case": filed[1], "assents": True})


def test_filed_and_assented_in_one_batch(desk: Desk, a: Actor, b: Actor, c: Actor) -> None:
    payload = desk.payload("case.file", a, shared(desk, a, b, c))
    trial = desk.answer(desk.envelope("case.file", a, shared(desk, a, b, c)), trial=True)
    assert trial.receipt is not None
    case = identifier("cas", payload, desk.clock.now())
    lines = [
        format_envelope(sign_payload(payload, a.signers)).encode(),
        *(desk.envelope("case.assent", party, {"case": case, "assents": True}) for party in (b, c, b)),
    ]
    assert codes(desk.submit(*lines)) == ["ok", "ok", "ok", "CASE_STATE"]
    assert desk.view(case)["state"] == "deposited"


def test_who_lets_another_in_still_holds_something_when_it_takes_effect(
    desk: Desk, a: Actor, b: Actor, c: Actor
) -> None:
    asset = ids(desk.register(a), "ast")[0]
    until = format_instant(desk.clock.now() + timedelta(days=1))
    body = {"kind": "initial", "asset": asset, "sources": [OWN]}
    brief = [{"party": b.id, "rights": ["holding"], "scope": scope(purposes=["*"], until=until)}]
    desk.ok("case.file", b, body | {"claims": brief}, with_=[a])
    claims = [{"party": c.id, "rights": ["holding"]}]
    case = ids(desk.ok("case.file", c, body | {"claims": claims, "awaits": [b.id]}), "cas")[0]
    desk.pass_time(days=1)
    desk.expect(("SIGNATURE_MISSING", 403, "/body/case"), "case.assent", b, {"case": case, "assents": True})


MOVES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["yes", "yes", "yes", "no", "withdraw", "wait"])), max_size=7
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MOVES)
def test_a_case_ends_once_and_allows_only_when_all_assented(moves: list[tuple[int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_desk(Path(folder)) as desk:
        parties = [desk.party(name) for name in "甲乙丙丁"]
        applicant, *awaited = parties
        filed = desk.ok("case.file", applicant, shared(desk, applicant, *awaited))
        asset, case = ids(filed, "ast")[0], ids(filed, "cas")[0]
        questions = [Question(party.id, asset, "research") for party in parties]
        remembered = {}
        state, said = "passed", set()
        for number, move in moves:
            party = parties[number]
            if move == "wait":
                desk.pass_time(days=1)
            elif move == "withdraw":
                answer = desk.send("case.withdraw", party, {"case": case})
                assert (answer.refusal is None) == (party is applicant and state == "passed")
                state = state if answer.refusal else "withdrawn"
            else:
                answer = desk.send("case.assent", party, {"case": case, "assents": move == "yes"})
                assert (answer.refusal is None) == (party in awaited and number not in said and state == "passed")
                if answer.refusal is None:
                    said.add(number)
                    state = "refused" if move == "no" else "deposited" if len(said) == len(awaited) else state
            assert desk.view(case)["state"] == state
            assert desk.check(parties[1], asset).decision is (state == "deposited")
            answers, ledger = desk.registry.reader.check(questions, desk.clock.now(), None)
            moment = (desk.size(), desk.clock.now())
            remembered[moment] = [answer.to_json("en", ledger) for answer in answers]
        for (size, at), answers_then in remembered.items():
            answers, ledger = desk.registry.reader.check(questions, at, size)
            assert [answer.to_json("en", ledger) for answer in answers] == answers_then
