"""Cells of several values, one behind the other. Each kind of column has one function for an item; all are strict."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from api.spreadsheets.columns import Column
from api.spreadsheets.errors import CellFaultError
from api.spreadsheets.labels import EVIDENCE, FIELD_MARK, RIGHTS
from api.spreadsheets.wording import DIGEST, allowed, word_of
from ledger.identifiers import is_identifier
from registry.title.vocabulary import RIGHT_NAMES, is_kind, is_purpose, is_territory

_BREAKS = re.compile(r"[;；\n]")
_FINGERPRINT = re.compile(r"([a-z0-9][a-z0-9.-]{0,39}):(\S.{0,255})", re.DOTALL)
_IDENTIFIER = re.compile(r"([a-z0-9][a-z0-9_.-]{0,39}):(\S.{0,499})", re.DOTALL)
_LINK = re.compile(r"https?://[^\s/?#]\S*", re.IGNORECASE)
_EXTERNAL = re.compile(r"external\s*:\s*(.+)", re.DOTALL | re.IGNORECASE)
_LONGEST = {"names": 200, "fields": 200, "links": 2000, "inputs": 2000}


def items_of(column: Column, text: str) -> list[Any] | None:
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
    return word_of(item, column.words)


def _item_kind(_: Column, item: str) -> str:
    try:
        return word_of(item, _RIGHT_WORDS)
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
        return {"name": name.strip() or _fail_field(item), "personal": word_of(mark, FIELD_MARK)}
    except CellFaultError as error:
        raise CellFaultError("NOT_A_FIELD", item=item) from error


def _fail_field(item: str) -> str:
    raise CellFaultError("NOT_A_FIELD", item=item)


def _item_fingerprint(_: Column, item: str) -> dict[str, str]:
    if DIGEST.fullmatch(item):
        return {"alg": "sha-256", "value": item}
    match = _FINGERPRINT.fullmatch(item)
    if match is None or (match[1] == "sha-256" and DIGEST.fullmatch(match[2]) is None):
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
        return word_of(item, column.words)
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
    if DIGEST.fullmatch(digest.strip()) is None:
        raise CellFaultError("NOT_EVIDENCE", item=item)
    try:
        return {"kind": word_of(kind, EVIDENCE), "sha256": digest.strip()}
    except CellFaultError as error:
        raise CellFaultError("NOT_EVIDENCE", item=item) from error


_ITEMS: dict[str, Callable[[Column, str], Any]] = {
    "choices": _item_choice, "kinds": _item_kind, "parties": _item_party, "inputs": _item_input, "fields": _item_field,
    "fingerprints": _item_fingerprint, "identifiers": _item_identifier, "links": _item_link, "purposes": _item_purpose,
    "territories": _item_territory, "names": _item_name, "evidence": _item_evidence,
}  # fmt: skip
