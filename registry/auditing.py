"""The audit on both levels: the log against itself and what was kept, the register against a replay.

Reads an exported tree, a URL or a data folder. Nothing of the audited registry is trusted: rulebooks prove themselves
by their digest, and the register is folded again in a temporary database.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from ledger.audit import AuditReport, Finding, Known, audit_log
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.entry import Entry, parse_entry
from ledger.errors import BrokenLogError, FormatError
from ledger.note import VerifierKey, parse_note
from ledger.sources import DirectorySource, LogSource, StorageSource
from ledger.statement import parse_statement
from ledger.storage.sql import SqlLogStorage
from ledger.tiles import TILE_WIDTH
from registry.documents.folder import Documents
from registry.law.rulebook import Rulebook
from registry.replay import Replay, empty_register, stored_entries
from registry.search.indexing import refill
from registry.store.database import create_tables, open_database, sqlite_url, writing
from registry.stored import (
    check_rows,
    compare_checkpoints,
    compare_indexes,
    compare_journal,
    compare_registers,
    read_journal,
)

OnProgress = Callable[[int, int], None]
RULEBOOK_PATH = "v1/rulebooks/"
DATABASE_NAME = "registry.db"
JOURNAL_NAME = "journal.db"
_SETTLE_TRIES = 40
_SETTLE_WAIT_S = 0.05


@dataclass(frozen=True, slots=True)
class Subject:
    """What is audited. `register`: the tables to be compared, where there are any."""

    source: LogSource
    register: Connection | None = None
    journal: tuple[tuple[int, bytes], ...] = ()
    """The roots that the signing journal holds, read before the snapshot: each of them was committed then."""


def is_data_folder(path: Path) -> bool:
    """Whether `path` is the data folder of a registry, rather than an exported tree."""
    return (path / DATABASE_NAME).is_file()


@contextmanager
def open_subject(path: Path) -> Iterator[Subject]:
    """The exported tree or data folder at `path`."""
    if not is_data_folder(path):
        yield Subject(DirectorySource(path))
        return
    documents = Documents(path / "documents")
    journal = read_journal(path / JOURNAL_NAME)
    engine = open_database(sqlite_url(path / DATABASE_NAME))
    try:
        with _settled(engine) as tx:
            source = StorageSource(SqlLogStorage(), tx, lambda name: documents.get(name.removeprefix(RULEBOOK_PATH)))
            yield Subject(source, tx, tuple(journal))
    finally:
        engine.dispose()


def published_note(tx: Connection) -> str | None:
    """The checkpoint that is published under a policy of witnesses; None if there is none, or no policy."""
    if not inspect(tx).has_table("sanquan_published"):  # a folder of an earlier release that was not served since
        return None
    row = SqlLogStorage().published(tx)
    return row.note if row and row.size else None


@contextmanager
def _settled(engine: Engine) -> Iterator[Connection]:
    """A snapshot whose newest root is signed: a running server signs a moment after it commits."""
    storage = SqlLogStorage()
    for _ in range(_SETTLE_TRIES):
        with engine.connect() as tx:
            checkpoint = storage.checkpoint(tx)
            if storage.head(tx).size == (checkpoint.size if checkpoint else 0):
                yield tx
                return
        time.sleep(_SETTLE_WAIT_S)
    raise BrokenLogError("the newest entries are not signed; start the registry once, it signs them")


@dataclass(frozen=True, slots=True)
class Depth:
    """How much is looked at. Without `register` acts are not decided again; `jobs` processes at most read the log."""

    register: bool = True
    signatures: bool = True
    jobs: int | None = None


WHOLE = Depth()


def audit(
    subject: Subject,
    keys: Sequence[VerifierKey],
    known: Sequence[Known] = (),
    on_progress: OnProgress | None = None,
    depth: Depth = WHOLE,
    memory: Path | None = None,
) -> AuditReport:
    """The first broken entry is named; what is kept beside the entries is compared only if the log holds.

    `memory` is a folder in which an earlier audit of this log left what has to be remembered (see `ledger.audit`), or
    an empty one; what is in it afterwards is good for another audit of this depth, if the report holds.

    Raises:
        AuditInterruptedError: one of the processes ended or failed.
    """
    state = memory / "log.db" if memory else None
    if not depth.register:
        return audit_log(
            subject.source, keys, known=known, signatures=depth.signatures, jobs=depth.jobs, on_progress=on_progress,
            state=state,
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="sanquan-audit-") as folder:
        engine = open_database(sqlite_url((memory or Path(folder)) / "replay.db"), durable=False)
        try:
            return _Replaying(subject, engine, forgets_tail=memory is not None).audit(
                keys, known, on_progress, depth, state
            )
        finally:
            engine.dispose()


class _Replaying:
    """Both levels, with the register folded in a database of the auditor's."""

    def __init__(self, subject: Subject, engine: Engine, *, forgets_tail: bool) -> None:
        """`forgets_tail`: what a last, partial bundle does is not kept in the database; the next audit reads it again."""
        self._subject, self._engine, self._forgets_tail = subject, engine, forgets_tail
        with engine.begin() as tx:
            SqlLogStorage().create(tx)
            create_tables(tx)
        self._replay = Replay(_origin(subject.source), _rulebooks(subject.source))

    def audit(
        self, keys: Sequence[VerifierKey], known: Sequence[Known], on_progress: OnProgress | None, depth: Depth,
        state: Path | None,
    ) -> AuditReport:  # fmt: skip
        try:
            report = audit_log(
                self._subject.source, keys, known=known, signatures=depth.signatures, jobs=depth.jobs,
                on_batch=self._on_batch, on_progress=on_progress, state=state,
            )  # fmt: skip
        finally:
            self._replay.close()
        if not report.holds or self._subject.register is None:
            return report
        return replace(report, findings=tuple(self._compare(self._subject.register, report)))

    def _on_batch(self, entries: Sequence[Entry], leaves: Sequence[bytes]) -> None:
        with self._engine.connect() as tx:
            self._replay.batch(tx, entries, keep_folios=True, are_verified=True)
            if len(entries) == TILE_WIDTH or not self._forgets_tail:
                tx.commit()
        if self._subject.register is not None:
            check_rows(self._subject.register, entries, leaves)

    def _compare(self, register: Connection, report: AuditReport) -> Iterator[Finding]:
        newest = Checkpoint(report.origin, report.size, report.root)
        yield from compare_checkpoints(register, report.log_keys, newest)
        yield from compare_journal(register, self._subject.journal, newest)
        with self._engine.connect() as tx:
            yield from compare_indexes(register, tx)
            yield from compare_registers(register, tx)


def _origin(source: LogSource) -> str:
    try:
        return parse_checkpoint(parse_note(source.checkpoint()).text).origin
    except FormatError:
        return ""  # the audit of the log says what is wrong with the checkpoint


def _rulebooks(source: LogSource) -> Callable[[str], Rulebook | None]:
    documents = Documents()

    def find(digest: str) -> Rulebook | None:
        if documents.get(digest) is None and (data := source.document(RULEBOOK_PATH + digest)) is not None:
            documents.put(data)
        return documents.rulebook(digest)

    return find


def rebuild(folder: Path, on_progress: OnProgress | None = None) -> int:
    """The register of a data folder, and its index of words, are what its entries add up to; answers how many there are.

    One transaction: readers see the old tables until the new ones are whole.

    Raises:
        EntryRejected: the log itself holds an entry that may not be there; nothing is changed.
    """
    documents = Documents(folder / "documents")
    engine = open_database(sqlite_url(folder / DATABASE_NAME))
    storage = SqlLogStorage()
    replay: Replay | None = None
    try:
        with writing(engine) as tx:
            create_tables(tx)
            size = storage.head(tx).size
            empty_register(tx)
            for rows in stored_entries(storage, tx, size):
                entries = [parse_entry(row.data) for row in rows]
                replay = replay or Replay(parse_statement(entries[0].envelope).log, documents.rulebook)
                replay.batch(tx, entries, keep_folios=False)
                if on_progress:
                    on_progress(rows[-1].position + 1, size)
            refill(tx)
    finally:
        if replay:
            replay.close()
        engine.dispose()
    return size
