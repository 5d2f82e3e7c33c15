"""`/v1/imports`: a spreadsheet over REST, its errors, its copy; whose it is; and that a crash registers nothing twice."""

import io
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from api.exporting.files import CSV, XLSX
from api.importing.model import Body
from api.imports import runner as running
from api.imports.filing import DeskFiler
from api.imports.job import Job
from api.imports.runner import Runner
from api.imports.shelf import KEPT_FOR, KEPT_OF_A_PARTY, Shelf
from api.spreadsheets.columns import COLUMNS
from api.spreadsheets.errors import WORDS
from api.spreadsheets.packages import MAX_FILE_BYTES
from ledger.instants import format_instant
from registry.writer import Answer
from tests.api.live import Live, live_registry, problem, simulated
from tests.api.spreadsheets.made import PLANTED, correct, filled, planted, separated, simple, workbook
from tests.api.tokens import bearer, make_party, post

DEADLINE_S = 60.0


def send(live: Live, token: str, data: bytes, media_type: str = XLSX, **more: Any) -> httpx.Response:
    headers = {"Content-Type": media_type} | bearer(token) | more.pop("headers", {})
    return live.http.post("/v1/imports", content=data, headers=headers, **more)


def ended(live: Live, token: str, answer: httpx.Response) -> dict[str, Any]:
    """The job, once it has ended."""
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['id']}"
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = live.http.get(answer.headers["location"], headers=bearer(token) | {"Accept-Language": "en"})
        assert found.status_code == 200, found.text
        job: dict[str, Any] = found.json()
        if job["state"] not in ("waiting", "running"):
            return job
        assert time.monotonic() < deadline, job


def copy_of(live: Live, token: str, job: dict[str, Any]) -> bytes:
    answer = live.http.get(f"/v1/imports/{job['id']}/file", headers=bearer(token))
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return answer.content


def counts(job: dict[str, Any]) -> tuple[int, int, int, int]:
    return job["total"], job["registered"], job["skipped"], job["refused"]


def test_a_workbook_its_copy_and_the_corrected_copy(live: Live, tmp_path: Path) -> None:
    token = make_party(live)["token"]
    rows, wrong = planted(60, len(PLANTED))
    path = workbook(tmp_path / "a.xlsx", rows)
    tried = ended(live, token, send(live, token, path.read_bytes(), params={"dry_run": "true"}))
    assert (counts(tried), tried["passed"]) == ((60, 0, 0, len(PLANTED)), 60 - len(PLANTED))
    assert live.get("/v1/assets")["items"] == []
    job = ended(live, token, send(live, token, path.read_bytes()))
    assert (job["state"], counts(job)) == ("done", (60, 60 - len(PLANTED), 0, len(PLANTED)))
    assert {error["cell"]: error["code"] for error in job["errors"]} == {c: code for c, (code, _) in wrong.items()}
    path.write_bytes(copy_of(live, token, job))
    assert "REQUIRED" in str(load_workbook(path).worksheets[0].cell(2, len(COLUMNS) + 2).value)
    correct(path, wrong)
    again = ended(live, token, send(live, token, path.read_bytes()))
    assert counts(again) == (60, len(PLANTED), 60 - len(PLANTED), 0)
    assert len(live.get("/v1/assets", limit=100)["items"]) == 60
    assert "errors" not in again


def test_csv_and_the_template(live: Live) -> None:
    for language in ("zh", "en"):
        answer = live.http.get("/v1/imports/template", params={"lang": language})
        assert answer.headers["content-type"] == XLSX
        assert len(load_workbook(io.BytesIO(answer.content)).sheetnames) == 4
    problem(live.http.get("/v1/imports/template?lang=fr"), 422, "INVALID_VALUE")
    token = make_party(live)["token"]
    data = separated([filled(1), filled(2, grade="绝密")]).encode("gb18030")
    job = ended(live, token, send(live, token, data, CSV))
    assert counts(job) == (2, 1, 0, 1)
    text = copy_of(live, token, job).decode("utf-8-sig")
    assert "已登记 registered" in text and "NOT_IN_LIST" in text


def test_a_job_is_its_partys_own(live: Live) -> None:
    one, other = make_party(live), make_party(live, {"name": "乙公司", "kind": "legal_person"})
    data = separated([filled(1)]).encode()
    problem(send(live, "", data, CSV, headers={"Authorization": ""}), 401, "TOKEN_INVALID")
    problem(live.http.post("/v1/imports", content=data, headers={"Content-Type": CSV}), 401, "TOKEN_MISSING")
    problem(send(live, live.registry.admin_token, data, CSV), 403, "NOT_ENTITLED")
    reading = post(live, "/v1/tokens", one["token"], {"scopes": ["read"]}).json()["token"]
    problem(send(live, reading, data, CSV), 403, "NOT_ENTITLED")
    job = ended(live, one["token"], send(live, one["token"], data, CSV))
    for path in (f"/v1/imports/{job['id']}", f"/v1/imports/{job['id']}/file"):
        problem(live.http.get(path, headers=bearer(other["token"])), 404, "NOT_FOUND")
        problem(live.http.get(path), 401, "TOKEN_MISSING")
        assert live.http.get(path, headers=bearer(reading)).status_code == 200
    problem(live.http.get(f"/v1/imports/imp_{'0' * 32}", headers=bearer(one["token"])), 404, "NOT_FOUND")
    problem(live.http.get("/v1/imports/..%2f..%2fadmin.token", headers=bearer(one["token"])), 404, "NOT_FOUND")


def test_files_that_are_not_taken_leave_nothing(live: Live, tmp_path: Path) -> None:
    token = make_party(live)["token"]
    problem(send(live, token, b"x", "application/json"), 415, "MEDIA_TYPE")
    problem(send(live, token, b"PK\x03\x04" + b"x" * 100), 422, "INVALID_VALUE")
    problem(send(live, token, b"a,b\n", CSV), 422, "INVALID_VALUE")
    problem(send(live, token, b"x" * (MAX_FILE_BYTES + 1), CSV), 413, "TOO_LARGE")
    problem(send(live, token, b"", CSV, params={"colour": "red"}), 400, "UNKNOWN_MEMBER")
    titles = ["数据名称", "数据概述", "数据类别", "所属行业", "颜色", "地域范围", "更新频率"]
    refused = send(live, token, simple(tmp_path / "a.xlsx", [titles, ["x"]]).read_bytes())
    reasons = problem(refused, 422, "INVALID_VALUE")["reasons"]
    assert any("E1" in reason["message"] for reason in reasons) and len(reasons) > 5
    folder = live.folder / "imports"
    assert list(folder.iterdir()) == []
    empty = ended(live, token, send(live, token, separated([]).encode(), CSV))
    assert (empty["state"], empty["problem"]["code"]) == ("failed", "NO_ROWS")


class Dying(DeskFiler):
    """Files a chunk, and dies before anybody notes it."""

    def file(self, party: str, token: str, bodies: Sequence[Body], *, trial: bool) -> list[Answer]:
        super().file(party, token, bodies, trial=trial)
        raise KeyboardInterrupt


def kept_job(live: Live, shelf: Shelf, made: dict[str, Any], rows: list[dict[str, Any]], **more: Any) -> Job:
    """A job on disk, as a handler leaves it."""
    identifier = shelf.new_identifier()
    now = format_instant(live.registry.clock.now())
    token = made["token"].split("_")[1]
    job = Job(identifier, made["ids"][0]["id"], token, "zh", ".csv", more.pop("trial", False), more.pop("created", now))
    shelf.file(job).write_text(separated(rows))
    shelf.keep(job)
    return job


def test_through_a_proxy_to_a_server_that_is_for_its_own_machine(live: Live) -> None:
    token = make_party(live)["token"]
    answer = send(live, token, b"x", CSV, headers={"X-Forwarded-For": "203.0.113.7"})
    problem(answer, 403, "NOT_ADMITTED")


def test_a_crash_between_filing_and_noting_registers_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(running, "CHUNK", 4)
    rows = [filled(number, **({"grade": "绝密"} if number == 2 else {})) for number in range(10)]
    with live_registry(tmp_path / "data") as live:
        made = make_party(live)
        shelf = Shelf(live.folder / "imports")
        job = kept_job(live, shelf, made, rows)
        dying = Runner(shelf, Dying(live.registry))
        dying._open[job.id] = job
        with pytest.raises(KeyboardInterrupt):
            dying._ended(job)
        assert len(live.get("/v1/assets")["items"]) == 3
        assert list(shelf.outcomes(job)) == []
        with (live.folder / "imports" / job.id / "outcomes.ndjson").open("wb") as file:
            file.write(b'{"row":2,"resu')
        party, token = made["ids"][0]["id"], made["token"]
    with live_registry(tmp_path / "data") as live:
        answer = httpx.Response(202, headers={"Location": f"/v1/imports/{job.id}"}, json={"id": job.id})
        found = ended(live, token, answer)
        assert (found["state"], counts(found)) == ("done", (10, 9, 0, 1))
        assert len(live.get("/v1/assets", applicant=party)["items"]) == 9
        assert copy_of(live, token, found).decode("utf-8-sig").count("已登记 registered") == 9


def test_one_job_of_a_party_at_a_time_and_a_bounded_queue(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    made, other = make_party(live), make_party(live, {"name": "乙公司", "kind": "legal_person"})
    imports: Runner = live.app.state.imports
    job = kept_job(live, imports.shelf, made, [filled(1)])
    imports._open[job.id] = job
    data = separated([filled(1)]).encode()
    problem(send(live, made["token"], data, CSV), 429, "RATE_LIMITED")
    problem(live.http.get(f"/v1/imports/{job.id}/file", headers=bearer(made["token"])), 404, "NOT_FOUND")
    with imports.receiving(other["ids"][0]["id"]):
        problem(send(live, other["token"], data, CSV), 429, "RATE_LIMITED")
    monkeypatch.setattr(running, "MAX_WAITING", 1)
    problem(send(live, other["token"], data, CSV), 503, "QUEUE_FULL")
    assert {path.name for path in (live.folder / "imports").iterdir()} == {job.id}
    imports._enqueue(job)
    assert ended(live, made["token"], httpx.Response(202, headers={"Location": f"/v1/imports/{job.id}"}, json=
                 {"id": job.id}))["registered"] == 1  # fmt: skip


def test_a_revoked_token_and_a_register_that_does_not_write_end_a_job(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    made = make_party(live)
    shelf = Shelf(live.folder / "other")
    monkeypatch.setattr(running, "_TRIES", 2)
    monkeypatch.setattr(running, "_WAIT_S", 0)
    from registry.refusals.refusal import Words

    live.registry.office.read_only = Words("Closed.", "停止写入。")
    job = kept_job(live, shelf, made, [filled(1), filled(2, grade="绝密")])
    runner = Runner(shelf, DeskFiler(live.registry))
    runner._open[job.id] = job
    found = runner._ended(job)
    assert (found.state, found.problem.code if found.problem else "", found.refused) == ("failed", "READ_ONLY", 1)
    live.registry.office.read_only = None
    live.registry.desk.revoke_token(job.token, None)
    found = runner._ended(job)
    assert (found.state, found.problem.code if found.problem else "") == ("failed", "TOKEN_INVALID")
    assert live.get("/v1/assets")["items"] == []
    assert shelf.copy(job).exists()


def test_ended_jobs_are_kept_for_some_days_and_not_without_number(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data", clock=simulated(tmp_path / "data")) as live:
        made = make_party(live)
        token = made["token"]
        first = ended(live, token, send(live, token, separated([filled(1)]).encode(), CSV))
        shelf = Shelf(live.folder / "imports")
        now = live.registry.clock.now()
        shelf.sweep(now + KEPT_FOR - timedelta(seconds=1))
        assert [job.id for job in shelf.jobs()] == [first["id"]]
        for number in range(KEPT_OF_A_PARTY + 1):
            job = kept_job(live, shelf, made, [], created=format_instant(now + timedelta(seconds=number + 1)))
            shelf.keep(Runner(shelf, DeskFiler(live.registry))._end(job, "done"))
        waiting = kept_job(live, shelf, made, [])
        shelf.sweep(now)
        assert len(shelf.jobs()) == KEPT_OF_A_PARTY + 1
        assert shelf.job(first["id"]) is None
        shelf.sweep(now + KEPT_FOR)
        assert [job.id for job in shelf.jobs()] == [waiting.id]
        abandoned = shelf.new_identifier()
        shelf.clear_received()
        assert not (live.folder / "imports" / abandoned).exists()


def test_codes_of_cells_are_not_mistaken_for_codes_of_the_register() -> None:
    from registry.refusals.catalogue import CATALOGUE

    assert not set(WORDS) & set(CATALOGUE)
