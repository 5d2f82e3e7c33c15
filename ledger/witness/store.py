"""What a witness remembers, in one SQLite file: who it is, the logs it knows, what it cosigned, what contradicts that.

A writing transaction takes the file's only write lock before it reads, in this process and in any other, and is on disk
when it ends. So what was read in it is still so when it commits: nobody rolls a witness back by being slow.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ledger.private_files import make_private
from ledger.witness.errors import UnavailableError

KEPT_CHECKPOINTS = 1_000
"""Of a log: so many sizes back another root is recognised."""
KEPT_CONTRADICTIONS = 100
"""Of a log and a kind. Two roots for a size stay, for the first ones convict for ever; what is unproven makes room."""
PATIENCE_S = 5.0

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS witness (
        only INTEGER PRIMARY KEY CHECK (only = 1), name TEXT NOT NULL, key TEXT NOT NULL, time INTEGER NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS log_key (key TEXT PRIMARY KEY, origin TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS cosigned (
        origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL,
        PRIMARY KEY (origin, size))""",
    """CREATE TABLE IF NOT EXISTS contradiction (
        origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, kind TEXT NOT NULL, known TEXT,
        note TEXT NOT NULL, received INTEGER NOT NULL, PRIMARY KEY (origin, size, root))""",
)
_CONTRADICTIONS = """SELECT origin, size, root, kind, known, note, received FROM contradiction WHERE origin = ?
    ORDER BY received, size, root"""
_CONVICT = """UPDATE contradiction SET kind = ?, known = ? WHERE origin = ? AND size = ? AND root <> ? AND kind = ?
    RETURNING origin, size, root, kind, known, note, received"""
_OTHER_ROOT = """SELECT note FROM cosigned WHERE origin = :origin AND size = :size AND root <> :root
    UNION ALL SELECT note FROM contradiction WHERE origin = :origin AND size = :size AND root <> :root LIMIT 1"""
_KEEP = """INSERT OR IGNORE INTO contradiction (origin, size, root, kind, known, note, received)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_MAKE_ROOM = """DELETE FROM contradiction WHERE rowid IN (
    SELECT rowid FROM contradiction WHERE origin = ? AND kind = ? ORDER BY received DESC, rowid DESC LIMIT -1 OFFSET ?)"""
_FORGET = """DELETE FROM cosigned WHERE origin = :origin AND size <= (
    SELECT size FROM cosigned WHERE origin = :origin ORDER BY size DESC LIMIT 1 OFFSET :kept)"""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that was cosigned. `note` has the log's lines and the witness's own."""

    size: int
    root: bytes
    note: str


class Kind(StrEnum):
    """What a contradiction shows."""

    TWO_ROOTS = "two_roots"
    """The log signed two roots for one size. The two notes convict it before anybody who knows its keys."""
    UNPROVEN = "unproven"
    """A checkpoint that the log signed came with a proof that does not lead there from `known`. A suspicion: whoever
    has the checkpoint could have sent it with a wrong proof. A log that is honest can give the right one."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two notes that the log signed and that do not go together, as far as the witness was shown.

    `known` is what was known before, None where it needs no note (the empty tree has one root); `note` came later, at
    `received` (Unix seconds), and stands as it came. `size` and `root` are those of `note`.
    """

    origin: str
    size: int
    root: bytes
    kind: Kind
    known: str | None
    note: str
    received: int


class Records:
    """The tables, as one transaction sees them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run = connection.execute

    def identity(self) -> tuple[str, str] | None:
        """Name and verifier key of the witness; None before there is one."""
        row = self._run("SELECT name, key FROM witness").fetchone()
        return (row[0], row[1]) if row else None

    def set_identity(self, name: str, key: str) -> None:
        """The witness is called so, for ever."""
        self._run("INSERT INTO witness (only, name, key, time) VALUES (1, ?, ?, 0)", (name, key))

    def time(self) -> int:
        """The last time that was stated in a cosignature, Unix seconds; 0 before the first."""
        return int(self._run("SELECT time FROM witness").fetchone()[0])

    def log_keys(self) -> list[tuple[str, str]]:
        """Origin and verifier key of everything configured."""
        return self._run("SELECT origin, key FROM log_key ORDER BY origin, key").fetchall()

    def add_log_key(self, origin: str, key: str) -> bool:
        """The key is known as one of `origin`; whether it is new."""
        return self._run("INSERT OR IGNORE INTO log_key (key, origin) VALUES (?, ?)", (key, origin)).rowcount == 1

    def last(self, origin: str) -> Cosigned | None:
        """What was cosigned last."""
        row = self._run(
            "SELECT size, root, note FROM cosigned WHERE origin = ? ORDER BY size DESC LIMIT 1", (origin,)
        ).fetchone()
        return Cosigned(*row) if row else None

    def put(self, origin: str, cosigned: Cosigned, time: int) -> None:
        """This is what was cosigned last, at `time`. The caller has seen that it continues what was last until now."""
        self._run(
            "INSERT OR REPLACE INTO cosigned (origin, size, root, note) VALUES (?, ?, ?, ?)",
            (origin, cosigned.size, cosigned.root, cosigned.note),
        )
        self._run(_FORGET, {"origin": origin, "kept": KEPT_CHECKPOINTS})
        self._run("UPDATE witness SET time = ?", (time,))

    def other_root(self, origin: str, size: int, root: bytes) -> str | None:
        """A note that the log signed over another root of this size, if one is remembered."""
        row = self._run(_OTHER_ROOT, {"origin": origin, "size": size, "root": root}).fetchone()
        return row[0] if row else None

    def keep(self, found: Contradiction) -> bool:
        """The contradiction is kept, unless it is already or there is no room; whether it is new."""
        key = (found.origin, found.kind.value)
        count = self._run("SELECT count(*) FROM contradiction WHERE origin = ? AND kind = ?", key).fetchone()[0]
        if found.kind is Kind.TWO_ROOTS and count >= KEPT_CONTRADICTIONS:
            return False
        values = (found.size, found.root, found.kind.value, found.known, found.note, found.received)
        new = self._run(_KEEP, (found.origin, *values)).rowcount == 1
        if found.kind is Kind.UNPROVEN:
            self._run(_MAKE_ROOM, (*key, KEPT_CONTRADICTIONS))
        return new

    def settle(self, origin: str, cosigned: Cosigned) -> list[Contradiction]:
        """What was unproven and is cosigned now is no contradiction any more.

        Another root for the size, unproven so far, is one of two roots from now on; those are answered.
        """
        self._run(
            "DELETE FROM contradiction WHERE origin = ? AND size = ? AND root = ? AND kind = ?",
            (origin, cosigned.size, cosigned.root, Kind.UNPROVEN.value),
        )
        convicted = self._run(
            _CONVICT, (Kind.TWO_ROOTS.value, cosigned.note, origin, cosigned.size, cosigned.root, Kind.UNPROVEN.value)
        )
        return [_contradiction(row) for row in convicted]

    def contradictions(self, origin: str) -> list[Contradiction]:
        """Everything kept against the log, oldest first."""
        return [_contradiction(row) for row in self._run(_CONTRADICTIONS, (origin,))]


def _contradiction(row: tuple[str, int, bytes, str, str | None, str, int]) -> Contradiction:
    origin, size, root, kind, known, note, received = row
    return Contradiction(origin, size, root, Kind(kind), known, note, received)


class WitnessStore:
    """The file. May be used from any thread; other processes may have it open."""

    def __init__(self, path: Path, patience_s: float = PATIENCE_S) -> None:
        """Opens the file, made if it is not there. Waits so long for others that write.

        Raises:
            UnavailableError: it cannot be opened.
        """
        make_private(path)
        self._writing, self._reading = threading.Lock(), threading.Lock()
        with _available():
            self._writer, self._reader = (
                sqlite3.connect(path, patience_s, check_same_thread=False, isolation_level=None) for _ in range(2)
            )
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        with _available():
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=FULL")
        with self.writing():
            for statement in _SCHEMA:
                self._writer.execute(statement)

    @contextmanager
    def writing(self) -> Iterator[Records]:
        """A transaction that is alone in the file from its begin, and on disk when the block has ended.

        Raises:
            UnavailableError: another process holds the file for too long, or the disk fails. Nothing was changed.
        """
        with self._writing, _available():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield Records(self._writer)
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[Records]:
        """One state of the file, whoever writes meanwhile.

        Raises:
            UnavailableError: it cannot be read.
        """
        with self._reading, _available():
            self._reader.execute("BEGIN")
            try:
                yield Records(self._reader)
            finally:
                self._reader.execute("ROLLBACK")

    def close(self) -> None:
        """Releases the file."""
        self._writer.close()
        self._reader.close()


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise UnavailableError(f"the store of the witness does not answer: {error}") from error
