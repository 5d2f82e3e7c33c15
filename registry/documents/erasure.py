"""Carries out what `disclosure.erase` says: what was kept under a digest is nowhere any more, in no file of the registry.

In the transaction that records the erasure the value goes from its table, overwritten (`registry.store.saving`). Here
go the rest: the document's file, who sent it, what the write-ahead file of SQLite still holds of old pages, and, should the bytes
still stand in a page that was moved, the pages themselves. Idempotent: a start does it again for whatever a crash left.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from sqlalchemy import Engine, select

from registry.documents.folder import Documents
from registry.store.database import overwriting, writing
from registry.store.documents import delete_document
from registry.store.loading import erased_digests
from registry.store.tables import DISCLOSURE

logger = structlog.get_logger("sanquan.registry")
_CHUNK = 1 << 20
_TRIES = 20


class Eraser:
    """Erases for one registry."""

    def __init__(self, engine: Engine, documents: Documents) -> None:
        """`engine`: one that may write."""
        self._engine = engine
        self._documents = documents
        self.elsewhere: list[Callable[[], None]] = []
        """What else keeps copies of what parties told, for a while: each is asked to let go of what it can."""

    def finish(self, digests: Sequence[str], values: Sequence[str]) -> None:
        """Nothing is kept under the digests any more; `values` are the disclosures that were, and none of their bytes stay."""
        for digest in digests:
            self._documents.remove(digest)
        with writing(self._engine) as tx:
            for digest in digests:
                delete_document(tx, digest)
        for let_go in self.elsewhere:
            let_go()
        self._empty_write_ahead_file()
        if values and self._still_holds(values):
            self._rewrite()

    def sweep(self) -> None:
        """What was erased before a crash is gone."""
        with self._engine.connect() as tx:
            erased = erased_digests(tx)
            left = [row.digest for row in tx.execute(select(DISCLOSURE.c.digest)) if row.digest in erased]
        for digest in left:
            with self._engine.begin() as tx, overwriting(tx):
                tx.execute(DISCLOSURE.delete().where(DISCLOSURE.c.digest == digest))
        if erased:
            self.finish(sorted(erased), ())

    def _empty_write_ahead_file(self) -> None:
        """Old pages are not in the write-ahead file. Readers of old pages hold it up for as long as they read."""
        if self._engine.dialect.name != "sqlite":
            return
        for _ in range(_TRIES):
            with self._engine.connect() as tx:
                raw = tx.connection.dbapi_connection
                assert raw is not None
                cursor = raw.cursor()
                busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() or (0, 0, 0)
                cursor.close()
            if not busy:
                return
        logger.error("the write-ahead file could not be emptied; a start does it again")

    def _still_holds(self, values: Sequence[str]) -> bool:
        name = self._engine.url.database
        if self._engine.dialect.name != "sqlite" or not name or not Path(name).is_file():
            return False
        wanted = [value.encode() for value in values]
        return _holds(Path(name), wanted)

    def _rewrite(self) -> None:
        """Every page is written anew; the old ones are gone."""
        with self._engine.connect() as tx:
            raw = tx.connection.dbapi_connection
            assert raw is not None
            cursor = raw.cursor()
            cursor.execute("VACUUM")
            cursor.close()
        self._empty_write_ahead_file()


def _holds(path: Path, wanted: Sequence[bytes]) -> bool:
    """Whether any of the texts stands in the file. Looks for their middles: a text may be cut by the end of a page."""
    needles = [text[len(text) // 4 : len(text) // 4 + 64] for text in wanted]
    longest = max(len(needle) for needle in needles)
    with path.open("rb") as file:
        tail = b""
        while chunk := file.read(_CHUNK):
            window = tail + chunk
            if any(needle in window for needle in needles):
                return True
            tail = window[-longest:]
    return False
