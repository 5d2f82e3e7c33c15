"""Appending children, what they say, and when they end."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0


class Child:
    """A process that appends. Lines that it said are in `lines`; each is told to `heard` once."""

    def __init__(self, pid: int, pipe: int, heard: Callable[[dict[str, Any]], None]) -> None:
        self.pid = pid
        self.count = 0
        self._heard = heard
        self._pipe = pipe
        self._end = os.pidfd_open(pid)
        self._rest = b""

    def wait_for(self, count: int) -> None:
        """It has said so many lines, or has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while self.count < count and not self.has_ended() and time.monotonic() < deadline:
            self.listen(0.05)

    def listen(self, seconds: float) -> None:
        """What it says within that time is heard."""
        deadline = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready or not self._read():
                return

    def _read(self) -> bool:
        data = os.read(self._pipe, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.count += 1
            self._heard(json.loads(line))
        return bool(data)

    def has_ended(self) -> bool:
        return bool(select.select([self._end], [], [], 0)[0])

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, OSError):
            signal.pidfd_send_signal(self._end, number)

    def ended(self) -> None:
        """It has ended, and all that it said was heard.

        Raises:
            TimeoutError: it does not end.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not self.has_ended():
            self.listen(0.02)
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
                raise TimeoutError(f"child {self.pid} does not end")
        while self._read():
            pass
        os.close(self._pipe)
        os.close(self._end)
        self._end = -1


class Children:
    """Starts children."""

    def __init__(self, server: "subprocess.Popen[str]", folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._number = 0
        self._started: list[Child] = []

    def kill_all(self) -> None:
        """None runs any more."""
        for child in self._started:
            child.send(signal.SIGKILL)

    def start(
        self, folder: Path, seed: int, heard: Callable[[dict[str, Any]], None], *, traced: bool = False,
        largest_file: int = 0,
    ) -> Child:  # fmt: skip
        self._number += 1
        path = self._folder / f"pipe-{self._number}"
        os.mkfifo(path)
        pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        wanted = {
            "folder": str(folder),
            "pipe": str(path),
            "seed": seed,
            "traced": traced,
            "largest_file": largest_file,
        }
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(wanted) + "\n")
        self._server.stdin.flush()
        child = Child(int(self._server.stdout.readline()), pipe, heard)
        self._started.append(child)
        _wait_until_open(pipe, child)
        return child


def _wait_until_open(pipe: int, child: Child) -> None:
    """A pipe that nobody writes to yet looks ended."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN | select.POLLHUP)
    deadline = time.monotonic() + PATIENCE_S
    while not child.has_ended() and time.monotonic() < deadline:
        if not any(event & select.POLLHUP for _, event in poll.poll(1)):
            return


@contextmanager
def children(folder: Path) -> Iterator[Children]:
    """Children may be started while the block runs."""
    command = [sys.executable, "-m", "tests.faults.appender"]
    with (folder / "errors").open("w") as errors:
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
    started = Children(server, folder)
    try:
        yield started
    finally:
        started.kill_all()
        server.communicate(timeout=PATIENCE_S)
