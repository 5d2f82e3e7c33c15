"""`POST /v1/statements`: one statement, a trial, a file of them, and everything that is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.keys import KeySigner
from registry.admission import MAX_SUBMISSION_BYTES
from tests.api.live import NDJSON, Actor, Live, live_registry, party_body, problem


def newcomer(live: Live, name: str = "Firm N") -> tuple[Actor, bytes]:
    actor = Actor(name, [KeySigner.generate()])
    return actor, live.envelope("party.register", actor, party_body(actor))


def newcomers(live: Live, count: int) -> list[bytes]:
    return [newcomer(live, f"Firm {number}")[1] for number in range(count)]


def statuses(answers: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(answer["line"], answer["status"]) for answer in answers]


def facts(receipt: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in receipt.items() if name != "proof"}


def test_a_statement_is_201_then_200_with_the_same_facts(live: Live) -> None:
    actor, envelope = newcomer(live)
    first = live.send(envelope)
    assert first.status_code == 201
    receipt = first.json()
    assert (receipt["seq"], receipt["ids"], receipt["warnings"]) == (1, [{"id": actor.id}], [])
    assert receipt["folios"] == [{"id": actor.id, "n": 1, "prev": None}]
    assert live.proven(receipt) == 2
    live.party("Firm B")
    again = live.send(envelope)
    assert again.status_code == 200
    assert facts(again.json()) == facts(receipt)
    assert live.proven(again.json()) == 2


def test_signatures_of_a_known_payload_are_not_looked_at_again(live: Live) -> None:
    _, envelope = newcomer(live)
    live.send(envelope)
    value, other = json.loads(envelope), json.loads(newcomer(live)[1])
    value["signatures"][0]["sig"] = other["signatures"][0]["sig"]
    assert live.send(json.dumps(value).encode()).status_code == 200


def test_an_envelope_may_come_with_disclosures_beside_it(live: Live) -> None:
    _, envelope = newcomer(live)
    assert live.send(b'{"envelope":' + envelope + b',"disclosures":[]}').status_code == 201
    extra = live.send(b'{"envelope":' + newcomer(live)[1] + b',"more":1}')
    assert problem(extra, 400, "UNKNOWN_MEMBER")["reasons"][0]["pointer"] == "/more"


def test_a_dry_run_answers_the_receipt_without_position_and_writes_nothing(live: Live) -> None:
    actor, envelope = newcomer(live)
    answer = live.send(envelope, params={"dry_run": "true"})
    assert answer.status_code == 200
    assert answer.json().keys() == {"statement", "time", "ids", "folios", "warnings"}
    assert answer.json()["ids"] == [{"id": actor.id}]
    assert live.size() == 1
    assert live.send(envelope).status_code == 201
    assert live.send(envelope, params={"dry_run": "true"}).status_code == 200


def test_a_dry_run_refuses_what_would_be_refused(live: Live) -> None:
    actor, _ = newcomer(live)
    envelope = live.envelope("case.file", actor, live.filing(actor))
    problem(live.send(envelope, params={"dry_run": "true"}), 403, "KEY_UNKNOWN")


def test_a_file_is_answered_line_by_line_and_bad_lines_do_not_stop_good_ones(live: Live) -> None:
    first, second = newcomers(live, 2)
    lines = [first, b"{", b'{"payload":1,"payload":2}', '{"é":1}'.encode("latin-1"), second]
    answers = live.file(b"\n".join(lines))
    assert statuses(answers) == [(1, 201), (2, 400), (3, 400), (4, 400), (5, 201)]
    assert [a["problem"]["code"] for a in answers[1:4]] == ["MALFORMED", "DUPLICATE_MEMBER", "MALFORMED"]
    assert [live.proven(answers[i]["receipt"]) for i in (0, 4)] == [1, 1]


def test_lines_are_acted_on_in_order_so_that_a_key_may_come_with_an_earlier_line(live: Live) -> None:
    actor, envelope = newcomer(live)
    filing = live.envelope("case.file", actor, live.filing(actor))
    assert statuses(live.file(envelope + b"\n" + filing + b"\n")) == [(1, 201), (2, 201)]


def test_empty_lines_are_counted_but_not_answered_and_crlf_is_white_space(live: Live) -> None:
    first, second = newcomers(live, 2)
    assert statuses(live.file(b"\n \n" + first + b"\r\n\r\n" + second + b"\n\n")) == [(3, 201), (5, 201)]
    assert live.file(b"") == []


def test_the_same_line_twice_is_new_once(live: Live) -> None:
    _, envelope = newcomer(live)
    answers = live.file(envelope + b"\n" + envelope)
    assert statuses(answers) == [(1, 201), (2, 200)]
    assert answers[0]["receipt"]["seq"] == answers[1]["receipt"]["seq"]


def test_a_line_over_the_limit_is_refused_alone(live: Live) -> None:
    first, second = newcomers(live, 2)
    long = b"{" + b"x" * (MAX_SUBMISSION_BYTES + 1)
    assert statuses(live.file(first + b"\n" + long + b"\n" + second)) == [(1, 201), (2, 413), (3, 201)]
    last = live.file(newcomer(live)[1] + b"\n" + long)
    assert [answer["status"] for answer in last] == [201, 413]
    assert last[1]["problem"]["code"] == "TOO_LARGE"


def test_a_dry_run_of_a_file_writes_nothing(live: Live) -> None:
    answers = live.file(b"\n".join(newcomers(live, 3)), params={"dry_run": "true"})
    assert statuses(answers) == [(1, 200), (2, 200), (3, 200)]
    assert all("proof" not in answer["receipt"] for answer in answers)
    assert live.size() == 1


def test_an_atomic_file_lands_whole_or_not_at_all(live: Live) -> None:
    good = newcomers(live, 2)
    stranger, _ = newcomer(live)
    bad = live.envelope("case.file", stranger, live.filing(stranger))
    atomic = {"atomic": "true"}
    answers = live.file(b"\n".join([good[0], bad, good[1]]), params=atomic)
    assert [a["status"] for a in answers] == [409, 403, 409]
    assert [a["problem"]["code"] for a in answers] == ["BATCH_REFUSED", "KEY_UNKNOWN", "BATCH_REFUSED"]
    assert live.size() == 1
    assert statuses(live.file(b"\n".join(good), params=atomic)) == [(1, 201), (2, 201)]
    malformed = live.file(b"\n".join([newcomer(live)[1], b"{"]), params=atomic)
    assert [a["problem"]["code"] for a in malformed] == ["BATCH_REFUSED", "MALFORMED"]
    assert live.size() == 3


def test_at_most_256_lines_can_be_atomic(live: Live) -> None:
    lines = newcomers(live, 257)
    url, params = "/v1/statements", {"atomic": "true"}
    problem(live.http.post(url, params=params, content=b"\n".join(lines), headers=NDJSON), 413, "TOO_LARGE")
    assert live.size() == 1
    answers = live.file(b"\n".join(lines[:256]), params=params)
    assert {answer["status"] for answer in answers} == {201}
    assert live.size() == 257


def test_a_file_that_is_too_long_is_refused_from_the_line_that_crosses_the_limit(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", max_file_bytes=4_000) as live:
        lines = newcomers(live, 8)
        whole = 0
        while sum(len(line) + 1 for line in lines[: whole + 1]) <= 4_000:
            whole += 1
        problem(live.http.post("/v1/statements", content=b"\n".join(lines), headers=NDJSON), 413, "TOO_LARGE")
        assert live.size() == 1  # it says how long it is: nothing of it is read

        undeclared = live.http.post("/v1/statements", content=iter([b"\n".join(lines)]), headers=NDJSON)
        answers = [json.loads(line) for line in undeclared.text.splitlines()]
        assert statuses(answers) == [(n + 1, 201) for n in range(whole)] + [(whole + 1, 413)]
        assert answers[-1]["problem"]["code"] == "TOO_LARGE"
        assert live.size() == 1 + whole
        for content in (b"\n".join(lines), iter([b"\n".join(lines)])):
            atomic = live.http.post("/v1/statements", params={"atomic": "true"}, content=content, headers=NDJSON)
            problem(atomic, 413, "TOO_LARGE")
        assert live.size() == 1 + whole


def test_a_file_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", max_file_bytes=4_000) as live:
        lines = b"\n".join(newcomers(live, 2))
        assert statuses(live.file(lines + b" " * (4_000 - len(lines)))) == [(1, 201), (2, 201)]


def test_a_file_that_arrives_in_small_parts(live: Live) -> None:
    content = b"\n".join(newcomers(live, 3))

    def parts() -> Iterator[bytes]:
        for start in range(0, len(content), 100):
            yield content[start : start + 100]

    answer = live.http.post("/v1/statements", content=parts(), headers=NDJSON)
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [201, 201, 201]


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/jsonl", "multipart/form-data"])
def test_another_media_type_is_415(live: Live, media_type: str) -> None:
    answer = live.http.post("/v1/statements", content=b"{}", headers={"Content-Type": media_type} if media_type else {})
    problem(answer, 415, "MEDIA_TYPE")


def test_json_with_a_charset_is_json(live: Live) -> None:
    answer = live.send(newcomer(live)[1], headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MALFORMED"),
        (b"[]", "MALFORMED"),
        (b"null", "MALFORMED"),
        (b"\xef\xbb\xbf{}", "MALFORMED"),
        (b"{\xff}", "MALFORMED"),
        (b'{"a":1,"a":1}', "DUPLICATE_MEMBER"),
        (b'{"payload":"e30=","payloadType":"x","signatures":[]}', "MALFORMED"),
        (b'{"envelope":{},"disclosures":[1]}', "MALFORMED"),
        (b"[" * 5_000, "MALFORMED"),
        (b'{"payload":NaN}', "MALFORMED"),
    ],
)
def test_what_is_no_envelope_is_malformed(live: Live, body: bytes, code: str) -> None:
    problem(live.send(body), 400, code)
    for line in live.file(body):
        assert (line["status"], line["problem"]["code"]) == (400, code)


def test_bodies_and_payloads_over_their_limits_are_413(live: Live) -> None:
    problem(live.send(b"x" * (MAX_SUBMISSION_BYTES + 1)), 413, "TOO_LARGE")
    actor, _ = newcomer(live)
    body = party_body(actor) | {"contact": "x" * 33_000}
    problem(live.send(live.envelope("party.register", actor, body)), 413, "TOO_LARGE")


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [({"log": "other.test"}, 400, "WRONG_LOG"), ({"expect": {"ast_" + "0" * 26: 3}}, 409, "STALE")],
)
def test_refusals_of_the_statement_itself(live: Live, more: dict[str, Any], status: int, code: str) -> None:
    actor = live.party()
    problem(live.send(live.envelope("case.file", actor, live.filing(actor), **more)), status, code)


def test_an_act_of_another_version_is_unknown(live: Live) -> None:
    problem(live.send(live.envelope("entry.correct", live.party(), {})), 400, "UNKNOWN_ACT")


def test_parameters_of_the_way_in(live: Live) -> None:
    envelope = newcomer(live)[1]
    problem(live.send(envelope, params={"dry": "true"}), 400, "UNKNOWN_MEMBER")
    problem(live.send(envelope, params={"dry_run": "yes"}), 422, "INVALID_VALUE")
    problem(live.send(envelope, params={"atomic": "true"}), 422, "INVALID_VALUE")
    problem(live.send(envelope, params=[("dry_run", "true"), ("dry_run", "true")]), 400, "DUPLICATE_MEMBER")
    assert live.size() == 1


def test_statement_by_id_answers_envelope_and_receipt(live: Live) -> None:
    _, envelope = newcomer(live)
    receipt = live.send(envelope).json()
    live.party("Firm B")
    found = live.get(f"/v1/statements/{receipt['statement']}")
    assert found["envelope"] == json.loads(envelope)
    assert facts(found["receipt"]) == facts(receipt)
    assert live.proven(found["receipt"]) == 2
    for name in ("0" * 64, "x", receipt["statement"].upper()):
        problem(live.http.get(f"/v1/statements/{name}"), 404, "NOT_FOUND")
