"""Evidence bundles: fetched, and verified before they are given on."""

from dataclasses import dataclass

from api.client.errors import TrustError
from api.client.trusted import Keys, TrustedKeys
from ledger.checkpoint import verify_checkpoint
from ledger.errors import LedgerError
from ledger.evidence.bundle import Evidence, parse_evidence
from ledger.evidence.examination import EvidenceError, EvidenceReport, verify_evidence


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that holds. `data` is the file to keep: `sanquan verify` checks it anywhere."""

    data: bytes
    evidence: Evidence
    report: EvidenceReport


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the subject and its log, and a size, or the newest, which is not below `seen`."""

    subject: str
    origin: str
    size: int | None
    seen: int


def verified_bundle(data: bytes, asked: Asked, keys: Keys) -> Bundle:
    """The bundle that was asked for.

    Raises:
        TrustError: it does not hold, or is another.
    """
    trusted = TrustedKeys.of(keys)
    try:
        evidence = parse_evidence(data)
        report = verify_evidence(
            evidence, lambda note: verify_checkpoint(note, trusted.for_note(note)), asked.subject
        )  # fmt: skip
    except LedgerError as error:
        is_unsigned = isinstance(error, EvidenceError) and error.check.name == "checkpoint"
        code = "checkpoint_signature" if is_unsigned else "evidence_invalid"
        raise TrustError(f"the evidence of {asked.subject} does not hold: {error}", code) from error
    _check_asked(report.checkpoint.origin, report.checkpoint.size, asked)
    return Bundle(data, evidence, report)


def _check_asked(origin: str, size: int, asked: Asked) -> None:
    if origin != asked.origin:
        raise TrustError(f"this is evidence from the log {origin}, not from {asked.origin}", "origin_mismatch")
    if asked.size not in (None, size):
        raise TrustError(f"the evidence is of size {size}, asked was {asked.size}", "answer_changed")
    if asked.size is None and size < asked.seen:
        raise TrustError(
            f"the evidence is of size {size}, though {asked.seen} entries were seen before", "entries_lost"
        )
