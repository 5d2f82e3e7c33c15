"""Exports as CSV and as workbooks, written item by item: their memory does not grow with the list."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from api.exporting.columns import line, titles
from api.spreadsheets.neutral import csv_line, set_text

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = {"csv": CSV, "xlsx": XLSX}
SUFFIXES = {CSV: ".csv", XLSX: ".xlsx"}
BOM = b"\xef\xbb\xbf"
"""Without it Excel reads CSV in the encoding of its country."""

View = Mapping[str, Any]


def write_list(what: str, items: Iterable[View], media_type: str, file: IO[bytes]) -> None:
    """The file holds the list."""
    lines = (line(what, item) for item in items)
    if media_type == CSV:
        _write_csv(titles(what), lines, file)
    else:
        _write_workbook(what, titles(what), lines, file)


def _write_csv(heading: list[str], lines: Iterator[list[Any]], file: IO[bytes]) -> None:
    file.write(BOM + csv_line(heading).encode())
    for values in lines:
        file.write(csv_line("true" if v is True else "false" if v is False else v for v in values).encode())


def _write_workbook(what: str, heading: list[str], lines: Iterator[list[Any]], file: IO[bytes]) -> None:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet(what)
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)
    first = [WriteOnlyCell(sheet, name) for name in heading]
    for cell in first:
        cell.font = bold
    sheet.append(first)
    for values in lines:
        sheet.append([_cell(sheet, value) for value in values])
    workbook.save(file)


def _cell(sheet: Any, value: Any) -> Any:
    """Text as text; a number that the program would round as its digits."""
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 10**15):
        return value
    cell = WriteOnlyCell(sheet)
    set_text(cell, str(value))
    return cell
