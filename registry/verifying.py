"""Verifies signatures of large files in processes of their own.

In threads, every signature would make its thread wait for the interpreter lock while the writer computes; a process
verifies without it. A single submission is verified where it is. Workers end with the process that started them, even
if it is killed: their pipe closes.
"""

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection
from threading import Lock
from typing import NamedTuple

from ledger.errors import SignatureError
from ledger.keys import Algorithm, verify_signature

BULK = 32
"""Signatures from which on it pays to send them to another process."""
_CHUNK = 128
_NICENESS = 5
"""Whoever writes goes first: verification keeps ahead of it, not the other way round."""


class Job(NamedTuple):
    """A signature to be verified."""

    algorithm: Algorithm
    public: bytes
    message: bytes
    signature: bytes


def verify_jobs(jobs: Sequence[Job]) -> list[str | None]:
    """For each job None if the signature holds, else what is wrong with it."""
    found: list[str | None] = []
    for job in jobs:
        try:
            verify_signature(*job)
            found.append(None)
        except SignatureError as error:
            found.append(str(error))
    return found


def _work(connection: Connection, parents_end: Connection) -> None:
    parents_end.close()
    os.nice(_NICENESS)
    try:
        while True:
            jobs = [Job(Algorithm(job[0]), *job[1:]) for job in pickle.loads(connection.recv_bytes())]  # noqa: S301
            connection.send(verify_jobs(jobs))
    except (EOFError, OSError):
        return


class _Chunk:
    """Jobs that one worker has been given, and what it found."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self.found: list[str | None] | None = None


class _Worker:
    """A process and its pipe. Answers come in the order of the chunks; whoever waits for one reads those before it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._connection), daemon=True)
        process.start()
        theirs.close()
        self._sending, self._receiving = Lock(), Lock()
        self._given: deque[_Chunk] = deque()
        self.is_dead = False

    def load(self) -> int:
        """How many chunks it has yet to answer."""
        return len(self._given)

    def give(self, chunk: _Chunk) -> None:
        """The chunk is on its way; if the worker is dead, whoever asks for the result finds out."""
        data = pickle.dumps([(str(job.algorithm), *job[1:]) for job in chunk.jobs], pickle.HIGHEST_PROTOCOL)
        with self._sending:
            self._given.append(chunk)
            try:
                self._connection.send_bytes(data)
            except OSError:
                self.is_dead = True

    def take(self, chunk: _Chunk) -> list[str | None]:
        """What was found. A worker that was killed costs nothing but time: its chunks are verified here."""
        with self._receiving:
            while chunk.found is None and not self.is_dead:
                try:
                    self._given[0].found = self._connection.recv()
                except (EOFError, OSError):
                    self.is_dead = True
                    break
                self._given.popleft()
        if chunk.found is None:
            chunk.found = verify_jobs(chunk.jobs)
        return chunk.found

    def close(self) -> None:
        """The process has been told to end."""
        self._connection.close()


class Verifying:
    """Signatures that are being verified."""

    def __init__(self, parts: Sequence[tuple[_Worker | None, _Chunk]]) -> None:
        self._parts = parts

    @property
    def is_done(self) -> bool:
        """Whether `results` answers without waiting."""
        return all(chunk.found is not None for _, chunk in self._parts)

    def results(self) -> list[str | None]:
        """See `verify_jobs`."""
        found: list[str | None] = []
        for worker, chunk in self._parts:
            if chunk.found is None:
                chunk.found = worker.take(chunk) if worker else verify_jobs(chunk.jobs)
            found += chunk.found
        return found


class Verifiers:
    """Worker processes: one for each core but the one that the writer needs. They start with the first large file."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._workers: list[_Worker] = []
        self._count = max(1, (os.cpu_count() or 1) - 1)

    def begin(self, jobs: Sequence[Job]) -> Verifying:
        """The jobs are being verified elsewhere, or, if they are few, have been here."""
        if len(jobs) < BULK:
            chunk = _Chunk(jobs)
            chunk.found = verify_jobs(jobs)
            return Verifying([(None, chunk)])
        parts = []
        for start in range(0, len(jobs), _CHUNK):
            worker, chunk = self._idlest(), _Chunk(jobs[start : start + _CHUNK])
            worker.give(chunk)
            parts.append((worker, chunk))
        return Verifying(parts)

    def close(self) -> None:
        """The workers have been told to end."""
        with self._lock:
            for worker in self._workers:
                worker.close()
            self._workers.clear()

    def _idlest(self) -> _Worker:
        with self._lock:
            self._workers = [worker for worker in self._workers if not worker.is_dead]
            while len(self._workers) < self._count:
                self._workers.append(_Worker())
            return min(self._workers, key=_Worker.load)
