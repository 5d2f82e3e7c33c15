"""What a verifier finds in an evidence bundle, offline, with nothing but keys that it trusts. Contract section 9.

Checks, in order: `checkpoint` `inclusion` `entries` `origin` `chain` `statements` `folios` `named` `signatures`
`expectations` `rulebooks` `disclosures` (where there are any) `subject`. Each says what holds, or the first thing that
does not. Where the bytes of an entry are not those of an entry, what rests on them is not looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ledger.checkpoint import Checkpoint, VerifiedCheckpoint, parse_checkpoint
from ledger.errors import LedgerError, ProofError
from ledger.evidence import checks
from ledger.evidence.bundle import Evidence
from ledger.evidence.folios import Folios, FolioShown
from ledger.evidence.reading import Line, read_lines
from ledger.evidence.words import LIMITS, NOT_REPLAYED, Words
from ledger.finding import BrokenError, broken
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.note import parse_note

VerifyNote = Callable[[str], VerifiedCheckpoint]
"""Answers the checkpoint of a note that whoever asks trusts, by keys or by a policy; raises LedgerError otherwise."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `position` is the entry at which it does not hold, where it is about one."""

    name: str
    holds: bool
    words: Words
    position: int | None = None


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """What was found.

    `assets` are those that the bundle is about, `folios` what it shows from line 1 on, `unseen` parties that entries
    mention and of which nothing is shown, `notes` what even a bundle that holds cannot show.
    """

    checkpoint: Checkpoint
    entries: int
    checks: tuple[Check, ...]
    assets: tuple[str, ...] = ()
    folios: tuple[FolioShown, ...] = ()
    unseen: tuple[str, ...] = ()
    notes: tuple[Words, ...] = LIMITS

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)


class EvidenceError(LedgerError):
    """A bundle does not hold. `check` is the first that failed."""

    def __init__(self, check: Check) -> None:
        super().__init__(f"{check.name}: {check.words.en}")
        self.check = check


def verify_evidence(evidence: Evidence, verify_note: VerifyNote, subject: str | None = None) -> EvidenceReport:
    """The report on a bundle that holds; it is about `subject` (an asset, right or case) where one is named.

    Raises:
        EvidenceError: it does not hold.
    """
    report = examine_evidence(evidence, verify_note, subject)
    for check in report.checks:
        if not check.holds:
            raise EvidenceError(check)
    return report


def examine_evidence(evidence: Evidence, verify_note: VerifyNote, subject: str | None = None) -> EvidenceReport:
    """Everything that can be said of a bundle, whether it holds or not.

    Raises:
        FormatError: `checkpoint` is not the note of one; `parse_evidence` has looked at that.
    """
    claimed = parse_checkpoint(parse_note(evidence.checkpoint).text)
    lines: list[Line] = []
    found = [
        _run("checkpoint", lambda: _check_checkpoint(evidence, claimed, verify_note)),
        _run("inclusion", lambda: _check_inclusion(evidence, claimed)),
        _run("entries", lambda: _check_entries(evidence, lines)),
    ]
    if len(lines) < len(evidence.entries):
        return EvidenceReport(claimed, len(evidence.entries), tuple(found))
    folios = Folios(line.entry for line in lines)
    assets = checks.subject_assets(subject or evidence.subject, lines, folios)
    found += [
        _run("origin", lambda: checks.check_origin(evidence, lines)),
        _run("chain", lambda: checks.check_chain(lines)),
        _run("statements", lambda: checks.check_statements(lines)),
        _run("folios", lambda: checks.check_folios(lines, folios)),
        _run("named", lambda: checks.check_named(lines, folios)),
        _run("signatures", lambda: checks.check_signatures(lines)),
        _run("expectations", lambda: checks.check_expectations(lines, folios)),
        _run("rulebooks", lambda: checks.check_rulebooks(evidence, lines)),
    ]
    if (disclosures := evidence.disclosures) is not None:
        found.append(_run("disclosures", lambda: checks.check_disclosures(disclosures, lines)))
    found.append(_run("subject", lambda: checks.check_subject(evidence.subject, subject, assets)))
    called = {name for line in lines for each in line.entry.folios for name in line.named.called_for(each.folio)}
    unseen = {name for name in called if name.startswith("pty_") and not folios.is_shown(name)}
    notes = LIMITS if evidence.question is None and evidence.answer is None else (*LIMITS, NOT_REPLAYED)
    return EvidenceReport(
        claimed, len(lines), tuple(found), assets, folios.shown(), tuple(sorted(unseen)), notes
    )  # fmt: skip


def _run(name: str, check: Callable[[], Words]) -> Check:
    try:
        return Check(name, holds=True, words=check())
    except BrokenError as error:
        finding = error.finding
        return Check(name, holds=False, words=Words(finding.words_en, finding.words_zh), position=finding.position)


def _check_checkpoint(evidence: Evidence, claimed: Checkpoint, verify_note: VerifyNote) -> Words:
    try:
        verify_note(evidence.checkpoint)
    except LedgerError as error:
        raise broken(
            None,
            "checkpoint",
            f"The checkpoint of {claimed.origin} is not signed as you demand: {error}.",
            f"账本 {claimed.origin} 的检查点未按所要求的密钥签名：{error}。",
        ) from error
    if claimed.origin != evidence.origin:
        raise broken(
            None,
            "checkpoint",
            f"The checkpoint is one of {claimed.origin}; the bundle calls itself one of {evidence.origin}.",
            f"检查点属于 {claimed.origin}，而证据包自称属于 {evidence.origin}。",
        )
    return Words(
        f"The checkpoint of {claimed.origin} at size {claimed.size} is signed.",
        f"账本 {claimed.origin} 在 {claimed.size} 条时的检查点签名有效。",
    )


def _check_inclusion(evidence: Evidence, claimed: Checkpoint) -> Words:
    for item in evidence.entries:
        try:
            verify_inclusion(leaf_hash(item.data), item.seq, claimed.size, item.path, claimed.root)
        except ProofError as error:
            raise broken(
                item.seq,
                "inclusion",
                f"Entry {item.seq} is not the one under this checkpoint: {error}.",
                f"第 {item.seq} 条不在该检查点之下：{error}。",
            ) from error
    count = len(evidence.entries)
    return Words(f"All {count} entries stand under it at their positions.", f"全部 {count} 条分录均在其所称位置。")


def _check_entries(evidence: Evidence, lines: list[Line]) -> Words:
    """The entries are read into `lines`, as far as they can be."""
    lines.extend(read_lines(evidence))
    return Words("Each is an entry in its only form.", "各条均为分录的唯一形式。")
