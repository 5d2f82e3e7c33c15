"""The counter: what happens to a submission before the queue, without a lock. Contract section 2, order of checks."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, Engine

from ledger.log import Log
from ledger.statement import Statement, parse_statement
from registry.admission import (
    Admitted,
    Opened,
    PublicKey,
    Signatures,
    Taken,
    admit,
    is_signed,
    open_submission,
    take_in,
)
from registry.clock import Clock
from registry.documents.disclosures import confidential_members, disclosure_digest
from registry.receipts import Receipt, receipts_of
from registry.refusals.refusal import RefusedError, internal_error
from registry.register.register import Register
from registry.signatures import Verification, required_verifications
from registry.store.database import writing
from registry.store.loading import load_signers, stems
from registry.store.saving import restore_disclosures
from registry.verifying import BULK
from registry.workers import Task, Workers
from registry.writer import Answer

logger = structlog.get_logger("sanquan.registry")


class Gate(Protocol):
    """Turns submissions away by raising `RefusedError`."""

    def arrived(self) -> None:
        """Called once for every submission, whatever it is."""

    def signed(self, statement: Statement) -> None:
        """Called with every new statement whose signatures hold, so that nobody spends what another may send.

        Not where the key comes with an earlier line of the same file.
        """


Answers = dict[int, Answer]
"""By the number of the submission."""
_PART = 64
"""Submissions that a worker takes in at a time: what it answers then fits into its pipe."""
_KEYS = 256


class Taking:
    """Submissions whose form is being checked."""

    def __init__(self, submissions: Sequence[bytes], tasks: Sequence[Task[list[Taken]]]) -> None:
        self.submissions = submissions
        self._tasks = tasks

    def results(self) -> list[Taken]:
        """See `take_in`; waits for the workers. None for what nobody was asked to look at."""
        if not self._tasks:
            return [None] * len(self.submissions)
        return [item for task in self._tasks for item in task.result()]


class Signed:
    """Statements that may join a batch once their signatures have been verified."""

    def __init__(
        self, items: dict[int, Admitted], places: Sequence[int], signatures: Signatures, gate: Gate | None
    ) -> None:
        """`places` are those of the statements whose signatures are being verified; the batch judges the others."""
        self.items = items
        self._places = places
        self._signatures = signatures
        self._gate = gate

    @property
    def are_verified(self) -> bool:
        """Whether `refusals` answers without waiting."""
        return self._signatures.are_verified

    def refusals(self) -> Answers:
        """Those that may not join after all. To be asked for once; waits for the signatures."""
        found: Answers = {}
        for place, refusal in zip(self._places, self._signatures.refusals(), strict=True):
            try:
                if refusal is not None:
                    raise refusal
                if self._gate:
                    self._gate.signed(self.items[place].statement)
            except RefusedError as refused:
                found[place] = Answer(refusal=refused)
        return found


class Counter:
    """Takes submissions in. May be used from any thread."""

    def __init__(self, engine: Engine, log: Log[Connection], clock: Clock) -> None:
        self._engine = engine
        self._log = log
        self._clock = clock
        self._workers = Workers()
        self._keys: dict[str, PublicKey] = {}

    def close(self) -> None:
        """The worker processes have been told to end."""
        self._workers.close()

    def take(self, submissions: Sequence[bytes]) -> Taking:
        """Many are being looked at by workers, who also verify signatures by keys that were used lately."""
        if len(submissions) < BULK:
            return Taking(submissions, ())
        keys = dict(self._keys)
        parts = [submissions[start : start + _PART] for start in range(0, len(submissions), _PART)]
        return Taking(submissions, [self._workers.begin(take_in, part, self._log.origin, keys) for part in parts])

    def open(self, taking: Taking, answers: Answers, gate: Gate | None, *, short: bool) -> dict[int, Admitted]:
        """The statements that are new here and have the form of one; all others are answered.

        The same payload again gets the first receipt's facts; its signatures are not looked at.
        """
        admitted: dict[int, Admitted] = {}
        refused: list[int] = []
        for place, item in enumerate(taking.results()):
            try:
                if gate:
                    gate.arrived()
            except RefusedError as refusal:
                answers[place] = Answer(refusal=refusal)
                continue
            try:
                admitted[place] = self._admit(taking.submissions[place], item)
            except RefusedError as refusal:
                answers[place] = Answer(refusal=refusal)
                refused.append(place)
        self._answer_again({place: taking.submissions[place] for place in refused}, answers, short=short)
        # The batch answers what is known likewise; but only what is new may be counted, and a bad signature is not new.
        doubtful = {place: item for place, item in admitted.items() if gate or not is_signed(item, self._keys)}
        for place in self._answer_known(doubtful, answers, short=short):
            del admitted[place]
        return admitted

    def _admit(self, data: bytes, taken: Taken) -> Admitted:
        if isinstance(taken, RefusedError):
            raise taken
        if taken is not None:
            return taken
        try:
            return admit(open_submission(data), self._log.origin)
        except RefusedError:
            raise
        except Exception as error:
            logger.exception("admission failed")
            raise internal_error() from error

    def _answer_again(self, refused: Mapping[int, bytes], answers: Answers, *, short: bool) -> None:
        """What is on the ledger is answered as at first, whatever is said against its form or disclosures now."""
        opened: dict[int, Opened] = {}
        for place, data in refused.items():
            try:
                opened[place] = open_submission(data)
            except RefusedError:
                continue  # not even an envelope
        if not opened:
            return
        with self._engine.connect() as tx:
            receipts = self._receipts(tx, [each.digest for each in opened.values()], short=short)
        for place, each in opened.items():
            if (receipt := receipts.get(each.digest)) is not None:
                answers[place] = Answer(receipt, known=True)
                self._restore(each, parse_statement(each.envelope).body)

    def _receipts(self, tx: Connection, statements: Sequence[bytes], *, short: bool) -> dict[bytes, Receipt]:
        return receipts_of(self._log.storage, tx, self._log.verifier_keys(), statements, short=short)

    def _restore(self, opened: Opened, body: Mapping[str, Any]) -> None:
        """Disclosures that come with a statement of the log and were missing are kept; not those erased."""
        given = {disclosure_digest(text): text for text in opened.disclosures if text.isascii()}
        wanted = {digest for _, _, digest in confidential_members(body)} if given else set()
        missing = {digest: text for digest, text in given.items() if digest in wanted}
        if missing:
            with writing(self._engine) as tx:
                restore_disclosures(tx, missing)

    def _answer_known(self, admitted: dict[int, Admitted], answers: Answers, *, short: bool) -> list[int]:
        """The places of those answered. Equal payloads have equal stems, which sort by time and so are found fast."""
        if not admitted:
            return []
        with self._engine.connect() as tx:
            taken = stems(tx, [item.ids.stem for item in admitted.values()])
            wanted = [item.digest for item in admitted.values() if item.ids.stem in taken]
            receipts = self._receipts(tx, wanted, short=short)
        known = [place for place, item in admitted.items() if item.digest in receipts]
        for place in known:
            answers[place] = Answer(receipts[admitted[place].digest], known=True)
            self._restore(admitted[place].opened, admitted[place].statement.body)
        return known

    def verify(self, items: dict[int, Admitted], answers: Answers, gate: Gate | None, *, alone: bool) -> Signed:
        """Signatures that can be verified by the keys as they stand are being verified, on other cores if many.

        Whether a key counts at the entry's time, which may be later than now, is judged in the batch. `alone`: no
        earlier line of a file may bring a key, so an unknown one is refused at once.
        """
        joining: dict[int, Admitted] = {}
        places: list[int] = []
        work: list[tuple[Admitted, tuple[Verification, ...]]] = []
        doubtful: dict[int, Admitted] = {}
        for place, item in items.items():
            joining[place] = item
            if is_signed(item, self._keys):
                places.append(place)
                work.append((item, ()))
            else:
                doubtful[place] = item
        for place in self._refuse_unsigned(doubtful, places, work, answers, alone=alone):
            del joining[place]
        self._remember(work)
        return Signed(joining, places, Signatures(self._workers, work), gate)

    def _refuse_unsigned(
        self, items: dict[int, Admitted], places: list[int],
        work: list[tuple[Admitted, tuple[Verification, ...]]], answers: Answers, *, alone: bool,
    ) -> list[int]:  # fmt: skip
        """The places of those answered; what is to be verified of the others is added to `places` and `work`."""
        if not items:
            return []
        with self._engine.connect() as tx:
            names = [name for item in items.values() for name in (item.statement.by, *item.statement.with_)]
            keys = [key for item in items.values() for key in item.names.keys]
            register = Register(load_signers(tx, names, keys))
        now = self._clock.now()
        refused = []
        for place, item in items.items():
            try:
                work.append((item, required_verifications(register, item.signers, item.envelope.signatures, now)))
                places.append(place)
            except RefusedError as refusal:
                if refusal.code != "KEY_INACTIVE" and (alone or refusal.code != "KEY_UNKNOWN"):
                    answers[place] = Answer(refusal=refusal)
                    refused.append(place)
        return refused

    def _remember(self, work: Sequence[tuple[Admitted, tuple[Verification, ...]]]) -> None:
        if len(self._keys) > _KEYS:
            self._keys = {}
        for item, verifications in work:
            for verification in verifications[:1]:
                key = PublicKey(item.statement.by, verification.algorithm, verification.public)
                self._keys[verification.signature.key] = key
