"""Drafts: signatures that somebody else made, readers whom they do not concern, and lists filled in others' names."""

import json

from ledger.encoding import format_base64
from ledger.keys import KeySigner
from ledger.statement import format_envelope
from registry.drafting import sign_payload
from tests.api.drafting import DRAFTS, add, start
from tests.api.live import JSON, Actor, Live, problem
from tests.api.signing import signed
from tests.registry.desk import key_shape


def update(live: Live, by: Actor, *joining: Actor, contact: str = "1") -> bytes:
    return live.payload("party.update", by, {"contact": contact}, with_=list(joining))


def test_a_relayed_signature_of_a_stranger(live: Live) -> None:
    a, b, stranger = live.party("Firm A"), live.party("Firm B"), live.party("Stranger")
    payload = update(live, a, b)
    draft = start(live, payload, a.signers[0]).json()["id"]
    for signer in (stranger.signers[0], KeySigner.generate()):
        problem(add(live, draft, payload, signer), 403, "KEY_UNKNOWN")
        problem(start(live, payload, a.signers[0], signer), 403, "KEY_UNKNOWN")
    problem(add(live, draft, update(live, a, b, contact="2"), b.signers[0]), 403, "SIGNATURE_INVALID")
    (real,) = sign_payload(payload, [stranger.signers[0]]).signatures
    (named,) = sign_payload(payload, [b.signers[0]]).signatures
    forged = {"keyid": named.key, "sig": format_base64(real.value)}
    problem(live.http.post(f"{DRAFTS}/{draft}/signatures", json=forged), 403, "SIGNATURE_INVALID")
    assert add(live, draft, payload, a.signers[0]).json()["waiting"] == [{"party": b.id}]


def test_who_knows_no_more_than_the_identifier_of_a_statement_gets_no_receipt(live: Live) -> None:
    a, b, stranger = live.party("Firm A"), live.party("Firm B"), live.party("Stranger")
    payload = update(live, a, b)
    done = start(live, payload, a.signers[0], b.signers[0]).json()
    problem(add(live, done["statement"], payload, stranger.signers[0]), 404, "NOT_FOUND")
    problem(live.http.post(f"{DRAFTS}/{done['statement']}/signatures", json={"signatures": []}), 404, "NOT_FOUND")
    assert add(live, done["statement"], payload, b.signers[0]).json()["seq"] == done["seq"]


def test_two_signatures_of_one_party(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    payload = update(live, a, b)
    problem(start(live, payload, a.signers[0], a.signers[0]), 403, "SIGNATURE_SURPLUS")


def test_a_draft_in_anothers_name(live: Live) -> None:
    """Only the signature of somebody who has to sign opens a draft; a fresh key of anybody's does not."""
    a, b, stranger, fresh = live.party("Firm A"), live.party("Firm B"), live.party("Stranger"), KeySigner.generate()
    problem(start(live, update(live, a, b), stranger.signers[0]), 403, "KEY_UNKNOWN")
    problem(start(live, live.payload("key.add", a, key_shape(fresh)), fresh), 403, "SIGNATURE_MISSING")


def test_a_foreign_reader(live: Live) -> None:
    a, b, stranger = live.party("Firm A"), live.party("Firm B"), live.party("Stranger")
    draft = start(live, update(live, a, b), a.signers[0]).json()["id"]
    path = f"{DRAFTS}/{draft}"
    for method, target in (("GET", path), ("DELETE", path)):
        problem(live.http.request(method, target), 401, "TOKEN_MISSING")
        problem(live.http.send(signed(live.url, method, target, stranger.signers[0])), 404, "NOT_FOUND")
        problem(live.http.send(signed(live.url, method, target, live.registrar.signers[0])), 404, "NOT_FOUND")
    problem(live.http.get(DRAFTS), 401, "TOKEN_MISSING")
    assert live.http.send(signed(live.url, "GET", DRAFTS, stranger.signers[0])).json() == {"items": []}
    problem(live.http.send(signed(live.url, "GET", f"{DRAFTS}?party={a.id}", stranger.signers[0])), 403, "NOT_ENTITLED")
    answer = live.http.send(signed(live.url, "GET", path, b.signers[0]))
    assert answer.headers["cache-control"] == "private, no-store"


ODD = [
    (b"{", 400, "MALFORMED"),
    (b"[]", 400, "MALFORMED"),
    (b'{"keyid":"key_1","sig":"AA=="}', 400, "MALFORMED"),
    (b'{"signatures":[]}', 403, "SIGNATURE_MISSING"),
    (b'{"signatures":[],"more":1}', 400, "UNKNOWN_MEMBER"),
    (b'{"signatures":{}}', 400, "MALFORMED"),
    (b'{"keyid":"a","keyid":"b"}', 400, "DUPLICATE_MEMBER"),
    (json.dumps({"signatures": [{}] * 9}).encode(), 413, "TOO_LARGE"),
    (b'"' + b"x" * 200_000 + b'"', 413, "TOO_LARGE"),
]


def test_odd_signatures_and_identifiers(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    draft = start(live, update(live, a, b), a.signers[0]).json()["id"]
    for body, status, code in ODD:
        problem(live.http.post(f"{DRAFTS}/{draft}/signatures", content=body, headers=JSON), status, code)
    signature = {"signatures": [{"keyid": "key_" + "0" * 26, "sig": "AA=="}]}
    for name in ("x", "0" * 64, "..%2f", "%00", "é", "0" * 63 + "g"):
        assert live.http.post(f"{DRAFTS}/{name}/signatures", json=signature).status_code in (404, 405)
        for method in ("GET", "DELETE"):
            request = signed(live.url, method, f"{DRAFTS}/{name}", a.signers[0])
            assert live.http.send(request, follow_redirects=True).status_code in (403, 404, 405), name


def test_through_a_proxy_to_a_server_that_is_for_its_own_machine(live: Live) -> None:
    a, b = live.party("Firm A"), live.party("Firm B")
    content = format_envelope(sign_payload(update(live, a, b), a.signers)).encode()
    headers = JSON | {"X-Forwarded-For": "203.0.113.7"}
    problem(live.http.post(DRAFTS, content=content, headers=headers), 403, "NOT_ADMITTED")
