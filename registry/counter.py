"""The counter: what happens to a submission before the queue, without a lock. Contract section 2, order of checks."""

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Connection, Engine

from ledger.log import Log
from ledger.statement import Statement
from registry.acts.act import Names
from registry.admission import Admitted, Opened, Signatures, admit, open_submission
from registry.clock import Clock
from registry.receipts import receipt_maker, stored_facts
from registry.refusals.refusal import RefusedError, internal_error
from registry.register.register import Register
from registry.signatures import Verification, required_verifications
from registry.store.loading import load
from registry.verifying import Verifiers
from registry.writer import Answer

logger = structlog.get_logger("sanquan.registry")

Gate = Callable[[Statement], None]
"""Called with every statement whose signatures hold; raises `RefusedError` to turn it away.

So nobody spends what another may send. Where a key comes with an earlier line of the same file it is not called.
"""
Answers = dict[int, Answer]
"""By the number of the submission."""


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
                    self._gate(self.items[place].statement)
            except RefusedError as refused:
                found[place] = Answer(refusal=refused)
        return found


class Counter:
    """Takes submissions in. May be used from any thread."""

    def __init__(self, engine: Engine, log: Log[Connection], clock: Clock) -> None:
        self._engine = engine
        self._log = log
        self._clock = clock
        self._verifiers = Verifiers()

    def close(self) -> None:
        """The processes that verify signatures have been told to end."""
        self._verifiers.close()

    def open(self, submissions: Sequence[bytes], answers: Answers, *, short: bool) -> dict[int, Admitted]:
        """The statements that are new here and have the form of one; all others are answered.

        The same payload again gets the first receipt's facts; its signatures are not looked at.
        """
        opened: dict[int, Opened] = {}
        for place, data in enumerate(submissions):
            try:
                opened[place] = open_submission(data)
            except RefusedError as refusal:
                answers[place] = Answer(refusal=refusal)
        self._answer_known(opened, answers, short=short)
        admitted = {}
        for place, item in opened.items():
            if place in answers:
                continue
            try:
                admitted[place] = admit(item, self._log.origin)
            except RefusedError as refusal:
                answers[place] = Answer(refusal=refusal)
            except Exception:
                logger.exception("admission failed", statement=item.digest.hex())
                answers[place] = Answer(refusal=internal_error())
        return admitted

    def _answer_known(self, opened: dict[int, Opened], answers: Answers, *, short: bool) -> None:
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

    def verify(self, items: dict[int, Admitted], answers: Answers, gate: Gate | None, *, alone: bool) -> Signed:
        """Signatures that can be verified by the keys as they stand are being verified, on other cores if many.

        Whether a key counts at the entry's time, which may be later than now, is judged in the batch. `alone`: no
        earlier line of a file may bring a key, so an unknown one is refused at once.
        """
        if not items:
            return Signed({}, (), Signatures(self._verifiers, ()), gate)
        with self._engine.connect() as tx:
            register = Register(load(tx, [_signing_names(item) for item in items.values()]))
        now = self._clock.now()
        joining: dict[int, Admitted] = {}
        places: list[int] = []
        work: list[tuple[Admitted, tuple[Verification, ...]]] = []
        for place, item in items.items():
            try:
                work.append((item, required_verifications(register, item.signers, item.envelope.signatures, now)))
                places.append(place)
            except RefusedError as refusal:
                if refusal.code != "KEY_INACTIVE" and (alone or refusal.code != "KEY_UNKNOWN"):
                    answers[place] = Answer(refusal=refusal)
                    continue
            joining[place] = item
        return Signed(joining, places, Signatures(self._verifiers, work), gate)


def _signing_names(item: Admitted) -> Names:
    return Names(parties=(item.statement.by, *item.statement.with_), keys=item.names.keys)
