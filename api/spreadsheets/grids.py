"""A spreadsheet as rows of cells, whatever its format. Nothing is calculated, nothing is guessed."""

import codecs
import csv
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from openpyxl import load_workbook
from openpyxl.worksheet._reader import WorkSheetParser

from api.spreadsheets.errors import FileRefusedError
from api.spreadsheets.neutral import plain
from api.spreadsheets.packages import MAX_FILE_BYTES, check_package

DELIMITERS = ",;\t"
_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0"
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Cell(NamedTuple):
    """What stands in a cell. `state`: of a workbook's cells, `formula` or `error` where the value says nothing."""

    column: int
    value: Any
    state: str = "value"


Row = tuple[int, list[Cell]]


class Grid(NamedTuple):
    """One sheet of a spreadsheet."""

    title: str
    rows: Iterator[Row]
    delimiter: str = ""


@contextmanager
def grids(path: Path, delimiter: str = ",") -> Iterator[Iterator[Grid]]:
    """The sheets of the file, in order, each to be read before the next; CSV has one, divided by `delimiter`.

    Raises:
        FileRefusedError: it cannot be read, or must not be.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileRefusedError("FILE_UNREADABLE") from error
    with file:
        if is_workbook(file):
            with _workbook(file) as sheets:
                yield sheets
        else:
            yield iter([_separated(file, delimiter)])


def is_workbook(file: IO[bytes]) -> bool:
    """Whether the file claims to be a zip or a compound file; it stands at its beginning again."""
    head = file.read(4)
    file.seek(0)
    return head in (_ZIP, _COMPOUND)


@contextmanager
def quiet() -> Iterator[None]:
    """Openpyxl warns of what it leaves out, which is nothing that is read here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _workbook(file: IO[bytes]) -> Iterator[Iterator[Grid]]:
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    check_package(file, size_bytes)
    with broken_is_refused(), quiet():
        workbook = load_workbook(file, read_only=True, keep_links=False)
    try:
        yield _sheets(workbook)
    finally:
        workbook.close()


@contextmanager
def broken_is_refused() -> Iterator[None]:
    """Whatever a library makes of a damaged workbook is WORKBOOK_BROKEN.

    Raises:
        FileRefusedError: it is damaged.
    """
    try:
        yield
    except (FileRefusedError, MemoryError):
        raise
    except Exception as error:  # what openpyxl raises on bad XML is not documented
        raise FileRefusedError("WORKBOOK_BROKEN", what=type(error).__name__) from error


def _sheets(workbook: Any) -> Iterator[Grid]:
    for sheet in workbook.worksheets:
        yield Grid(sheet.title, _sheet_rows(sheet))


def _sheet_rows(sheet: Any) -> Iterator[Row]:
    """Rows that hold anything, by the numbers that the sheet gives them, whatever size it claims to have."""
    before = 0
    workbook = sheet.parent
    with broken_is_refused(), sheet._get_source() as source:  # noqa: SLF001  `iter_rows` believes the claimed size
        parser = WorkSheetParser(
            source, sheet._shared_strings, epoch=workbook.epoch,  # noqa: SLF001
            date_formats=workbook._date_formats, timedelta_formats=workbook._timedelta_formats,  # noqa: SLF001
        )  # fmt: skip
        found = parser.parse()
        while True:
            with quiet():
                item = next(found, None)
            if item is None:
                return
            number, cells = item
            if number <= before:
                raise FileRefusedError("WORKBOOK_BROKEN", what=f"row {number}")
            before = number
            kept = [_cell(each) for each in cells if each["value"] is not None]
            if kept:
                yield number, kept


def _cell(cell: dict[str, Any]) -> Cell:
    match cell["data_type"]:
        case "f":
            return Cell(cell["column"], cell["value"], "formula")
        case "e":
            return Cell(cell["column"], cell["value"], "error")
        case _:
            return Cell(cell["column"], cell["value"])


def _separated(file: IO[bytes], delimiter: str) -> Grid:
    return Grid("", _records(decoded(file), delimiter), delimiter)


def decoded(file: IO[bytes]) -> str:
    """The text of a CSV file, in the encoding that its first bytes show, else UTF-8, else GB18030.

    Raises:
        FileRefusedError: it is too long, or no text.
    """
    raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise FileRefusedError("FILE_TOO_LARGE", n=MAX_FILE_BYTES)
    marked = [encoding for mark, encoding in _ENCODINGS if raw.startswith(mark)]
    for encoding in marked or _unmarked(raw):
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        if "\0" not in text:
            return text
    raise FileRefusedError("ENCODING_UNKNOWN")


def _unmarked(raw: bytes) -> tuple[str, ...]:
    """Encodings to try: UTF-16 leaves a zero in every other byte of headings that hold any Latin letter or comma."""
    head = raw[:200]
    if 0 in head[1::2] and 0 not in head[::2]:
        return ("utf-16-le",)
    if 0 in head[::2] and 0 not in head[1::2]:
        return ("utf-16-be",)
    return ("utf-8", "gb18030")


def _records(text: str, delimiter: str) -> Iterator[Row]:
    """Records that hold anything, numbered as a spreadsheet program numbers its rows."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise FileRefusedError("CSV_BROKEN", n=reader.line_num) from error
        if record is None:
            return
        number += 1
        cells = [Cell(place, plain(value)) for place, value in enumerate(record, 1) if value.strip()]
        if cells:
            yield number, cells
