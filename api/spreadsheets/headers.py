"""Which column of a sheet holds what: the row with the template's headings, in Chinese, English or by member name."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from api.spreadsheets.columns import COLUMNS, RESULT_TITLES, Column
from api.spreadsheets.errors import CellError, CellFaultError, FileRefusedError, address, shown
from api.spreadsheets.grids import DELIMITERS, Cell, Grid, Row, grids, is_workbook
from api.spreadsheets.wording import folded, text_of

MAX_COLUMNS = 200
MAX_ROWS = 100_000
_SEARCHED_ROWS = 20
_RECOGNISED = 6
"""Headings of required columns that make a row the header: a table of one's own may well have a name, a region, a date."""
_OWN = "#"
_REMARK = re.compile(r"\s*\([^()]*\)$")


def _heading(text: str) -> str:
    return folded(text).rstrip("*").strip()


_NAMES: dict[str, Column] = {
    _heading(name): column for column in COLUMNS for name in (column.zh, column.en, column.member)
}
_RESULTS = {folded(title): name for name, title in RESULT_TITLES.items()}


@dataclass(frozen=True, slots=True)
class Header:
    """The row of the header, what each of its columns is, where a returned copy put its results, and the last column."""

    row: int
    columns: dict[int, Column]
    numbers: dict[str, int]
    results: dict[str, int]
    own: frozenset[int]
    width: int

    def column_of(self, member: str) -> int:
        """The number of the column; 0 if the sheet does not have it."""
        return self.numbers.get(member, 0)


@dataclass(frozen=True, slots=True)
class Table:
    """The sheet of data: its header, and the rows behind it that hold anything."""

    sheet: str
    header: Header
    rows: Iterator[Row]
    delimiter: str


def has_header(path: Path) -> bool:
    """Whether some sheet has a row with headings of the template, right or wrong otherwise.

    Raises:
        FileRefusedError: the file cannot be read.
    """
    return bool(_find(path, _delimiter(path)))


def _find(path: Path, delimiter: str) -> int:
    """How many headings of the template the likeliest row has, where it has enough of them to be the header."""
    with grids(path, delimiter) as sheets:
        for grid in sheets:
            best = max((_recognised(cells) for _, cells in islice(grid.rows, _SEARCHED_ROWS)), default=0)
            if best >= _RECOGNISED:
                return best
    return 0


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """The first sheet with the template's header; CSV is divided by what makes most headings.

    Raises:
        FileRefusedError: there is none, its header is wrong, or the file cannot be read.
    """
    with grids(path, _delimiter(path)) as sheets:
        for grid in sheets:
            if (table := _table(grid)) is not None:
                yield table
                return
    raise FileRefusedError("HEADER_MISSING")


def survey(path: Path) -> int:
    """How many rows of data the file has; it has been read to its end, so that nothing of a broken one is sent.

    Raises:
        FileRefusedError: it cannot be taken.
    """
    with open_table(path) as table:
        return sum(1 for _ in table.rows)


def _delimiter(path: Path) -> str:
    """What divides a CSV file into most headings; a file that is broken by one of them may be whole by another."""
    try:
        with path.open("rb") as file:
            if is_workbook(file):
                return DELIMITERS[0]
    except OSError as error:
        raise FileRefusedError("FILE_UNREADABLE") from error

    def headings(delimiter: str) -> int:
        try:
            return _find(path, delimiter)
        except FileRefusedError as refusal:
            if refusal.code != "CSV_BROKEN":
                raise
            return 0

    return max(DELIMITERS, key=headings)


def _table(grid: Grid) -> Table | None:
    for number, cells in islice(grid.rows, _SEARCHED_ROWS):
        if _recognised(cells) >= _RECOGNISED:
            header = _header(number, cells)
            return Table(grid.title, header, _bounded(grid.rows, header), grid.delimiter)
    return None


def _bounded(rows: Iterator[Row], header: Header) -> Iterator[Row]:
    """Rows with anything in the columns that are read.

    Raises:
        FileRefusedError: there are none, or too many.
    """
    passed_over = {*header.results.values(), *header.own}
    count = 0
    for number, cells in rows:
        kept = [cell for cell in cells if cell.column not in passed_over and cell.value not in ("", None)]
        if not kept:
            continue
        count += 1
        if count > MAX_ROWS:
            raise FileRefusedError("ROWS_TOO_MANY", n=MAX_ROWS)
        yield number, kept
    if not count:
        raise FileRefusedError("NO_ROWS")


def _recognised(cells: list[Cell]) -> int:
    """How many required columns the row has headings of."""
    found = [_column(cell.value) for cell in cells if isinstance(cell.value, str)]
    return sum(1 for column in found if column is not None and column.required)


def _column(text: str) -> Column | None:
    """The column that a heading names, with or without a remark in brackets and the mark of required columns."""
    heading = _heading(text)
    return _NAMES.get(heading) or _NAMES.get(_heading(_REMARK.sub("", heading)))


def _header(row: int, cells: list[Cell]) -> Header:
    columns: dict[int, Column] = {}
    results: dict[str, int] = {}
    own: set[int] = set()
    errors: list[CellError] = []
    for cell in cells:
        text = text_of(cell.value)
        column = _column(text)
        if (result := _RESULTS.get(folded(text))) is not None:
            results[result] = cell.column
        elif text.startswith((_OWN, "＃")):
            own.add(cell.column)
        elif column is None:
            errors.append(_error(row, cell.column, text, "COLUMN_UNKNOWN"))
        elif column in columns.values():
            first = next(number for number, each in columns.items() if each is column)
            errors.append(_error(row, cell.column, text, "COLUMN_REPEATED", cell=address(row, first)))
        else:
            columns[cell.column] = column
    width = max((cell.column for cell in cells), default=0)
    if width > MAX_COLUMNS:
        raise FileRefusedError("COLUMNS_TOO_MANY", n=MAX_COLUMNS)
    errors += [
        _missing(row, column) for column in COLUMNS if column.required and column not in columns.values()
    ]  # fmt: skip
    if errors:
        raise FileRefusedError(errors[0].code, tuple(errors), cell=errors[0].cell)
    numbers = {column.member: number for number, column in columns.items()}
    return Header(row, columns, numbers, results, frozenset(own), width)


def _error(row: int, column: int, text: str, code: str, **values: object) -> CellError:
    fault = CellFaultError(code, **values)
    return CellError(row, column, "", "", shown(text), code, fault.zh, fault.en)


def _missing(row: int, column: Column) -> CellError:
    fault = CellFaultError("COLUMN_MISSING")
    return CellError(row, 0, column.zh, column.en, "", fault.code, fault.zh, fault.en)
