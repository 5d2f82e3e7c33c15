"""The only writer of a log: appends a batch of statements in the caller's transaction, then signs the new root.

    with engine.begin() as tx:                     the caller's transaction
        batch = log.open_batch(tx, now)            head read and compared with what is in memory
        entry = batch.add(envelope, digest, folios)
        appended = batch.write(tx)                 rows stand in tx, head moved by compare-and-set
    log.adopt(appended)                            committed: memory follows
    row = log.sign(appended.head)                  journal first, then both signatures; with other writers `sign_covering`
    ...put_checkpoint(row) in a transaction of its own; answer the submitters

Invariants:
- The leaf hash of entry i-1 stands in entry i; folio lines are numbered without gaps; times never decrease.
- A root is signed only after its entries are committed and the journal holds it; never two roots for one size, and
  never a root whose history does not hold what the journal says was signed.
- Several `Log` objects on one storage may append, in one process or many: the one that loses raises `HeadConflictError`
  and tries again. Whoever signs after another has signed a greater size takes that: it covers its entries.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Generic, TypeVar

from ledger.batch import Appended, Batch, ClockBehindError, Mark, WriterState, is_on_history, node_reader
from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.entry import FIRST_PREVIOUS, parse_entry
from ledger.errors import BrokenLogError, JournalConflictError, JournalMovedError, LogEndedError
from ledger.journal import Journal, SignedRoot
from ledger.keys import Signer
from ledger.log_keys import LogSigners
from ledger.merkle import RightEdge, leaf_hash
from ledger.note import VerifierKey
from ledger.storage import CheckpointRow, Head, LogStorage
from ledger.tiles import TILE_WIDTH

__all__ = ["Appended", "Batch", "ClockBehindError", "Log", "Mark", "is_on_history", "node_reader"]

Tx = TypeVar("Tx")


def _root_of(head: Head) -> SignedRoot:
    return SignedRoot(head.size, head.root)


class _AlwaysSigning:
    """Keys that sign every checkpoint."""

    def __init__(self, origin: str, signers: Sequence[Signer]) -> None:
        self._signers = tuple(signers)
        self._keys = log_verifier_keys(origin, self._signers)

    def verifier_keys(self) -> Sequence[VerifierKey]:
        return self._keys

    def at(self, size: int) -> Sequence[Signer]:  # noqa: ARG002  the same at every size
        return self._signers


class Log(Generic[Tx]):
    """A log with its keys. One thread at a time may write; reading needs no lock."""

    def __init__(
        self, storage: LogStorage[Tx], origin: str, signers: Sequence[Signer] | LogSigners, journal: Journal
    ) -> None:
        """`signers`: those of every checkpoint, or what says who signs which."""
        self.storage = storage
        self.origin = origin
        self.journal = journal
        self._signers = _AlwaysSigning(origin, signers) if isinstance(signers, Sequence) else signers
        self._state: WriterState | None = None
        self._confirmed: SignedRoot | None = None
        """A signed root on the history of `_state`, the newest in the journal when somebody looked last."""

    def verifier_keys(self) -> tuple[VerifierKey, ...]:
        """The keys that checkpoints of this log verify with, those retired included."""
        return tuple(self._signers.verifier_keys())

    def open_batch(self, tx: Tx, now: datetime) -> Batch[Tx]:
        """A batch on top of the head that `tx` sees.

        Raises:
            ClockBehindError: `now` is more than five seconds before the newest entry.
            JournalConflictError: the storage does not hold what the journal says was signed, or the log has ended.
            BrokenLogError: the stored tree does not lead to the stored root, or the newest statement is not indexed.
        """
        self.storage.lock(tx)
        newest = self._newest_signed()  # before the head: what is signed was committed before
        state = self.load(tx)
        if newest != self._confirmed or (newest is not None and newest.size > state.head.size):
            self._confirm(tx, newest)
            self._confirmed = newest
        return Batch(self.storage, tx, state, now)

    def open_recovery(self, tx: Tx, now: datetime) -> Batch[Tx]:
        """A batch for entries that were signed and lost: what is put back may be less than the journal knows.

        `now`: the time of the last of them.

        Raises:
            ClockBehindError, BrokenLogError: see `open_batch`.
        """
        self.storage.lock(tx)
        return Batch(self.storage, tx, self.load(tx), now)

    def load(self, tx: Tx) -> WriterState:
        """The log's head and right edge, as `tx` sees them, are in memory and agree with each other.

        Raises:
            BrokenLogError: the stored tree does not lead to the stored root, or the newest statement is not indexed.
        """
        head = self.storage.head(tx)
        if self._state is None or self._state.head != head:
            self._state, self._confirmed = self._load(tx, head), None
        return self._state

    def adopt(self, appended: Appended) -> None:
        """To be called when the transaction of the batch has committed."""
        self._state = appended.state

    def sign(self, head: Head) -> CheckpointRow:
        """The checkpoint of a committed head, with a line of every key that signs this size (`ledger.log_keys`).

        What was signed may be signed again.

        Raises:
            JournalMovedError: another process has signed since this log looked.
            JournalConflictError: this size was signed with another root, or a greater size was signed, or the log
                has ended.
            SignatureError: a key that has to sign is not at hand; nothing was signed.
        """
        return self._sign(head, self._confirmed if self._stands_on(head) else None)

    def _stands_on(self, head: Head) -> bool:
        """Whether what was confirmed is on the history of `head`."""
        return self._state is not None and self._state.head == head

    def _sign(self, head: Head, confirmed: SignedRoot | None) -> CheckpointRow:
        """See `sign`; the history that leads to `head` holds what was `confirmed`."""
        signers = self._signers.at(head.size)
        if self.journal.record(*_root_of(head), after=confirmed.size if confirmed else 0) and self._stands_on(head):
            self._confirmed = _root_of(head)
        checkpoint = Checkpoint(self.origin, head.size, head.root)
        return CheckpointRow(head.size, head.root, sign_checkpoint(checkpoint, signers, int(time.time())))

    def sign_covering(self, head: Head, reading: Callable[[], AbstractContextManager[Tx]]) -> CheckpointRow:
        """A checkpoint that covers a committed head: its own, or a greater one that another process signed meanwhile.

        It may stand in the storage already. `reading` begins a transaction that sees all that is committed.

        Raises:
            JournalConflictError: the storage does not hold what the journal says was signed, or the log has ended.
        """
        while True:
            newest = self._newest_signed()
            with reading() as tx:
                if newest != self._confirmed or not self._stands_on(head):
                    self._confirm(tx, newest)
                if newest is not None and newest.size > head.size:
                    self._confirm(tx, _root_of(head))
                    stored = self.storage.checkpoint(tx, newest.size)
                    return stored if stored and stored.root == newest.root else self.sign(Head(*newest))
            try:
                return self._sign(head, newest)
            except JournalMovedError:
                continue  # whoever was first has signed what covers this, or part of it

    def _newest_signed(self) -> SignedRoot | None:
        if self.journal.ended():
            raise LogEndedError("the log has ended; nothing is written or signed any more")
        return self.journal.newest()

    def _confirm(self, tx: Tx, signed: SignedRoot | None) -> None:
        """The storage holds the history that was signed.

        Raises:
            JournalConflictError: it does not.
        """
        if signed is not None and not is_on_history(self.storage, tx, signed):
            raise JournalConflictError(
                f"{signed.size} entries were signed with root {signed.root.hex()}, which the database does not hold"
            )

    def _load(self, tx: Tx, head: Head) -> WriterState:
        if head.size == 0:
            return WriterState(head, RightEdge(), FIRST_PREVIOUS, None, ())
        node = node_reader(self.storage, tx)
        edge = RightEdge.at(head.size, node)
        rows = self.storage.entries(tx, head.size - 1, head.size)
        if edge.root() != head.root or len(rows) != 1 or leaf_hash(rows[0].data) != node(0, head.size - 1):
            raise BrokenLogError(f"the stored tree of {head.size} entries does not lead to its stored root")
        if self.storage.positions(tx, [rows[0].statement]) != {rows[0].statement: head.size - 1}:
            raise BrokenLogError("the newest statement is not found by its digest; its index is missing or damaged")
        start = head.size // TILE_WIDTH * TILE_WIDTH
        open_leaves = tuple(self.storage.leaves(tx, start, head.size))
        return WriterState(head, edge, node(0, head.size - 1), parse_entry(rows[0].data).time, open_leaves)
