"""Workbooks and CSV files as applicants fill them in, right and wrong."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from api.spreadsheets.columns import COLUMNS
from api.spreadsheets.template import template

PARTY = "pty_00000000000000000000000000"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NUMBERS = {column.member: number for number, column in enumerate(COLUMNS, 1)}

PLANTED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"name": None}, "name", "REQUIRED"),
    ({"form": "数据"}, "form", "NOT_IN_LIST"),
    ({"industry": "软件"}, "industry", "NOT_AN_INDUSTRY"),
    ({"records": "很多"}, "records", "NOT_A_COUNT"),
    ({"records": 2**53}, "records", "NUMBER_INEXACT"),
    ({"media": "表格；图像"}, "media", "NOT_IN_LIST"),
    ({"time_from": "2026-02-30", "time_until": "2026-03-01"}, "time_from", "NOT_A_DATE"),
    ({"time_from": "2026-03-02", "time_until": "2026-03-01"}, "time_until", "ENDS_BEFORE_START"),
    ({"fingerprints": "abc"}, "fingerprints", "NOT_A_FINGERPRINT"),
    ({"links": "ftp://example.org"}, "links", "NOT_A_LINK"),
    ({"rights": "所有"}, "rights", "NOT_A_KIND"),
    ({"purposes": "科学研究;随意"}, "purposes", "NOT_A_PURPOSE"),
    ({"contract": DIGEST}, "contract", "NOT_OF_BASIS"),
    ({"overview": "=A1&B1"}, "overview", "FORMULA"),
    # what only the registry knows
    ({"grade": "核心"}, "grade", "R_NATIONAL_SECURITY"),
    ({"basis": "data_source", "origin": "agreement"}, "contract", "INVALID_VALUE"),
    ({"basis": "entrusted", "origin": "agreement"}, "contract_rights", "R_ENTRUSTED_PROCESSOR"),
    (
        {
            "basis": "public_collection",
            "origin": "public_collection",
            "is_public": "是",
            "graded": "是",
            "intrusion": "否",
            "disturbance": "否",
            "circumvention": False,
            "harm": False,
        },
        "rights",
        "R_RIGHT_NOT_ENTITLED",
    ),
)
"""What to enter, the member whose cell is named for it, and the code."""


def filled(number: int, **more: Any) -> dict[str, Any]:
    """A row that can be registered, in the labels that the template offers."""
    return {
        "reference": f"P-{number:05d}", "name": f"2026年济南市停车场{number}号统计数据", "overview": "车位占用情况，按小时汇总。",
        "form": "数据资源", "industry": "I65 软件和信息技术服务业", "region_scope": "市级", "region": "山东省济南市",
        "time_from": "2026-01-01", "time_until": "2026-06-30", "update_frequency": "按天", "records": 1000 + number,
        "media": "表格", "structure": "结构化", "categories": "企业数据", "grade": "一般", "personal_information": "不含",
        "fields": "停车场编号；车位数；占用数", "origin": "采集生成", "basis": "自身生产经营",
        "rights": "数据持有权；数据使用权；数据经营权",
    } | more  # fmt: skip


def planted(count: int, errors: int) -> tuple[list[dict[str, Any]], dict[str, tuple[str, Any]]]:
    """So many rows with so many errors spread over them; by cell: the code, and what would be right there."""
    rows = [filled(number) for number in range(count)]
    wrong: dict[str, tuple[str, Any]] = {}
    for place in range(errors):
        number = place * count // errors
        change, member, code = PLANTED[place % len(PLANTED)]
        right = {name: rows[number].get(name) for name in change}
        rows[number] |= change
        wrong[f"{get_column_letter(NUMBERS[member])}{number + 2}"] = (code, right)
    return rows, wrong


def from_template(path: Path, rows: Iterable[Mapping[str, Any]], language: str = "zh") -> Path:
    """The template, filled in."""
    book = load_workbook(io.BytesIO(template(language)))
    return _filled_in(book, path, rows)


def workbook(path: Path, rows: Iterable[Mapping[str, Any]], language: str = "zh") -> Path:
    """A workbook with the headings of the template and nothing else of it."""
    book = Workbook()
    for number, column in enumerate(COLUMNS, 1):
        book.worksheets[0].cell(1, number).value = column.title(language)
    return _filled_in(book, path, rows)


def _filled_in(book: Workbook, path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    sheet = book.worksheets[0]
    for number, row in enumerate(rows, 2):
        for member, value in row.items():
            sheet.cell(number, NUMBERS[member]).value = value
    book.save(path)
    return path


def separated(rows: Iterable[Mapping[str, Any]], delimiter: str = ",", titles: Sequence[str] = ()) -> str:
    """The same as CSV, all columns."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(titles or [column.zh for column in COLUMNS])
    writer.writerows([["" if (v := row.get(c.member)) is None else v for c in COLUMNS] for row in rows])
    return text.getvalue()


def simple(path: Path, lines: Sequence[Sequence[Any]]) -> Path:
    """A workbook of one sheet with these cells."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for line in lines:
        sheet.append(line)
    book.save(path)
    return path


def correct(path: Path, wrong: Mapping[str, tuple[str, Any]]) -> None:
    """The returned copy with every planted error put right by hand."""
    book = load_workbook(path)
    sheet = book.worksheets[0]
    for cell, (_, right) in wrong.items():
        row = sheet[cell].row
        for member, value in right.items():
            sheet.cell(row, NUMBERS[member]).value = value
    book.save(path)
