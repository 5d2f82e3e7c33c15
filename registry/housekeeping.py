"""What is done now and then beside the office: removing what nobody needs any more, trying again what could not be done.

A task that raises is tried again at the next turn, like all others.
"""

import threading
from collections.abc import Callable, Sequence

import structlog

logger = structlog.get_logger("sanquan.registry")
EVERY_S = 900.0
Task = Callable[[], object]


class Housekeeping:
    """Runs its tasks every quarter of an hour in a thread of its own."""

    def __init__(self, tasks: Sequence[Task], may_write: Callable[[], bool]) -> None:
        self._tasks = tasks
        self._may_write = may_write
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """The first turn is over; the next ones come by themselves."""
        self.turn()
        self._thread.start()

    def stop(self) -> None:
        """No task runs any more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def turn(self) -> None:
        """Every task ran once, if anything may be written."""
        for task in self._tasks if self._may_write() else ():
            try:
                task()
            except Exception:
                logger.exception("housekeeping failed")

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.turn()
