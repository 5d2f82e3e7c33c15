"""Which checkpoint is published: the newest signed one, a new one at most once a second.

So a busy log does not publish a tree for every batch. Contract section 6, "Sizes".
"""

import threading
import time

from sqlalchemy import Connection, Engine

from ledger.log import Log
from ledger.storage import CheckpointRow
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
