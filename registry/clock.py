"""Clocks: the machine's, and one that stands still for tests and demonstrations."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ledger.instants import format_instant, parse_instant, truncate
from ledger.private_files import write_private
from registry.refusals.refusal import refused


class Clock(Protocol):
    """Tells the time of entries."""

    def now(self) -> datetime:
        """The instant, aware, in UTC, at millisecond precision."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        return truncate(datetime.now(UTC))


class SimulatedClock:
    """Stands still until it is set, never goes back, and is kept with the data."""

    def __init__(self, start: datetime | None = None, path: Path | None = None) -> None:
        """Continues from the file at `path` if there is one, else from `start`, else from the machine's time."""
        self._path = path
        self._lock = threading.Lock()
        kept = parse_instant(path.read_text().strip()) if path and path.exists() else None
        self._now = kept or (truncate(start) if start else SystemClock().now())
        self._keep()

    def now(self) -> datetime:
        return self._now

    def set(self, instant: datetime) -> datetime:
        """The clock shows `instant`.

        Raises:
            RefusedError: CLOCK_BACKWARDS.
        """
        with self._lock:
            if truncate(instant) < self._now:
                raise refused(
                    "CLOCK_BACKWARDS",
                    f"The simulated clock shows {format_instant(self._now)} and is never set back.",
                    f"模拟时钟现为 {format_instant(self._now)}，不能倒拨。",
                    "/now",
                )
            self._now = truncate(instant)
            self._keep()
            return self._now

    def _keep(self) -> None:
        if self._path:
            write_private(self._path, f"{format_instant(self._now)}\n".encode())
