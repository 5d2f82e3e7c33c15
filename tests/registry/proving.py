"""Bundles of a desk's log, examined with its keys; and what must become of each line that is left out."""

from dataclasses import replace

from ledger.checkpoint import verify_checkpoint
from ledger.evidence.bundle import Evidence, format_evidence, parse_evidence
from ledger.evidence.examination import EvidenceReport, examine_evidence
from tests.registry.desk import Desk


def bundle(desk: Desk, subject: str, size: int | None = None) -> Evidence:
    """The bundle as it is served, read."""
    data = desk.registry.evidencer.bundle(subject, size)
    found = parse_evidence(data)
    assert format_evidence(found) == data
    return found


def examine(desk: Desk, evidence: Evidence, subject: str | None = None) -> EvidenceReport:
    keys = desk.registry.log.verifier_keys()
    return examine_evidence(evidence, lambda note: verify_checkpoint(note, keys), subject)


def holding(desk: Desk, evidence: Evidence, subject: str | None = None) -> EvidenceReport:
    """The report on a bundle that holds."""
    report = examine(desk, evidence, subject)
    assert report.holds, [check for check in report.checks if not check.holds]
    return report


def failing(report: EvidenceReport) -> list[str]:
    """The names of the checks that fail."""
    return [check.name for check in report.checks if not check.holds]


def without(evidence: Evidence, seq: int) -> Evidence:
    """The bundle without one entry."""
    return replace(evidence, entries=tuple(entry for entry in evidence.entries if entry.seq != seq))


def lines(report: EvidenceReport) -> dict[str, int]:
    """How many lines are shown of each folio."""
    return {folio.folio: folio.lines for folio in report.folios}


def must_notice_what_is_left_out(desk: Desk, asset: str) -> None:
    """The evidence of an asset holds. Without any one entry it does not, or shows the end of a folio less."""
    whole = bundle(desk, asset)
    shown = lines(holding(desk, whole, asset))
    for entry in whole.entries:
        report = examine(desk, without(whole, entry.seq))
        if report.holds:
            less = lines(report)
            missing = {folio: count - less.get(folio, 0) for folio, count in shown.items()}
            cut = {folio for folio, count in missing.items() if count}
            assert cut, entry.seq
            assert all(missing[folio] == 1 for folio in cut)
            assert all(folio in less or folio in report.unseen for folio in cut)
