"""One batch, one transaction, one writer. Architecture, section 2.

Judges a batch of groups on a loaded slice, appends what is accepted, saves the changed slice, commits, signs the new
root, and gives every submitter an answer. A statement whose code raises fails alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import Connection, Engine

from ledger.errors import HeadConflictError, TooLargeError
from ledger.log import Appended, Batch, ClockBehindError, Log
from ledger.storage import Head
from registry.acts.act import Outcome
from registry.admission import Admitted, refusal_of
from registry.beside import Beside, Made
from registry.documents.erasure import Eraser
from registry.judging import Bench, Rules
from registry.receipts import Facts, Receipt, ReceiptMaker, made_objects, receipt_maker, stored_facts, trial_receipt
from registry.refusals.refusal import RefusedError, internal_error, refused
from registry.register.office_state import Registry
from registry.register.register import Register
from registry.store.claims import load_claims, must_be_same_request, save_beside
from registry.store.database import WRITER, overwriting, relaxed
from registry.store.drafts import delete_drafts_that_tell
from registry.store.loading import load, load_registry, stems
from registry.store.saving import ActRow, act_row, erased_by, kept_under, save, save_disclosures

logger = structlog.get_logger("sanquan.registry")
_ATTEMPTS = 5
Follow = Callable[[Registry | None], None]


class Answer(msgspec.Struct, frozen=True):
    """What became of one statement: a receipt (new, or of before), or a refusal."""

    receipt: Receipt | None = None
    known: bool = False
    refusal: RefusedError | None = None


@dataclass(slots=True)
class Group:
    """Statements of one submitter, in order. `atomic`: all or none. `trial`: judged, never written."""

    items: Sequence[Admitted]
    atomic: bool = False
    trial: bool = False
    short: bool = False


@dataclass(slots=True)
class _Work:
    """A batch in progress."""

    bench: Bench
    batch: Batch[Connection]
    known: dict[bytes, int]
    rows: list[ActRow] = field(default_factory=list)
    disclosures: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Made] = field(default_factory=dict)
    beside: list[tuple[bytes, Beside]] = field(default_factory=list)

    def fork(self) -> "_Work":
        """Work on top of this, for statements that stand or fall together."""
        return _Work(self.bench.fork(), self.batch, dict(self.known), claims=dict(self.claims))

    def join(self, fork: "_Work") -> None:
        """What the fork accepted is part of this work."""
        self.bench.join(fork.bench)
        self.known.update(fork.known)
        self.rows += fork.rows
        self.disclosures.update(fork.disclosures)
        self.claims.update(fork.claims)
        self.beside += fork.beside


_Result = Facts | int | Receipt | RefusedError
"""Of one statement: accepted, known at a position, tried, or refused."""


class UnsignedError(Exception):
    """The batch is committed, but its root could not be signed; a start signs it."""


class Writer:
    """Writes batches. One thread at a time."""

    def __init__(
        self, engine: Engine, reads: Engine, log: Log[Connection], rules: Rules, eraser: Eraser | None = None,
        follow: Follow = lambda _: None,
    ) -> None:  # fmt: skip
        """`engine` is the writer's own; `reads` the same database for everybody. `follow` is told what the register
        says of itself before a root is signed: it names the keys that sign.
        """
        self._follow = follow
        self._eraser = eraser
        self._engine = engine.execution_options(**WRITER)
        self._reads = reads
        self._log = log
        self._rules = rules

    def write(self, groups: Sequence[Group], now: datetime) -> list[list[Answer]]:
        """One answer a statement, in order. Everything that a receipt says is durable and signed."""
        for attempt in range(_ATTEMPTS):
            try:
                results, appended, gone = self._commit(groups, now)
                break
            except HeadConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
            except ClockBehindError as error:
                behind = refused(
                    "CLOCK_BEHIND", f"{error}; try again when it has caught up.", "本机时钟落后于最新分录，请稍后再试。"
                )
                return [[Answer(refusal=behind) for _ in group.items] for group in groups]
        if appended is not None:
            try:
                self._sign(appended.head)
            except Exception as error:
                raise UnsignedError(appended.head.size) from error
        elif any(isinstance(result, int) for found in results for result in found):
            self.sign_head()  # another process may have written what is known, and not signed it yet
        if gone:
            self._erase(gone)
        return self._answers(groups, results, appended)

    def sign_head(self) -> None:
        """The newest root is signed, whatever was going on when a process ended.

        Raises:
            JournalConflictError: the database does not hold what was signed.
        """
        with self._reads.connect() as tx:
            head = self._log.storage.head(tx)
            newest = self._log.storage.checkpoint(tx)
            self._follow(load_registry(tx))
        if head.size and (newest is None or newest.size < head.size):
            self._sign(head)

    def _erase(self, gone: Mapping[str, str | None]) -> None:
        """What an erasure leaves to be done is done before it is answered; a start does it again should it fail."""
        if self._eraser is None:
            return
        try:
            self._eraser.finish(list(gone), [text for text in gone.values() if text])
        except Exception:
            logger.exception("erased in the database, but not yet in every file; the next start does it")

    def _commit(
        self, groups: Sequence[Group], now: datetime
    ) -> tuple[list[list[_Result]], Appended | None, dict[str, str | None]]:
        """What became of each statement, what was appended, and what was kept under the digests that were erased."""
        items = [item for group in groups for item in group.items]
        with self._engine.begin() as tx:
            batch = self._log.open_batch(tx, now)
            base = load(tx, [item.names for item in items])
            taken = set(stems(tx, [item.ids.stem for item in items]))
            known = dict(self._log.storage.positions(tx, [item.digest for item in items if item.ids.stem in taken]))
            claims = load_claims(tx, [key for item in items if (key := _claimed(item)) is not None], now)
            known.update(self._log.storage.positions(tx, [made.statement for made in claims.values()]))
            work = _Work(Bench(base, self._rules, taken), batch, known, claims=claims)
            loaded = [name for kind, name in base if kind in ("asset", "party")]
            batch.load_folios([*loaded, *(folio for item in items for folio in item.statement.expect)])
            results = [self._group(work, group) for group in groups]
            gone = kept_under(tx, erased_by(work.bench.changes))
            if gone:
                with overwriting(tx):
                    delete_drafts_that_tell(tx, gone)
            save(tx, base, work.bench.changes, work.rows)
            save_disclosures(tx, {digest: text for digest, text in work.disclosures.items() if digest not in gone})
            appended = batch.write(tx)
            if appended is not None:
                save_beside(tx, work.beside, appended.head.size, now)
        if appended is not None:
            self._log.adopt(appended)
            self._follow(Register(base, work.bench.changes).registry())
        return results, appended, gone

    def _group(self, work: _Work, group: Group) -> list[_Result]:
        if group.trial:
            return self._try(work, group)
        if group.atomic:
            return self._all_or_none(work, group.items)
        return [self._one(work, item) for item in group.items]

    def _one(self, work: _Work, item: Admitted) -> _Result:
        if (position := work.known.get(item.digest)) is not None:
            return position
        try:
            if (position := _made_before(work, item)) is not None:
                return position
            return self._accept(work, item, self._judge(work.bench, work.batch, item))
        except RefusedError as refusal:
            return refusal

    def _judge(self, bench: Bench, batch: Batch[Connection], item: Admitted) -> Outcome:
        try:
            return bench.judge(item, batch.position, batch.time, batch.folio_length)
        except RefusedError:
            raise
        except Exception as error:
            logger.exception("act failed", act=item.statement.act, statement=item.statement.identifier)
            raise internal_error() from error

    def _accept(self, work: _Work, item: Admitted, outcome: Outcome) -> Facts:
        """The entry stands in the batch and its outcome on the bench; the bench is untouched if the entry is refused."""
        try:
            made = [made.id for made in outcome.made]
            entry = work.batch.add(item.envelope, item.digest, outcome.folios, made, item.opened.text)
        except TooLargeError as error:
            raise refusal_of(error) from error
        work.bench.accept(item, outcome, entry.position, entry.time)
        work.known[item.digest] = entry.position
        work.disclosures.update(item.disclosures)
        if item.beside is not None:
            work.beside.append((item.digest, item.beside))
            if (claim := item.beside.claim) is not None:
                work.claims[claim.key] = Made(claim, item.digest, entry.position + 1)
        by = outcome.register.party(item.statement.by)
        stem = item.ids.stem
        work.rows.append(act_row(entry.position, stem, item.statement.act, by.ref if by else 0, outcome))
        return Facts(
            entry, item.digest, work.batch.last_leaf, made_objects(outcome), [dict(w) for w in outcome.warnings]
        )

    def _try(self, work: _Work, group: Group) -> list[_Result]:
        """What would be answered: each is judged after those before it, then all is as if they had not come."""
        mark = work.batch.mark()
        fork = work.fork()
        tried: dict[bytes, Facts] = {}
        results: list[_Result] = []
        for item in group.items:
            result = tried.get(item.digest) or self._one(fork, item)
            if isinstance(result, Facts):
                tried[item.digest] = result
            results.append(result)
        work.batch.reset(mark)
        if group.atomic and any(isinstance(result, RefusedError) for result in results):
            return _refuse_others(work, group.items, results)
        return [trial_receipt(result) if isinstance(result, Facts) else result for result in results]

    def _all_or_none(self, work: _Work, items: Sequence[Admitted]) -> list[_Result]:
        """First all are judged on a fork, then all accepted; one refusal refuses the others (BATCH_REFUSED)."""
        results: list[_Result] = []
        mark = work.batch.mark()
        fork = work.fork()
        failed = False
        for item in items:
            result = self._one(fork, item)
            failed = failed or isinstance(result, RefusedError)
            results.append(result)
        if not failed:
            work.join(fork)
            return results
        work.batch.reset(mark)
        return _refuse_others(work, items, results)

    def _sign(self, head: Head) -> None:
        """A checkpoint that covers the head is there to be read.

        A power cut may take its row, not what the journal says of it: the same root is then signed again.
        """
        row = self._log.sign_covering(head, self._reads.connect)
        with relaxed(self._engine) as tx:
            self._log.storage.put_checkpoint(tx, row)

    def _answers(
        self, groups: Sequence[Group], results: list[list[_Result]], appended: Appended | None
    ) -> list[list[Answer]]:
        with self._reads.connect() as tx:
            storage = self._log.storage
            maker = receipt_maker(storage, tx, self._log.verifier_keys(), appended)
            known = [r for group in results for r in group if isinstance(r, int)]
            before = stored_facts(storage, tx, known) if known else {}
            answers = []
            for group, found in zip(groups, results, strict=True):
                answers.append([self._answer(result, group, maker, before) for result in found])
            return answers

    def _answer(self, result: _Result, group: Group, maker: ReceiptMaker | None, before: dict[int, Facts]) -> Answer:
        if isinstance(result, RefusedError):
            return Answer(refusal=result)
        if isinstance(result, dict):
            return Answer(receipt=result)
        assert maker is not None
        facts = before[result] if isinstance(result, int) else result
        return Answer(maker.make(facts, short=group.short), known=isinstance(result, int))


def _claimed(item: Admitted) -> str | None:
    return item.beside.claim.key if item.beside is not None and item.beside.claim is not None else None


def _made_before(work: _Work, item: Admitted) -> int | None:
    """Where the statement stands that was made under the item's claim, if one was.

    Raises:
        RefusedError: IDEMPOTENCY_REUSED.
    """
    claim = item.beside.claim if item.beside is not None else None
    made = work.claims.get(claim.key) if claim is not None else None
    if claim is None or made is None:
        return None
    must_be_same_request(made, claim)
    return work.known[made.statement]


def batch_refused() -> RefusedError:
    """BATCH_REFUSED."""
    return refused(
        "BATCH_REFUSED",
        "Another statement of this batch was refused, so none was written.",
        "同批另有声明被拒绝，整批未写入。",
    )


def _refuse_others(work: _Work, items: Sequence[Admitted], results: Sequence[_Result]) -> list[_Result]:
    """What was refused keeps its refusal, what was known before the batch its receipt; nothing else was written."""
    return [
        result if isinstance(result, RefusedError) else work.known.get(item.digest, batch_refused())
        for item, result in zip(items, results, strict=True)
    ]
