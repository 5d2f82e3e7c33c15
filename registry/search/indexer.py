"""The thread that keeps the index of words up with the log, and out of the writer's way."""

import threading
import time

import structlog
from sqlalchemy import Engine

from registry.search.indexing import backlog, index_next

logger = structlog.get_logger("sanquan.registry")
_QUIET_S = 0.5
"""Without a batch for so long, no load is going on."""
_PATIENCE_S = 5.0
"""While a load goes on there are a few steps in so long, more the further the index is behind."""
_STEPS = 2
_ENTRIES_FOR_A_STEP_MORE = 4_096


class Indexer:
    """Indexes what is committed, in the background. Whoever searches need not wait for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="indexer", daemon=True)
        self.resting = threading.Event()
        """Set while everything that it was woken for is indexed."""

    def start(self) -> None:
        """What was left over from before is being indexed."""
        self._thread.start()
        self.wake()

    def wake(self) -> None:
        """Something was committed."""
        self.resting.clear()
        self._woken.set()

    def stop(self) -> None:
        """The thread has ended; what is not indexed is at the next start."""
        self._stopped = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            self._let_a_load_go_first()
            if self._stopped:
                return
            try:
                self._work()
            except Exception:
                logger.exception(
                    "indexing failed; the next batch tries again, and searches read the register meanwhile"
                )

    def _let_a_load_go_first(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not self._stopped and time.monotonic() < until:
            self._woken.clear()
            if not self._woken.wait(_QUIET_S):
                return

    def _work(self) -> None:
        """Steps until everything is indexed, or, where batches come in, some steps."""
        left = _STEPS + backlog(self._engine) // _ENTRIES_FOR_A_STEP_MORE
        while index_next(self._engine):
            left -= 1
            if self._stopped or (left <= 0 and self._woken.is_set()):
                return
        if not self._woken.is_set():
            self.resting.set()
