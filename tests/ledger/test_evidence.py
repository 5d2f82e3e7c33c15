"""The published bundle and what must become of it when it is damaged; the format under mutation."""

import json
from typing import Any

import pytest

from ledger.checkpoint import verify_checkpoint
from ledger.errors import FormatError
from ledger.evidence.bundle import format_evidence, parse_evidence
from ledger.evidence.examination import EvidenceReport, examine_evidence, verify_evidence
from ledger.note import parse_verifier_key
from tests.ledger import stranger
from tests.ledger.evidence_vector import FOLDER, made, patched

BUNDLE = (FOLDER / "bundle.json").read_bytes()
VALID = json.loads(BUNDLE)
TABLE = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
KEYS = [parse_verifier_key(text) for text in TABLE["keys"]]
CASES = {case["name"]: case for case in TABLE["cases"]}


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def examine(data: bytes) -> EvidenceReport | None:
    """None if it is no bundle at all."""
    try:
        evidence = parse_evidence(data)
    except FormatError:
        return None
    return examine_evidence(evidence, lambda note: verify_checkpoint(note, KEYS))


def failing(report: EvidenceReport | None) -> list[str]:
    return ["form"] if report is None else [check.name for check in report.checks if not check.holds]


def test_the_published_files_are_made_again_byte_for_byte() -> None:
    assert made() == {name: (FOLDER / name).read_bytes() for name in ("bundle.json", "cases.json")}


def test_the_published_bundle_holds() -> None:
    evidence = parse_evidence(BUNDLE)
    assert format_evidence(evidence) == BUNDLE
    report = verify_evidence(evidence, lambda note: verify_checkpoint(note, KEYS), VALID["subject"])
    assert (report.entries, report.checkpoint.size, report.assets) == (10, 12, (VALID["subject"],))
    assert report.holds
    assert all(check.words.en and check.words.zh for check in report.checks)


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_bundle_is_refused_by_name(name: str) -> None:
    case = CASES[name]
    report = examine(as_json(patched(VALID, case["patch"])))
    assert failing(report) == case["fails"]


@pytest.mark.parametrize("name", [None, *CASES])
def test_a_verifier_of_other_making_agrees(name: str | None) -> None:
    case = CASES[name] if name else {"patch": [], "fails": []}
    assert stranger.holds(patched(VALID, case["patch"]), TABLE["keys"][0]) == (case["fails"] == [])
