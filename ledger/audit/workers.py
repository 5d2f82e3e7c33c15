"""Processes that read bundles and verify signatures, one a core; or the same work in this process for small logs.

A bundle belongs to one worker, which keeps its signatures until it is told the keys. Every worker answers in the order
in which it was asked. A worker that dies or fails ends the audit with an error; nothing waits for it.
"""

import os
import queue
import subprocess
import sys
from collections import deque
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Protocol

import msgspec

from ledger.errors import AuditInterruptedError
from ledger.finding import Finding
from ledger.reading.bundle import Kept, PublicKeys, Reading, Summary, read_bundle, verify_bundle
from ledger.reading.worker import FAILED, READ, VERIFY, Verdict, encode

WORTH_PROCESSES = 8_192
"""Entries from which on starting processes pays."""
_ENDING_S = 5.0


class Readers(Protocol):
    """Whoever reads bundles. Summaries and verdicts are asked for in the order of the requests."""

    count: int
    """How many work beside one another."""

    def read(self, reading: Reading) -> None:
        """The bundle is being read."""
        ...

    def summary(self, index: int) -> Summary:
        """What the bundle adds up to.

        Raises:
            AuditInterruptedError: the worker is gone.
        """
        ...

    def verify(self, keys: PublicKeys) -> None:
        """The signatures of the bundle, which was read, are being verified."""
        ...

    def verdict(self, index: int) -> Finding | None:
        """The first signature of the bundle that does not hold.

        Raises:
            AuditInterruptedError: the worker is gone.
        """
        ...

    def close(self) -> None:
        """Nobody works any more."""
        ...


class Alone:
    """Reads in this process, when it is asked for the answer."""

    count = 1

    def __init__(self) -> None:
        self._readings: dict[int, Reading] = {}
        self._kept: dict[int, Kept] = {}
        self._keys: dict[int, PublicKeys] = {}

    def read(self, reading: Reading) -> None:
        self._readings[reading.index] = reading

    def summary(self, index: int) -> Summary:
        reading = self._readings.pop(index)
        found, kept = read_bundle(reading)
        if reading.with_signatures:
            self._kept[index] = kept
        return found

    def verify(self, keys: PublicKeys) -> None:
        self._keys[keys.index] = keys

    def verdict(self, index: int) -> Finding | None:
        return verify_bundle(self._keys.pop(index), self._kept.pop(index))

    def close(self) -> None:
        self._readings.clear()


_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_decode_verdict = msgspec.msgpack.Decoder(Verdict).decode
_START = "from ledger.reading.worker import main; main()"


class _Worker:
    """A process and a thread that takes its answers, so that neither side ever waits for the other to read."""

    def __init__(self) -> None:
        # Not by `multiprocessing`: its processes load the program that was started, and need none of it.
        self.process = subprocess.Popen(  # noqa: S603  ourselves
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests = Connection(os.dup(self.process.stdin.fileno()), readable=False)
        self._results = Connection(os.dup(self.process.stdout.fileno()), writable=False)
        self.process.stdin.close()
        self.process.stdout.close()
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._summaries: deque[bytes] = deque()
        self._verdicts: deque[bytes] = deque()
        self._taker = Thread(target=self._take, name="audit answers", daemon=True)
        self._taker.start()

    def _take(self) -> None:
        try:
            while True:
                self._answers.put(self._results.recv_bytes())
        except (EOFError, OSError):
            self._answers.put(b"")

    def send(self, kind: bytes, body: Any) -> None:
        """The request is on its way."""
        try:
            self._requests.send_bytes(kind + encode(body))
        except OSError as error:
            raise self._gone() from error

    def summary(self) -> Summary:
        """The next one."""
        return _decode_summary(memoryview(self._next(self._summaries))[1:])

    def verdict(self) -> Verdict:
        """The next one."""
        return _decode_verdict(memoryview(self._next(self._verdicts))[1:])

    def _next(self, wanted: deque[bytes]) -> bytes:
        while not wanted:
            answer = self._answers.get()
            kind = answer[:1]
            if not kind:
                raise self._gone()
            if kind == FAILED:
                raise AuditInterruptedError(f"an audit process failed: {answer[1:].decode(errors='replace')}")
            (self._summaries if kind == READ else self._verdicts).append(answer)
        return wanted.popleft()

    def _gone(self) -> AuditInterruptedError:
        code = self.process.wait(_ENDING_S)
        return AuditInterruptedError(f"an audit process ended before its work was done (exit status {code})")

    def close(self) -> None:
        """The process has ended."""
        self.process.kill()  # it holds nothing that could be left half done
        self.process.wait()
        self._taker.join()
        self._requests.close()
        self._results.close()


class Processes:
    """As many processes as wanted."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.workers = [_Worker() for _ in range(count)]

    def read(self, reading: Reading) -> None:
        self._of(reading.index).send(READ, reading)

    def summary(self, index: int) -> Summary:
        return self._of(index).summary()

    def verify(self, keys: PublicKeys) -> None:
        self._of(keys.index).send(VERIFY, keys)

    def verdict(self, index: int) -> Finding | None:
        return self._of(index).verdict().finding

    def close(self) -> None:
        for worker in self.workers:
            worker.close()

    def _of(self, index: int) -> _Worker:
        return self.workers[index % self.count]


def cores() -> int:
    """How many processes may run beside one another here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def readers(size: int, jobs: int) -> Readers:
    """Whoever reads a log of `size` entries with at most `jobs` processes."""
    return Processes(jobs) if jobs > 1 and size >= WORTH_PROCESSES else Alone()
