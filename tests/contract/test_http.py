"""`POST /v1/statements`: single, dry run, NDJSON, and problems in both languages."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.encoding import parse_hex
from ledger.proof import parse_proof, verify_proof
from registry.refusals.catalogue import CATALOGUE
from tests.contract.served import Live, serve
from tests.registry.desk import ALL, Actor, ids

NDJSON = {"Content-Type": "application/x-ndjson"}


def filing(live: Live, actor: Actor, **form: Any) -> bytes:
    return live.desk.envelope("case.file", actor, live.desk.filing([{"party": actor.id, "rights": ALL}], **form))


def lines_of(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in response.text.splitlines()]


def test_201_then_200(live: Live) -> None:
    line = filing(live, live.desk.party("甲"))
    first, second = live.post(line), live.post(line)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    proof = parse_proof(first.json()["proof"])
    assert proof.checkpoint.count("\n— ") == 2
    verify_proof(proof, parse_hex(first.json()["leaf_hash"]), live.desk.registry.log.verifier_keys())


def test_dry_run(live: Live) -> None:
    line = filing(live, live.desk.party("甲"))
    tried = live.post(line, params={"dry_run": "true"})
    assert tried.status_code == 200
    assert "seq" not in tried.json()
    assert live.post(line).status_code == 201
    assert live.post(line, params={"dry_run": "maybe"}).json()["code"] == "INVALID_VALUE"


def test_a_file_is_answered_line_by_line(live: Live) -> None:
    a = live.desk.party("甲")
    good, bad = filing(live, a), filing(live, a, grade="core")
    answers = lines_of(live.file([good, b"", b"\xff", bad, good, b"x" * 140_000, filing(live, a)]))
    assert [(answer["line"], answer["status"]) for answer in answers] == [
        (1, 201), (3, 400), (4, 422), (5, 200), (6, 413), (7, 201),
    ]  # fmt: skip
    assert answers[0]["receipt"]["proof"].count("\n— ") == 1
    assert answers[2]["problem"]["code"] == "R_NATIONAL_SECURITY"
    for answer in answers:
        if "receipt" in answer:
            receipt = answer["receipt"]
            keys = live.desk.registry.log.verifier_keys()
            verify_proof(parse_proof(receipt["proof"]), parse_hex(receipt["leaf_hash"]), keys)


def test_a_long_file_is_acted_on_in_order(live: Live) -> None:
    a = live.desk.party("甲")
    answers = lines_of(live.file([filing(live, a) for _ in range(700)]))
    assert [answer["line"] for answer in answers] == list(range(1, 701))
    seqs = [answer["receipt"]["seq"] for answer in answers]
    assert seqs == list(range(seqs[0], seqs[0] + 700))


def test_atomic_files(live: Live) -> None:
    a = live.desk.party("甲")
    good = [filing(live, a) for _ in range(3)]
    answers = lines_of(live.file([*good, b"{}"], params={"atomic": "true"}))
    assert [answer["status"] for answer in answers] == [409, 409, 409, 400]
    assert {answer["problem"]["code"] for answer in answers[:3]} == {"BATCH_REFUSED"}
    assert [answer["status"] for answer in lines_of(live.file(good, params={"atomic": "true"}))] == [201] * 3
    assert live.file([filing(live, a)] * 257, params={"atomic": "true"}).status_code == 413


def test_a_file_over_the_limit_is_refused_from_the_first_line_not_read(tmp_path: Path) -> None:
    with serve(tmp_path / "data", max_file_bytes=20_000) as live:
        a = live.desk.party("甲")
        lines = [filing(live, a) for _ in range(40)]
        before = live.desk.registry.reader.moment().size
        assert live.file(lines).status_code == 413
        assert live.desk.registry.reader.moment().size == before
        undeclared = live.http.post("/v1/statements", content=iter([b"\n".join(lines)]), headers=NDJSON)
        answers = lines_of(undeclared)
        landed = [answer for answer in answers if answer["status"] == 201]
        assert landed
        assert answers[-1]["status"] == 413
        assert answers[-1]["line"] == len(landed) + 1
        size = live.desk.registry.reader.moment().size
        assert lines_of(live.file(lines[: len(landed)]))[0]["status"] == 200
        assert live.desk.registry.reader.moment().size == size


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_that_goes_wrong_is_a_problem(live: Live, language: str) -> None:
    line = filing(live, live.desk.party("甲"))
    headers = {"Accept-Language": "fr;q=0.9, " + language}
    ask = live.http.request
    answers = [
        (404, "NOT_FOUND", ask("GET", "/nothing", headers=headers)),
        (405, "METHOD_NOT_ALLOWED", ask("DELETE", "/v1/statements", headers=headers)),
        (404, "NOT_FOUND", ask("GET", "/v1/assets/ast_0", headers=headers)),
        (406, "NOT_ACCEPTABLE", ask("GET", "/v1/assets", headers=headers | {"Accept": "image/png"})),
        (415, "MEDIA_TYPE", ask("POST", "/v1/statements", headers=headers, content=line)),
        (413, "TOO_LARGE", ask("POST", "/v1/statements", headers=headers | {"Content-Type": "application/json"}, content=b" " * 200_000)),
        (400, "MALFORMED", ask("POST", "/v1/statements", headers=headers | {"Content-Type": "application/json"}, content=b"{")),
        (400, "UNKNOWN_MEMBER", ask("GET", "/v1/assets?colour=red", headers=headers)),
        (400, "DUPLICATE_MEMBER", ask("GET", "/v1/assets?limit=1&limit=2", headers=headers)),
        (422, "INVALID_VALUE", ask("GET", "/v1/assets?limit=0", headers=headers)),
        (422, "INVALID_VALUE", ask("GET", "/v1/assets?cursor=xyz", headers=headers)),
        (422, "INVALID_VALUE", ask("GET", "/v1/parties/pty_0?at=yesterday", headers=headers)),
        (503, "BEHIND", ask("GET", "/v1/assets?size=9999", headers=headers)),
        (404, "SIZE_NOT_SIGNED", ask("GET", "/v1/log/inclusion?seq=0&size=9999", headers=headers)),
    ]  # fmt: skip
    for status, code, answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        problem = answer.json()
        assert problem["code"] == code
        assert problem["status"] == status
        assert problem["title"] == getattr(CATALOGUE[code].title, language)
        assert problem["reasons"][0]["message"] == problem["detail"]
        assert live.http.get(problem["type"]).status_code == 200
        assert answer.headers["content-language"] == language
    assert "POST" in answers[1][2].headers["allow"]
    assert answers[-2][2].headers["retry-after"]


def test_a_fault_is_a_problem_too(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("registry.reading.Reader.asset", explode)
    answer = live.http.get("/v1/assets/ast_0", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")


def test_admission_and_quotas(tmp_path: Path) -> None:
    with serve(tmp_path / "data", admission="verified", quota_party="3/hour", quota_address="8/hour") as live:
        a = live.desk.party("甲")
        assert live.post(filing(live, a)).json()["code"] == "NOT_ADMITTED"
        assert live.post(live.desk.envelope("party.update", a, {"contact": "1"})).status_code == 201
        assert live.post(live.desk.envelope("party.update", a, {"contact": "2"})).status_code == 201
        limited = live.post(live.desk.envelope("party.update", a, {"contact": "3"}))
        assert (limited.status_code, limited.json()["code"]) == (429, "RATE_LIMITED")
        assert limited.headers["retry-after"]
        others = [live.desk.party(name) for name in "乙丙丁"]
        answers = [live.post(live.desk.envelope("party.update", b, {"contact": "1"})).status_code for b in others * 2]
        assert answers == [201, 201, 201, 201, 429, 429]


def test_the_statement_and_its_receipt_stay_readable(live: Live) -> None:
    line = filing(live, live.desk.party("甲"))
    receipt = live.post(line).json()
    found = live.http.get(f"/v1/statements/{receipt['statement']}").json()
    assert found["envelope"] == json.loads(line)
    assert found["receipt"] == receipt
    assert live.http.get("/v1/statements/" + "0" * 64).status_code == 404
    assert live.http.get("/v1/statements/xyz").status_code == 404
    assert ids(receipt, "ast")
