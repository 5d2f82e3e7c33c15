"""What a cell says, as the statement says it. Each kind of column has one function; all are strict.

A spreadsheet program gives numbers, dates and booleans of its own: a whole number in a column of text is its digits, a
date is `YYYY-MM-DD`, a number of 2^53 and more is taken from text only, because such programs do not keep it exactly.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from api.spreadsheets.columns import LISTS, Column
from api.spreadsheets.errors import CellFaultError
from api.spreadsheets.grids import Cell
from api.spreadsheets.labels import EVIDENCE, FIELD_MARK, RIGHTS, YES_NO
from ledger.errors import FormatError
from ledger.identifiers import is_identifier
from ledger.instants import format_instant, parse_instant
from registry.title.vocabulary import RIGHT_NAMES, is_kind, is_purpose, is_territory

SAFE_INTEGER = 2**53
MAX_DIGITS = 31
SHANGHAI = timezone(timedelta(hours=8))
"""Where dates of the contract are days."""
NONE = "none"

_BREAKS = re.compile(r"[;；\n]")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"([a-z0-9][a-z0-9.-]{0,39}):(\S.{0,255})", re.DOTALL)
_IDENTIFIER = re.compile(r"([a-z0-9][a-z0-9_.-]{0,39}):(\S.{0,499})", re.DOTALL)
_INDUSTRY = re.compile(r"([A-T][0-9]{2})(?:\s.*)?", re.DOTALL)
_LINK = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_EXTERNAL = re.compile(r"external\s*:\s*(.+)", re.DOTALL | re.IGNORECASE)
_OPEN = frozenset({"open", "长期", "无期限", "不定期"})
_LONGEST = {"names": 200, "fields": 200, "links": 2000, "inputs": 2000}


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
        return _list(column, text_of(cell.value))
    return _SINGLE[column.kind](column, cell.value)


def text_of(value: Any) -> str:
    """A cell's value as the text that a person meant: whole numbers without a point, dates as days."""
    match value:
        case str():
            return value.replace("\r\n", "\n").replace("\r", "\n").strip()
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < SAFE_INTEGER:
            return str(int(value))
        case float():
            return repr(value)
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | time():
            return value.isoformat()
        case _:
            return str(value)


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


def folded(text: str) -> str:
    """The text as labels are compared: without regard to case, width and blanks."""
    return re.sub(r"[\s_]+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


_FOLDED: dict[int, dict[str, str]] = {}
"""Words by everything that names them, for each vocabulary; vocabularies are constants, so their identity names them."""


def _word(text: str, words: Mapping[str, tuple[str, ...]]) -> str:
    """The word that the text names, by itself or by a label."""
    index = _FOLDED.get(id(words))
    if index is None:
        index = {folded(name): word for word, labels in words.items() for name in (*labels, word)}
        _FOLDED[id(words)] = index
    word = index.get(folded(text))
    if word is None:
        raise CellFaultError("NOT_IN_LIST", allowed=allowed(words))
    return word


def allowed(words: Mapping[str, tuple[str, ...]]) -> str:
    """The words and their labels, as an error lists them."""
    return " | ".join(word if word in labels else f"{labels[0]} {word}" for word, labels in words.items())


def _choice(column: Column, value: Any) -> str:
    assert column.words is not None
    return _word(text_of(value), column.words)


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
    if _DIGEST.fullmatch(text) is None:
        raise CellFaultError("NOT_A_DIGEST")
    return text


def _list(column: Column, text: str) -> list[Any] | None:
    """The values between semicolons and line breaks; names may hold semicolons of neither width."""
    items = [item.strip() for item in _BREAKS.split(text)]
    items = [item for item in items if item]
    if not items:
        return None
    if len(items) > column.most:
        raise CellFaultError("VALUES_TOO_MANY", n=column.most)
    longest = _LONGEST.get(column.kind)
    if longest is not None and any(len(item) > longest for item in items):
        raise CellFaultError("TEXT_TOO_LONG", n=longest)
    found = [_ITEMS[column.kind](column, item) for item in items]
    _must_differ(items, found)
    return found


def _must_differ(items: Iterable[str], found: Iterable[Any]) -> None:
    names: set[str] = set()
    for item, value in zip(items, found, strict=True):
        name = value["name"] if isinstance(value, dict) and "personal" in value else value
        key = repr(name)
        if key in names:
            raise CellFaultError("VALUE_REPEATED", item=item)
        names.add(key)


def _item_choice(column: Column, item: str) -> str:
    assert column.words is not None
    return _word(item, column.words)


def _item_kind(_: Column, item: str) -> str:
    try:
        return _word(item, _RIGHT_WORDS)
    except CellFaultError as error:
        if item.startswith("x.") and is_kind(item):
            return item
        raise CellFaultError("NOT_A_KIND", item=item, allowed=allowed(RIGHTS)) from error


_RIGHT_WORDS: dict[str, tuple[str, ...]] = {
    kind: (name.zh, name.en, name.zh_2022, name.en_2022, name.zh.removeprefix("数据"))
    for kind, name in RIGHT_NAMES.items()
}


def _item_party(_: Column, item: str) -> str:
    if not is_identifier(item, "pty"):
        raise CellFaultError("NOT_A_PARTY", item=item)
    return item


def _item_input(_: Column, item: str) -> dict[str, Any]:
    if match := _EXTERNAL.fullmatch(item):
        return {"external": {"name": match[1].strip()}}
    asset, _slash, right = item.partition("/")
    if not (is_identifier(asset.strip(), "ast") and is_identifier(right.strip(), "rgt")):
        raise CellFaultError("NOT_AN_INPUT", item=item)
    return {"asset": asset.strip(), "right": right.strip()}


def _item_field(_: Column, item: str) -> dict[str, str]:
    """A field without its mark has the mark ``""``, which `rows` resolves by what the row says of its data."""
    name, colon, mark = item.replace("：", ":").rpartition(":")
    if not colon:
        return {"name": item, "personal": ""}
    try:
        return {"name": name.strip() or _fail_field(item), "personal": _word(mark, FIELD_MARK)}
    except CellFaultError as error:
        raise CellFaultError("NOT_A_FIELD", item=item) from error


def _fail_field(item: str) -> str:
    raise CellFaultError("NOT_A_FIELD", item=item)


def _item_fingerprint(_: Column, item: str) -> dict[str, str]:
    if _DIGEST.fullmatch(item):
        return {"alg": "sha-256", "value": item}
    match = _FINGERPRINT.fullmatch(item)
    if match is None or (match[1] == "sha-256" and _DIGEST.fullmatch(match[2]) is None):
        raise CellFaultError("NOT_A_FINGERPRINT", item=item)
    return {"alg": match[1], "value": match[2]}


def _item_identifier(_: Column, item: str) -> dict[str, str]:
    match = _IDENTIFIER.fullmatch(item)
    if match is None:
        raise CellFaultError("NOT_AN_IDENTIFIER", item=item)
    return {"scheme": match[1], "value": match[2]}


def _item_link(_: Column, item: str) -> str:
    if _LINK.fullmatch(item) is None:
        raise CellFaultError("NOT_A_LINK", item=item)
    return item


def _item_purpose(column: Column, item: str) -> str:
    if is_purpose(item):
        return item
    assert column.words is not None
    try:
        return _word(item, column.words)
    except CellFaultError as error:
        raise CellFaultError("NOT_A_PURPOSE", item=item) from error


def _item_territory(_: Column, item: str) -> str:
    if item != "*" and not is_territory(item):
        raise CellFaultError("NOT_A_TERRITORY", item=item)
    return item


def _item_name(_: Column, item: str) -> str:
    return item


def _item_evidence(_: Column, item: str) -> dict[str, str]:
    kind, _colon, digest = item.replace("：", ":").rpartition(":")
    if _DIGEST.fullmatch(digest.strip()) is None:
        raise CellFaultError("NOT_EVIDENCE", item=item)
    try:
        return {"kind": _word(kind, EVIDENCE), "sha256": digest.strip()}
    except CellFaultError as error:
        raise CellFaultError("NOT_EVIDENCE", item=item) from error


_SINGLE: dict[str, Callable[[Column, Any], Any]] = {
    "reference": _line, "line": _line, "text": _text, "choice": _choice, "industry": _industry, "date": _date,
    "instant": _instant, "end": _end, "count": _count, "boolean": _boolean, "restriction": _restriction,
    "digest": _digest,
}  # fmt: skip
_ITEMS: dict[str, Callable[[Column, str], Any]] = {
    "choices": _item_choice, "kinds": _item_kind, "parties": _item_party, "inputs": _item_input, "fields": _item_field,
    "fingerprints": _item_fingerprint, "identifiers": _item_identifier, "links": _item_link, "purposes": _item_purpose,
    "territories": _item_territory, "names": _item_name, "evidence": _item_evidence,
}  # fmt: skip
