"""The signing journal: what was signed, kept in another file than the database.

Before a root is signed, `(size, root)` is written here and forced to disk. A second root for a size, or a size below
the newest, is never signed, whoever asks: an old copy of the database that somebody put back would otherwise sign a
second history. Source: ledger.md 0.6.
"""

import sqlite3
import threading
from pathlib import Path

from ledger.errors import JournalConflictError
from ledger.private_files import make_private

_NEWEST = "SELECT size, root FROM signed ORDER BY size DESC LIMIT 1"


class SigningJournal:
    """An append-only file of `(size, root)`. May be used from any thread."""

    def __init__(self, path: Path | None = None) -> None:
        """Opens the file at `path`, or a journal in memory that ends with the process."""
        self._lock = threading.Lock()
        if path:
            make_private(path)
        self._connection = sqlite3.connect(
            str(path) if path else ":memory:", check_same_thread=False, isolation_level=None
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS signed (size INTEGER PRIMARY KEY, root BLOB NOT NULL)")

    def newest(self) -> tuple[int, bytes] | None:
        """The greatest size that was signed, and its root."""
        with self._lock:
            row = self._connection.execute(_NEWEST).fetchone()
        return (row[0], row[1]) if row else None

    def record(self, size: int, root: bytes) -> None:
        """`root` may be signed at `size`; that it was is on disk.

        Raises:
            JournalConflictError: another root was signed at this size, or a greater size was signed already.
        """
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                newest = self._connection.execute(_NEWEST).fetchone()
                if newest is None or newest[0] < size:
                    self._connection.execute("INSERT INTO signed (size, root) VALUES (?, ?)", (size, root))
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()
        if newest is not None and newest[0] >= size and tuple(newest) != (size, root):
            raise JournalConflictError(
                f"size {newest[0]} is signed already with root {newest[1].hex()}; {size} with another history "
                "must not be signed"
            )

    def close(self) -> None:
        """Releases the file."""
        self._connection.close()
