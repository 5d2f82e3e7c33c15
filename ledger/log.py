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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.entry import FIRST_PREVIOUS, Entry, FolioLine, format_entry, parse_entry
from ledger.errors import BrokenLogError, JournalConflictError, JournalMovedError, LedgerError, LogEndedError
from ledger.instants import truncate
from ledger.journal import Journal, SignedRoot
from ledger.keys import Signer
from ledger.log_keys import LogSigners
from ledger.merkle import NodeReader, RightEdge, leaf_hash, node_hash, root_at
from ledger.note import VerifierKey
from ledger.statement import Envelope
from ledger.storage import CheckpointRow, EntryRow, Head, LogStorage, TileRow
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH

MAX_CLOCK_LAG = timedelta(seconds=5)
HASH_BYTES = 32

Tx = TypeVar("Tx")


class ClockBehindError(LedgerError):
    """The clock is more than five seconds behind the newest entry."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a writer needs of the log so far, kept between batches. `edge` is never changed in place."""

    head: Head
    edge: RightEdge
    last_leaf: bytes
    last_time: datetime | None
    open_leaves: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Appended:
    """A batch that stands in a transaction: what memory must follow once it commits."""

    head: Head
    tiles: Sequence[TileRow]
    """Tiles that the batch completed or grew, and the open one."""
    nodes: Mapping[tuple[int, int], bytes]
    """Roots of the complete subtrees that its entries completed, from the leaves up, by level and index."""
    state: _State


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in a batch that it can be taken back to."""

    rows: int
    completed: int
    edge: RightEdge
    previous: bytes
    folios: Mapping[str, FolioLine | None]


def node_reader(storage: LogStorage[Tx], tx: Tx, newest: Appended | None = None) -> NodeReader:
    """Reads complete subtrees from tiles; inner levels are recomputed and remembered while the reader lives.

    What a batch that was just written brought need not be read again: `newest`.
    """
    known = dict(newest.nodes) if newest else {}
    tiles = {(tile.level, tile.index): tile.hashes for tile in newest.tiles} if newest else {}
    pyramids: dict[tuple[int, int], list[list[bytes]]] = {}

    def tile(level: int, index: int) -> bytes:
        found = tiles.get((level, index))
        if found is None:
            found = storage.tile(tx, level, index)
            if not found and level == 0:
                found = b"".join(storage.leaves(tx, index * TILE_WIDTH, (index + 1) * TILE_WIDTH))
            tiles[level, index] = found
        return found

    def pyramid(level: int, index: int, inner: int) -> list[list[bytes]]:
        """The levels inside a tile up to `inner`, each of which holds the roots of the complete subtrees below it."""
        levels = pyramids.get((level, index))
        if levels is None:
            data = tile(level, index)
            levels = [[data[at : at + HASH_BYTES] for at in range(0, len(data) - HASH_BYTES + 1, HASH_BYTES)]]
            pyramids[level, index] = levels
        while len(levels) <= inner:
            below = levels[-1]
            levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
        return levels

    def node(level: int, index: int) -> bytes:
        found = known.get((level, index))
        if found is None:
            tile_level, inner = divmod(level, TILE_HEIGHT)
            tile_index, place = divmod(index, TILE_WIDTH >> inner)
            found_in = pyramid(tile_level, tile_index, inner)[inner]
            if place >= len(found_in):
                raise BrokenLogError(f"hash {index} of level {level} is missing")
            found = known[level, index] = found_in[place]
        return found

    return node


def is_on_history(storage: LogStorage[Tx], tx: Tx, signed: SignedRoot) -> bool:
    """Whether the storage's entries, as `tx` sees them, begin with those that were signed."""
    return storage.head(tx).size >= signed.size and root_at(signed.size, node_reader(storage, tx)) == signed.root


def _root_of(head: Head) -> SignedRoot:
    return SignedRoot(head.size, head.root)


class Batch(Generic[Tx]):
    """Entries being added to the log in one transaction. Made by `Log.open_batch`."""

    def __init__(self, storage: LogStorage[Tx], tx: Tx, state: _State, now: datetime) -> None:
        last, now = state.last_time, truncate(now)
        if last is not None and last - now > MAX_CLOCK_LAG:
            raise ClockBehindError(f"the clock says {now.isoformat()}, the newest entry {last.isoformat()}")
        self.time = now if last is None else max(now, last)
        self._storage, self._tx, self._before = storage, tx, state
        self._edge = state.edge.copy()
        self._previous = state.last_leaf
        self._entries: list[Entry] = []
        self._rows: list[EntryRow] = []
        self._completed: list[tuple[int, int, bytes]] = []
        self._folios: dict[str, FolioLine | None] = {}

    @property
    def position(self) -> int:
        """The position that the next entry will have."""
        return self._before.head.size + len(self._rows)

    def load_folios(self, folios: Sequence[str]) -> None:
        """The heads of these folios are known, by one query."""
        missing = [folio for folio in dict.fromkeys(folios) if folio not in self._folios]
        if not missing:
            return
        self._folios.update(dict.fromkeys(missing))
        self._folios.update(self._storage.folio_heads(self._tx, missing))

    def folio_length(self, folio: str) -> int:
        """How many lines the folio has, those of this batch included."""
        if folio not in self._folios:
            self.load_folios([folio])
        line = self._folios[folio]
        return line.number if line else 0

    def folio_newest(self, folio: str) -> int | None:
        """The position of the folio's newest line, None where it has none."""
        return line.previous if self.folio_length(folio) and (line := self._folios[folio]) else None

    @property
    def last_leaf(self) -> bytes:
        """The leaf hash of the newest entry."""
        return self._previous

    def mark(self) -> "Mark":
        """Where the batch stands, for `reset`."""
        return Mark(len(self._rows), len(self._completed), self._edge.copy(), self._previous, dict(self._folios))

    def reset(self, mark: "Mark") -> None:
        """The batch is as it was at `mark`."""
        del self._rows[mark.rows :], self._entries[mark.rows :], self._completed[mark.completed :]
        self._edge, self._previous, self._folios = mark.edge.copy(), mark.previous, dict(mark.folios)

    def add(
        self, envelope: Envelope, digest: bytes, folios: Iterable[str], new: Collection[str] = (),
        text: str | None = None,
    ) -> Entry:  # fmt: skip
        """The entry that the statement becomes; `digest` is the SHA-256 of its payload, `text` its canonical envelope.

        `new` are folios of what the statement itself makes: they have no line yet, so none is looked for.

        Raises:
            TooLargeError: the entry would be over its limits; the batch is as it was.
        """
        names = sorted(set(folios))
        for name in new:
            self._folios.setdefault(name, None)
        if any(name not in self._folios for name in names):
            self.load_folios(names)
        lines = tuple(
            FolioLine(name, line.number + 1, line.previous)
            if (line := self._folios[name])
            else FolioLine(name, 1, None)
            for name in names
        )
        entry = Entry(self.position, self._previous, self.time, lines, envelope)
        self._take(entry, format_entry(entry, text), digest)
        return entry

    def restore(self, entry: Entry, data: bytes) -> None:
        """The entry stands in the batch as it stood in the log before it was lost; `data` are its bytes.

        Raises:
            BrokenLogError: it does not continue the entries before it.
        """
        self.load_folios([line.folio for line in entry.folios])
        numbers = [(self.folio_length(line.folio) + 1, self.folio_newest(line.folio)) for line in entry.folios]
        if (
            (entry.position, entry.previous) != (self.position, self._previous)
            or [(line.number, line.previous) for line in entry.folios] != numbers
            or (self._before.last_time is not None and entry.time < self._before.last_time)
            or (self._entries and entry.time < self._entries[-1].time)
        ):
            raise BrokenLogError(f"entry {entry.position} does not continue the {self.position} entries before it")
        self._take(entry, data, entry.envelope.digest())

    def _take(self, entry: Entry, data: bytes, digest: bytes) -> None:
        leaf = leaf_hash(data)
        for line in entry.folios:
            self._folios[line.folio] = FolioLine(line.folio, line.number, entry.position)
        self._completed.extend(self._edge.append(leaf))
        self._rows.append(EntryRow(entry.position, data, leaf, digest))
        self._entries.append(entry)
        self._previous = leaf

    def write(self, tx: Tx) -> Appended | None:
        """The batch stands in the transaction; None if nothing was added.

        Raises:
            HeadConflictError: another writer was first; roll back and start anew.
        """
        if not self._rows:
            return None
        after = Head(self.position, self._edge.root())
        open_leaves = self._before.open_leaves + tuple(row.leaf for row in self._rows)
        full = len(open_leaves) // TILE_WIDTH * TILE_WIDTH
        lines = [(entry.position, line) for entry in self._entries for line in entry.folios]
        tiles = self._tiles(tx, open_leaves[:full])
        self._storage.append(tx, self._before.head, after, self._rows, lines, tiles)
        state = _State(after, self._edge, self._previous, self.time, open_leaves[full:])
        nodes = {(0, row.position): row.leaf for row in self._rows}
        nodes.update(((level, index), digest) for level, index, digest in self._completed)
        open_tile = TileRow(0, after.size // TILE_WIDTH, b"".join(state.open_leaves))
        return Appended(after, [*tiles, open_tile], nodes, state)

    def _tiles(self, tx: Tx, leaves: tuple[bytes, ...]) -> list[TileRow]:
        first = self._before.head.size // TILE_WIDTH
        tiles = [
            TileRow(0, first + i // TILE_WIDTH, b"".join(leaves[i : i + TILE_WIDTH]))
            for i in range(0, len(leaves), TILE_WIDTH)
        ]
        grown: dict[tuple[int, int], bytes] = {}
        for level, index, digest in self._completed:
            if level % TILE_HEIGHT == 0:
                key = (level // TILE_HEIGHT, index // TILE_WIDTH)
                so_far = grown[key] if key in grown else self._storage.tile(tx, *key)
                grown[key] = so_far[: index % TILE_WIDTH * HASH_BYTES] + digest
        return tiles + [TileRow(level, index, hashes) for (level, index), hashes in grown.items()]


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
        self._state: _State | None = None
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

    def load(self, tx: Tx) -> _State:
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

    def _load(self, tx: Tx, head: Head) -> _State:
        if head.size == 0:
            return _State(head, RightEdge(), FIRST_PREVIOUS, None, ())
        node = node_reader(self.storage, tx)
        edge = RightEdge.at(head.size, node)
        rows = self.storage.entries(tx, head.size - 1, head.size)
        if edge.root() != head.root or len(rows) != 1 or leaf_hash(rows[0].data) != node(0, head.size - 1):
            raise BrokenLogError(f"the stored tree of {head.size} entries does not lead to its stored root")
        if self.storage.positions(tx, [rows[0].statement]) != {rows[0].statement: head.size - 1}:
            raise BrokenLogError("the newest statement is not found by its digest; its index is missing or damaged")
        start = head.size // TILE_WIDTH * TILE_WIDTH
        open_leaves = tuple(self.storage.leaves(tx, start, head.size))
        return _State(head, edge, node(0, head.size - 1), parse_entry(rows[0].data).time, open_leaves)
