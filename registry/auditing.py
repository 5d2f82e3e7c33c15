"""The audit on both levels: the log against itself and what was kept, the register against a replay.

Reads an exported tree, a URL or a data folder. Nothing of the audited registry is trusted: rulebooks prove themselves
by their digest, and the register is folded again in a temporary database.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import Connection, Engine

from ledger.audit import AuditReport, Finding, Known, audit_log
from ledger.checkpoint import parse_checkpoint
from ledger.entry import Entry, parse_entry
from ledger.errors import BrokenLogError, FormatError
from ledger.note import VerifierKey, parse_note
from ledger.sources import DirectorySource, LogSource, StorageSource
from ledger.statement import parse_statement
from ledger.storage.sql import SqlLogStorage
from registry.documents.folder import Documents
from registry.law.rulebook import Rulebook
from registry.replay import Replay, empty_register, register_rows, stored_entries
from registry.search.indexing import refill
from registry.store.database import create_tables, open_database, sqlite_url, writing
from registry.store.saving import Row
from registry.store.tables import FOLD_TABLES

OnProgress = Callable[[int, int], None]
RULEBOOK_PATH = "v1/rulebooks/"
DATABASE_NAME = "registry.db"
_SETTLE_TRIES = 40
_SETTLE_WAIT_S = 0.05


@dataclass(frozen=True, slots=True)
class Subject:
    """What is audited. `register`: the tables to be compared, where there are any."""

    source: LogSource
    register: Connection | None = None


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
    engine = open_database(sqlite_url(path / DATABASE_NAME))
    try:
        with _settled(engine) as tx:
            source = StorageSource(SqlLogStorage(), tx, lambda name: documents.get(name.removeprefix(RULEBOOK_PATH)))
            yield Subject(source, tx)
    finally:
        engine.dispose()


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


def audit(
    subject: Subject,
    keys: Sequence[VerifierKey],
    known: Sequence[Known] = (),
    on_progress: OnProgress | None = None,
    depth: Depth = Depth(),
) -> AuditReport:
    """The first broken entry is named; tables are compared only if the log holds.

    Raises:
        AuditInterruptedError: one of the processes ended or failed.
    """
    if not depth.register:
        return audit_log(
            subject.source, keys, known=known, signatures=depth.signatures, jobs=depth.jobs, on_progress=on_progress
        )
    with tempfile.TemporaryDirectory(prefix="sanquan-audit-") as folder:
        engine = open_database(sqlite_url(Path(folder) / "replay.db"), durable=False)
        try:
            return _audit(subject, keys, known, on_progress, engine, depth)
        finally:
            engine.dispose()


def _audit(
    subject: Subject,
    keys: Sequence[VerifierKey],
    known: Sequence[Known],
    on_progress: OnProgress | None,
    engine: Engine,
    depth: Depth,
) -> AuditReport:
    storage = SqlLogStorage()
    with engine.begin() as tx:
        storage.create(tx)
        create_tables(tx)
    replay = Replay(_origin(subject.source), _rulebooks(subject.source))

    def on_batch(entries: Sequence[Entry], _leaves: Sequence[bytes]) -> None:
        with engine.begin() as tx:
            replay.batch(tx, entries, keep_folios=True, are_verified=True)

    try:
        report = audit_log(
            subject.source, keys, known=known, signatures=depth.signatures, jobs=depth.jobs, on_batch=on_batch,
            on_progress=on_progress,
        )  # fmt: skip
    finally:
        replay.close()
    if report.holds and subject.register is not None:
        with engine.connect() as tx:
            return replace(report, findings=tuple(compare_registers(subject.register, tx)))
    return report


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


def compare_registers(kept: Connection, replayed: Connection) -> Iterator[Finding]:
    """The first difference in each table between what is kept and what the entries add up to."""
    for number, table in enumerate(FOLD_TABLES):
        keys = [column.name for column in table.primary_key.columns]
        for found, wanted in zip_longest(register_rows(kept, number), register_rows(replayed, number)):
            if found == wanted:
                continue
            row, en, zh = _first_difference(found, wanted, keys)
            place = ", ".join(f"{key}={row[key]}" for key in keys)
            yield Finding(
                None, "register_differs",
                f"table {table.name}, row {place}: {en} is not what the entries add up to; "
                "`sanquan register rebuild` makes it so",
                f"表 {table.name} 的行 {place}：{zh}与账本重放结果不符；可用 `sanquan register rebuild` 重建",
            )  # fmt: skip
            break


def _first_difference(found: Row | None, wanted: Row | None, keys: Sequence[str]) -> tuple[Row, str, str]:
    """The row that differs and what about it, of the first two in the order of their keys that are not equal."""
    if wanted is None or (found is not None and _stands_before(found, wanted, keys)):
        assert found is not None
        return found, "it is there, which", "该行不应存在，"
    if found is None or [found[key] for key in keys] != [wanted[key] for key in keys]:
        return wanted, "it is missing, which", "该行缺失，"
    column = next(name for name in wanted if found[name] != wanted[name])
    return wanted, f"column {column}", f"列 {column} "


def _stands_before(one: Row, other: Row, keys: Sequence[str]) -> bool:
    """Whether one row's key comes before the other's; a key of another type, which nobody but a forger writes, does."""
    for key in keys:
        a, b = one[key], other[key]
        if a != b:
            return type(a) is not type(b) or bool(a < b)
    return False


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
