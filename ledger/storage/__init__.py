"""Where a log keeps its lines: one protocol, a SQL and an in-memory form of it.

A storage owns no transaction. Every method takes the transaction that its caller opened (for SQL an open
`sqlalchemy.Connection`), so that the ledger's rows and whatever else the caller writes commit together or not at all.

| kept                | once per        | trusted?                                                                  |
|---------------------|-----------------|---------------------------------------------------------------------------|
| entry               | entry           | no: its leaf hash is recomputed from the bytes                            |
| full level-0 tile   | 256 entries     | no: must hash to the node above                                           |
| tile of level >= 1  | grows by a hash | no: likewise                                                              |
| folio line          | folio and entry | no: an index of what the entries say                                      |
| checkpoint          | signed size     | its signatures speak for it                                               |
| published           | log             | its signatures speak for it                                               |
| head                | log             | no: compared with the entries and the journal on start                    |
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from ledger.entry import FolioLine

Tx_contra = TypeVar("Tx_contra", contravariant=True)


class EntryRow(msgspec.Struct, frozen=True):
    """An entry as it is kept."""

    position: int
    data: bytes
    leaf: bytes
    statement: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log has grown. `root` is the Merkle root at `size` entries."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class TileRow:
    """The hashes of one tile: 256 of level 0, or as many as there are of a higher level."""

    level: int
    index: int
    hashes: bytes


class CheckpointRow(msgspec.Struct, frozen=True):
    """A signed root: the whole note."""

    size: int
    root: bytes
    note: str


class LogStorage(Protocol[Tx_contra]):
    """What a log asks of its storage. Positions count from 0; ranges are half-open."""

    def lock(self, tx: Tx_contra) -> None:
        """No other writer that locks has the head until `tx` ends, where the database offers that. A courtesy, so that

        nobody works in vain: what keeps the log from forking is that `append` compares the head.
        """
        ...

    def head(self, tx: Tx_contra) -> Head:
        """The head that is committed or written in `tx`; size 0 and the empty root before the first entry."""
        ...

    def append(
        self,
        tx: Tx_contra,
        before: Head,
        after: Head,
        entries: Sequence[EntryRow],
        folios: Iterable[tuple[int, FolioLine]],
        tiles: Iterable[TileRow],
    ) -> None:
        """Entries, folio lines and tiles stand in `tx`, and the head moved from `before` to `after`.

        Raises:
            HeadConflictError: the head was not `before`; nothing may be committed.
        """
        ...

    def entries(self, tx: Tx_contra, start: int, stop: int) -> Sequence[EntryRow]:
        """The entries at [start, stop) that exist, in order."""
        ...

    def leaves(self, tx: Tx_contra, start: int, stop: int) -> Sequence[bytes]:
        """The leaf hashes at [start, stop) that exist, in order."""
        ...

    def tile(self, tx: Tx_contra, level: int, index: int) -> bytes:
        """The hashes kept of a tile; empty where there are none (level 0: until it is full)."""
        ...

    def positions(self, tx: Tx_contra, statements: Sequence[bytes]) -> Mapping[bytes, int]:
        """Where those of the given statements (payload digests) stand that are in the log."""
        ...

    def folio_heads(self, tx: Tx_contra, folios: Sequence[str]) -> Mapping[str, FolioLine]:
        """For every folio with an entry: its number of lines, and as `previous` the position of the newest."""
        ...

    def folio_lines(self, tx: Tx_contra, folio: str, after: int, limit: int, size: int) -> Sequence[int]:
        """Positions below `size` of the lines of a folio behind line number `after`, oldest first."""
        ...

    def put_checkpoint(self, tx: Tx_contra, row: CheckpointRow) -> None:
        """The newest note of a size stands in `tx`; a later one of the same size and root replaces it.

        Raises:
            BrokenLogError: a note with another root stands there.
        """
        ...

    def checkpoint(self, tx: Tx_contra, size: int | None = None) -> CheckpointRow | None:
        """The signed root of exactly `size`, or the newest; None where there is none."""
        ...

    def signed_between(self, tx: Tx_contra, start: int, stop: int) -> bool:
        """Whether a checkpoint was signed at a size in [start, stop)."""
        ...

    def publish(self, tx: Tx_contra, row: CheckpointRow) -> bool:
        """Whether `row` is what is published now; not if something larger is, which stays."""
        ...

    def published(self, tx: Tx_contra) -> CheckpointRow | None:
        """What `publish` was called with last; None where it never was, or since `unpublish`."""
        ...

    def unpublish(self, tx: Tx_contra) -> None:
        """Nobody says what is published: whatever is signed is, at once."""
        ...

    def signed_below(self, tx: Tx_contra, size: int) -> int:
        """The greatest signed size below `size`; 0 where there is none."""
        ...

    def signed_above(self, tx: Tx_contra, size: int) -> int | None:
        """The smallest signed size above `size`; None where there is none."""
        ...
