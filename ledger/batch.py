"""Entries being added to a log in one transaction, and what a writer keeps of the log between two batches.

A batch knows the head it stands on, the right edge of the tree and the folios' newest lines. It is made by
`ledger.log.Log`, filled, and written by compare-and-set on the head; nothing of it counts until its transaction commits.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from ledger.entry import Entry, FolioLine, format_entry
from ledger.errors import BrokenLogError, LedgerError
from ledger.instants import truncate
from ledger.journal import SignedRoot
from ledger.merkle import NodeReader, RightEdge, leaf_hash, node_hash, root_at
from ledger.statement import Envelope
from ledger.storage import EntryRow, Head, LogStorage, TileRow
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH

MAX_CLOCK_LAG = timedelta(seconds=5)
HASH_BYTES = 32

Tx = TypeVar("Tx")


class ClockBehindError(LedgerError):
    """The clock is more than five seconds behind the newest entry."""


@dataclass(frozen=True, slots=True)
class WriterState:
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
    state: WriterState


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


class Batch(Generic[Tx]):
    """Entries being added to the log in one transaction. Made by `Log.open_batch`."""

    def __init__(self, storage: LogStorage[Tx], tx: Tx, state: WriterState, now: datetime) -> None:
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
        state = WriterState(after, self._edge, self._previous, self.time, open_leaves[full:])
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
