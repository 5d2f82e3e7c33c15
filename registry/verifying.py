"""Verifies signatures of large files in processes of their own.

In threads, every signature would make its thread wait for the interpreter lock while the writer computes; a process
verifies without it. A single submission is verified where it is. Workers end with the process that started them, even
if it is killed: their pipe closes.
"""

import multiprocessing
import os
import pickle
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from threading import Lock, local
from typing import NamedTuple

from ledger.errors import SignatureError
from ledger.keys import Algorithm, verify_signature

BULK = 32
"""Signatures from which on it pays to send them to another process."""
_CHUNK = 64


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
    try:
        while True:
            connection.send(verify_jobs([Job(*job) for job in connection.recv()]))
    except (EOFError, OSError):
        return


class Verifiers:
    """As many worker processes as there are cores; they start with the first large file."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="verify")
        self._context = multiprocessing.get_context("spawn")
        self._lock = Lock()
        self._mine = local()
        self._connections: list[Connection] = []

    def submit(self, jobs: Sequence[Job]) -> "Future[list[str | None]]":
        """Verifies one chunk elsewhere."""
        return self._threads.submit(self._elsewhere, list(jobs))

    def verify(self, jobs: Sequence[Job]) -> list[str | None]:
        """See `verify_jobs`; large numbers are verified on all cores."""
        if len(jobs) < BULK:
            return verify_jobs(jobs)
        chunks = [self.submit(jobs[start : start + _CHUNK]) for start in range(0, len(jobs), _CHUNK)]
        return [result for chunk in chunks for result in chunk.result()]

    def close(self) -> None:
        """The workers have been told to end."""
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()

    def _elsewhere(self, jobs: list[Job]) -> list[str | None]:
        try:
            connection = self._connection()
            connection.send_bytes(pickle.dumps(jobs, pickle.HIGHEST_PROTOCOL))
            found: list[str | None] = connection.recv()
        except (EOFError, OSError):  # the worker was killed: its work is done here, the next chunk gets a new one
            self._mine.connection = None
            return verify_jobs(jobs)
        return found

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection, theirs = self._context.Pipe()
            process = self._context.Process(target=_work, args=(theirs, connection), daemon=True)
            process.start()
            theirs.close()
            with self._lock:
                self._connections.append(connection)
            self._mine.connection = connection
        return connection
