"""Works jobs off, one after the other, in a thread beside the handlers.

Rows go in chunks. What became of a chunk is on disk before the next is sent; after a crash in between, the register
itself says which rows it holds, so that none is registered twice.
"""

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
import structlog

from api.imports.filing import Filer, Held
from api.imports.job import Job, Problem, State
from api.imports.shelf import Shelf
from api.spreadsheets.copies import write_copy
from api.spreadsheets.errors import CellError, FileRefusedError
from api.spreadsheets.headers import open_table, survey
from api.spreadsheets.results import Outcome
from api.spreadsheets.rows import Places, SheetRefused, SheetRow, read_rows
from ledger.instants import format_instant, parse_instant
from registry.refusals.catalogue import entry
from registry.refusals.refusal import RefusedError, refused
from registry.writer import Answer

logger = structlog.get_logger("sanquan.imports")

CHUNK = 200
MAX_WAITING = 16
_PASSING = frozenset({429, 503})
"""Statuses of refusals that say nothing of the row: the register is busy, or does not write for now."""
_TRIES = 60
_WAIT_S = 1.0


class _StoppedError(Exception):
    """The process ends; the job goes on at the next start."""


class Runner:
    """The queue of jobs and the thread that works it off."""

    def __init__(self, shelf: Shelf, filer: Filer) -> None:
        self.shelf = shelf
        self._filer = filer
        self._lock = threading.Lock()
        self._open: dict[str, Job] = {}
        self._receiving: set[str] = set()
        self._resumed: set[str] = set()
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Unfinished jobs go on; jobs that ended long ago are gone."""
        self.shelf.clear_received()
        self.shelf.sweep(self._filer.now())
        for job in self.shelf.jobs():
            if job.is_open:
                self.shelf.mend(job)
                self._resumed.add(job.id)
                self._enqueue(job)

    def stop(self) -> None:
        """The thread has ended, between two chunks."""
        self._stop.set()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    @contextmanager
    def receiving(self, party: str) -> Iterator[None]:
        """While a file of the party is received and looked at, which costs too, it sends no other.

        Raises:
            RefusedError: RATE_LIMITED or QUEUE_FULL.
        """
        with self._lock:
            if party in self._receiving or any(job.party == party for job in self._open.values()):
                raise refused(
                    "RATE_LIMITED",
                    "The party's last import has not ended, and a party has one at a time; send the next when it has.",
                    "该主体的上一次表格导入尚未结束，每个主体同时只能进行一项导入；请待其结束后再提交。",
                )
            if len(self._open) + len(self._receiving) >= MAX_WAITING:
                raise refused(
                    "QUEUE_FULL", "Too many imports wait; try again later.", "等待处理的导入过多，请稍后再试。"
                )
            self._receiving.add(party)
        try:
            yield
        finally:
            with self._lock:
                self._receiving.discard(party)

    def take(self, job: Job) -> None:
        """The job of a file that was received is on disk and will be worked off."""
        self.shelf.keep(job)
        self._enqueue(job)

    def job(self, identifier: str, party: str) -> Job | None:
        """The party's job as it stands; None if there is none of this party's."""
        with self._lock:
            found = self._open.get(identifier)
        found = found or self.shelf.job(identifier)
        return found if found is not None and found.party == party else None

    def _enqueue(self, job: Job) -> None:
        with self._lock:
            self._open[job.id] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
                self._thread.start()
        self._queue.put(job.id)

    def _run(self) -> None:
        while (identifier := self._queue.get()) is not None and not self._stop.is_set():
            try:
                ended = self._ended(self._open[identifier])
                self.shelf.keep(ended)
                self.shelf.sweep(self._filer.now())
            except _StoppedError:
                return
            except OSError:
                logger.exception("import could not be kept; it goes on at the next start", job=identifier)
                continue
            with self._lock:
                del self._open[identifier]

    def _ended(self, job: Job) -> Job:
        """The job, worked off or given up."""
        try:
            self._work(job)
        except FileRefusedError as refusal:
            return self._give_up(job, Problem(refusal.code, refusal.zh, refusal.en))
        except RefusedError as refusal:
            message = refusal.reasons[0].message
            return self._give_up(job, Problem(refusal.code, message.zh, message.en))
        except _StoppedError:
            raise
        except Exception:
            logger.exception("import failed", job=job.id)
            help_ = entry("INTERNAL").help
            return self._give_up(job, Problem("INTERNAL", help_.zh, help_.en))
        return self._end(self._open[job.id], "done")

    def _give_up(self, job: Job, problem: Problem) -> Job:
        """The job has failed; what became of its rows so far is in the copy, where one can be made."""
        try:
            self._write_copy(job)
        except (FileRefusedError, OSError):  # the file may be what failed
            logger.warning("no copy of a failed import", job=job.id)
        return msgspec.structs.replace(self._end(self._open[job.id], "failed"), problem=problem)

    def _end(self, job: Job, state: State) -> Job:
        return msgspec.structs.replace(job, state=state, ended=format_instant(self._filer.now()))

    def _work(self, job: Job) -> None:
        path = self.shelf.file(job)
        known = {outcome.row: outcome for outcome in self.shelf.outcomes(job)}
        self._note(job, list(known.values()), fresh=True, total=survey(path))
        with open_table(path) as table:
            chunk: list[SheetRow | SheetRefused] = []
            for row in read_rows(table, path.name, job.party):
                if number_of(row) in known:
                    continue
                chunk.append(row)
                if len(chunk) == CHUNK:
                    self._file(job, chunk)
                    chunk = []
            if chunk:
                self._file(job, chunk)
        self._write_copy(job)

    def _write_copy(self, job: Job) -> None:
        outcomes = {outcome.row: outcome for outcome in self.shelf.outcomes(job)}
        write_copy(self.shelf.file(job), self.shelf.copy(job), outcomes, job.language)

    def _file(self, job: Job, chunk: Sequence[SheetRow | SheetRefused]) -> None:
        """What became of the rows is on disk.

        Raises:
            RefusedError: the job may not go on.
            _StoppedError: the process ends.
        """
        rows = [row for row in chunk if isinstance(row, SheetRow)]
        outcomes = [
            Outcome(row.number, "refused", errors=row.errors) for row in chunk if isinstance(row, SheetRefused)
        ]  # fmt: skip
        stopped: RefusedError | None = None
        for _ in range(_TRIES):
            if self._stop.is_set():
                raise _StoppedError
            held = self._filer.held(job.party, [row.identifier for row in rows])
            outcomes += [self._held_outcome(job, row, held[row.identifier]) for row in rows if row.identifier in held]
            rows = [row for row in rows if row.identifier not in held]
            try:
                answers = self._filer.file(job.party, job.token, [row.body for row in rows], trial=job.trial)
            except RefusedError as refusal:
                stopped = refusal
                break
            answered = list(zip(rows, answers, strict=True))
            outcomes += [outcome_of(job, row, answer) for row, answer in answered if not _is_passing(answer)]
            rows = [row for row, answer in answered if _is_passing(answer)]
            stopped = next((answer.refusal for _, answer in answered if _is_passing(answer)), None)
            if stopped is None:
                break
            self._stop.wait(_WAIT_S)
        self.shelf.add(job, sorted(outcomes, key=lambda outcome: outcome.row))
        self._note(job, outcomes)
        if stopped is not None:
            raise stopped

    def _held_outcome(self, job: Job, row: SheetRow, held: Held) -> Outcome:
        """A row that the register holds: by this job, where a crash kept it from being noted, or from before."""
        mine = job.id in self._resumed and not job.trial and held.recorded >= parse_instant(job.created)
        return Outcome(row.places.row, "registered" if mine else "held", held.asset)

    def _note(self, job: Job, outcomes: Sequence[Outcome], *, fresh: bool = False, total: int | None = None) -> None:
        """The job counts these outcomes, besides the earlier ones unless `fresh`."""
        with self._lock:
            old = job if fresh else self._open[job.id]
            results = [outcome.result for outcome in outcomes]
            before = Job(job.id, job.party, job.token, job.language, job.suffix, job.trial, job.created)
            old = msgspec.structs.replace(before, total=old.total) if fresh else old
            now = msgspec.structs.replace(
                old, state="running", total=old.total if total is None else total, done=old.done + len(results),
                registered=old.registered + results.count("registered"), passed=old.passed + results.count("passed"),
                skipped=old.skipped + results.count("held"), refused=old.refused + results.count("refused"),
            )  # fmt: skip
            self._open[job.id] = now
        self.shelf.keep(now)


def number_of(row: SheetRow | SheetRefused) -> int:
    """The number of the row in its sheet."""
    return row.number if isinstance(row, SheetRefused) else row.places.row


def _is_passing(answer: Answer) -> bool:
    return answer.refusal is not None and answer.refusal.status in _PASSING


def outcome_of(job: Job, row: SheetRow, answer: Answer) -> Outcome:
    """What an answer means for a row."""
    if answer.refusal is not None:
        return Outcome(row.places.row, "refused", errors=errors_of(answer.refusal, row.places))
    assert answer.receipt is not None
    titles = [(entry(w["code"]).title, w["code"]) for w in answer.receipt["warnings"]]
    warnings = tuple((f"{title.zh} [{code}]", f"{title.en} [{code}]") for title, code in titles)
    if job.trial:
        return Outcome(row.places.row, "passed", warnings=warnings)
    asset = next(made["id"] for made in answer.receipt["ids"] if made["id"].startswith("ast_"))
    return Outcome(row.places.row, "registered", asset, warnings=warnings)


def errors_of(refusal: RefusedError, places: Places) -> tuple[CellError, ...]:
    """Every reason of a refusal in the cell that it means."""
    return tuple(
        places.refusal(
            reason.pointer, reason.code, reason.message.zh, reason.message.en, rule=reason.rule or "",
            article=reason.article or "",
        )
        for reason in refusal.reasons
    )  # fmt: skip
