"""Text that a spreadsheet program must not take for a formula, and back."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

_TRIGGERS = "=+-@\t\r＝＋－＠"
_ACTS = re.compile(rf"'*[\s\u200b\u200c\u200d\u2060\ufeff]*[{re.escape(_TRIGGERS)}]")
"""Programs that trim a cell find the sign behind blanks too. Apostrophes of its own stay the text's own."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MAX_CELL_CHARACTERS = 32_767


def neutral(text: str) -> str:
    """The text as CSV may hold it: with an apostrophe before what would act."""
    return "'" + text if _ACTS.match(text) else text


def plain(text: str) -> str:
    """Inverse of `neutral`."""
    return text[1:] if text.startswith("'") and _ACTS.match(text, 1) else text


def csv_line(values: Iterable[object], delimiter: str = ",") -> str:
    """One line of CSV with its end; texts are neutral, numbers are numbers, None is empty."""
    buffer = io.StringIO()
    cells = [neutral(value) if isinstance(value, str) else value for value in values]
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def cell_text(text: str) -> str:
    """The text as a cell of a workbook can hold it: what XML cannot carry is replaced, what is too long is cut."""
    kept = _ILLEGAL.sub("\ufffd", text)
    return kept if len(kept) <= MAX_CELL_CHARACTERS else kept[: MAX_CELL_CHARACTERS - 1] + "…"


def set_text(cell: Any, text: str) -> None:
    """The cell holds the text, as text: no program reads it as a formula, not even after it was edited."""
    cell.value = cell_text(text)
    cell.data_type = "s"
    if _ACTS.match(text):
        cell.quotePrefix = True
