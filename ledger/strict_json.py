"""Strict JSON: what two independent parsers cannot read differently.

No duplicate members, numbers only as `-?(0|[1-9][0-9]*)` without `-0` and with |n| < 2^53, no NaN, no lone surrogate,
no BOM, depth at most 16 (the outermost value counts one). Source: contract, "Strict JSON"; RFC 8259; RFC 7493.
"""

import json
from typing import Any, NoReturn

import msgspec

from ledger.errors import DuplicateMemberError, FormatError

MAX_DEPTH = 16
_MAX_INTEGER = 2**53


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMemberError(f"the member {_first_twice(pairs)!r} stands twice in one object")
    return members


def _first_twice(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _integer(text: str) -> int:
    if len(text) > 17 or text == "-0" or abs(value := int(text)) >= _MAX_INTEGER:
        raise FormatError(f"the number {text[:20]} is not an integer below 2^53; write larger ones as strings")
    return value


def _no_number(text: str) -> NoReturn:
    raise FormatError(f"the number {text[:20]} is not a plain integer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_no_number, parse_constant=_no_number
)


def _check_depth(value: Any) -> None:
    """Level by level, so that a file of many flat filings costs little."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise FormatError(f"the value is nested deeper than {MAX_DEPTH} levels")
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]


def _check_strings(value: Any) -> None:
    """No lone surrogates; only a text with escapes can hold one."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise FormatError("a string holds a lone surrogate") from error
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_strings(name)
            _check_strings(item)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)


def _no_float(text: str) -> NoReturn:
    raise ValueError(text)


_decode = msgspec.json.Decoder(float_hook=_no_float).decode
_encode = msgspec.json.Encoder().encode
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 16
"""As many digits as 2^53 has."""


def parse_strict(data: bytes) -> Any:
    """The value that `data` spells.

    Raises:
        DuplicateMemberError: a member stands twice.
        FormatError: any other breach of the rules above.
    """
    # Who writes the value and gets the same bytes knows that they hold no member twice, no `-0`, no lone surrogate and
    # no byte order mark: none of these would have come back.
    try:
        value = _decode(data)
        same = _encode(value) == data and _LONG not in data.translate(_DIGITS)
    except (ValueError, RecursionError):
        same = False
    if not same:
        return _parse_slowly(data)
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        _check_depth(value)
    return value


def _parse_slowly(data: bytes) -> Any:
    """The same for any data; names what is wrong."""
    try:
        text = data.decode("utf-8")
        if text.startswith("\ufeff"):
            raise FormatError("a byte order mark stands before the JSON")
        value = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise FormatError(f"the value is nested deeper than {MAX_DEPTH} levels") from error
    if isinstance(value, dict | list) and text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text:
        _check_strings(value)
    return value


def format_compact(value: Any) -> bytes:
    """UTF-8 JSON without spaces, members in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
