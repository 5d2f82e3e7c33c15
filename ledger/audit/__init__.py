"""The audit of a whole log, without trusting whoever serves it.

Checked, in one pass, on all cores and with bounded memory:

| what                                                          | against                                            |
|---------------------------------------------------------------|----------------------------------------------------|
| signatures of the checkpoint                                  | the keys that the auditor brings, or the log's own |
| every entry: form, position, chain, time, folios, statement   | the entries before it                              |
| every signature of every statement                            | the keys as they stand at its position             |
| every entry's hash, and every tile of every level             | the hashes computed from the entries               |
| the root                                                      | the signed checkpoint                              |
| receipts and checkpoints that somebody kept                   | the same entries (`ledger.known`)                  |

    source ─► workers: `bundle` (what a bundle says by itself, `quick` parsing) ─► `chain`, `keys`, `tree` in order
                       `bundle` (signatures, once `keys` says whose)           ◄─┘            └─► `on_batch`, report

The first broken entry ends the pass and is named. Whether the statements may take effect is for the caller, who sees
the entries in batches. Without keys of his own the auditor learns only that the log agrees with itself.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from ledger.audit.report import AuditReport
from ledger.audit.run import OnBatch, OnProgress, Options, Pass
from ledger.audit.workers import cores
from ledger.errors import BrokenLogError
from ledger.finding import BrokenError, Finding
from ledger.known import Known, KnownCheckpoint, KnownReceipt, parse_known
from ledger.note import VerifierKey
from ledger.reading.words import unreadable
from ledger.sources import LogSource

__all__ = [
    "AuditReport",
    "Finding",
    "Known",
    "KnownCheckpoint",
    "KnownReceipt",
    "audit_log",
    "cores",
    "parse_known",
]


def audit_log(
    source: LogSource,
    keys: Sequence[VerifierKey],
    *,
    known: Sequence[Known] = (),
    signatures: bool = True,
    jobs: int | None = None,
    on_batch: OnBatch | None = None,
    on_progress: OnProgress | None = None,
    state: Path | None = None,
) -> AuditReport:
    """The log behind `source` has been read whole; the report says whether it holds.

    Without `keys` checkpoints are verified with the keys that the log's own entries give it, and `pinned` is False.
    Without `signatures` nobody looks at those of the statements. `jobs` processes read a large log (default: one a
    core); `source` and callbacks are used by this process alone. Exceptions of `on_batch` other than `EntryRejected`
    pass through.

    `state` is a SQLite file of the auditor's own. If an audit of this log left something in it, only what is new is read,
    from `resumed` on in the report. What is in it afterwards may be gone on with only if the report holds.

    Raises:
        AuditInterruptedError: one of the processes ended or failed.
    """
    started = time.perf_counter()
    options = Options(tuple(keys), tuple(known), signatures, jobs or cores(), on_batch, on_progress, state)
    audit = Pass(source, options)
    findings: tuple[Finding, ...] = ()
    known_checked = 0
    try:
        audit.run()
    except BrokenError as error:
        findings = (error.finding,)
    except BrokenLogError as error:
        findings = (unreadable(None, error),)
    else:
        results = [audit.check_known(each) for each in known]
        findings = tuple(found for found in results if found)
        known_checked = len(results)
    finally:
        audit.close()
    return AuditReport(
        audit.checkpoint.origin,
        audit.checkpoint.size,
        audit.checkpoint.root,
        bool(keys),
        findings,
        known_checked,
        audit.entries,
        time.perf_counter() - started,
        signatures,
        audit.workers,
        audit.carried.size if audit.carried else 0,
        audit.log_keys,
    )
