"""Four ways to falsify a register, each against a copy of its data folder. They are what the audit is for."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from ledger.entry import Entry, parse_entry
from ledger.journal import SigningJournal
from ledger.keys import Algorithm, KeySigner, Signer, read_private_key
from ledger.log import Log
from ledger.storage.sql import SqlLogStorage
from registry.auditing import DATABASE_NAME, rebuild
from registry.store.database import create_tables, open_database, sqlite_url, writing


def copy_of(data: Path, name: str) -> Path:
    """A copy of a data folder, beside it."""
    target = data.parent / f"{data.name}-{name}"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(data, target)
    return target


def _execute(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / DATABASE_NAME)
    with connection:
        connection.execute(statement, values)
    connection.close()


def change_an_entry(folder: Path, position: int, old: bytes, new: bytes) -> None:
    """One value in one entry is another, as a database administrator would do it."""
    connection = sqlite3.connect(folder / DATABASE_NAME)
    (data,) = connection.execute("SELECT data FROM sanquan_entry WHERE position = ?", (position,)).fetchone()
    connection.close()
    _execute(folder, "UPDATE sanquan_entry SET data = ? WHERE position = ?", data.replace(old, new, 1), position)


def change_a_projection(folder: Path, old: str, new: str) -> None:
    """A row of the register's tables says something else than the entries: every `old` party reads `new`."""
    _execute(folder, "UPDATE sanquan_right SET document = replace(document, ?, ?)", old, new)


def rewrite(folder: Path, leave_out: Callable[[Entry], bool], signers: list[Signer]) -> None:
    """A new history without some entries, consistent in itself: chained, hashed and signed anew."""
    old = open_database(sqlite_url(folder / DATABASE_NAME))
    storage = SqlLogStorage()
    with old.connect() as tx:
        entries = [parse_entry(row.data) for row in storage.entries(tx, 0, storage.head(tx).size)]
        origin = _origin(storage, tx)
    old.dispose()
    for suffix in ("", "-wal", "-shm"):
        (folder / f"{DATABASE_NAME}{suffix}").unlink(missing_ok=True)
    engine = open_database(sqlite_url(folder / DATABASE_NAME))
    for path in folder.glob("journal.db*"):
        path.unlink()
    journal = SigningJournal(folder / "journal.db")
    log: Log[Connection] = Log(storage, origin, signers, journal)
    for entry in (kept for kept in entries if not leave_out(kept)):
        with writing(engine) as tx:
            storage.create(tx)
            create_tables(tx)
            batch = log.open_batch(tx, entry.time)
            batch.add(entry.envelope, entry.envelope.digest(), [line.folio for line in entry.folios])
            appended = batch.write(tx)
        assert appended is not None
        log.adopt(appended)
        row = log.sign(appended.head)
        with writing(engine) as tx:
            storage.put_checkpoint(tx, row)
    journal.close()
    engine.dispose()
    rebuild(folder)


def _origin(storage: SqlLogStorage, tx: Connection) -> str:
    newest = storage.checkpoint(tx)
    assert newest is not None
    return newest.note.split("\n", 1)[0]


def strangers_keys() -> list[Signer]:
    """Keys of somebody who does not have the log's."""
    return [KeySigner.generate(), KeySigner.generate(Algorithm.ML_DSA_44)]


def operators_keys(folder: Path) -> list[Signer]:
    """The log's own keys."""
    return [read_private_key(folder / "keys" / name) for name in ("log.pem", "log-mldsa44.pem")]
