"""Drafts: signatures of several, collected one after the other, and what becomes of them."""

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.keys import KeySigner, Signer
from registry.clock import SimulatedClock
from registry.drafting import sign_payload
from registry.store.database import writing
from registry.store.drafts import find_draft
from tests.api.drafting import DRAFTS, add, part, start
from tests.api.live import JSON, Actor, Live, live_registry, party_body, problem, simulated
from tests.api.signing import signed
from tests.api.tokens import bearer, make_party
from tests.registry.desk import key_shape, sd

SCOPE = {
    "purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None,
    "duties": [{"id": "report", "when": "after", "text": "publish a report"}],
}  # fmt: skip


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data")) as found:
        yield found


def read(live: Live, path: str, by: Actor, method: str = "GET") -> httpx.Response:
    return live.http.send(signed(live.url, method, path, by.signers[0]))


def licence(live: Live, a: Actor, b: Actor, **more: Any) -> bytes:
    """The payload of a licence with a duty, which the licensee signs too."""
    right = live.asset(a)["ids"][4]["id"]
    body = {"from_right": right, "to": b.id, "rights": ["processing"], "scope": SCOPE}
    return live.payload("right.grant", a, body, with_=[b], **more)


def test_a_licence_with_duties_is_signed_by_two_parties_one_after_the_other(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    payload = licence(live, a, b)
    before = live.size()
    opened = start(live, payload, a.signers[0])
    assert opened.status_code == 201, opened.text
    draft = opened.json()
    assert draft["waiting"] == [{"party": b.id}]
    assert (draft["act"], draft["by"], draft["with"], draft["signed"]) == ("right.grant", a.id, [b.id], [a.id])
    assert (draft["at"], draft["expires"]) == ("2026-01-01T00:00:00.000Z", "2026-01-15T00:00:00.000Z")
    assert not {"foreseen", "refused", "for", "disclosures"} & draft.keys()
    assert start(live, payload, a.signers[0]).status_code == 200
    assert live.size() == before
    assert read(live, f"{DRAFTS}/{draft['id']}", b).json() == draft
    done = add(live, draft["id"], payload, b.signers[0])
    assert done.status_code == 201, done.text
    receipt = done.json()
    assert live.proven(receipt)
    assert (receipt["statement"], receipt["seq"]) == (draft["id"], before)
    problem(read(live, f"{DRAFTS}/{draft['id']}", b), 404, "NOT_FOUND")
    assert read(live, DRAFTS, b).json() == {"items": []}
    for again in (add(live, draft["id"], payload, b.signers[0]), start(live, payload, a.signers[0])):
        assert (again.status_code, again.json()["seq"], again.json()["ids"]) == (200, before, receipt["ids"])


def test_signatures_come_in_any_order_and_any_form(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    one, two = licence(live, a, b), licence(live, a, b)
    draft = start(live, one, b.signers[0]).json()
    assert draft["waiting"] == [{"party": a.id}]
    path = f"{DRAFTS}/{draft['id']}/signatures"
    problem(live.http.post(path, content=part(two, a.signers[0]), headers=JSON), 422, "INVALID_VALUE")
    assert live.http.post(path, content=part(one, a.signers[0]), headers=JSON).status_code == 201
    draft = start(live, two, b.signers[0]).json()
    assert start(live, two, a.signers[0]).status_code == 201
    both = live.payload("party.update", a, {"contact": "1"}, with_=[b])
    assert start(live, both, b.signers[0], a.signers[0]).json().keys() >= {"seq", "proof"}


def test_a_key_proves_itself_later(live: Live) -> None:
    a, added = live.party("Firm A"), KeySigner.generate()
    payload = live.payload("key.add", a, key_shape(added))
    draft = start(live, payload, a.signers[0]).json()
    (waiting,) = draft["waiting"]
    assert waiting["key"].startswith("key_")
    assert draft["expires"] == "2026-01-02T00:00:00.000Z"
    assert add(live, draft["id"], payload, added).status_code == 201
    assert len(live.get(f"/v1/parties/{a.id}")["keys"]) == 2


def test_a_party_is_registered_with_two_keys_at_two_desks(live: Live) -> None:
    founder = Actor("Firm A", [KeySigner.generate(), KeySigner.generate()])
    body = party_body(founder) | {"keys": [key_shape(signer) for signer in founder.signers]}
    payload = live.payload("party.register", founder, body)
    draft = start(live, payload, founder.signers[0]).json()
    assert draft["signed"] == [founder.id]
    assert add(live, draft["id"], payload, founder.signers[1]).status_code == 201


def test_three_parties_file_together(live: Live) -> None:
    a, b, c = (live.party(f"Firm {name}") for name in "ABC")
    body = live.filing(a, ["holding"])
    body["claims"] += [{"party": b.id, "rights": ["processing"]}, {"party": c.id, "rights": ["operating"]}]
    payload = live.payload("case.file", a, body, with_=[b, c])
    draft = start(live, payload, a.signers[0]).json()["id"]
    assert add(live, draft, payload, c.signers[0]).json()["waiting"] == [{"party": b.id}]
    for party, waits in ((a, 0), (b, 1), (c, 0)):
        assert len(read(live, DRAFTS, party).json()["items"]) == 1
        assert len(read(live, f"{DRAFTS}?waiting_for=me&party={party.id}", party).json()["items"]) == waits
    assert add(live, draft, payload, b.signers[0]).status_code == 201


def test_the_last_two_sign_at_the_same_time(live: Live) -> None:
    """Whatever the order, the statement is written once and everybody who completed it has the same facts."""
    a, b, c = (live.party(f"Firm {name}") for name in "ABC")
    body = live.filing(a, ["holding"])
    body["claims"] += [{"party": b.id, "rights": ["processing"]}, {"party": c.id, "rights": ["operating"]}]
    for number in range(3):
        body["asset"]["name"] = f"数据{number}"
        payload = live.payload("case.file", a, body, with_=[b, c])
        draft = start(live, payload, a.signers[0]).json()["id"]
        size, answers = live.size(), []
        together = threading.Barrier(4)

        def sign(
            signers: list[Signer], payload: bytes = payload, draft: str = draft,
            answers: list[httpx.Response] = answers, together: threading.Barrier = together,
        ) -> None:  # fmt: skip
            together.wait()
            answers.append(add(live, draft, payload, *signers))

        parts = [[b.signers[0]], [c.signers[0]], [b.signers[0], c.signers[0]], [c.signers[0], b.signers[0]]]
        threads = [threading.Thread(target=sign, args=(signers,)) for signers in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        receipts = [answer.json() for answer in answers if "seq" in answer.json()]
        assert [answer.status_code for answer in answers].count(201) == 1
        assert {(receipt["seq"], receipt["leaf_hash"]) for receipt in receipts} == {(size, receipts[0]["leaf_hash"])}
        assert live.size() == size + 1


def test_a_restart_between_signatures(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    clock = simulated(folder)
    with live_registry(folder, clock=clock) as live:
        a, b = live.party("Firm A"), live.party("Firm B")
        payload = licence(live, a, b)
        draft = start(live, payload, a.signers[0]).json()
    with live_registry(folder, clock=clock) as live:
        assert read(live, f"{DRAFTS}/{draft['id']}", a).json() == draft
        assert add(live, draft["id"], payload, b.signers[0]).status_code == 201


def test_what_was_complete_when_the_process_ended_is_submitted_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    clock = simulated(folder)
    with live_registry(folder, clock=clock) as live:
        a, b = live.party("Firm A"), live.party("Firm B")
        payload = licence(live, a, b)
        draft = start(live, payload, a.signers[0]).json()["id"]
        drafts, now = live.registry.drafts, clock.now()
        with writing(live.registry.engine) as tx:
            kept = find_draft(tx, draft, now)
            assert kept is not None
            signature = sign_payload(payload, [b.signers[0]]).signatures[0]
            drafts._update(tx, draft, kept.signed({1: signature}), drafts._vetting.admitted(kept), now)
        size = live.size()
    with live_registry(folder, clock=clock) as live:
        assert live.size() == size + 1
        assert live.get(f"/v1/statements/{draft}")["receipt"]["seq"] == size


@pytest.mark.parametrize(("joint", "life"), [(True, timedelta(days=14)), (False, timedelta(hours=24))])
def test_a_draft_is_gone_when_its_time_is_over(live: Live, joint: bool, life: timedelta) -> None:
    a, b, added = live.party("Firm A"), live.party("Firm B"), KeySigner.generate()
    contact, opened = sd("contact", "电话")
    if joint:
        payload = live.payload("party.update", a, {"contact": contact}, with_=[b])
        draft, last = start(live, payload, a.signers[0], disclosures=[opened]).json(), b.signers[0]
    else:
        payload = live.payload("key.add", a, key_shape(added))
        draft, last = start(live, payload, a.signers[0]).json(), added
    clock = live.registry.clock
    assert isinstance(clock, SimulatedClock)
    clock.set(clock.now() + life)
    assert read(live, f"{DRAFTS}/{draft['id']}", a).json()["signed"] == [a.id]
    live.forward(milliseconds=1)
    problem(add(live, draft["id"], payload, last), 404, "NOT_FOUND")
    problem(read(live, f"{DRAFTS}/{draft['id']}", a), 404, "NOT_FOUND")
    problem(start(live, payload, a.signers[0], disclosures=[opened] if joint else []), 400, "AT_STALE")
    live.registry.drafts.sweep()
    assert read(live, DRAFTS, a).json() == {"items": []}


def test_readers_see_the_disclosures_of_what_they_sign(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    contact, opened = sd("contact", "电话")
    payload = live.payload("party.update", a, {"contact": contact}, with_=[b])
    problem(start(live, payload, a.signers[0]), 422, "INVALID_VALUE")
    draft = start(live, payload, a.signers[0], disclosures=[opened])
    assert "disclosures" not in draft.json()
    assert read(live, f"{DRAFTS}/{draft.json()['id']}", b).json()["disclosures"] == [opened]
    assert "disclosures" not in read(live, DRAFTS, b).json()["items"][0]
    assert add(live, draft.json()["id"], payload, b.signers[0]).status_code == 201


def test_the_same_statement_another_way_ends_the_draft(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    payload = licence(live, a, b)
    draft = start(live, payload, a.signers[0]).json()["id"]
    assert live.send(part(payload, a.signers[0], b.signers[0])).status_code == 201
    assert read(live, DRAFTS, b).json() == {"items": []}
    problem(read(live, f"{DRAFTS}/{draft}", b), 404, "NOT_FOUND")
    assert add(live, draft, payload, b.signers[0]).status_code == 200


def test_what_is_refused_when_complete_stays_and_is_tried_again(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    asset = live.asset(a)
    body = {"from_right": asset["ids"][4]["id"], "to": b.id, "rights": ["processing"], "scope": SCOPE}
    payload = live.payload("right.grant", a, body, with_=[b], expect={asset["ids"][0]["id"]: 2})
    opened = start(live, payload, a.signers[0])
    assert opened.json()["foreseen"]["code"] == "STALE"
    draft = opened.json()["id"]
    problem(add(live, draft, payload, b.signers[0]), 409, "STALE")
    shown = read(live, f"{DRAFTS}/{draft}", a).json()
    assert (shown["refused"]["code"], shown["waiting"]) == ("STALE", [])
    other = live.payload("right.grant", a, body, with_=[b])
    assert live.send(part(other, a.signers[0], b.signers[0])).status_code == 201
    live.registry.drafts.sweep()
    assert live.get(f"/v1/statements/{draft}")["receipt"]["statement"] == draft


def test_a_signature_by_a_key_that_was_revoked_since_is_awaited_again(live: Live) -> None:
    a, b, second = live.party("Firm A"), live.party("Firm B"), KeySigner.generate()
    live.send_added_key(a, second)
    payload = licence(live, a, b)
    draft = start(live, payload, second).json()["id"]
    revoked = sign_payload(payload, [second]).signatures[0].key
    live.ok("key.revoke", a, {"key": revoked, "reason": "lost"})
    assert add(live, draft, payload, b.signers[0]).json()["waiting"] == [{"party": a.id}]
    problem(add(live, draft, payload, second), 403, "KEY_INACTIVE")
    assert add(live, draft, payload, a.signers[0]).status_code == 201


def test_what_is_certain_to_be_refused_is_refused_at_once(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    stranger = Actor("nobody", [KeySigner.generate()])
    payload = licence(live, a, b)
    right = json.loads(payload)["body"]["from_right"]
    body = {"from_right": right, "to": stranger.id, "rights": ["processing"], "scope": SCOPE}

    def refused(code: str, status: int, pointer: str | None, payload: bytes, *signers: Signer) -> None:
        found = problem(start(live, payload, *signers), status, code)
        assert found["reasons"][0].get("pointer") == pointer

    refused("NOT_FOUND", 404, "/with/0", live.payload("right.grant", a, body, with_=[stranger]), a.signers[0])
    refused("NOT_FOUND", 404, "/body/to", live.payload("right.grant", a, body, with_=[b]), a.signers[0])
    now = live.registry.clock.now()
    for at, code in ((timedelta(minutes=6), "AT_FUTURE"), (-timedelta(days=14, seconds=1), "AT_STALE")):
        refused(code, 400, "/at", licence(live, a, b, at=now + at), a.signers[0])
    refused("WRONG_LOG", 400, "/log", licence(live, a, b, log="other.test"), a.signers[0])
    refused("SIGNATURE_MISSING", 403, "/signatures", payload)
    assert read(live, DRAFTS, a).json() == {"items": []}


def test_what_a_draft_cites_is_kept_until_it_may_be_complete(live: Live) -> None:
    a, b, data = live.party("Firm A"), live.party("Firm B"), b"a contract"
    digest = hashlib.sha256(data).hexdigest()
    live.http.put(f"/v1/documents/{digest}", content=data, headers={"Content-Type": "application/pdf"})
    live.forward(days=10)
    right = live.asset(a)["ids"][4]["id"]
    evidence = [{"kind": "contract", "sha256": digest}]
    body = {"from_right": right, "to": b.id, "rights": ["processing"], "scope": SCOPE, "evidence": evidence}
    payload = live.payload("right.grant", a, body, with_=[b])
    draft = start(live, payload, a.signers[0]).json()["id"]
    live.forward(days=14)
    live.registry.keeper.sweep()
    assert add(live, draft, payload, b.signers[0]).status_code == 201
    assert live.registry.documents.has(digest)


def test_a_key_in_custody_signs(live: Live) -> None:
    a, made = live.party("Firm A"), make_party(live)
    b = made["ids"][0]["id"]
    right = live.asset(a)["ids"][4]["id"]
    body = {"from_right": right, "to": b, "rights": ["processing"], "scope": SCOPE}
    joined = Actor("B", a.signers)
    payload = live.payload("right.grant", a, body)
    payload = payload.replace(b'"at":', b'"with":["' + b.encode() + b'"],"at":', 1)
    draft = start(live, payload, a.signers[0]).json()
    token = bearer(made["token"])
    listed = live.http.get(f"{DRAFTS}?waiting_for=me", headers=token).json()["items"]
    assert [item["id"] for item in listed] == [draft["id"]]
    path = f"{DRAFTS}/{draft['id']}/signatures"
    problem(live.http.post(path), 401, "TOKEN_MISSING")
    problem(live.http.post(path, headers=bearer(make_party(live)["token"])), 404, "NOT_FOUND")
    assert joined.id == a.id
    assert live.http.post(path, headers=token).status_code == 201


def test_a_draft_is_withdrawn_by_its_author_or_by_who_opened_it(live: Live) -> None:
    a, b, c = (live.party(f"Firm {name}") for name in "ABC")
    payload = licence(live, a, b)
    path = f"{DRAFTS}/{start(live, payload, a.signers[0]).json()['id']}"
    problem(read(live, path, c, "DELETE"), 404, "NOT_FOUND")
    problem(read(live, path, b, "DELETE"), 403, "NOT_ENTITLED")
    problem(live.http.delete(path), 401, "TOKEN_MISSING")
    assert read(live, path, a, "DELETE").status_code == 204
    problem(read(live, path, a), 404, "NOT_FOUND")
    assert start(live, payload, b.signers[0]).status_code == 201
    assert read(live, path, b, "DELETE").status_code == 204


def test_pages_of_drafts(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    made = [start(live, live.payload("party.update", a, {"contact": str(n)}, with_=[b]), a.signers[0]).json()["id"]
            for n in range(5)]  # fmt: skip
    seen, query = [], "?limit=2"
    while query:
        page = read(live, DRAFTS + query, b).json()
        seen.append([item["id"] for item in page["items"]])
        query = f"?limit=2&cursor={page['next']}" if "next" in page else ""
    assert seen == [made[:2], made[2:4], made[4:]]
    problem(read(live, f"{DRAFTS}?party={a.id}", b), 403, "NOT_ENTITLED")
    problem(read(live, f"{DRAFTS}?waiting_for={a.id}", b), 422, "INVALID_VALUE")


def test_a_party_has_so_many_open_drafts_and_others_are_not_touched(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data"), max_drafts=2) as live:
        a, b = live.party("Firm A"), live.party("Firm B")
        payloads = [live.payload("party.update", a, {"contact": str(n)}, with_=[b]) for n in range(4)]
        for payload in payloads[:2]:
            assert start(live, payload, b.signers[0]).status_code == 201
        problem(start(live, payloads[2], b.signers[0]), 409, "DRAFTS_FULL")
        assert start(live, payloads[2], a.signers[0]).status_code == 201
        draft = start(live, payloads[0], b.signers[0]).json()["id"]
        assert add(live, draft, payloads[0], a.signers[0]).status_code == 201
        assert start(live, payloads[3], b.signers[0]).status_code == 201


def test_under_verified_admission_drafts_are_taken_of_verified_parties(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data"), admission="verified") as live:
        a, b = live.party("Firm A"), live.party("Firm B")
        live.ok("party.verify", live.registrar, {"party": a.id, "level": "documented"})
        payload = licence(live, a, b)
        problem(start(live, payload, b.signers[0]), 403, "NOT_ADMITTED")
        other = live.payload("right.revoke", b, {"rights": ["rgt_" + "0" * 26], "ground": "breach"}, with_=[a])
        problem(start(live, other, a.signers[0]), 403, "NOT_ADMITTED")
        assert start(live, payload, a.signers[0]).status_code == 201
