"""`/v1/acts`, `/v1/parties`, `/v1/assets` with tokens: contract section 6."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.encoding import parse_base64url
from ledger.entry import parse_entry
from ledger.keys import KeySigner
from ledger.statement import format_envelope, parse_statement
from registry.clock import SimulatedClock
from registry.drafting import sign_payload
from tests.api.live import JSON, Live, live_registry, problem, simulated
from tests.api.tokens import bearer, make_party, post
from tests.registry.desk import FORM, OWN, key_shape


def filing(**form: Any) -> dict[str, Any]:
    return {"asset": FORM | form, "sources": [OWN], "claims": [{"rights": ["holding", "processing", "operating"]}]}


def statement_at(live: Live, seq: int) -> Any:
    return parse_statement(parse_entry(live.registry.reader.entry(seq).data).envelope)


def test_a_newcomer_registers_with_three_requests(live: Live) -> None:
    made = make_party(live)
    party = made["ids"][0]["id"]
    receipt = post(live, "/v1/assets", made["token"], filing())
    assert receipt.status_code == 201, receipt.text
    asset = live.get(f"/v1/assets/{receipt.json()['ids'][0]['id']}")
    assert asset["applicant"] == party
    assert [right["holder"] for right in asset["rights"]] == [party] * 3
    assert live.proven(receipt.json()) == 2


def test_the_key_record_says_that_the_registry_has_the_key(live: Live) -> None:
    made = make_party(live)
    (key,) = live.get(f"/v1/parties/{made['ids'][0]['id']}")["keys"]
    assert key["custody"] == "registry"


def test_a_key_in_custody_and_a_token_cannot_be_read_from_the_database(live: Live) -> None:
    made = make_party(live)
    secret = made["token"].split("_", 2)[2].encode()
    live.registry.close()
    pem = b"PRIVATE KEY"
    for path in live.folder.glob("registry.db*"):
        assert secret not in path.read_bytes()
        assert pem not in path.read_bytes()


def test_an_act_by_name(live: Live) -> None:
    made = make_party(live)
    party = made["ids"][0]["id"]
    assert post(live, "/v1/acts/party.update", made["token"], {"contact": "1"}).status_code == 201
    assert live.get(f"/v1/parties/{party}")["contact"] == "1"


def test_the_wrapped_form_says_what_a_body_cannot(live: Live) -> None:
    made = make_party(live)
    party = made["ids"][0]["id"]
    stale = {"body": {"contact": "1"}, "expect": {party: 7}}
    problem(post(live, "/v1/acts/party.update", made["token"], stale), 409, "STALE")
    hidden = {"body": {"contact": "0531-1", "status": "open"}, "expect": {party: 1}, "confidential": ["/contact"]}
    receipt = post(live, "/v1/acts/party.update", made["token"], hidden).json()
    body = statement_at(live, receipt["seq"]).body
    assert body["status"] == "open"
    assert body["contact"].keys() == {"sd"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([], 400, "MALFORMED"),
        ({"body": {}, "by": "x"}, 400, "UNKNOWN_MEMBER"),
        ({"body": []}, 400, "MALFORMED"),
        ({"body": {"contact": "1"}, "confidential": ["/name"]}, 422, "INVALID_VALUE"),
        ({"body": {"contact": "1"}, "with": ["x"]}, 422, "INVALID_VALUE"),
        ({"name": "x", "kind": "legal_person"}, 400, "UNKNOWN_MEMBER"),
    ],
)
def test_wrong_requests(live: Live, body: Any, status: int, code: str) -> None:
    made = make_party(live)
    size = live.size()
    problem(post(live, "/v1/acts/party.update", made["token"], body), status, code)
    assert live.size() == size


def test_an_unknown_act_and_a_parameter_are_refused(live: Live) -> None:
    made = make_party(live)
    problem(post(live, "/v1/acts/party.sell", made["token"], {}), 400, "UNKNOWN_ACT")
    problem(post(live, "/v1/acts/party.update?with=1", made["token"], {}), 400, "UNKNOWN_MEMBER")


def test_a_request_of_another_media_type_or_length(live: Live) -> None:
    made = make_party(live)
    headers = bearer(made["token"])
    problem(live.http.post("/v1/acts/party.update", content=b"{}", headers=headers), 415, "MEDIA_TYPE")
    huge = b'{"contact":"' + b"x" * 200_000 + b'"}'
    problem(live.http.post("/v1/acts/party.update", content=huge, headers=JSON | headers), 413, "TOO_LARGE")


def test_a_natural_person_in_custody_stands_on_the_ledger_by_digests_only(live: Live) -> None:
    made = make_party(live, {"name": "张三", "kind": "natural_person", "identifier": {"scheme": "id", "value": "37"}})
    body = statement_at(live, made["seq"]).body
    assert body["name"].keys() == body["identifier"].keys() == {"sd"}
    receipt = post(live, "/v1/acts/party.update", made["token"], {"contact": "13800000000"}).json()
    assert statement_at(live, receipt["seq"]).body["contact"].keys() == {"sd"}


def test_texts_to_a_natural_person_are_made_confidential(live: Live) -> None:
    firm, person = make_party(live), make_party(live, {"name": "张三", "kind": "natural_person"})
    filed = post(live, "/v1/assets", firm["token"], filing()).json()
    operating = next(made["id"] for made in filed["ids"] if made.get("kind") == "operating")
    scope = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None}
    body = {"from_right": operating, "to": person["ids"][0]["id"], "rights": ["processing"], "scope": scope,
            "evidence": [{"kind": "contract", "sha256": "0" * 64, "title": "与张三的合同"}]}  # fmt: skip
    receipt = post(live, "/v1/acts/right.grant", firm["token"], body)
    assert receipt.status_code == 201, receipt.text
    assert statement_at(live, receipt.json()["seq"]).body["evidence"][0]["title"].keys() == {"sd"}


def test_keys_of_ones_own_are_not_for_this_route(live: Live) -> None:
    body = {"name": "甲", "kind": "legal_person", "keys": []}
    refused = problem(post(live, "/v1/parties", live.registry.admin_token, body), 422, "INVALID_VALUE")
    assert refused["reasons"][0]["pointer"] == "/keys"


def test_a_party_is_made_by_itself_alone(live: Live) -> None:
    made = make_party(live)
    body = {"body": {"name": "乙", "kind": "legal_person"}, "for": made["ids"][0]["id"]}
    problem(post(live, "/v1/parties", live.registry.admin_token, body), 422, "INVALID_VALUE")


def test_a_party_without_a_key_in_custody_signs_for_itself(live: Live) -> None:
    actor = live.party()
    body = {"party": actor.id}
    token = post(live, "/v1/tokens", live.registry.admin_token, body).json()["token"]
    problem(post(live, "/v1/acts/party.update", token, {"contact": "1"}), 403, "NOT_ENTITLED")


def test_a_revoked_key_in_custody_does_not_sign(live: Live) -> None:
    made = make_party(live)
    key = live.get(f"/v1/parties/{made['ids'][0]['id']}")["keys"][0]["key"]
    assert post(live, "/v1/acts/key.revoke", made["token"], {"key": key, "reason": "lost"}).status_code == 201
    problem(post(live, "/v1/acts/party.update", made["token"], {"contact": "1"}), 403, "NOT_ENTITLED")


class TestOthersSignToo:
    def test_it_becomes_a_draft_that_the_others_sign_with_their_tokens(self, live: Live) -> None:
        one, other = make_party(live), make_party(live)
        scope = {
            "purposes": ["research"],
            "territory": ["CN"],
            "fields": ["*"],
            "until": None,
            "rights": ["processing"],
        }
        operating = post(live, "/v1/assets", one["token"], filing()).json()["ids"][4]["id"]
        joining = other["ids"][0]["id"]
        body = {"from_right": operating, "to": joining, "rights": ["operating"], "scope": scope}
        draft = post(live, "/v1/acts/right.grant", one["token"], {"body": body, "with": [joining]})
        assert draft.status_code == 202, draft.text
        assert draft.json()["waiting"] == [{"party": joining}]
        place = f"/v1/drafts/{draft.json()['id']}/signatures"
        signed_by_other = live.http.post(place, headers=bearer(other["token"]))
        assert signed_by_other.status_code == 201, signed_by_other.text
        assert live.proven(signed_by_other.json()) == 2

    def test_a_key_of_ones_own_is_added_with_its_proof(self, live: Live) -> None:
        made, own = make_party(live), KeySigner.generate()
        draft = post(live, "/v1/acts/key.add", made["token"], key_shape(own))
        assert draft.status_code == 202, draft.text
        payload = base64.b64decode(draft.json()["envelope"]["payload"])
        signature = json.loads(format_envelope(sign_payload(payload, [own])))["signatures"][0]
        place = f"/v1/drafts/{draft.json()['id']}/signatures"
        assert live.http.post(place, json=signature).status_code == 201
        assert len(live.get(f"/v1/parties/{made['ids'][0]['id']}")["keys"]) == 2

    def test_an_idempotency_key_is_not_for_it(self, live: Live) -> None:
        made, other = make_party(live), make_party(live)
        body = {"body": {"contact": "1"}, "with": [other["ids"][0]["id"]]}
        answer = post(live, "/v1/acts/party.update", made["token"], body, **{"Idempotency-Key": "k"})
        problem(answer, 422, "INVALID_VALUE")


class TestIdempotency:
    def test_the_same_request_gets_the_same_bytes_and_makes_nothing(self, live: Live) -> None:
        made = make_party(live)
        first = post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": "k"})
        post(live, "/v1/acts/party.update", made["token"], {"contact": "1"})
        size = live.size()
        again = post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": "k"})
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert live.size() == size

    def test_another_body_under_the_key_is_refused(self, live: Live) -> None:
        made = make_party(live)
        post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": "k"})
        other = post(live, "/v1/assets", made["token"], filing(name="别的数据"), **{"Idempotency-Key": "k"})
        problem(other, 422, "IDEMPOTENCY_REUSED")

    def test_keys_belong_to_their_party(self, live: Live) -> None:
        one, other = make_party(live), make_party(live)
        for made in (one, other):
            assert post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": "k"}).status_code == 201
        assert live.size() == 5

    def test_a_party_is_made_once_and_its_token_told_again(self, live: Live) -> None:
        first = make_party(live, **{"Idempotency-Key": "k"})
        assert make_party(live, **{"Idempotency-Key": "k"}) == first
        assert live.size() == 2

    def test_what_was_refused_takes_no_key(self, live: Live) -> None:
        made = make_party(live)
        stale = {"body": {"contact": "1"}, "expect": {made["ids"][0]["id"]: 2}}
        problem(post(live, "/v1/acts/party.update", made["token"], stale, **{"Idempotency-Key": "k"}), 409, "STALE")
        post(live, "/v1/acts/party.update", made["token"], {"contact": "0"})
        assert post(live, "/v1/acts/party.update", made["token"], stale, **{"Idempotency-Key": "k"}).status_code == 201

    def test_of_many_at_once_one_makes_something(self, live: Live) -> None:
        made = make_party(live)

        def ask(_: int) -> bytes:
            return post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": "k"}).content

        with ThreadPoolExecutor(8) as pool:
            answers = set(pool.map(ask, range(16)))
        assert len(answers) == 1
        assert live.size() == 3

    def test_it_holds_over_a_restart_and_ends_after_seven_days(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        with live_registry(folder, clock=simulated(folder)) as live:
            made = make_party(live)
            first = post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": "k"})
        with live_registry(folder, clock=simulated(folder)) as live:
            again = post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": "k"})
            assert again.content == first.content
            clock = live.registry.clock
            assert isinstance(clock, SimulatedClock)
            clock.set(clock.now() + timedelta(days=7))
            later = post(live, "/v1/assets", made["token"], filing(name="另一项"), **{"Idempotency-Key": "k"})
            assert later.status_code == 201, later.text

    @pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
    def test_keys_have_a_form(self, live: Live, key: str) -> None:
        made = make_party(live)
        problem(post(live, "/v1/assets", made["token"], filing(), **{"Idempotency-Key": key}), 422, "INVALID_VALUE")

    def test_the_request_cannot_be_guessed_from_the_database(self, live: Live) -> None:
        """A digest of few possible bodies would tell which it was."""
        made = make_party(live)
        body = {"contact": "13800000000"}
        post(live, "/v1/acts/party.update", made["token"], body, **{"Idempotency-Key": "k"})
        import hashlib

        guess = b"POST /v1/acts/party.update\n" + json.dumps(body).encode()
        live.registry.close()
        data = b"".join(path.read_bytes() for path in live.folder.glob("registry.db*"))
        assert hashlib.sha256(guess).hexdigest().encode() not in data


def test_another_custody_key_stops_a_start(tmp_path: Path) -> None:
    from registry.founding import FoundingError

    folder = tmp_path / "data"
    with live_registry(folder) as live:
        make_party(live)
    path = folder / "keys" / "custody.key"
    kept = path.read_text()
    path.write_text("00" * 32)
    with pytest.raises(FoundingError, match=r"custody\.key"), live_registry(folder):
        pass
    path.write_text("zz")
    with pytest.raises(FoundingError, match=r"custody\.key"), live_registry(folder):
        pass
    path.write_text(kept)
    with live_registry(folder) as live:
        assert live.size() == 2


def test_disclosures_of_ones_own_making_come_beside(live: Live) -> None:
    from tests.registry.desk import sd

    made = make_party(live)
    member, text = sd("contact", "0531")
    wrapped = {"body": {"contact": member}, "disclosures": [text]}
    assert post(live, "/v1/acts/party.update", made["token"], wrapped).status_code == 201
    problem(post(live, "/v1/acts/party.update", made["token"], {"contact": member}), 422, "INVALID_VALUE")
    assert len(parse_base64url(member["sd"])) == 32
