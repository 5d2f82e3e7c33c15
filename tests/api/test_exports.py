"""Lists as CSV and as workbooks: every list, every page of one size, and nothing in them that acts."""

import csv
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from api.exporting.columns import EXPORTS, line, titles
from api.exporting.files import CSV, XLSX, write_list
from api.spreadsheets.neutral import plain
from api.v1 import exports
from tests.api.live import Live, live_registry, problem
from tests.registry.desk import FORM

EVIL = (
    '=HYPERLINK("http://evil","x")',
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "＝1",
    " =1",
    "plain",
    "'=1",
    "1;=2\n=3",
)


def csv_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    text = answer.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def sheet_of(answer: httpx.Response) -> list[list[Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == XLSX
    return [list(row) for row in load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows()]


def test_every_list_as_csv_and_as_workbook(live: Live) -> None:
    firm = live.party()
    live.asset(firm, fields=[{"name": "plate", "personal": "none"}, {"name": "time", "personal": "none"}])
    for what in EXPORTS:
        items = live.get(f"/v1/{what}", limit=1000)["items"]
        by_accept = live.http.get(f"/v1/{what}", headers={"Accept": CSV})
        rows = csv_of(by_accept)
        assert csv_of(live.http.get(f"/v1/{what}", params={"format": "csv"})) == rows
        assert len(rows) == len(items) > 0
        assert list(rows[0]) == titles(what)
        assert by_accept.headers["content-disposition"] == f'attachment; filename="sanquan-{what}-3.csv"'
        key = "seq" if what == "entries" else "id"
        assert [row[key] for row in rows] == [str(item[key]) for item in items]
        cells = sheet_of(live.http.get(f"/v1/{what}", params={"format": "xlsx"}))
        assert [cell.value for cell in cells[0]] == titles(what)
        assert len(cells) == len(items) + 1
    (asset,) = csv_of(live.http.get("/v1/assets?format=csv"))
    assert (asset["name"], asset["media"], asset["records"]) == (FORM["name"], "table", "1000")
    assert asset["fields"] == "plate:none; time:none"
    rights = csv_of(live.http.get("/v1/rights?format=csv&kind=operating"))
    assert [(r["kind"], r["rights"], r["until"]) for r in rights] == [
        ("operating", "holding; processing; operating", "")
    ]


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_no_cell_acts(text: str) -> None:
    item = {"id": "pty_x", "name": text, "kind": "legal_person", "keys": [], "roles": [text]}
    file = io.BytesIO()
    write_list("parties", [item], CSV, file)
    (row,) = csv.DictReader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline=""))
    assert plain(row["name"]) == text
    assert (row["name"][0] == "'") == (text != "plain" and text[0] != "1")
    file = io.BytesIO()
    write_list("parties", [item], XLSX, file)
    cell = load_workbook(io.BytesIO(file.getvalue())).worksheets[0]["B2"]
    assert cell.value == text.replace("\r", "\n")  # XML has one kind of line break
    assert cell.data_type == "s"
    assert cell.quotePrefix == (text != "plain" and text[0] != "1")


def test_confidential_members_and_what_xml_cannot_carry(live: Live) -> None:
    item = {"id": "pty_x", "name": {"sd": "abc"}, "identifier": {"sd": "def"}, "status": "a\x00b\ufffe", "keys": []}
    values = dict(zip(titles("parties"), line("parties", item), strict=True))
    assert (values["name"], values["identifier_scheme"]) == ("sd:abc", "sd:def")
    file = io.BytesIO()
    write_list("parties", [item], XLSX, file)
    sheet = load_workbook(io.BytesIO(file.getvalue())).worksheets[0]
    assert sheet.cell(2, titles("parties").index("status") + 1).value == "a\ufffdb\ufffd"


def test_a_file_holds_all_pages_of_one_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with live_registry(tmp_path / "data") as live:
        firm = live.party()
        for number in range(5):
            live.asset(firm, name=f"数据{number}")
        monkeypatch.setattr(exports, "MAX_LIMIT", 2)
        assert [row["name"] for row in csv_of(live.http.get("/v1/assets?format=csv"))] == [f"数据{n}" for n in range(5)]
        old = csv_of(live.http.get("/v1/assets", params={"format": "csv", "size": 4}))
        assert len(old) == 2
        monkeypatch.setattr(exports, "MAX_ITEMS", 4)
        problem(live.http.get("/v1/assets?format=csv"), 413, "TOO_LARGE")


def test_what_is_refused(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    problem(live.http.get("/v1/assets?format=pdf"), 422, "INVALID_VALUE")
    problem(live.http.get("/v1/assets?format=csv&limit=3"), 422, "INVALID_VALUE")
    problem(live.http.get("/v1/assets?format=csv&size=99"), 503, "BEHIND")
    problem(live.http.get("/v1/assets", headers={"Accept": "application/pdf"}), 406, "NOT_ACCEPTABLE")
    assert live.http.get("/v1/assets?format=json").json()["items"] == []
    monkeypatch.setattr(exports, "_PATIENCE_S", 0)
    with exports._writing, exports._writing:
        problem(live.http.get("/v1/assets?format=csv"), 503, "QUEUE_FULL")
