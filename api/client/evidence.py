"""Evidence bundles: fetched, and verified before they are given on."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.client.errors import TrustError
from ledger.checkpoint import verify_checkpoint
from ledger.errors import LedgerError
from ledger.evidence.bundle import Evidence, parse_evidence
from ledger.evidence.examination import EvidenceReport, verify_evidence
from ledger.note import VerifierKey


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that holds. `data` is the file to keep: `sanquan verify` checks it anywhere."""

    data: bytes
    evidence: Evidence
    report: EvidenceReport


def verified_bundle(data: bytes, subject: str, size: int | None, origin: str, keys: Sequence[VerifierKey]) -> Bundle:
    """The bundle of `subject` at `size` (None: at whichever) in the log `origin`.

    Raises:
        TrustError: it does not hold, or is about something else.
    """
    try:
        evidence = parse_evidence(data)
        report = verify_evidence(evidence, lambda note: verify_checkpoint(note, keys), subject)
    except LedgerError as error:
        raise TrustError(f"the evidence of {subject} does not hold: {error}") from error
    shown = report.checkpoint
    if shown.origin != origin or size not in (None, shown.size):
        raise TrustError(f"this is evidence of {shown.origin} at size {shown.size}, which was not asked for")
    return Bundle(data, evidence, report)
