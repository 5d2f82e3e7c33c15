"""A log in every order of what may happen to it, against a plain list of entries and of all that was ever signed.

Two writers with one journal append, fail, crash between any two steps, start again, find an older copy of the database
put back under them, see the clock go back, sign again, and are asked for a second root.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger import merkle
from ledger.checkpoint import verify_checkpoint
from ledger.errors import JournalConflictError
from ledger.journal import SignedRoot, SigningJournal
from ledger.log import Appended, ClockBehindError, Log, is_on_history, node_reader
from ledger.merkle import consistency_path, inclusion_path, leaf_hash, verify_consistency, verify_inclusion
from ledger.storage import CheckpointRow, Head
from ledger.storage.memory import MemoryLogStorage, MemoryTransaction
from tests.ledger.logs import KEYS, START, folios_of, make_envelope
from tests.ledger.support import LOG_SIGNER, ORIGIN

WRITERS = st.integers(0, 1)
COUNTS = st.integers(1, 3)
CRASHES = st.sampled_from(["written", "committed", "adopted", "journalled", "signed"])


@dataclass(frozen=True)
class Receipt:
    """What a submitter has."""

    position: int
    leaf: bytes
    path: tuple[bytes, ...]
    size: int
    root: bytes


class Crashed(Exception):
    """The process has ended, with whatever it held in memory."""


class LogModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.storage = MemoryLogStorage()
        self.journal = SigningJournal()
        self.writers = [self.log(), self.log()]
        self.now = START
        self.number = 0
        self.copies: list[MemoryTransaction] = [self.storage._contents]
        self.newest = self.storage._contents
        """The contents as they were after the last commit: what an operator can put back at best."""
        self.history: list[bytes] = []
        """The leaves of the greatest tree that was ever signed."""
        self.signed: dict[int, bytes] = {}
        self.receipts: list[Receipt] = []

    def log(self) -> Log:
        return Log(self.storage, ORIGIN, [LOG_SIGNER], self.journal)

    def teardown(self) -> None:
        self.journal.close()

    # ---- what is known -----------------------------------------------------------------------------------------------

    def leaves(self) -> list[bytes]:
        return [leaf_hash(row.data) for row in self.storage._contents.entries]

    def is_behind(self) -> bool:
        """Whether the database lacks something that was signed or journalled."""
        newest = self.journal.newest()
        with self.storage.transaction() as tx:
            return newest is not None and not is_on_history(self.storage, tx, newest)

    def keep(self, row: CheckpointRow) -> None:
        """A root was signed: the only one of its size, on the one history."""
        checkpoint = verify_checkpoint(row.note, KEYS[:1]).checkpoint
        size, root = checkpoint.size, checkpoint.root
        assert (row.size, row.root) == (size, root)
        assert self.signed.setdefault(size, root) == root
        leaves = self.leaves()
        assert merkle.root(leaves[:size]) == root
        shorter = min(size, len(self.history))
        assert leaves[:shorter] == self.history[:shorter]
        if size > len(self.history):
            self.history = leaves[:size]

    # ---- writing -----------------------------------------------------------------------------------------------------

    def write(self, log: Log, count: int, *, fails: bool = False) -> Appended:
        with self.storage.transaction() as tx:
            batch = log.open_batch(tx, self.now)
            for _ in range(count):
                envelope = make_envelope(self.number)
                batch.add(envelope, envelope.digest(), folios_of(self.number))
                self.number += 1
            appended = batch.write(tx)
            assert appended
            if fails:
                raise Crashed
        self.newest = self.storage._contents
        return appended

    def put(self, row: CheckpointRow) -> None:
        with self.storage.transaction() as tx:
            self.storage.put_checkpoint(tx, row)
        self.newest = self.storage._contents

    @rule(writer=WRITERS, count=COUNTS)
    def append(self, writer: int, count: int) -> None:
        log, behind = self.writers[writer], self.is_behind()
        try:
            appended = self.write(log, count)
        except JournalConflictError:
            assert behind
            return
        except ClockBehindError:
            return
        assert not behind
        log.adopt(appended)
        row = log.sign_covering(appended.head, self.storage.transaction)
        self.keep(row)
        self.put(row)
        assert row.size >= appended.head.size
        self.acknowledge(range(appended.head.size - count, appended.head.size), row)

    def acknowledge(self, positions: Any, row: CheckpointRow) -> None:
        with self.storage.transaction() as tx:
            node = node_reader(self.storage, tx)
            for position in positions:
                path = tuple(inclusion_path(position, row.size, node))
                self.receipts.append(Receipt(position, node(0, position), path, row.size, row.root))

    @rule(writer=WRITERS, count=COUNTS)
    def fail(self, writer: int, count: int) -> None:
        """A batch that fails leaves nothing, and its writer goes on."""
        before = self.storage._contents
        with pytest.raises((Crashed, JournalConflictError, ClockBehindError)):
            self.write(self.writers[writer], count, fails=True)
        assert self.storage._contents == before

    @rule(writer=WRITERS, count=COUNTS, moment=CRASHES)
    def crash(self, writer: int, count: int, moment: str) -> None:
        """The process ends between two steps; the next start finds what was committed."""
        log = self.writers[writer]
        self.writers[writer] = self.log()
        try:
            appended = self.write(log, count, fails=moment == "written")
        except (Crashed, JournalConflictError, ClockBehindError):
            return
        if moment == "committed":
            return
        log.adopt(appended)
        if moment == "journalled":
            before = self.journal.newest()
            self.journal.record(appended.head.size, appended.head.root, after=before.size if before else 0)
        elif moment == "signed":
            self.keep(log.sign_covering(appended.head, self.storage.transaction))

    @rule(writer=WRITERS, count=COUNTS, other=COUNTS)
    def overtake(self, writer: int, count: int, other: int) -> None:
        """One commits, the other commits and signs, then the first signs: both have a root that covers them."""
        first, second = self.writers[writer], self.writers[1 - writer]
        try:
            late = self.write(first, count)
            first.adopt(late)
            early = self.write(second, other)
        except (JournalConflictError, ClockBehindError):
            return
        second.adopt(early)
        for log, appended in ((second, early), (first, late)):
            row = log.sign_covering(appended.head, self.storage.transaction)
            self.keep(row)
            self.put(row)
            assert row.size == early.head.size
        self.acknowledge(range(late.head.size - count, early.head.size), row)

    # ---- starts, copies, clocks --------------------------------------------------------------------------------------

    @rule(writer=WRITERS)
    def restart(self, writer: int) -> None:
        log = self.writers[writer] = self.log()
        with self.storage.transaction() as tx:
            head, row = self.storage.head(tx), self.storage.checkpoint(tx)
        if head.size == 0 or (row is not None and row.size == head.size):
            return
        try:
            again = log.sign_covering(head, self.storage.transaction)
        except JournalConflictError:
            assert self.is_behind()
            return
        self.keep(again)
        self.put(again)

    @rule()
    def copy(self) -> None:
        self.copies.append(self.storage._contents)

    @rule(data=st.data())
    def put_back_an_older_copy(self, data: st.DataObject) -> None:
        self.storage._contents = data.draw(st.sampled_from(self.copies))

    @rule()
    def put_back_the_newest(self) -> None:
        self.storage._contents = self.newest

    @rule(seconds=st.integers(-10, 10))
    def turn_the_clock(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    # ---- who asks for more -------------------------------------------------------------------------------------------

    @precondition(lambda self: self.signed)
    @rule(writer=WRITERS, data=st.data())
    def sign_again(self, writer: int, data: st.DataObject) -> None:
        size = data.draw(st.sampled_from(sorted(self.signed)))
        row = self.writers[writer].sign(Head(size, self.signed[size]))
        assert (row.size, row.root) == (size, self.signed[size])

    @precondition(lambda self: self.signed)
    @rule(writer=WRITERS, size=st.integers(0, 40), by=st.binary(min_size=32, max_size=32))
    def ask_for_a_second_root(self, writer: int, size: int, by: bytes) -> None:
        """Another root for what was signed, or one that was not signed below what was."""
        wanted = min(size, max(self.signed))
        if self.signed.get(wanted) == by:
            return
        with pytest.raises(JournalConflictError):
            self.writers[writer].sign(Head(wanted, by))

    # ---- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def the_journal_has_all_that_was_signed(self) -> None:
        journalled = dict(self.journal.above(-1, 10_000))
        assert self.signed.items() <= journalled.items()

    @invariant()
    def what_was_acknowledged_is_there_or_nothing_is_written(self) -> None:
        if self.is_behind():
            with self.storage.transaction() as tx, pytest.raises((JournalConflictError, ClockBehindError)):
                self.log().open_batch(tx, self.now)
            return
        leaves = self.leaves()
        newest = self.journal.newest() or SignedRoot(0, b"")
        with self.storage.transaction() as tx:
            node = node_reader(self.storage, tx)
            for receipt in self.receipts:
                assert leaves[receipt.position] == receipt.leaf
                verify_inclusion(receipt.leaf, receipt.position, receipt.size, receipt.path, receipt.root)
                path = consistency_path(receipt.size, newest.size, node)
                verify_consistency(receipt.size, newest.size, receipt.root, newest.root, path)


LogModel.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLogModel = LogModel.TestCase
