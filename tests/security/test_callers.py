"""What a caller cannot pretend: forged and foreign tokens, requests signed by others, long ago, or for something else."""

import time
from pathlib import Path

import pytest

from api.signed_requests import Once
from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner
from tests.api.live import Live, live_registry, problem
from tests.api.signing import signed
from tests.api.tokens import bearer, make_party, post
from tests.registry.desk import Actor, key_shape

TOKENS = "/v1/tokens"


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "sqt_" + "0" * 16 + token[20:],
        lambda token: token.upper(),
        lambda token: token.split("_")[1],
        lambda token: "sqt_' OR '1'='1",
    ],
    ids=["last character", "another id", "upper case", "id alone", "quotes"],
)
def test_a_forged_token(live: Live, forge: object) -> None:
    made = make_party(live)
    assert callable(forge)
    answer = live.http.get(TOKENS, headers=bearer(forge(made["token"])))
    problem(answer, 401, "TOKEN_INVALID")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_another_partys_token(live: Live) -> None:
    """A token acts for its own party, whatever the body says."""
    one, other = make_party(live), make_party(live)
    victim = other["ids"][0]["id"]
    problem(post(live, TOKENS, one["token"], {"party": victim}), 403, "NOT_ENTITLED")
    key = live.get(f"/v1/parties/{victim}")["keys"][0]["key"]
    problem(post(live, "/v1/acts/key.revoke", one["token"], {"key": key, "reason": "x"}), 403, "NOT_ENTITLED")


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "sqt_x", "Bearer a, Bearer b"])
def test_another_scheme(live: Live, value: str) -> None:
    problem(live.http.get(TOKENS, headers={"Authorization": value}), 401, "TOKEN_INVALID")


def test_two_tokens(live: Live) -> None:
    made = make_party(live)
    headers = [("Authorization", f"Bearer {made['token']}")] * 2
    problem(live.http.get(TOKENS, headers=headers), 401, "TOKEN_INVALID")


def test_a_token_is_no_signature(live: Live) -> None:
    made, actor = make_party(live), live.party()
    request = signed(live.url, "GET", TOKENS, actor.signers[0])
    request.headers["authorization"] = f"Bearer {made['token']}"
    problem(live.http.send(request), 401, "TOKEN_INVALID")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_requests_signed_by_a_live_key(live: Live, algorithm: Algorithm) -> None:
    actor = Actor("firm", [KeySigner.generate(algorithm)])
    body = {"name": "firm", "kind": "legal_person", "keys": [key_shape(actor.signers[0])]}
    live.ok("party.register", actor, body)
    assert live.http.send(signed(live.url, "GET", TOKENS, actor.signers[0])).status_code == 200
    named = {"Ed25519": "ed25519", "ES256": "ecdsa-p256-sha256", "ML-DSA-44": "ml-dsa-44"}[algorithm]
    assert live.http.send(signed(live.url, "GET", TOKENS, actor.signers[0], alg=named)).status_code == 200
    problem(
        live.http.send(signed(live.url, "GET", TOKENS, actor.signers[0], alg="hmac-sha256")), 403, "SIGNATURE_INVALID"
    )


def test_a_replayed_request_after_five_minutes(live: Live) -> None:
    actor = live.party()
    for away in (-301, 301):
        late = signed(live.url, "GET", TOKENS, actor.signers[0], created=int(time.time()) + away)
        problem(live.http.send(late), 403, "SIGNATURE_INVALID")
    fresh = signed(live.url, "GET", TOKENS, actor.signers[0], created=int(time.time()) - 200)
    assert live.http.send(fresh).status_code == 200
    over = signed(live.url, "GET", TOKENS, actor.signers[0], expires=int(time.time()) - 1)
    problem(live.http.send(over), 403, "SIGNATURE_INVALID")


def test_a_request_replayed_to_another_place(live: Live) -> None:
    actor = live.party()
    request = signed(live.url, "GET", TOKENS, actor.signers[0])
    for method, target in (("DELETE", TOKENS + "/0"), ("GET", TOKENS + "?x=1")):
        moved = live.http.build_request(method, target, headers=request.headers)
        problem(live.http.send(moved), 403, "SIGNATURE_INVALID")


def test_a_signature_makes_one_token(live: Live) -> None:
    actor = live.party()
    request = signed(live.url, "POST", TOKENS, actor.signers[0], body=b"{}")
    request.headers["content-type"] = "application/json"
    assert live.http.send(request).status_code == 201
    problem(live.http.send(request), 403, "SIGNATURE_INVALID")
    anew = signed(live.url, "POST", TOKENS, actor.signers[0], body=b"{}", nonce='"2"')
    anew.headers["content-type"] = "application/json"
    assert live.http.send(anew).status_code == 201


def test_a_request_signed_for_another_server(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", hosts="registry.example, 127.0.0.1") as live:
        actor = live.party()
        assert live.http.send(signed(live.url, "GET", TOKENS, actor.signers[0])).status_code == 200
        elsewhere = signed("http://other.example", "GET", TOKENS, actor.signers[0])
        passed_on = live.http.build_request("GET", TOKENS, headers=dict(elsewhere.headers) | {"host": "other.example"})
        problem(live.http.send(passed_on), 403, "SIGNATURE_INVALID")
        assert live.http.get("/v1/assets", headers={"host": "other.example"}).status_code == 200


def test_used_signatures_are_forgotten_when_they_could_not_be_used_again() -> None:
    now = 0.0
    once = Once(lambda: now)
    assert once.use(b"a")
    assert not once.use(b"a")
    now = 601.0
    assert once.use(b"b")
    assert len(once._used) == 1


def test_a_request_signed_by_another_key(live: Live) -> None:
    actor, stranger = live.party(), KeySigner.generate()
    named = key_identifier(actor.signers[0].public)
    problem(live.http.send(signed(live.url, "GET", TOKENS, stranger, keyid=named)), 403, "SIGNATURE_INVALID")
    problem(live.http.send(signed(live.url, "GET", TOKENS, stranger)), 403, "KEY_UNKNOWN")


def test_a_request_signed_by_a_revoked_key(live: Live) -> None:
    actor, spare = live.party(), KeySigner.generate()
    live.send_added_key(actor, spare)
    live.ok("key.revoke", actor, {"key": key_identifier(spare.public), "reason": "lost"})
    problem(live.http.send(signed(live.url, "GET", TOKENS, spare)), 403, "KEY_INACTIVE")


@pytest.mark.parametrize("covered", [(), ("@method",), ("@target-uri",)])
def test_a_signature_over_too_little(live: Live, covered: tuple[str, ...]) -> None:
    actor = live.party()
    request = signed(live.url, "GET", TOKENS, actor.signers[0], covered=covered)
    problem(live.http.send(request), 403, "SIGNATURE_INVALID")


@pytest.mark.parametrize(
    "headers",
    [
        {"signature-input": "sig1=()"},
        {"signature": "sig1=:AA==:"},
        {"signature-input": 'a=();created=1;keyid="k", b=();created=1;keyid="k"', "signature": "a=:AA==:"},
        {"signature-input": "sig1=" + "(" * 5000, "signature": "sig1=:AA==:"},
        {"signature-input": "x" * 9000, "signature": "sig1=:AA==:"},
        {"signature-input": "sig1=();created=1;keyid=5", "signature": "sig1=:AA==:"},
    ],
)  # fmt: skip
def test_signature_fields_that_are_none(live: Live, headers: dict[str, str]) -> None:
    problem(live.http.get(TOKENS, headers=headers), 403, "SIGNATURE_INVALID")
