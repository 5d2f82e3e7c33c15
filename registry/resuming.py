"""Audits that remember: of a log at an address only what is new is read.

What has to be remembered lies in a folder of the auditor's own. An audit works on a copy of it, which takes its place
only if nothing was found broken and everything was checked; a broken-off audit leaves the old one.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from ledger.audit import AuditReport, Known
from ledger.note import VerifierKey
from ledger.sources import LogSource
from registry.auditing import Depth, OnProgress, Subject, audit

_VERSION = "version"


def audit_url(
    source: LogSource, keys: Sequence[VerifierKey], known: Sequence[Known], on_progress: OnProgress | None, depth: Depth,
    memory: Path, *, whole: bool,
) -> AuditReport:  # fmt: skip
    """See `audit`. `memory` is the folder of this log and depth; with `whole` nothing in it is believed.

    An audit without signatures neither goes on with what is remembered nor is remembered.
    """
    memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=memory.parent, prefix=".auditing-") as scratch:
        working = Path(scratch) / "memory"
        if not whole and depth.signatures and _is_ours(memory):
            shutil.copytree(memory, working)
        else:
            _make(working)
        try:
            report = audit(Subject(source), keys, known, on_progress, depth, working)
        except (sqlite3.DatabaseError, DatabaseError):  # damaged memory is none
            shutil.rmtree(working)
            _make(working)
            report = audit(Subject(source), keys, known, on_progress, depth, working)
        if report.holds and report.is_complete:
            if memory.is_dir():
                memory.rename(Path(scratch) / "before")
            working.rename(memory)
        return report


def _make(working: Path) -> None:
    working.mkdir()
    (working / _VERSION).write_text(_software())


def _is_ours(memory: Path) -> bool:
    """Whether this version left it: another may have judged by other rules."""
    path = memory / _VERSION
    return path.is_file() and path.read_text() == _software()


def _software() -> str:
    try:
        return version("sanquan")
    except PackageNotFoundError:
        return "unknown"
