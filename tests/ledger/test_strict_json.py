import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import DuplicateMemberError, FormatError
from ledger.strict_json import MAX_DEPTH, _parse_slowly, format_compact, parse_strict

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"0", 0),
        (b"-1", -1),
        (b" [1, 2] \n", [1, 2]),
        (b"9007199254740991", 2**53 - 1),
        (b"-9007199254740991", 1 - 2**53),
        (b'{"a":{"a":1}}', {"a": {"a": 1}}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"登"'.encode(), "登"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
    ],
)
def test_accepted(data: bytes, value: Any) -> None:
    assert value is None or parse_strict(data) == value
    parse_strict(data)


@pytest.mark.parametrize("data", [b'{"a":1,"a":1}', b'[{"b":{"a":1,"\\u0061":2}}]'])
def test_duplicate_members(data: bytes) -> None:
    with pytest.raises(DuplicateMemberError, match="'a'"):
        parse_strict(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"1 2",
        b"1.0",
        b"1e3",
        b"-0",
        b"01",
        b"+1",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b"NaN",
        b"-Infinity",
        b"'a'",
        b'"\n"',
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b'["\\ude00\\ud83d"]',
        b"\xff",
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf1",
        b"[1,]",
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b"[" * 100_000,
        b"// a\n1",
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_strict(data)


@given(VALUES)
def test_values_round_trip(value: Any) -> None:
    assert parse_strict(format_compact(value)) == value


@given(st.binary() | st.text(st.sampled_from('{}[]",:0123456789.eE-\\udtrunfalse ')).map(str.encode))
def test_arbitrary_bytes_are_read_as_json_reads_them_or_refused(data: bytes) -> None:
    try:
        value = parse_strict(data)
    except FormatError:
        return
    assert json.loads(data) == value


COMPACT = st.recursive(
    st.sampled_from(
        ["0", "-0", "1", "-7", "1.5", "1e3", "-1.0", "9007199254740991", "9007199254740992", "-9007199254740992",
         "18446744073709551616", "123456789012345678901234567890", "null", "true", "NaN", '""', '"a"', '"1.5"',
         '",1.5"', '"\\n"', '"\\u0061"', '"\\ud800"', '"\\/"', '"\x7f"', '"登"', '"\ud800"']
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
    | st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"']), inner), max_size=3).map(
        lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
    ),
    max_leaves=8,
)  # fmt: skip


@given(COMPACT)
def test_what_is_read_fast_is_what_is_read_slowly(text: str) -> None:
    """Numbers, escapes and names that a fast reader lets pass, written without spaces."""
    data = text.encode("utf-8", "surrogatepass")
    assert _outcome(parse_strict, data) == _outcome(_parse_slowly, data)


def _outcome(parse: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return json.dumps(parse(data))
    except FormatError as error:
        return type(error), str(error)
