"""`/v1/tokens`: hashed, scoped, expiring, revocable, bound to a party."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.clock import SimulatedClock
from registry.desk.tokens import Token, is_scope
from tests.api.live import START, Live, live_registry, problem, simulated
from tests.api.signing import signed
from tests.api.tokens import bearer, make_party, post


def make_token(live: Live, by: str, **body: Any) -> dict[str, Any]:
    answer = post(live, "/v1/tokens", by, body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_party_makes_lists_and_revokes_tokens_of_its_own(live: Live) -> None:
    first, stranger = make_party(live), make_party(live)
    made = make_token(live, first["token"], scopes=["act:party.*"], name="ERP")
    assert post(live, "/v1/acts/party.update", made["token"], {"contact": "1"}).status_code == 201
    listed = live.http.get("/v1/tokens", headers=bearer(first["token"])).json()["items"]
    assert [(item["name"], item["scopes"]) for item in listed] == [
        ("first", ["act", "read", "tokens"]), ("ERP", ["act:party.*"]),
    ]  # fmt: skip
    assert all("token" not in item for item in listed)
    problem(live.http.delete(f"/v1/tokens/{made['id']}", headers=bearer(stranger["token"])), 404, "NOT_FOUND")
    assert live.http.delete(f"/v1/tokens/{made['id']}", headers=bearer(first["token"])).status_code == 204
    problem(post(live, "/v1/acts/party.update", made["token"], {"contact": "2"}), 401, "TOKEN_INVALID")
    assert "revoked" in live.http.get("/v1/tokens", headers=bearer(first["token"])).json()["items"][1]


def test_the_administrator_makes_parties_and_tokens_and_nothing_else(live: Live) -> None:
    made = make_party(live)
    admin = live.registry.admin_token
    token = make_token(live, admin, party=made["ids"][0]["id"], scopes=["read"])
    assert token["scopes"] == ["read"]
    problem(post(live, "/v1/acts/party.update", admin, {"contact": "1"}), 403, "NOT_ENTITLED")
    problem(post(live, "/v1/assets", admin, {}), 403, "NOT_ENTITLED")
    problem(post(live, "/v1/tokens", admin, {}), 400, "MALFORMED")
    problem(post(live, "/v1/tokens", admin, {"party": "pty_" + "0" * 26}), 404, "NOT_FOUND")
    assert len(live.http.get("/v1/tokens", headers=bearer(admin)).json()["items"]) == 2


def test_only_the_administrator_makes_parties(live: Live) -> None:
    made = make_party(live)
    body = {"name": "x", "kind": "legal_person"}
    problem(post(live, "/v1/parties", made["token"], body), 403, "NOT_ENTITLED")
    problem(live.http.post("/v1/parties", json=body), 401, "TOKEN_MISSING")


def test_a_scope_is_all_that_a_token_may(live: Live) -> None:
    first = make_party(live)
    narrow = make_token(live, first["token"], scopes=["act:case.file"])["token"]
    problem(post(live, "/v1/acts/party.update", narrow, {"contact": "1"}), 403, "NOT_ENTITLED")
    problem(post(live, "/v1/tokens", narrow, {}), 403, "NOT_ENTITLED")
    problem(live.http.get("/v1/tokens", headers=bearer(narrow)), 403, "NOT_ENTITLED")


def test_no_token_makes_one_that_may_more(live: Live) -> None:
    first = make_party(live)
    narrow = make_token(live, first["token"], scopes=["tokens", "act:right.*"])["token"]
    make_token(live, narrow, scopes=["act:right.grant"])
    for scope in ("read", "act", "act:case.file"):
        problem(post(live, "/v1/tokens", narrow, {"scopes": [scope]}), 403, "NOT_ENTITLED")


def test_tokens_end(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with live_registry(folder, clock=simulated(folder)) as live:
        first = make_party(live)
        short = make_token(live, first["token"], expires="2026-01-02T00:00:00Z")["token"]
        clock = live.registry.clock
        assert isinstance(clock, SimulatedClock)
        clock.set(START + timedelta(days=1))
        problem(post(live, "/v1/acts/party.update", short, {"contact": "1"}), 401, "TOKEN_INVALID")
        assert post(live, "/v1/acts/party.update", first["token"], {"contact": "1"}).status_code == 201
        clock.set(START + timedelta(days=90))
        problem(post(live, "/v1/acts/party.update", first["token"], {"contact": "1"}), 401, "TOKEN_INVALID")


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": ["everything"]}, {"scopes": []}, {"scopes": ["act:"]}, {"expires": "2020-01-01T00:00:00Z"},
        {"expires": "2029-01-01T00:00:00Z"}, {"expires": "soon"}, {"name": ""},
    ],
)  # fmt: skip
def test_wrong_tokens(live: Live, body: dict[str, Any]) -> None:
    first = make_party(live)
    problem(post(live, "/v1/tokens", first["token"], body), 422, "INVALID_VALUE")


def test_a_party_with_keys_of_its_own_makes_tokens_with_a_signed_request(live: Live) -> None:
    actor = live.party()
    body = b'{"scopes":["read"]}'
    request = signed(live.url, "POST", "/v1/tokens", actor.signers[0], body=body)
    request.headers["content-type"] = "application/json"
    answer = live.http.send(request)
    assert answer.status_code == 201, answer.text
    assert answer.json()["party"] == actor.id


def test_a_signature_that_does_not_cover_the_body_makes_nothing(live: Live) -> None:
    actor = live.party()
    for covered in (("@method", "@target-uri"), None):
        request = signed(live.url, "POST", "/v1/tokens", actor.signers[0], body=b"{}", covered=covered)
        content = b'{"scopes":["read"]}'
        kept = ("signature", "signature-input", "content-digest")
        headers = {name: value for name, value in request.headers.items() if name in kept}
        headers["content-type"] = "application/json"
        request = live.http.build_request("POST", "/v1/tokens", content=content, headers=headers)
        problem(live.http.send(request), 403, "SIGNATURE_INVALID")


def test_a_token_has_a_quota(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", quota_token="3/hour") as live:
        one, other = make_party(live)["token"], make_party(live)["token"]
        assert [live.http.get("/v1/tokens", headers=bearer(one)).status_code for _ in range(4)] == [200, 200, 200, 429]
        limited = live.http.get("/v1/tokens", headers=bearer(one))
        problem(limited, 429, "RATE_LIMITED")
        assert 0 < int(limited.headers["retry-after"]) <= 3600
        assert live.http.get("/v1/tokens", headers=bearer(other)).status_code == 200


SCOPES = st.lists(st.sampled_from(["read", "tokens", "act", "act:right.*", "act:right.grant", "act:case.file"]))


@given(SCOPES, st.sampled_from(["act", "act:right.*", "act:right.grant", "act:case.file", "read", "tokens"]))
def test_what_a_token_covers_it_may(scopes: list[str], scope: str) -> None:
    token = Token("", "", "", tuple(scopes), START, START)
    other = Token("", "", "", (scope,), START, START)
    assert is_scope(scope)
    if token.covers(scope):
        acts = ("right.grant", "right.revoke", "case.file", "party.update")
        assert all(token.may_act(act) for act in acts if other.may_act(act))
        assert all(token.may(each) for each in ("read", "tokens") if other.may(each))
