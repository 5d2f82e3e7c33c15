"""Jobs on disk: a folder each with the file sent, the state, what became of each row, and the returned copy.

A state is replaced as a whole; outcomes are only added to, and are durable before the next rows are sent. What a crash
cut off at their end is passed over: the register knows better.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from api.imports.job import Job
from api.spreadsheets.results import Outcome
from ledger.instants import parse_instant
from ledger.private_files import write_private

KEPT_FOR = timedelta(days=7)
KEPT_OF_A_PARTY = 20
"""Ended jobs of one party; older ones make room."""

_NAME = re.compile(r"imp_[0-9a-f]{32}")
_encode = msgspec.json.Encoder().encode
_decode_job = msgspec.json.Decoder(Job).decode
_decode_outcome = msgspec.json.Decoder(Outcome).decode


class Shelf:
    """The folder of all jobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_identifier(self) -> str:
        """The identifier of a job to come; its folder is there."""
        identifier = f"imp_{secrets.token_hex(16)}"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._of(identifier).mkdir(mode=0o700)
        return identifier

    def _of(self, identifier: str) -> Path:
        return self._folder / identifier

    def file(self, job: Job) -> Path:
        """The file as it was sent."""
        return self._of(job.id) / f"file{job.suffix}"

    def copy(self, job: Job) -> Path:
        """The returned copy, once the job has ended."""
        return self._of(job.id) / f"result{job.suffix}"

    def place(self, identifier: str) -> Path:
        """Where a file is received, before anybody knows what it is."""
        return self._of(identifier) / "received"

    def keep(self, job: Job) -> None:
        """The job's state is on disk."""
        path = self._of(job.id) / "job.json"
        beside = path.with_suffix(".new")
        write_private(beside, _encode(job))
        _durable(beside)
        beside.replace(path)

    def add(self, job: Job, outcomes: Iterable[Outcome]) -> None:
        """These outcomes are on disk behind the earlier ones."""
        path = self._of(job.id) / "outcomes.ndjson"
        data = b"".join(_encode(outcome) + b"\n" for outcome in outcomes)
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def outcomes(self, job: Job) -> Iterator[Outcome]:
        """What became of the rows so far."""
        try:
            with (self._of(job.id) / "outcomes.ndjson").open("rb") as file:
                for line in file:
                    try:
                        yield _decode_outcome(line)
                    except msgspec.DecodeError:
                        continue
        except FileNotFoundError:
            return

    def mend(self, job: Job) -> None:
        """A line that a crash cut off has ended, so that the next one begins a line."""
        path = self._of(job.id) / "outcomes.ndjson"
        if path.exists() and not path.read_bytes().endswith(b"\n"):
            with path.open("ab") as file:
                file.write(b"\n")

    def job(self, identifier: str) -> Job | None:
        """The job, if there is one."""
        if not _NAME.fullmatch(identifier):
            return None
        try:
            return _decode_job((self._of(identifier) / "job.json").read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    def jobs(self) -> list[Job]:
        """All jobs, oldest first."""
        if not self._folder.is_dir():
            return []
        found = [self.job(path.name) for path in self._folder.iterdir()]
        return sorted((job for job in found if job is not None), key=lambda job: (parse_instant(job.created), job.id))

    def remove(self, identifier: str) -> None:
        """Nothing of the job is left."""
        shutil.rmtree(self._of(identifier), ignore_errors=True)

    def let_go(self) -> None:
        """Files of jobs that ended are gone: somebody asked to be forgotten, and they may tell of him."""
        for job in self.jobs():
            if not job.is_open:
                self.remove(job.id)

    def sweep(self, now: datetime) -> None:
        """Jobs that ended long ago are gone, and the oldest of parties with too many."""
        kept: dict[str, int] = {}
        for job in reversed(self.jobs()):
            if job.is_open:
                continue
            kept[job.party] = kept.get(job.party, 0) + 1
            over = job.ended is not None and parse_instant(job.ended) + KEPT_FOR <= now
            if over or kept[job.party] > KEPT_OF_A_PARTY:
                self.remove(job.id)

    def clear_received(self) -> None:
        """Folders of files that never became jobs are gone; for a start, when nothing is being received."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if _NAME.fullmatch(path.name) and not (path / "job.json").exists():
                    self.remove(path.name)


def _durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
