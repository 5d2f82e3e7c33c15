"""What a cell says, as the statement says it. Each kind of column has one function; all are strict. What has several
values in a cell is read by `api.spreadsheets.items`.

A spreadsheet program gives numbers, dates and booleans of its own: a whole number in a column of text is its digits, a
date is `YYYY-MM-DD`, a number of 2^53 and more is taken from text only, because such programs do not keep it exactly.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from api.spreadsheets.columns import LISTS, Column
from api.spreadsheets.errors import CellFaultError
from api.spreadsheets.grids import Cell
from api.spreadsheets.items import items_of
from api.spreadsheets.labels import YES_NO
from api.spreadsheets.wording import DIGEST, SAFE_INTEGER, folded, text_of, word_of
from ledger.errors import FormatError
from ledger.instants import format_instant, parse_instant

MAX_DIGITS = 31
SHANGHAI = timezone(timedelta(hours=8))
"""Where dates of the contract are days."""
NONE = "none"

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_INDUSTRY = re.compile(r"([A-T][0-9]{2})(?:\s.*)?", re.DOTALL)
_OPEN = frozenset({"open", "长期", "无期限", "不定期"})


def value_of(column: Column, cell: Cell) -> Any:
    """The value; None for a cell that says nothing.

    Raises:
        CellFaultError: it is not what the column wants.
    """
    if cell.state == "formula":
        raise CellFaultError("FORMULA")
    if cell.state == "error":
        raise CellFaultError("ERROR_VALUE")
    if isinstance(cell.value, str):
        _check_characters(cell.value)
        if not cell.value.strip():
            return None
    if column.kind in LISTS:
        return items_of(column, text_of(cell.value))
    return _SINGLE[column.kind](column, cell.value)


def _check_characters(text: str) -> None:
    if _CONTROL.search(text):
        raise CellFaultError("CONTROL_CHARACTER")


def _line(column: Column, value: Any) -> str:
    return _limited(column, " ".join(text_of(value).split()))


def _text(column: Column, value: Any) -> str:
    return _limited(column, text_of(value))


def _limited(column: Column, text: str) -> str:
    if len(text) > column.most:
        raise CellFaultError("TEXT_TOO_LONG", n=column.most)
    return text


def _choice(column: Column, value: Any) -> str:
    assert column.words is not None
    return word_of(text_of(value), column.words)


def _industry(_: Column, value: Any) -> str:
    text = unicodedata.normalize("NFKC", text_of(value))
    match = _INDUSTRY.fullmatch(text[:1].upper() + text[1:])
    if match is None:
        raise CellFaultError("NOT_AN_INDUSTRY")
    return match[1]


def _boolean(_: Column, value: Any) -> bool:
    text = folded(text_of(value))
    for word, labels in YES_NO.items():
        if text in (word, *labels) or text == ("1" if word == "true" else "0"):
            return word == "true"
    raise CellFaultError("NOT_YES_OR_NO")


def _restriction(column: Column, value: Any) -> str | bool:
    try:
        return _boolean(column, value)
    except CellFaultError:
        return _text(column, value)


def _count(_: Column, value: Any) -> int | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < 0 or value != value or (isinstance(value, float) and not value.is_integer()):  # noqa: PLR0124  NaN
            raise CellFaultError("NOT_A_COUNT")
        if value >= SAFE_INTEGER:
            raise CellFaultError("NUMBER_INEXACT")
        return int(value)
    text = unicodedata.normalize("NFKC", text_of(value))
    if not (text.isascii() and text.isdigit()) or len(text.lstrip("0")) > MAX_DIGITS:
        raise CellFaultError("NOT_A_COUNT")
    number = int(text)
    return number if number < SAFE_INTEGER else str(number)


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        if value.time() != time():
            raise CellFaultError("NOT_A_DATE")
        return value.date()
    if isinstance(value, date):
        return value
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text_of(value)))
    if match is None:
        raise CellFaultError("NOT_A_DATE")
    year, month, day = (int(part) for part in match.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError as error:
        raise CellFaultError("NOT_A_DATE") from error


def _date(_: Column, value: Any) -> str:
    return _day(value).isoformat()


def _instant(_: Column, value: Any) -> str:
    return _moment(value, timedelta())


def _end(_: Column, value: Any) -> str | None:
    if isinstance(value, str) and value.strip().casefold() in _OPEN:
        return None
    return _moment(value, timedelta(days=1))


def _moment(value: Any, after_midnight: timedelta) -> str:
    """An instant as it is given, or that of a day: its midnight in Shanghai, and what comes after."""
    if isinstance(value, datetime) and value.time() != time():
        moment = value.replace(tzinfo=SHANGHAI, microsecond=value.microsecond // 1000 * 1000)
        return format_instant(moment.astimezone(UTC))
    try:
        day = _day(value)
    except CellFaultError:
        try:
            return format_instant(parse_instant(text_of(value)))
        except FormatError as error:
            raise CellFaultError("NOT_AN_INSTANT") from error
    try:
        midnight = datetime.combine(day, time(), SHANGHAI) + after_midnight
        return format_instant(parse_instant(midnight.isoformat()))
    except (OverflowError, FormatError) as error:
        raise CellFaultError("NOT_AN_INSTANT") from error


def _digest(_: Column, value: Any) -> str:
    text = text_of(value)
    if text.casefold() in (NONE, "无"):
        return NONE
    if DIGEST.fullmatch(text) is None:
        raise CellFaultError("NOT_A_DIGEST")
    return text


_SINGLE: dict[str, Callable[[Column, Any], Any]] = {
    "reference": _line, "line": _line, "text": _text, "choice": _choice, "industry": _industry, "date": _date,
    "instant": _instant, "end": _end, "count": _count, "boolean": _boolean, "restriction": _restriction,
    "digest": _digest,
}  # fmt: skip
