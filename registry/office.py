"""`Office.submit`: the one way in.

Takes submissions in at the counter, queues what may join a batch, and waits for the writer. REST, forms, bulk files,
demos and tests all end here.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from ledger.errors import JournalConflictError
from ledger.log import Log
from registry.admission import Admitted
from registry.beside import Beside
from registry.clock import Clock
from registry.counter import Answers, Counter, Gate, Signed, Taking
from registry.documents.erasure import Eraser
from registry.judging import Rules
from registry.refusals.refusal import RefusedError, Words, refused
from registry.writer import Answer, Follow, Group, UnsignedError, Writer, batch_refused

logger = structlog.get_logger("sanquan.registry")

MAX_BATCH = 512
MAX_ATOMIC = 256
_QUEUE_GROUPS = 1_024
_QUEUE_PATIENCE_S = 5.0


@dataclass(slots=True)
class _Waiting:
    """A group in the queue, its statements by their places among what was submitted, and the promise of their answers.

    `signed`: the signatures are still being verified.
    """

    items: dict[int, Admitted]
    group: Callable[[Sequence[Admitted]], Group]
    signed: Signed | None
    answers: "Future[Answers]"

    def settle(self) -> Answers:
        """All signatures are verified. Answers those that do not hold; they are no longer among the items."""
        refusals = self.signed.refusals() if self.signed else {}
        self.signed = None
        for place in refusals:
            del self.items[place]
        return refusals

    def all_refused(self, refusal: RefusedError) -> Answers:
        """The same refusal for every statement."""
        return {place: Answer(refusal=refusal) for place in self.items}


@dataclass(frozen=True, slots=True)
class Pending:
    """Submissions that are on their way."""

    _count: int
    _answers: Answers
    _waiting: "list[Future[Answers]]"

    def answers(self) -> list[Answer]:
        """One answer a submission, in order; waits for the writer."""
        for future in self._waiting:
            self._answers.update(future.result())
        return [self._answers[place] for place in range(self._count)]


class Office:
    """Takes statements and answers when they are durable. May be used from any thread."""

    def __init__(
        self, engine: Engine, writing: Engine, log: Log[Connection], clock: Clock, rules: Rules,
        eraser: Eraser | None = None, written: Callable[[], None] = lambda: None, follow: Follow = lambda _: None,
    ) -> None:  # fmt: skip
        """`written` is called after each batch, before its answers are given; it must not take long. `follow`: see
        `Writer`.
        """
        self._clock = clock
        self._writer = Writer(writing, engine, log, rules, eraser, follow)
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(_QUEUE_GROUPS)
        self.written = [written]
        """Told after each batch."""
        self._counter = Counter(engine, log, clock)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._stopped = False
        self.read_only: Words | None = None
        """Why nothing is written, if nothing is."""

    def start(self) -> None:
        """The newest root is signed and the writer runs."""
        if self.read_only is None:
            self._writer.sign_head()
        self._thread.start()

    def stop(self) -> None:
        """Everything queued is answered; the writer has ended."""
        self._stopped = True
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._counter.close()

    def submit(
        self, submissions: Sequence[bytes], *, atomic: bool = False, trial: bool = False, short: bool = False,
        gate: Gate | None = None,
    ) -> list[Answer]:  # fmt: skip
        """One answer a submission, in order; all are acted on in order."""
        return self.begin(submissions, atomic=atomic, trial=trial, short=short, gate=gate).answers()

    def submit_with(self, submission: bytes, beside: Beside, gate: Gate | None = None) -> Answer:
        """The answer to one submission; what is to be kept `beside` it is, if it is new and accepted."""
        (answer,) = self.enqueue(self.take([submission]), gate=gate, beside=beside).answers()
        return answer

    def begin(
        self, submissions: Sequence[bytes], *, atomic: bool = False, trial: bool = False, short: bool = False,
        gate: Gate | None = None, more: bool = False,
    ) -> "Pending":  # fmt: skip
        """See `take` and `enqueue`."""
        taking = self.take(submissions)
        return self.enqueue(taking, atomic=atomic, trial=trial, short=short, gate=gate, more=more)

    def take(self, submissions: Sequence[bytes]) -> Taking:
        """The submissions are being looked at. Each is to be enqueued, in the order in which they are to be acted on."""
        return self._counter.take(submissions)

    def enqueue(
        self, taking: Taking, *, atomic: bool = False, trial: bool = False, short: bool = False,
        gate: Gate | None = None, more: bool = False, beside: Beside | None = None,
    ) -> "Pending":  # fmt: skip
        """The submissions are queued, behind whatever the same caller enqueued before. `more`: they are part of a file.

        In a file of many statements a key may come with an earlier line, so an unknown one is left to the batch.
        """
        count = len(taking.submissions)
        if atomic and count > MAX_ATOMIC:
            raise refused(
                "TOO_LARGE", f"At most {MAX_ATOMIC} lines stand or fall together.", f"整批提交至多 {MAX_ATOMIC} 行。"
            )
        answers: Answers = {}
        items = self._counter.open(taking, answers, gate, short=short)
        for item in items.values():
            item.beside = beside
        try:
            self.must_be_writable()
        except RefusedError as refusal:
            return Pending(count, answers | {place: Answer(refusal=refusal) for place in items}, [])
        waiting = []
        for chunk in _chunks(items):
            signed = self._counter.verify(chunk, answers, gate, alone=count == 1 and not more)
            waiting.append(_Waiting(signed.items, lambda found: Group(found, atomic, trial, short), signed, Future()))
            if atomic or signed.are_verified:
                answers |= waiting[-1].settle()
        if atomic and any(answer.refusal for answer in answers.values()):
            rest = {place: Answer(refusal=batch_refused()) for place in range(count)}
            return Pending(count, rest | answers, [])
        return Pending(count, answers, [self._enqueue(each) for each in waiting if each.items])

    def must_be_writable(self) -> None:
        """Returns if statements are taken.

        Raises:
            RefusedError: READ_ONLY.
        """
        if self.read_only:
            raise refused("READ_ONLY", self.read_only.en, f"登记系统现为只读：{self.read_only.zh}")

    def _enqueue(self, waiting: _Waiting) -> "Future[Answers]":
        if self._stopped or not self._joins(waiting):
            full = refused("QUEUE_FULL", "Too many statements wait; try again shortly.", "排队的声明过多，请稍后再试。")
            waiting.answers.set_result(waiting.all_refused(full))
        return waiting.answers

    def _joins(self, waiting: _Waiting) -> bool:
        try:
            self._queue.put(waiting, timeout=_QUEUE_PATIENCE_S)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, ended = self._gather(first)
            self._write(batch)
            if ended:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """All that waits, up to a full batch: an idle office never makes anybody wait for company."""
        batch, count = [first], len(first.items)
        while count < MAX_BATCH:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return batch, True
            batch.append(waiting)
            count += len(waiting.items)
        return batch, False

    def _write(self, batch: list[_Waiting]) -> None:
        answers: list[Answers] = [{} for _ in batch]
        try:
            self.must_be_writable()
            for waiting, mine in zip(batch, answers, strict=True):
                mine.update(waiting.settle())
            groups = [waiting.group(list(waiting.items.values())) for waiting in batch]
            for waiting, mine, found in zip(batch, answers, self._writer.write(groups, self._clock.now()), strict=True):
                mine.update(zip(waiting.items, found, strict=True))
        except UnsignedError as error:
            logger.exception("committed but not signed")
            self.read_only = Words(
                f"The root of {error} entries could not be signed. Start the registry again: it signs it.",
                f"{error} 条分录的根未能签署；请重新启动登记系统，启动时会补签。",
            )
            _refuse(batch, answers, "The statement is written but not signed yet; send the same bytes again after the next "
                "start.", "声明已写入但尚未签署；请在重新启动后以相同内容再次提交。",
            )  # fmt: skip
        except JournalConflictError as error:
            logger.exception("the database does not hold what was signed")
            self.read_only = Words(
                f"{error}. Stop every process, restore the newest copy and start again.",
                "数据库中没有已签署的历史，或账本已终结。请停止所有进程，恢复最新的副本后重新启动。",
            )
            self._refuse_read_only(batch, answers)
        except RefusedError:
            self._refuse_read_only(batch, answers)
        except Exception:
            logger.exception("batch failed")
            _refuse(batch, answers, "The batch could not be completed; send the same bytes again: they are written once.",
                "本批未能完成；请以相同内容再次提交，不会重复登记。",
            )  # fmt: skip
        for tell in self.written:
            tell()
        for waiting, mine in zip(batch, answers, strict=True):
            waiting.answers.set_result(mine)

    def _refuse_read_only(self, batch: Sequence[_Waiting], answers: Sequence[Answers]) -> None:
        try:
            self.must_be_writable()
        except RefusedError as refusal:
            for waiting, mine in zip(batch, answers, strict=True):
                mine.update(waiting.all_refused(refusal))


def _chunks(items: dict[int, Admitted]) -> Iterable[dict[int, Admitted]]:
    places = list(items)
    for start in range(0, len(places), MAX_BATCH):
        yield {place: items[place] for place in places[start : start + MAX_BATCH]}


def _refuse(batch: Sequence[_Waiting], answers: Sequence[Answers], en: str, zh: str) -> None:
    failed = refused("INTERNAL", en, zh)
    for waiting, mine in zip(batch, answers, strict=True):
        mine.update(waiting.all_refused(failed))
