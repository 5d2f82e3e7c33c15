"""Reading a stranger's disclosures over HTTP, guessing what a digest hides, and what is shown of readings."""

import hashlib
import itertools
import json
from typing import Any

import pytest

from ledger.encoding import format_base64url
from tests.api.live import Live, problem
from tests.api.signing import signed
from tests.api.tokens import bearer, make_party, post
from tests.registry.desk import Actor, beside, sd


def tell(live: Live, actor: Actor, value: Any = "0531-88889999") -> str:
    member, text = sd("contact", value)
    answer = live.send(beside(live.envelope("party.update", actor, {"contact": member}), text))
    assert answer.status_code == 201, answer.text
    return str(member["sd"])


def read(live: Live, digest: str, actor: Actor, query: str = "?purpose=check") -> Any:
    return live.http.send(signed(live.url, "GET", f"/v1/disclosures/{digest}{query}", actor.signers[0]))


def test_reading_ones_own_with_a_signature_or_a_token(live: Live) -> None:
    actor = live.party()
    digest = tell(live, actor)
    answer = read(live, digest, actor)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["name"], answer.json()["value"]) == ("contact", "0531-88889999")
    assert answer.headers["cache-control"] == "private, no-store"
    token = post(live, "/v1/tokens", live.registry.admin_token, {"party": actor.id, "scopes": ["read"]}).json()["token"]
    by_token = live.http.get(f"/v1/disclosures/{digest}", params={"purpose": "核对"}, headers=bearer(token))
    assert by_token.json()["value"] == "0531-88889999"
    log = live.http.get(f"/v1/parties/{actor.id}/accesses", headers=bearer(token)).json()
    assert [item["purpose"] for item in log["items"]] == ["check", "核对"]


def test_a_stranger_sees_that_nothing_is_there(live: Live) -> None:
    actor, stranger = live.party(), live.party()
    digest = tell(live, actor)
    problem(read(live, digest, stranger), 404, "NOT_FOUND")
    missing = problem(read(live, "A" * 43, stranger), 404, "NOT_FOUND")
    assert "A" * 43 in missing["detail"] or missing["detail"]
    log = live.http.send(signed(live.url, "GET", f"/v1/parties/{actor.id}/accesses", stranger.signers[0]))
    problem(log, 404, "NOT_FOUND")


def test_nobody_in_particular_is_asked_who_it_is(live: Live) -> None:
    digest = tell(live, live.party())
    problem(live.http.get(f"/v1/disclosures/{digest}?purpose=x"), 401, "TOKEN_MISSING")


def test_the_administrator_reads_nothing(live: Live) -> None:
    digest = tell(live, live.party())
    headers = bearer(live.registry.admin_token)
    problem(live.http.get(f"/v1/disclosures/{digest}?purpose=x", headers=headers), 403, "NOT_ENTITLED")


def test_a_token_that_is_not_for_reading(live: Live) -> None:
    made = make_party(live)
    token = post(live, "/v1/tokens", made["token"], {"scopes": ["act"]}).json()["token"]
    problem(live.http.get("/v1/disclosures/" + "A" * 43 + "?purpose=x", headers=bearer(token)), 403, "NOT_ENTITLED")


@pytest.mark.parametrize(("query", "status", "code"), [("", 400, "MALFORMED"), ("?purpose=", 422, "INVALID_VALUE"),
                                                       ("?purpose=x&x=1", 400, "UNKNOWN_MEMBER")])  # fmt: skip
def test_reading_without_a_purpose(live: Live, query: str, status: int, code: str) -> None:
    actor = live.party()
    problem(read(live, tell(live, actor), actor, query), status, code)


def test_a_digest_of_few_possible_values_is_not_guessed_without_the_salt(live: Live) -> None:
    """What is public lets nobody try values: neither the entry, nor lists, nor an error of the registry says which."""
    actor = live.party()
    member, text = sd("status", "男")
    live.send(beside(live.envelope("party.update", actor, {"status": member}), text))
    for value, name in itertools.product(("男", "女"), ("status", "contact")):
        guess = format_base64url(json.dumps([name, value], ensure_ascii=False).encode())
        assert format_base64url(hashlib.sha256(guess.encode()).digest()) != member["sd"]
        salted = format_base64url(json.dumps(["A" * 22, name, value], ensure_ascii=False).encode())
        answer = live.send(beside(live.envelope("party.update", actor, {"status": member}), salted))
        problem(answer, 422, "INVALID_VALUE")
    assert read(live, member["sd"], live.party()).status_code == 404


def test_a_token_made_party_reads_what_was_made_confidential_for_it(live: Live) -> None:
    made = make_party(live, {"name": "张三", "kind": "natural_person"})
    party = live.get(f"/v1/parties/{made['ids'][0]['id']}")
    answer = live.http.get(f"/v1/disclosures/{party['name']['sd']}?purpose=x", headers=bearer(made["token"]))
    assert answer.json()["value"] == "张三"
