"""Returned copies: the same content, errors marked in their cells, results at the end; and read again the same file."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.styles import Font, PatternFill

from api.spreadsheets import copies
from api.spreadsheets.columns import COLUMNS
from api.spreadsheets.copies import write_copy
from api.spreadsheets.headers import open_table
from api.spreadsheets.neutral import neutral, plain
from api.spreadsheets.results import Outcome
from api.spreadsheets.rows import SheetRefused, read_rows
from tests.api.spreadsheets.made import NUMBERS, PARTY, filled, from_template, separated, workbook


def outcomes_of(path: Path) -> dict[int, Outcome]:
    with open_table(path) as table:
        rows = list(read_rows(table, path.name, PARTY))
    return {
        (row.number if isinstance(row, SheetRefused) else row.places.row): (
            Outcome(row.number, "refused", errors=row.errors)
            if isinstance(row, SheetRefused)
            else Outcome(row.places.row, "registered", "ast_x")
        )
        for row in rows
    }


ROWS = [filled(1), filled(2, form="数据", records="-"), filled(3, overview='=HYPERLINK("http://evil")')]


def cells(path: Path) -> list[list[Any]]:
    """What stands in the first sheet, without the columns that a copy adds."""
    sheet = load_workbook(path).worksheets[0]
    return [[cell.value for cell in row[: len(COLUMNS)]] for row in sheet.iter_rows()]


def test_a_copy_of_a_workbook(tmp_path: Path) -> None:
    path, copy, again = (tmp_path / name for name in ("a.xlsx", "b.xlsx", "c.xlsx"))
    from_template(path, ROWS)
    book = load_workbook(path)
    book.worksheets[0]["B2"].font = Font(name="KaiTi", italic=True)
    book.worksheets[0]["C2"].fill = PatternFill("solid", fgColor="FF00FF00")
    book.create_sheet("旁注")["A1"] = "不动"
    book.save(path)
    write_copy(path, copy, outcomes_of(path), "zh")
    book = load_workbook(copy)
    sheet = book.worksheets[0]
    assert cells(copy) == cells(path)
    assert book["旁注"]["A1"].value == "不动"
    assert (sheet["B2"].font.name, sheet["C2"].fill.fgColor.rgb) == ("KaiTi", "FF00FF00")
    width = len(COLUMNS)
    assert [sheet.cell(1, width + n).value for n in (1, 2, 3)] == ["结果/Result", "说明/Explanation", "资产编号/Asset"]
    assert [sheet.cell(row, width + 1).value for row in (2, 3, 4)] == [
        "已登记 registered",
        "未登记 refused",
        "未登记 refused",
    ]
    assert sheet.cell(2, width + 3).value == "ast_x"
    marked = sheet.cell(3, NUMBERS["form"])
    assert marked.comment is not None and "NOT_IN_LIST" in marked.comment.text
    assert marked.fill.fgColor.rgb == "FFF4CCCC"
    text = sheet.cell(3, width + 2).value
    assert isinstance(text, str)
    for part in (f"{marked.coordinate} 数据类别（“数据”）：", f"{marked.coordinate} Form ('数据'): ", "NOT_A_COUNT"):
        assert part in text

    marked.value, sheet.cell(3, NUMBERS["records"]).value, sheet.cell(4, NUMBERS["overview"]).value = (
        "数据资源",
        5,
        "概述",
    )
    book.save(copy)
    assert {outcome.result for outcome in outcomes_of(copy).values()} == {"registered"}
    write_copy(copy, again, outcomes_of(copy), "en")
    sheet = load_workbook(again).worksheets[0]
    assert sheet.max_column == width + 3
    assert sheet.cell(3, NUMBERS["form"]).comment is None
    assert sheet.cell(3, NUMBERS["form"]).fill.fill_type is None
    assert sheet.cell(3, width + 2).value is None
    assert sheet.cell(1, NUMBERS["form"]).comment is not None


def test_a_copy_without_formatting_holds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, copy = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    workbook(path, [*ROWS, filled(4, overview="#N/A")])
    monkeypatch.setattr(copies, "FORMATTED_CELLS", 0)
    write_copy(path, copy, outcomes_of(path), "zh")
    found, sheet = cells(copy), load_workbook(copy).worksheets[0]
    assert found == cells(path)
    assert sheet.cell(4, NUMBERS["overview"]).data_type == "f"
    assert sheet.cell(4, NUMBERS["overview"]).comment is not None
    assert sheet.cell(2, len(COLUMNS) + 1).value == "已登记 registered"
    assert load_workbook(copy).sheetnames == load_workbook(path).sheetnames
    assert [o.result for o in outcomes_of(copy).values()] == ["registered", "refused", "refused", "refused"]


def test_what_cannot_be_copied_as_it_is_comes_back_without_formatting(tmp_path: Path) -> None:
    path, copy = workbook(tmp_path / "a.xlsx", ROWS), tmp_path / "b.xlsx"
    book = load_workbook(path)
    book.worksheets[0].merge_cells(start_row=2, end_row=3, start_column=len(COLUMNS) + 1, end_column=len(COLUMNS) + 2)
    book.save(path)
    write_copy(path, copy, outcomes_of(path), "zh")
    sheet = load_workbook(copy).worksheets[0]
    assert [sheet.cell(row, len(COLUMNS) + 1).value for row in (2, 3)] == ["已登记 registered", "未登记 refused"]


def test_a_copy_of_csv(tmp_path: Path) -> None:
    path, copy, again = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    path.write_bytes(separated([*ROWS[:2], filled(4, overview="@SUM(1)", region="=1")], ";").encode("gb18030"))
    write_copy(path, copy, outcomes_of(path), "zh")
    text = copy.read_bytes().decode("utf-8-sig")
    assert "'@SUM(1)" in text and ";'=1;" in text
    assert text.splitlines()[0].endswith(";结果/Result;说明/Explanation;资产编号/Asset")
    before, after = outcomes_of(path), outcomes_of(copy)
    assert [(o.result, [(e.cell, e.value) for e in o.errors]) for o in after.values()] == [
        (o.result, [(e.cell, e.value) for e in o.errors]) for o in before.values()
    ]
    write_copy(copy, again, after, "zh")
    assert again.read_bytes() == copy.read_bytes()


def test_a_copy_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("a,b\n")
    copy.write_text("before")
    with pytest.raises(Exception, match="headings"):
        write_copy(path, copy, {}, "zh")
    assert copy.read_text() == "before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv", "b.csv"]


@given(st.text() | st.text(alphabet="=+-@'＝＋－＠\t\r \u200bA1(", max_size=8))
def test_neutral_text_comes_back_and_does_not_act(text: str) -> None:
    safe = neutral(text)
    assert plain(safe) == text
    assert safe.strip().lstrip("\u200b\ufeff")[:1] not in tuple("=+-@＝＋－＠")
    assert safe[:1] not in ("\t", "\r") or not text.strip()
