"""Everything that goes wrong is a problem, in the reader's language, with a page that explains it."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.api.live import Live, live_registry, problem

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_error_is_a_problem_in_the_readers_language_and_its_type_is_a_page(live: Live, language: str) -> None:
    headers = {"Accept-Language": "fr;q=1, zh;q=0.3, en;q=0.2" if language == "zh" else "de, en-GB;q=0.8, zh;q=0.5"}
    answers = [
        (live.http.get("/nothing", headers=headers), 404, "NOT_FOUND"),
        (live.http.get("/v1/parties/pty_x", headers=headers), 404, "NOT_FOUND"),
        (live.http.delete("/v1/statements", headers=headers), 405, "METHOD_NOT_ALLOWED"),
        (live.http.get("/v1/assets", headers=headers | {"Accept": "text/html"}), 406, "NOT_ACCEPTABLE"),
        (live.send(b"{", headers=headers), 400, "MALFORMED"),
        (live.http.get("/v1/check", headers=headers), 400, "MALFORMED"),
        (live.http.get("/v1/assets?size=9", headers=headers), 503, "BEHIND"),
        (live.http.get("/v1/assets?limit=0", headers=headers), 422, "INVALID_VALUE"),
    ]
    for answer, status, code in answers:
        body = problem(answer, status, code)
        assert answer.headers["content-language"] == language
        assert "Accept-Language" in answer.headers["vary"]
        for words in (body["title"], body["detail"], body["reasons"][0]["message"]):
            assert bool(CHINESE.search(words)) is (language == "zh"), words
        page = live.http.get(body["type"], headers=headers)
        assert page.status_code == 200
        assert code in page.text


@pytest.mark.parametrize("accepted", ["fr", "", "en;q=0, zh", "en;q=x"])
def test_chinese_is_what_a_reader_of_neither_language_gets(live: Live, accepted: str) -> None:
    answer = live.http.get("/x", headers={"Accept-Language": accepted})
    problem(answer, 404, "NOT_FOUND")
    assert answer.headers["content-language"] == "zh"


def test_problems_in_a_file_speak_the_readers_language(live: Live) -> None:
    for language in ("zh", "en"):
        answer = live.http.post(
            "/v1/statements", content=b"{",
            headers={"Content-Type": "application/x-ndjson", "Accept-Language": language},
        )  # fmt: skip
        assert bool(CHINESE.search(answer.json()["problem"]["title"])) is (language == "zh")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/statements", {"POST"}),
        ("PUT", "/v1/statements", {"POST"}),
        ("POST", "/v1/rights", {"GET"}),
        ("DELETE", "/v1/clock", {"GET", "POST"}),
        ("POST", "/checkpoint", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/v1/checks", {"POST"}),
    ],
)
def test_405_names_the_methods(live: Live, method: str, path: str, allow: set[str]) -> None:
    answer = live.http.request(method, path)
    problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allow


def test_a_fault_is_500_without_its_inside(live: Live) -> None:
    with live.registry.engine.begin() as tx:
        tx.execute(text("ALTER TABLE sanquan_party RENAME TO elsewhere"))
    for language in ("zh", "en"):
        answer = live.http.get(f"/v1/parties/{live.registrar.id}", headers={"Accept-Language": language})
        body = problem(answer, 500, "INTERNAL")
        assert "sanquan_party" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["content-language"] == language
        assert bool(CHINESE.search(body["detail"])) is (language == "zh")


def test_validation_of_the_framework_is_a_problem_too(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data") as live:

        @live.app.get("/typed/{number}")
        def typed(number: int, wanted: int) -> dict[str, int]:
            return {"number": number + wanted}

        answer = live.http.get("/typed/x", headers={"Accept-Language": "en"})
        body = problem(answer, 400, "MALFORMED")
        assert {reason["pointer"] for reason in body["reasons"]} == {"/number", "/wanted"}
