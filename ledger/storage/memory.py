"""A log in memory: for tests, tools and as the plainest statement of what a storage does."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ledger.entry import FolioLine
from ledger.errors import BrokenLogError, HeadConflictError
from ledger.merkle import EMPTY_ROOT
from ledger.storage import CheckpointRow, EntryRow, Head, TileRow


@dataclass
class MemoryTransaction:
    """The contents of a `MemoryLogStorage`, changed in place and kept only if the transaction commits."""

    head: Head = Head(0, EMPTY_ROOT)  # noqa: RUF009  a frozen value
    entries: list[EntryRow] = field(default_factory=list)
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    statements: dict[bytes, int] = field(default_factory=dict)
    folios: dict[str, list[int]] = field(default_factory=dict)
    checkpoints: dict[int, CheckpointRow] = field(default_factory=dict)
    published: CheckpointRow | None = None

    def copy(self) -> "MemoryTransaction":
        """An independent copy of the containers; their items are immutable."""
        return MemoryTransaction(
            self.head,
            list(self.entries),
            dict(self.tiles),
            dict(self.statements),
            {folio: list(lines) for folio, lines in self.folios.items()},
            dict(self.checkpoints),
            self.published,
        )


class MemoryLogStorage:
    """See `LogStorage`. Transactions are copies that replace the contents when they end well. For one thread."""

    def __init__(self) -> None:
        self._contents = MemoryTransaction()

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """A transaction that commits when the block ends without an exception.

        Raises:
            HeadConflictError: on commit, another transaction that began meanwhile has committed changes.
        """
        before = self._contents
        tx = before.copy()
        yield tx
        if tx == before:
            return
        if self._contents is not before:
            raise HeadConflictError("another transaction has changed the log meanwhile")
        self._contents = tx

    def lock(self, tx: MemoryTransaction) -> None:
        pass

    def head(self, tx: MemoryTransaction) -> Head:
        return tx.head

    def append(
        self,
        tx: MemoryTransaction,
        before: Head,
        after: Head,
        entries: Sequence[EntryRow],
        folios: Iterable[tuple[int, FolioLine]],
        tiles: Iterable[TileRow],
    ) -> None:
        if tx.head != before:
            raise HeadConflictError(f"the log has {tx.head.size} entries, not {before.size}")
        tx.head = after
        for row in entries:
            tx.entries.append(row)
            tx.statements[row.statement] = row.position
        for position, line in folios:
            tx.folios.setdefault(line.folio, []).append(position)
        for tile in tiles:
            tx.tiles[tile.level, tile.index] = tile.hashes

    def entries(self, tx: MemoryTransaction, start: int, stop: int) -> Sequence[EntryRow]:
        return tx.entries[start:stop]

    def leaves(self, tx: MemoryTransaction, start: int, stop: int) -> Sequence[bytes]:
        return [row.leaf for row in tx.entries[start:stop]]

    def tile(self, tx: MemoryTransaction, level: int, index: int) -> bytes:
        return tx.tiles.get((level, index), b"")

    def positions(self, tx: MemoryTransaction, statements: Sequence[bytes]) -> Mapping[bytes, int]:
        return {digest: tx.statements[digest] for digest in statements if digest in tx.statements}

    def folio_heads(self, tx: MemoryTransaction, folios: Sequence[str]) -> Mapping[str, FolioLine]:
        return {folio: FolioLine(folio, len(lines), lines[-1]) for folio in folios if (lines := tx.folios.get(folio))}

    def folio_lines(self, tx: MemoryTransaction, folio: str, after: int, limit: int, size: int) -> Sequence[int]:
        return [position for position in tx.folios.get(folio, [])[after : after + limit] if position < size]

    def put_checkpoint(self, tx: MemoryTransaction, row: CheckpointRow) -> None:
        if tx.checkpoints.get(row.size, row).root != row.root:
            raise BrokenLogError(f"a note with another root stands at size {row.size}")
        tx.checkpoints[row.size] = row

    def checkpoint(self, tx: MemoryTransaction, size: int | None = None) -> CheckpointRow | None:
        return tx.checkpoints.get(max(tx.checkpoints, default=-1) if size is None else size)

    def signed_between(self, tx: MemoryTransaction, start: int, stop: int) -> bool:
        return any(start <= size < stop for size in tx.checkpoints)

    def publish(self, tx: MemoryTransaction, row: CheckpointRow) -> bool:
        if tx.published is not None and tx.published.size > row.size:
            return False
        tx.published = row
        return True

    def published(self, tx: MemoryTransaction) -> CheckpointRow | None:
        return tx.published

    def unpublish(self, tx: MemoryTransaction) -> None:
        tx.published = None

    def signed_below(self, tx: MemoryTransaction, size: int) -> int:
        return max((signed for signed in tx.checkpoints if signed < size), default=0)

    def signed_above(self, tx: MemoryTransaction, size: int) -> int | None:
        return min((signed for signed in tx.checkpoints if signed > size), default=None)
