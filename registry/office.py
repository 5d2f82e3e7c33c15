"""`Office.submit`: the one way in.

Opens envelopes in parallel, queues what may join a batch, and waits for the writer. REST, forms, bulk files, demos and
tests all end here.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from ledger.log import Log
from ledger.statement import Statement
from registry.acts.act import Names
from registry.admission import Admitted, Opened, admit, open_submission, verify_signatures
from registry.clock import Clock
from registry.judging import Rules
from registry.receipts import receipt_maker, stored_facts
from registry.refusals.refusal import RefusedError, Words, internal_error, refused
from registry.register.register import Register
from registry.signatures import Verification, required_verifications
from registry.store.loading import load
from registry.verifying import Verifiers
from registry.writer import Answer, Group, UnsignedError, Writer, batch_refused

logger = structlog.get_logger("sanquan.registry")

MAX_BATCH = 256
MAX_ATOMIC = 256
_QUEUE_GROUPS = 1_024
_QUEUE_PATIENCE_S = 5.0
Gate = Callable[[Statement], None]
"""Called with every statement whose signatures hold; raises `RefusedError` to turn it away.

So nobody spends what another may send. Where a key comes with an earlier line of the same file it is not called.
"""


@dataclass(frozen=True, slots=True)
class _Waiting:
    group: Group
    answers: "Future[list[Answer]]"


@dataclass(frozen=True, slots=True)
class Pending:
    """Submissions that are on their way."""

    _answers: list[Answer | None]
    _waiting: list[tuple[list[int], "Future[list[Answer]]"]]

    def answers(self) -> list[Answer]:
        """One answer a submission, in order; waits for the writer."""
        for places, future in self._waiting:
            for place, answer in zip(places, future.result(), strict=True):
                self._answers[place] = answer
        return [answer for answer in self._answers if answer is not None]


class Office:
    """Takes statements and answers when they are durable. May be used from any thread."""

    def __init__(self, engine: Engine, writing: Engine, log: Log[Connection], clock: Clock, rules: Rules) -> None:
        self._engine = engine
        self._log = log
        self._clock = clock
        self._writer = Writer(writing, engine, log, rules)
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(_QUEUE_GROUPS)
        self._verifiers = Verifiers()
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
        self._verifiers.close()

    def submit(
        self, submissions: Sequence[bytes], *, atomic: bool = False, trial: bool = False, short: bool = False,
        gate: Gate | None = None,
    ) -> list[Answer]:  # fmt: skip
        """One answer a submission, in order; all are acted on in order."""
        return self.begin(submissions, atomic=atomic, trial=trial, short=short, gate=gate).answers()

    def begin(
        self, submissions: Sequence[bytes], *, atomic: bool = False, trial: bool = False, short: bool = False,
        gate: Gate | None = None, more: bool = False,
    ) -> "Pending":  # fmt: skip
        """The submissions are queued, behind whatever the same caller began before. `more`: they are part of a file.

        In a file of many statements a key may come with an earlier line, so an unknown one is left to the batch.
        """
        if atomic and len(submissions) > MAX_ATOMIC:
            raise refused(
                "TOO_LARGE", f"At most {MAX_ATOMIC} lines stand or fall together.", f"整批提交至多 {MAX_ATOMIC} 行。"
            )
        answers: list[Answer | None] = [None] * len(submissions)
        opened = self._open(submissions, answers)
        self._answer_known(opened, answers, short=short)
        admitted = self._admit(opened, answers)
        self._verify(admitted, answers, gate, alone=len(submissions) == 1 and not more)
        if atomic and any(answer is not None and answer.refusal for answer in answers):
            return Pending(_refuse_rest(answers), [])
        places = [place for place in admitted if answers[place] is None]
        step = max(1, len(places)) if atomic else MAX_BATCH
        waiting = [
            (chunk, self._enqueue(Group([admitted[place] for place in chunk], atomic, trial, short)))
            for chunk in (places[i : i + step] for i in range(0, len(places), step))
        ]
        return Pending(answers, waiting)

    def _open(self, submissions: Sequence[bytes], answers: list[Answer | None]) -> dict[int, Opened]:
        opened = {}
        for place, data in enumerate(submissions):
            try:
                opened[place] = open_submission(data)
            except RefusedError as refusal:
                answers[place] = Answer(refusal=refusal)
        return opened

    def _answer_known(self, opened: dict[int, Opened], answers: list[Answer | None], *, short: bool) -> None:
        """The same payload again gets the first receipt's facts; its signatures are not looked at."""
        with self._engine.connect() as tx:
            storage = self._log.storage
            positions = storage.positions(tx, [item.digest for item in opened.values()])
            maker = receipt_maker(storage, tx, self._log.verifier_keys()) if positions else None
            if maker is None:
                return
            signed = {digest: position for digest, position in positions.items() if position < maker.size}
            facts = stored_facts(storage, tx, list(signed.values()))
            for place, item in opened.items():
                if (position := signed.get(item.digest)) is not None:
                    answers[place] = Answer(maker.make(facts[position], short=short), known=True)

    def _admit(self, opened: dict[int, Opened], answers: list[Answer | None]) -> dict[int, Admitted]:
        admitted = {}
        for place, item in opened.items():
            if answers[place] is not None:
                continue
            try:
                admitted[place] = admit(item, self._log.origin)
                self.must_be_writable()
            except RefusedError as refusal:
                answers[place] = Answer(refusal=refusal)
            except Exception:
                logger.exception("admission failed", statement=item.digest.hex())
                answers[place] = Answer(refusal=internal_error())
        return admitted

    def must_be_writable(self) -> None:
        """Returns if statements are taken.

        Raises:
            RefusedError: READ_ONLY.
        """
        if self.read_only:
            raise refused("READ_ONLY", self.read_only.en, f"登记系统现为只读：{self.read_only.zh}")

    def _verify(
        self, admitted: dict[int, Admitted], answers: list[Answer | None], gate: Gate | None, *, alone: bool
    ) -> None:
        """Signatures that can be verified by the keys as they stand are; the heavy part runs on all cores.

        Whether a key counts at the entry's time, which may be later than now, is judged in the batch.
        """
        if not admitted:
            return
        with self._engine.connect() as tx:
            register = Register(load(tx, [_signing_names(item) for item in admitted.values()]))
        now = self._clock.now()
        places: list[int] = []
        work: list[tuple[Admitted, tuple[Verification, ...]]] = []
        for place, item in admitted.items():
            try:
                work.append((item, required_verifications(register, item.signers, item.envelope.signatures, now)))
                places.append(place)
            except RefusedError as refusal:
                if refusal.code != "KEY_INACTIVE" and (alone or refusal.code != "KEY_UNKNOWN"):
                    answers[place] = Answer(refusal=refusal)
        for place, refusal_found in zip(places, verify_signatures(self._verifiers, work), strict=True):
            if refusal_found is not None:
                answers[place] = Answer(refusal=refusal_found)
            elif gate:
                try:
                    gate(admitted[place].statement)
                except RefusedError as refusal:
                    answers[place] = Answer(refusal=refusal)

    def _enqueue(self, group: Group) -> "Future[list[Answer]]":
        future: Future[list[Answer]] = Future()
        if self._stopped or not self._joins(_Waiting(group, future)):
            full = refused("QUEUE_FULL", "Too many statements wait; try again shortly.", "排队的声明过多，请稍后再试。")
            future.set_result([Answer(refusal=full) for _ in group.items])
        return future

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
        batch, count = [first], len(first.group.items)
        while count < MAX_BATCH:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return batch, True
            batch.append(waiting)
            count += len(waiting.group.items)
        return batch, False

    def _write(self, batch: list[_Waiting]) -> None:
        try:
            answers = self._writer.write([waiting.group for waiting in batch], self._clock.now())
        except UnsignedError as error:
            logger.exception("committed but not signed")
            self.read_only = Words(
                f"The root of {error} entries could not be signed. Start the registry again: it signs it.",
                f"{error} 条分录的根未能签署；请重新启动登记系统，启动时会补签。",
            )
            answers = _all_refused(
                batch, "The statement is written but not signed yet; send the same bytes again after the next start.",
                "声明已写入但尚未签署；请在重新启动后以相同内容再次提交。",
            )  # fmt: skip
        except Exception:
            logger.exception("batch failed")
            answers = _all_refused(
                batch,
                "The batch could not be written; nothing of it is in the register.",
                "本批未能写入，登记簿未发生变化。",
            )
        for waiting, found in zip(batch, answers, strict=True):
            waiting.answers.set_result(found)


def _all_refused(batch: Sequence[_Waiting], en: str, zh: str) -> list[list[Answer]]:
    failed = refused("INTERNAL", en, zh)
    return [[Answer(refusal=failed) for _ in waiting.group.items] for waiting in batch]


def _signing_names(item: Admitted) -> Names:
    return Names(parties=(item.statement.by, *item.statement.with_), keys=item.names.keys)


def _refuse_rest(answers: list[Answer | None]) -> list[Answer | None]:
    return [answer if answer is not None else Answer(refusal=batch_refused()) for answer in answers]
