"""Lines of the open data registry become truthful filings; bad lines are refused and the next ones are read."""

import hashlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.importing import descriptors
from api.importing.descriptors import lines, read_line, read_open_data_registry
from api.importing.model import Options, Refused, Row
from tests.api.importing.forms import check_row

SAMPLE = Path(__file__).parents[2] / "vectors" / "import" / "open-data-registry.ndjson"
OPTIONS = Options("pty_00000000000000000000000000", grade="general", graded=True)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None), max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["slug", "Name", "Description", "Documentation", "ManagedBy", "UpdateFrequency", "Tags", "License"]
OBJECTS = st.fixed_dictionaries({}, optional={member: JSON | st.text(max_size=90) for member in MEMBERS})


def line(**changes: object) -> bytes:
    descriptor = {"slug": "a-slug", "Name": "A name", "Description": "It is data.", "Tags": []} | changes
    return json.dumps(descriptor).encode()


def row(**changes: object) -> Row:
    found = read_line(line(**changes), "x.ndjson:1", OPTIONS)
    assert isinstance(found, Row)
    check_row(found)
    return found


def test_sample_is_filed_whole() -> None:
    found = list(read_open_data_registry(SAMPLE, OPTIONS))
    assert all(isinstance(each, Row) for each in found)
    raw = SAMPLE.read_bytes().splitlines()
    assert len(found) == len(raw)
    for number, each in enumerate(found):
        assert isinstance(each, Row)
        check_row(each)
        evidence = each.body["evidence"][0]
        assert evidence["sha256"] == hashlib.sha256(raw[number]).hexdigest()
        assert evidence["bytes"] == len(raw[number])
        assert each.source == f"open-data-registry.ndjson:{number + 1}"
    codes = {note.code for each in found if isinstance(each, Row) for note in each.notes}
    assert codes >= {"OVERVIEW_SHORTENED", "DEPRECATED", "FIELD_NOT_MAPPED", "PERSONAL_INFORMATION_ASSUMED"}


def test_open_data_is_filed_truthfully() -> None:
    body = row().body
    facts = {"is_public": True, "graded": True, "intrusion": False, "disturbance": False}
    facts |= {"circumvention": False, "harm": False}
    assert body["sources"] == [{"origin": "public_collection", "basis": "public_collection", "facts": facts}]
    assert body["claims"] == [{"party": OPTIONS.party, "rights": ["holding", "processing"]}]
    assert body["asset"]["form"] == "resource"


@settings(deadline=None)
@given(OBJECTS)
def test_any_object_is_filed_or_refused(descriptor: dict[str, object]) -> None:
    found = read_line(json.dumps(descriptor).encode(), "x:1", OPTIONS)
    if isinstance(found, Row):
        check_row(found)
    else:
        assert found.code in ("NAME_MISSING", "IDENTIFIER_MISSING")


@settings(deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_never_raises(raw: bytes) -> None:
    found = read_line(raw, "x:1", OPTIONS)
    assert isinstance(found, Refused)
    assert found.zh
    assert found.en


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "JSON_INVALID"),
        (b"\xff", "JSON_INVALID"),
        (b"[" * 200_000, "JSON_INVALID"),
        (b'{"n":' + b"9" * 5_000 + b"}", "JSON_INVALID"),
        (b"[]", "NOT_AN_OBJECT"),
        (line(Name=""), "NAME_MISSING"),
        (line(Name=7), "NAME_MISSING"),
        (line(Name="\u200b\x00"), "NAME_MISSING"),
        (line(slug=None), "IDENTIFIER_MISSING"),
    ],
)
def test_refused(raw: bytes, code: str) -> None:
    found = read_line(raw, "x:1", OPTIONS)
    assert isinstance(found, Refused)
    assert found.code == code


def test_bad_lines_do_not_stop_the_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "LINE_BYTES", 1_000)
    path = tmp_path / "mixed.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + line() + b"\r\n\nnot json\n" + b"x" * 5_000 + b"\n" + line(slug="b"))
    found = [(each.source, getattr(each, "code", "row")) for each in read_open_data_registry(path, OPTIONS)]
    assert found == [
        ("mixed.ndjson:1", "row"),
        ("mixed.ndjson:3", "JSON_INVALID"),
        ("mixed.ndjson:4", "LINE_TOO_LONG"),
        ("mixed.ndjson:5", "row"),
    ]


def test_a_line_of_exactly_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "LINE_BYTES", 5)
    data = b"12345\n12345\r\n123456\n1234567890123\n1\n12345"
    assert [each for _, each in lines(io.BytesIO(data))] == [b"12345", b"12345", None, None, b"1", b"12345"]


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert [getattr(each, "code", "") for each in read_open_data_registry(tmp_path / "no", OPTIONS)] == [
        "FILE_UNREADABLE"
    ]


def test_what_is_odd_is_noted() -> None:
    found = row(Description=5, Tags="nope, weather", UpdateFrequency="Quarterly", ManagedBy=["NASA"])
    notes = {note.code: note.en for note in found.notes}
    assert notes["OVERVIEW_FROM_NAME"]
    assert notes["FIELD_NOT_MAPPED"] == "not mapped to the form: Description, Tags, UpdateFrequency"
    assert found.body["asset"]["industry"] == "M74"
    assert found.body["asset"]["categories"] == ["public"]


def test_links_go_first_where_the_body_is_too_long() -> None:
    links = " ".join(f"https://x.test/{number}/{'a' * 450}" for number in range(12))
    found = row(Description="щ" * 4_000, Documentation=links)
    assert {note.code for note in found.notes} == {"LINKS_DROPPED", "OVERVIEW_SHORTENED"}
    assert row(Description="𒀀" * 4_000).body["asset"]["overview"].endswith("…")


def test_long_slugs_are_known_by_their_digest() -> None:
    assert row(slug="s" * 300).identifier[1].startswith("sha256:")
