"""`sanquan import` of spreadsheets: what is right is registered, every error is named, the corrected copy adds the rest."""

import csv
import json
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from api.spreadsheets.errors import WORDS
from tests.api.cli.console import Console
from tests.api.cli.test_importing import count, report
from tests.api.spreadsheets.made import PLANTED, correct, filled, from_template, planted, separated, workbook

ROWS, ERRORS = 300, len(PLANTED)
LOCAL = sum(code in WORDS for _, _, code in PLANTED)


def named(home: Path) -> dict[str, str]:
    return {error["cell"]: error["code"] for line in report(home) for error in line.get("errors", ())}


def test_a_workbook_with_errors_and_its_corrected_copy(sanquan: Console) -> None:
    rows, wrong = planted(ROWS, ERRORS)
    path, copy = sanquan.home / "parking.xlsx", sanquan.home / "parking-result.xlsx"
    sanquan("template", path, "--lang", "zh")
    sanquan("template", path, wanted=2)
    sanquan("template", sanquan.home / "t.txt", wanted=2)
    from_template(path, rows)
    with sanquan.serve() as served:
        run = ("import", "--url", served.url, "--json")
        sanquan(*run, path, "--name", "Parking", "--dry-run", wanted=2)
        assert count(served.url) == 1
        sanquan("party", "register", "--url", served.url)
        tried = json.loads(sanquan(*run, path, "--dry-run").stdout)
        assert (tried["registered"], tried["passed"], tried["refused"]) == (0, ROWS - ERRORS, ERRORS)
        assert count(served.url) == 2
        expected = {cell: code for cell, (code, _) in wrong.items()}
        assert named(sanquan.home) == expected

        first = json.loads(sanquan(*run, path).stdout)
        assert (first["registered"], first["skipped"], first["refused"]) == (ROWS - ERRORS, 0, ERRORS)
        assert first["copies"] == ["parking-result.xlsx"]
        assert named(sanquan.home) == expected
        assert {line["outcome"] for line in report(sanquan.home)} == {"registered", "refused"}
        for line in report(sanquan.home):
            for error in line.get("errors", ()):
                assert error["zh"] and error["en"] and error["column"]
        sheet = load_workbook(copy).worksheets[0]
        assert {cell for cell in expected if sheet[cell].comment is not None} == set(expected)

        assert "written" in sanquan("list", "assets", "--output", "all.xlsx", "--url", served.url).stdout
        assert load_workbook(sanquan.home / "all.xlsx").worksheets[0].max_row == ROWS - ERRORS + 1
        assert (
            len(sanquan("list", "entries", "--filter", "act=party.register", "--url", served.url).stdout.split("\n"))
            == 2
        )
        for words in (("nothing",), ("assets", "--filter", "x"), ("assets", "--output", "a.pdf")):
            sanquan("list", *words, "--url", served.url, wanted=2)

        correct(copy, wrong)
        second = json.loads(sanquan(*run, copy).stdout)
        assert (second["registered"], second["skipped"], second["refused"]) == (ERRORS, ROWS - ERRORS, 0)
        assert count(served.url) == ROWS + 2
        third = json.loads(sanquan(*run, path, "--copy", sanquan.home / "third.xlsx").stdout)
        assert (third["registered"], third["skipped"]) == (0, ROWS - LOCAL)


def test_csv_beside_own_files_and_files_that_are_refused(sanquan: Console) -> None:
    path = sanquan.home / "rows.csv"
    path.write_text(separated([filled(1), filled(2, grade="绝密")], ";"), encoding="gb18030")
    (sanquan.home / "own.csv").write_text("a,b\n1,2\n")
    (sanquan.home / "macro.xlsm").write_bytes(b"PK\x03\x04")
    workbook(sanquan.home / "headless.xlsx", [filled(1)])
    book = load_workbook(sanquan.home / "headless.xlsx")
    book.worksheets[0]["B1"].value = "名字"
    book.save(sanquan.home / "headless.xlsx")
    with sanquan.serve() as served:
        run: tuple[Any, ...] = ("import", "--url", served.url, "--name", "Both")
        for name in ("macro.xlsm", "headless.xlsx"):
            refused = sanquan(*run, sanquan.home / name, path, wanted=2)
            assert name in refused.stderr
        assert "B1" in refused.stderr and "COLUMN_UNKNOWN" in refused.stderr
        assert count(served.url) == 1
        sanquan(*run, path, sanquan.home / "own.csv", "--basis", "own_operation", "--copy", "a", "--copy", "b.csv")
        with (sanquan.home / "b.csv").open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, delimiter=";"))
        assert [line[-3] for line in lines] == ["结果/Result", "已登记 registered", "未登记 refused"]
        assert lines[1][-1].startswith("ast_") and "NOT_IN_LIST" in lines[2][-2]
        assert sorted(line["outcome"] for line in report(sanquan.home)) == ["refused", "registered", "registered"]
        sanquan(*run, path, sanquan.home / "macro.xlsm", "--copy", "x.xlsx", wanted=2)
