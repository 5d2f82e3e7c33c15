"""The returned copy: the applicant's own file, wrong cells marked, and what became of each row at the right end.

Read again it is the same file: its added columns are passed over, rows that are registered are skipped.
"""

import csv
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from api.spreadsheets.columns import RESULT_TITLES
from api.spreadsheets.errors import CellError, FileRefusedError
from api.spreadsheets.grids import Cell, broken_is_refused, decoded, grids, is_workbook, quiet
from api.spreadsheets.headers import Header, open_table
from api.spreadsheets.neutral import cell_text, csv_line, plain, set_text
from api.spreadsheets.packages import check_package
from api.spreadsheets.results import Outcome

Outcomes = Mapping[int, Outcome]

AUTHOR = "Sanquan"
FORMATTED_CELLS = 600_000
"""Up to so many cells a workbook is copied with its formatting, which takes some 500 bytes of memory a cell; a larger
one is copied row by row, without."""
_RED, _GREEN = "FFF4CCCC", "FFD9EAD3"
_WRONG, _DONE = PatternFill("solid", fgColor=_RED), PatternFill("solid", fgColor=_GREEN)
_WIDTHS = {"result": 22.0, "explanation": 80.0, "asset": 36.0}
_COMMENT_CHARACTERS = 1_000


def write_copy(source: Path, target: Path, outcomes: Outcomes, language: str) -> None:
    """`target` is the copy of `source` with these results; it is whole, or was not touched.

    Raises:
        FileRefusedError: the source cannot be read any more.
    """
    with _replacing(target) as file, source.open("rb") as original:
        if not is_workbook(original):
            _copy_text(source, file, outcomes, language)
            return
        size = original.seek(0, io.SEEK_END)
        original.seek(0)
        if check_package(original, size) <= FORMATTED_CELLS:
            try:
                _copy_formatted(source, original, file, outcomes, language)
            except FileRefusedError:  # its rows could be read, but openpyxl cannot write what is around them
                file.seek(0)
                file.truncate()
            else:
                return
        _copy_values(source, file, outcomes, language)


def suffix_of(source: Path) -> str:
    """`.xlsx` or `.csv`, by what the file is."""
    with source.open("rb") as file:
        return ".xlsx" if is_workbook(file) else ".csv"


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `target` when the block has ended well."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def places(header: Header) -> dict[str, int]:
    """The columns of the results: those of an earlier copy, else new ones at the right end."""
    found = dict(header.results)
    width = header.width
    for name in RESULT_TITLES:
        if name not in found:
            width += 1
            found[name] = width
    return found


def _texts(outcome: Outcome, language: str) -> dict[str, str]:
    return {"result": outcome.words(), "explanation": outcome.explanation(language), "asset": outcome.asset}


def _by_cell(errors: tuple[CellError, ...], language: str) -> dict[int, str]:
    """What is wrong with each cell, in one text."""
    found: dict[int, list[str]] = {}
    for error in errors:
        if error.column:
            found.setdefault(error.column, []).append(error.sentence(language))
    return {column: "\n".join(lines)[:_COMMENT_CHARACTERS] for column, lines in found.items()}


def _copy_formatted(source: Path, original: IO[bytes], file: IO[bytes], outcomes: Outcomes, language: str) -> None:
    with open_table(source) as table:
        title, header = table.sheet, table.header
    with broken_is_refused(), quiet():
        workbook = load_workbook(original, keep_links=False)
        sheet = workbook[title]
        added = places(header)
        _clear_marks(sheet, header, added)
        for name, column in added.items():
            cell = sheet.cell(header.row, column)
            set_text(cell, RESULT_TITLES[name])
            cell.font = Font(bold=True)
            sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS[name]
        for number, outcome in outcomes.items():
            for name, text in _texts(outcome, language).items():
                cell = sheet.cell(number, added[name])
                set_text(cell, text)
                if name == "result":
                    cell.fill = _WRONG if outcome.errors else _DONE
            for column, text in _by_cell(outcome.errors, language).items():
                _mark(sheet.cell(number, column), text)
        workbook.save(file)


def _clear_marks(sheet: Any, header: Header, added: Mapping[str, int]) -> None:
    """Marks and results of an earlier copy are gone."""
    for cell in list(sheet._cells.values()):  # noqa: SLF001  `iter_rows` would make every empty cell
        if isinstance(cell, MergedCell) or cell.row < header.row:
            continue
        if cell.comment is not None and cell.comment.author == AUTHOR:
            cell.comment = None
            cell.fill = PatternFill()
        if cell.row > header.row and cell.column in added.values():
            cell.value = None
            cell.fill = PatternFill()


def _mark(cell: Any, text: str) -> None:
    if isinstance(cell, MergedCell):
        return
    cell.fill = _WRONG
    if cell.comment is None:
        cell.comment = Comment(cell_text(text), AUTHOR, height=120, width=320)


def _copy_values(source: Path, file: IO[bytes], outcomes: Outcomes, language: str) -> None:
    """Every sheet with its values; formulas and error values stay what they are."""
    with open_table(source) as table:
        title, header = table.sheet, table.header
    added = places(header)
    workbook = Workbook(write_only=True)
    with grids(source) as sheets:
        for grid in sheets:
            sheet = workbook.create_sheet(grid.title)
            written = 0
            for number, cells in grid.rows:
                for _ in range(number - written - 1):
                    sheet.append([])
                line = {cell.column: cell for cell in cells}
                wrong: dict[int, str] = {}
                if grid.title == title:
                    for column in added.values():
                        line.pop(column, None)
                    line |= {c: Cell(c, text) for c, text in _added(number, header, added, outcomes, language).items()}
                    wrong = _by_cell(outcomes[number].errors, language) if number in outcomes else {}
                sheet.append(_line(sheet, line, wrong))
                written = number
    with broken_is_refused():
        workbook.save(file)


def _line(sheet: Any, cells: Mapping[int, Cell], wrong: Mapping[int, str]) -> list[Any]:
    line: list[Any] = [None] * max((*cells, *wrong), default=0)
    for column, cell in cells.items():
        line[column - 1] = _written(sheet, cell)
    for column, text in wrong.items():
        if line[column - 1] is None:
            line[column - 1] = WriteOnlyCell(sheet, "")
        _mark(line[column - 1], text)
    return line


def _written(sheet: Any, cell: Cell) -> Any:
    written = WriteOnlyCell(sheet)
    value = getattr(cell.value, "text", cell.value)
    if isinstance(value, bool | int | float) or hasattr(value, "isoformat"):
        written.value = value
        return written
    set_text(written, str(value))
    if cell.state != "value":
        written.data_type = "f" if cell.state == "formula" else "e"
    return written


def _added(
    number: int, header: Header, added: Mapping[str, int], outcomes: Outcomes, language: str
) -> dict[int, str]:  # fmt: skip
    """What the copy adds to a row, by column."""
    if number == header.row:
        return {column: RESULT_TITLES[name] for name, column in added.items()}
    if number not in outcomes:
        return {}
    return {added[name]: text for name, text in _texts(outcomes[number], language).items()}


def _copy_text(source: Path, file: IO[bytes], outcomes: Outcomes, language: str) -> None:
    """CSV in UTF-8 with the mark that spreadsheet programs look for, divided as it came."""
    with open_table(source) as table:
        header, delimiter = table.header, table.delimiter
    added = places(header)
    with source.open("rb") as original:
        records = csv.reader(io.StringIO(decoded(original), newline=""), delimiter=delimiter, strict=True)
    file.write(b"\xef\xbb\xbf")
    for number, record in enumerate(records, 1):
        values = {place: plain(value) for place, value in enumerate(record, 1)}
        if number >= header.row:
            values |= dict.fromkeys(added.values(), "")
            values |= _added(number, header, added, outcomes, language)
        line = [values.get(column, "") for column in range(1, max(values, default=0) + 1)]
        file.write(csv_line(line, delimiter).encode())
