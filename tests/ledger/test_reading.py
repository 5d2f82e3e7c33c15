"""The fast readers accept nothing that the strict parsers refuse, and read the same in what both accept."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.encoding import format_base64
from ledger.entry import parse_entry
from ledger.errors import FormatError
from ledger.reading import quick
from ledger.statement import Envelope, parse_statement
from tests.ledger.logs import ASSETS, PARTY, build_log, make_envelope

ENTRIES = build_log(12).datas
OTHER = "pty_" + PARTY[4:-1] + ("0" if PARTY[-1] != "0" else "1")
PAYLOADS = [
    *(parse_entry(data).envelope.payload for data in ENTRIES[:2]),
    make_envelope(3, **{"with": [OTHER], "expect": {ASSETS[0]: 4, PARTY: 0}}).payload,
    json.dumps(
        {"act": "right.grant", "log": "l", "by": PARTY, "for": OTHER, "with": [], "at": "2026-11-24T05:49:29.120+08:00",
         "nonce": "A" * 22, "expect": {}, "body": {"名": [1, -2, True, None, "é\n"]}},
        separators=(",", ":"), ensure_ascii=False,
    ).encode(),
]  # fmt: skip
BITS = [
    b"0",
    b"1",
    b'"',
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b" ",
    b"\\u0041",
    b"=",
    b"null",
    b"-",
    b".5",
    b"e1",
    b"A",
    b"z",
    b"\xff",
    b"9007199254740992",
    "界".encode(),
]


def strict_entry(data: bytes) -> Any:
    try:
        return parse_entry(data)
    except FormatError:
        return None


def strict_statement(payload: bytes) -> Any:
    try:
        return parse_statement(Envelope(payload, ()))
    except FormatError:
        return None


@st.composite
def mutations(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    data = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(data)))
        stop = start + draw(st.integers(0, 4))
        data = data[:start] + draw(st.sampled_from([b"", *BITS])) + data[stop:]
    return data


def values() -> st.SearchStrategy[Any]:
    texts = st.sampled_from(
        [
            "",
            "ast_0",
            PARTY,
            ASSETS[0],
            ASSETS[1],
            OTHER,
            "2026-02-30T00:00:00Z",
            "2024-02-29T00:00:00Z",
            "A" * 22,
            "A" * 21 + "B",
            "right.grant",
            "é",
        ]
    )
    plain = st.none() | st.booleans() | st.integers(-3, 3) | st.just(2**53) | st.just(1.0) | texts
    return st.recursive(
        plain, lambda more: st.lists(more, max_size=3) | st.dictionaries(texts, more, max_size=3), max_leaves=6
    )


@st.composite
def other_members(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample in which a member somewhere has another value, is dropped, or is new."""
    value = json.loads(draw(st.sampled_from(samples)))
    place = value
    while True:
        name = draw(st.sampled_from(list(place) if isinstance(place, dict) and place else ["new"]))
        below = place.get(name)
        if isinstance(below, dict) and draw(st.booleans()):
            place = below
            continue
        break
    if draw(st.integers(0, 4)) == 0:
        place.pop(name, None)
    else:
        place[name] = draw(values())
    return json.dumps(value, separators=(",", ":"), ensure_ascii=draw(st.booleans())).encode()


def must_agree_on_entries(data: bytes) -> None:
    strict = strict_entry(data)
    found = quick.quick_entry(data)
    if found is not None:
        assert quick.wire_of(strict) == found
    if strict is not None:
        assert quick.entry_of(data) == strict
        assert quick.read_entry(data) == quick.wire_of(strict)
    else:
        with pytest.raises(FormatError):
            quick.read_entry(data)


def must_agree_on_statements(payload: bytes) -> None:
    strict = strict_statement(payload)
    found = quick.quick_statement(payload)
    assert found is None or found == strict


@settings(max_examples=200, deadline=None)
@given(mutations(ENTRIES) | other_members(ENTRIES))
def test_entries_are_read_as_the_strict_parser_reads_them(data: bytes) -> None:
    must_agree_on_entries(data)


@settings(max_examples=300, deadline=None)
@given(mutations(PAYLOADS) | other_members(PAYLOADS))
def test_statements_are_read_as_the_strict_parser_reads_them(payload: bytes) -> None:
    must_agree_on_statements(payload)


def changed(name: str, value: Any) -> bytes:
    members = json.loads(PAYLOADS[3])
    members[name] = value
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [("act", "right"), ("act", "right.grant2"), ("by", OTHER.replace("pty", "ast")), ("for", None), ("with", [PARTY]),
     ("with", [OTHER, OTHER]), ("with", [OTHER] * 40), ("with", None), ("at", "2026-02-30T00:00:00Z"), ("at", "1969-01-01T00:00:00Z"),
     ("at", "9999-01-01T00:00:00Z"), ("at", "2026-11-24T24:00:00Z"), ("nonce", "A" * 21 + "B"), ("nonce", "A" * 24), ("nonce", "A" * 20 + "=="),
     ("expect", {"x": 1}), ("expect", {PARTY: -1}), ("expect", {PARTY: True}), ("expect", {PARTY: 2**53}), ("expect", None),
     ("body", []), ("body", {"a": 2**53}), ("body", {"a": 1.5}), ("body", {"a": 1.0}), ("body", [[[]]]), ("new", 1)],
)  # fmt: skip
def test_what_is_no_statement_is_never_read_as_one(name: str, value: Any) -> None:
    payload = changed(name, value)
    assert strict_statement(payload) is None
    assert quick.quick_statement(payload) is None


def test_depth_is_bounded() -> None:
    for depth, holds in ((14, True), (15, False), (40, False)):
        payload = changed("body", {"a": json.loads("[" * depth + "]" * depth)})
        assert (strict_statement(payload) is not None) is holds
        must_agree_on_statements(payload)


def test_most_entries_take_the_fast_way() -> None:
    assert all(quick.quick_entry(data) is not None for data in ENTRIES)
    assert all(quick.quick_statement(payload) is not None for payload in (PAYLOADS[1], PAYLOADS[3]))


@pytest.mark.parametrize("size", [32_768, 32_769, 40_000])
def test_limits_are_the_strict_ones(size: int) -> None:
    entry = json.loads(ENTRIES[3])
    entry["statement"]["payload"] = format_base64(bytes(size))
    must_agree_on_entries(json.dumps(entry, separators=(",", ":")).encode())
    entry["statement"]["signatures"] *= 9
    must_agree_on_entries(json.dumps(entry, separators=(",", ":")).encode())
