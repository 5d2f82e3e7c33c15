"""Croissant descriptions become truthful filings with the fingerprints that are SHA-256."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.importing.croissant import _size, is_croissant, read_croissant, read_document
from api.importing.model import Options, Refused, Row
from tests.api.importing.forms import check_row
from tests.api.importing.test_descriptors import JSON

SAMPLE = Path(__file__).parents[2] / "vectors" / "import" / "croissant"
OPTIONS = Options("pty_00000000000000000000000000")
CONTEXT = {"conformsTo": "http://mlcommons.org/croissant/1.0"}
MEMBERS = ["name", "description", "url", "license", "keywords", "creator", "distribution", "recordSet", "@context"]
FILES = st.lists(st.fixed_dictionaries({}, optional={"sha256": JSON, "contentSize": JSON, "encodingFormat": JSON}))


def read(name: str) -> Row | Refused:
    (found,) = read_croissant(SAMPLE / name, OPTIONS)
    return found


def document(**members: object) -> Row:
    raw = json.dumps(CONTEXT | {"name": "A name"} | members).encode()
    found = read_document(raw, "x.json", OPTIONS)
    assert isinstance(found, Row)
    check_row(found)
    return found


def test_titanic() -> None:
    found = read("titanic.json")
    assert isinstance(found, Row)
    asset = check_row(found)
    assert asset["name"] == "Titanic"
    assert asset["media"] == ["table"]
    assert asset["structure"] == "structured"
    assert asset["volume"] == {"bytes": 3 * 117743}
    assert asset["fingerprints"][0]["value"].startswith("c617db2c")
    assert found.identifier == ("croissant", "https://www.openml.org/d/40945#Titanic")
    assert asset["grade"] == "ungraded"


def test_no_name_is_refused() -> None:
    found = read("huggingface-squad.json")
    assert isinstance(found, Refused)
    assert found.code == "NAME_MISSING"


def test_digests_that_are_not_sha256_are_left_out() -> None:
    found = read("gpt-3.json")
    assert isinstance(found, Row)
    assert "fingerprints" not in check_row(found)
    assert "FINGERPRINTS_INVALID" in {note.code for note in found.notes}


def test_audio() -> None:
    found = read("audio_test.json")
    assert isinstance(found, Row)
    assert check_row(found)["media"] == ["audio"]
    assert [note.code for note in found.notes] == ["IDENTIFIER_FROM_NAME"]


def test_personal_information_is_what_the_descriptor_says() -> None:
    said = document(**{"rai:personalSensitiveInformation": ["emails"]}).body["asset"]
    assert (said["personal_information"], said["categories"]) == ("personal", ["enterprise", "personal"])
    assert document(**{"rai:personalSensitiveInformation": "None."}).body["asset"]["personal_information"] == "none"
    assert document(keywords=["medicine"]).body["asset"]["personal_information"] == "deidentified"


def test_fingerprints_are_at_most_32_and_sizes_are_summed_only_whole() -> None:
    files = [{"sha256": f"{number:064X}", "contentSize": "1.5 PB"} for number in range(40)]
    found = document(distribution=[*files, files[0]])
    assert len(found.body["asset"]["fingerprints"]) == 32
    assert found.body["asset"]["volume"] == {"bytes": str(41 * 1_500_000_000_000_000)}
    assert document(distribution=[*files, {}]).body["asset"]["volume"] == {}


@settings(deadline=None)
@given(
    st.fixed_dictionaries({"name": st.text(min_size=1)}, optional=dict.fromkeys(MEMBERS[1:], JSON | FILES)),
)
def test_any_document_is_filed_or_refused(value: dict[str, object]) -> None:
    found = read_document(json.dumps(value | CONTEXT).encode(), "x.json", OPTIONS)
    if isinstance(found, Row):
        check_row(found)
    else:
        assert found.code == "NAME_MISSING"


@settings(deadline=None)
@given(JSON)
def test_detection_never_raises(value: object) -> None:
    assert is_croissant(value) in (True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("117743 B", 117743), ("36.809 KB", 36809), (" B", None), ("12", 12), ("1 MiB", 2**20), ("much", None)],
)
def test_sizes(text: str, expected: int | None) -> None:
    assert _size(text) == expected
