"""The signing journal: what was signed, kept apart from the database.

Before a root is signed, `(size, root)` is written here and forced to disk. A second root for a size, or an unknown one
below the newest, is never signed, whoever asks: an old copy of the database that somebody put back would otherwise sign
a second history. `Journal` says what a log asks of it; `SigningJournal` is the file, and a table on another server can
be another form. Several processes may share one. Source: ledger.md 0.6.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from ledger.errors import BrokenJournalError, JournalConflictError, JournalMovedError, LogEndedError
from ledger.instants import format_instant
from ledger.private_files import make_private

_BUSY_SECONDS = 10.0
_BUSY_STEP_S = 0.01
_HASH_BYTES = 32
_TABLES = (
    "CREATE TABLE IF NOT EXISTS signed (size INTEGER PRIMARY KEY, root BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ended (id INTEGER PRIMARY KEY CHECK (id = 1), time TEXT NOT NULL, successor TEXT)",
)
_NEWEST = "SELECT size, root FROM signed ORDER BY size DESC LIMIT 1"
_ROOT = "SELECT root FROM signed WHERE size = ?"
_ABOVE = "SELECT size, root FROM signed WHERE size > ? ORDER BY size LIMIT ?"
_DAMAGED = f"SELECT count(*) FROM signed WHERE size < 0 OR typeof(root) <> 'blob' OR length(root) <> {_HASH_BYTES}"  # noqa: S608
_ENDED = "SELECT time, successor FROM ended"
_END = (
    "INSERT INTO ended (id, time, successor) VALUES (1, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET successor = coalesce(successor, excluded.successor)"
)


class SignedRoot(NamedTuple):
    """A root that was signed, or was about to be."""

    size: int
    root: bytes


class Ended(NamedTuple):
    """The log signs nothing any more. `successor`: the origin of the log that continues it, where one was named."""

    time: str
    successor: str | None


class Journal(Protocol):
    """What a log asks of its journal. May be used from any thread; what it answers is durable."""

    def newest(self) -> SignedRoot | None:
        """The greatest size that was signed, and its root."""
        ...

    def above(self, size: int, limit: int) -> Sequence[SignedRoot]:
        """The first `limit` signed sizes greater than `size`, ascending."""
        ...

    def record(self, size: int, root: bytes, after: int | None = None) -> bool:
        """`root` may be signed at `size`, and that it was is on disk; whether it was not there before.

        `after`: the newest size of which the caller knows that its history leads to `root` (0: none).

        Raises:
            LogEndedError: nothing is signed any more.
            JournalMovedError: another size than `after` is the newest by now, and below `size`.
            JournalConflictError: another root was signed at this size, or a greater size and not this one.
        """
        ...

    def ended(self) -> Ended | None:
        """Whether the log has ended."""
        ...

    def end(self, at: datetime, successor: str | None = None) -> None:
        """Nothing is signed any more, for good. A successor that was named before stays."""
        ...


class SigningJournal:
    """A journal in a SQLite file of its owner's alone. See `Journal`."""

    def __init__(self, path: Path | None = None) -> None:
        """Opens the file at `path`, made if it is not there, or a journal in memory that ends with the process.

        Raises:
            BrokenJournalError: the file is damaged, cannot be read, or is something else.
        """
        self._lock = threading.Lock()
        self._name = str(path) if path else ":memory:"
        if path:
            make_private(path)
        with self._readable():
            self._connection = sqlite3.connect(
                self._name, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        self._write_ahead()
        self._connection.execute("PRAGMA synchronous=FULL")
        (state,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise BrokenJournalError(f"the signing journal {self._name} is damaged: {state}")
        for statement in _TABLES:
            self._connection.execute(statement)
        if self._connection.execute(_DAMAGED).fetchone()[0]:
            raise BrokenJournalError(f"the signing journal {self._name} holds a line that is no size and root")

    def _write_ahead(self) -> None:
        """The file has a write-ahead log. SQLite does not wait while another process makes it one: so this does."""
        deadline = time.monotonic() + _BUSY_SECONDS
        while self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                if self._connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "memory":
                    return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_BUSY_STEP_S)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise BrokenJournalError(f"the signing journal {self._name} cannot be used: {error}") from error

    def newest(self) -> SignedRoot | None:
        with self._lock, self._readable():
            return self._newest()

    def _newest(self) -> SignedRoot | None:
        row = self._connection.execute(_NEWEST).fetchone()
        return SignedRoot(*row) if row else None

    def above(self, size: int, limit: int) -> Sequence[SignedRoot]:
        with self._lock, self._readable():
            return [SignedRoot(*row) for row in self._connection.execute(_ABOVE, (size, limit))]

    def record(self, size: int, root: bytes, after: int | None = None) -> bool:
        with self._writing():
            if self._connection.execute(_ENDED).fetchone():
                raise LogEndedError("the log has ended; nothing is signed any more")
            newest = self._newest()
            is_new = newest is None or newest.size < size
            if is_new and after is not None and after != (newest.size if newest else 0):
                raise JournalMovedError(f"{newest.size if newest else 0} is the newest signed size, not {after}")
            if is_new:
                self._connection.execute("INSERT INTO signed (size, root) VALUES (?, ?)", (size, root))
            elif self._connection.execute(_ROOT, (size,)).fetchone() != (root,):
                assert newest is not None
                raise JournalConflictError(
                    f"size {newest.size} is signed already with root {newest.root.hex()}; {size} with another history "
                    "must not be signed"
                )
        return is_new

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, self._readable():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def ended(self) -> Ended | None:
        with self._lock, self._readable():
            row = self._connection.execute(_ENDED).fetchone()
        return Ended(*row) if row else None

    def end(self, at: datetime, successor: str | None = None) -> None:
        with self._writing():
            self._connection.execute(_END, (format_instant(at), successor))

    def close(self) -> None:
        """Releases the file."""
        self._connection.close()
