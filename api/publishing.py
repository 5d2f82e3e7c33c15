"""What the log publishes: `/checkpoint`, tiles and bundles, as static files would be.

`/checkpoint` shows the newest signed root, a new one at most once a second, so that a busy log does not publish a tree
for every batch. Tiles and bundles are answered only as wide as the newest signed size implies. Source: c2sp.org/tlog-tiles.
"""

import threading
import time

from sqlalchemy import Connection, Engine

from ledger.errors import BrokenLogError, FormatError
from ledger.log import Log
from ledger.sources import StorageSource
from ledger.storage import CheckpointRow
from ledger.tiles import Bundle, Tile, parse_tile_path, tile_width
from registry.reading import not_found

PUBLISH_EVERY_S = 1.0


class Publisher:
    """Publishes one log. May be used from any thread."""

    def __init__(self, engine: Engine, log: Log[Connection]) -> None:
        self._engine = engine
        self._log = log
        self._lock = threading.Lock()
        self._shown: CheckpointRow | None = None
        self._shown_at = 0.0

    def checkpoint(self) -> CheckpointRow:
        """The published checkpoint.

        Raises:
            RefusedError: NOT_FOUND before the first entry.
        """
        with self._lock:
            now = time.monotonic()
            if self._shown is None or now - self._shown_at >= PUBLISH_EVERY_S:
                with self._engine.connect() as tx:
                    newest = self._log.storage.checkpoint(tx)
                if newest is None:
                    raise not_found("checkpoint", "检查点")
                if self._shown is None or newest.size != self._shown.size:
                    self._shown, self._shown_at = newest, now
            return self._shown

    def file(self, path: str) -> bytes:
        """The bytes of a tile or bundle.

        Raises:
            RefusedError: NOT_FOUND for a path that no signed checkpoint implies.
        """
        try:
            wanted = parse_tile_path(path)
        except FormatError as error:
            raise not_found(path) from error
        with self._engine.connect() as tx:
            newest = self._log.storage.checkpoint(tx)
            level = wanted.level if isinstance(wanted, Tile) else 0
            if newest is None or tile_width(level, wanted.index, newest.size) < wanted.width:
                raise not_found(path)
            source = StorageSource(self._log.storage, tx)
            try:
                data = source.bundle(wanted) if isinstance(wanted, Bundle) else source.tile(wanted)
            except BrokenLogError as error:
                raise not_found(path) from error
        return data
