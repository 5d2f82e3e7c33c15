"""Processes that read bundles and verify signatures, one a core; or the same work in this process for small logs.

A bundle belongs to one worker, which keeps its signatures until it is told the keys. Every worker answers in the order
in which it was asked. A worker that dies or fails ends the audit with an error; nothing waits for it.
"""

import gc
import multiprocessing
import os
import queue
from collections import deque
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Protocol

import msgspec

from ledger.audit.bundle import Kept, PublicKeys, Reading, Summary, read_bundle, verify_bundle
from ledger.errors import AuditInterruptedError
from ledger.finding import Finding

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


class Verdict(msgspec.Struct, array_like=True):
    """What became of a bundle's signatures."""

    finding: Finding | None


_READ, _VERIFY, _FAILED = b"R", b"V", b"F"
_encode = msgspec.msgpack.Encoder().encode
_decode_reading = msgspec.msgpack.Decoder(Reading).decode
_decode_keys = msgspec.msgpack.Decoder(PublicKeys).decode
_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_decode_verdict = msgspec.msgpack.Decoder(Verdict).decode


def work(connection: Connection, parents_end: Connection) -> None:
    """The life of a worker: ends when the pipe does."""
    parents_end.close()
    gc.freeze()
    gc.disable()  # nothing here is made in cycles
    kept: dict[int, Kept] = {}
    try:
        while message := connection.recv_bytes():
            try:
                answer = _answer(message, kept)
            except Exception as error:  # noqa: BLE001  told to the parent, which says it
                answer = _FAILED + repr(error).encode()
            connection.send_bytes(answer)
    except (EOFError, OSError, KeyboardInterrupt):
        return


def _answer(message: bytes, kept: dict[int, Kept]) -> bytes:
    kind, body = message[:1], memoryview(message)[1:]
    if kind == _READ:
        reading = _decode_reading(body)
        summary, signed = read_bundle(reading)
        if reading.with_signatures:
            kept[reading.index] = signed
        return _READ + _encode(summary)
    keys = _decode_keys(body)
    return _VERIFY + _encode(Verdict(verify_bundle(keys, kept.pop(keys.index))))


class _Worker:
    """A process and a thread that takes its answers, so that neither side ever waits for the other to read."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self._connection), daemon=True)
        self.process.start()
        theirs.close()
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._summaries: deque[bytes] = deque()
        self._verdicts: deque[bytes] = deque()
        Thread(target=self._take, name="audit answers", daemon=True).start()

    def _take(self) -> None:
        try:
            while True:
                self._answers.put(self._connection.recv_bytes())
        except (EOFError, OSError):
            self._answers.put(b"")

    def send(self, kind: bytes, body: Any) -> None:
        try:
            self._connection.send_bytes(kind + _encode(body))
        except OSError as error:
            raise self._gone() from error

    def next_summary(self) -> Summary:
        return _decode_summary(memoryview(self._next(self._summaries))[1:])

    def next_verdict(self) -> Verdict:
        return _decode_verdict(memoryview(self._next(self._verdicts))[1:])

    def _next(self, wanted: deque[bytes]) -> bytes:
        while not wanted:
            answer = self._answers.get()
            kind = answer[:1]
            if not kind:
                raise self._gone()
            if kind == _FAILED:
                raise AuditInterruptedError(f"an audit process failed: {answer[1:].decode(errors='replace')}")
            (self._summaries if kind == _READ else self._verdicts).append(answer)
        return wanted.popleft()

    def _gone(self) -> AuditInterruptedError:
        self.process.join(_ENDING_S)
        return AuditInterruptedError(
            f"an audit process ended before its work was done (exit code {self.process.exitcode})"
        )

    def end(self) -> None:
        """To be called for every worker before `join`."""
        self.process.terminate()

    def join(self) -> None:
        self.process.join(_ENDING_S)
        self._connection.close()


class Processes:
    """As many processes as wanted."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.workers = [_Worker() for _ in range(count)]

    def read(self, reading: Reading) -> None:
        self._of(reading.index).send(_READ, reading)

    def summary(self, index: int) -> Summary:
        return self._of(index).next_summary()

    def verify(self, keys: PublicKeys) -> None:
        self._of(keys.index).send(_VERIFY, keys)

    def verdict(self, index: int) -> Finding | None:
        return self._of(index).next_verdict().finding

    def close(self) -> None:
        for worker in self.workers:
            worker.end()
        for worker in self.workers:
            worker.join()

    def _of(self, index: int) -> _Worker:
        return self.workers[index % self.count]


def cores() -> int:
    """How many processes may run beside one another here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def readers(size: int, jobs: int) -> Readers:
    """Whoever reads a log of `size` entries with at most `jobs` processes."""
    return Processes(jobs) if jobs > 1 and size >= WORTH_PROCESSES else Alone()
