"""Verifies signatures: few where they are, many in worker processes."""

from collections.abc import Sequence
from typing import NamedTuple

from ledger.errors import SignatureError
from ledger.keys import Algorithm, verify_signature
from registry.workers import Task, Workers

BULK = 32
"""Signatures, or statements, from which on it pays to send them to another process."""
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


class Verifying:
    """Signatures that are being verified, or have been."""

    def __init__(self, workers: Workers, jobs: Sequence[Job]) -> None:
        self._found: list[str | None] | None = None
        self._tasks: list[Task[list[str | None]]] = []
        if len(jobs) < BULK:
            self._found = verify_jobs(jobs)
        else:
            starts = range(0, len(jobs), _CHUNK)
            self._tasks = [workers.begin(verify_jobs, jobs[start : start + _CHUNK]) for start in starts]

    @property
    def is_done(self) -> bool:
        """Whether `results` answers without waiting."""
        return self._found is not None

    def results(self) -> list[str | None]:
        """See `verify_jobs`."""
        if self._found is None:
            self._found = [wrong for task in self._tasks for wrong in task.result()]
        return self._found
