"""A log in a SQL database, on the connection that the caller opened."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from ledger.entry import FolioLine
from ledger.errors import HeadConflictError
from ledger.merkle import EMPTY_ROOT
from ledger.storage import CheckpointRow, EntryRow, Head, TileRow
from ledger.storage.lookup import Lookup, signed_key
from ledger.storage.rows import insert_rows, rows_with
from ledger.storage.tables import STATEMENTS, TABLES

_ENTRY, _FOLIO, _TILE, _CHECKPOINT, _HEAD = TABLES
_STATEMENTS = Lookup(*STATEMENTS)
_ONE = 1
_CHUNK = 500
"""Values in one IN list: within every database's limit on parameters."""


def _bytes(cell: object) -> bytes:
    """The bytes of a cell, also where somebody left it as text: the audit then says that they are not those hashed."""
    return cell if isinstance(cell, bytes) else str(cell).encode()


class SqlLogStorage:
    """See `LogStorage`. Works on SQLite and PostgreSQL."""

    def create(self, tx: Connection) -> None:
        """The tables exist."""
        _ENTRY.metadata.create_all(tx, tables=[*TABLES, *STATEMENTS])

    def head(self, tx: Connection) -> Head:
        row = tx.execute(select(_HEAD.c.size, _HEAD.c.root)).first()
        return Head(row.size, row.root) if row else Head(0, EMPTY_ROOT)

    def append(
        self,
        tx: Connection,
        before: Head,
        after: Head,
        entries: Sequence[EntryRow],
        folios: Iterable[tuple[int, FolioLine]],
        tiles: Iterable[TileRow],
    ) -> None:
        self._move_head(tx, before, after)
        insert_rows(tx, _ENTRY, [(e.position, e.data, e.leaf, e.statement) for e in entries])
        _STATEMENTS.add(tx, [(signed_key(e.statement), e.position) for e in entries], before.size, after.size)
        insert_rows(tx, _FOLIO, [(line.folio, line.number, position) for position, line in folios])
        for tile in tiles:
            tx.execute(delete(_TILE).where(_TILE.c.level == tile.level, _TILE.c.index == tile.index))
            tx.execute(insert(_TILE).values(level=tile.level, index=tile.index, hashes=tile.hashes))

    def _move_head(self, tx: Connection, before: Head, after: Head) -> None:
        if before.size == 0:
            if self.head(tx) != before:
                raise HeadConflictError("the log is not empty")
            try:
                tx.execute(insert(_HEAD).values(id=_ONE, size=after.size, root=after.root))
            except IntegrityError as error:
                raise HeadConflictError("another writer made the first entry") from error
            return
        moved = tx.execute(
            update(_HEAD)
            .where(_HEAD.c.id == _ONE, _HEAD.c.size == before.size, _HEAD.c.root == before.root)
            .values(size=after.size, root=after.root)
        )
        if moved.rowcount != 1:
            raise HeadConflictError(f"the log no longer has {before.size} entries")

    def entries(self, tx: Connection, start: int, stop: int) -> Sequence[EntryRow]:
        rows = tx.execute(
            select(_ENTRY.c.position, _ENTRY.c.data, _ENTRY.c.leaf, _ENTRY.c.statement)
            .where(_ENTRY.c.position >= start, _ENTRY.c.position < stop)
            .order_by(_ENTRY.c.position)
        )
        return [EntryRow(row.position, _bytes(row.data), _bytes(row.leaf), _bytes(row.statement)) for row in rows]

    def leaves(self, tx: Connection, start: int, stop: int) -> Sequence[bytes]:
        rows = tx.execute(
            select(_ENTRY.c.leaf)
            .where(_ENTRY.c.position >= start, _ENTRY.c.position < stop)
            .order_by(_ENTRY.c.position)
        )
        return [row.leaf for row in rows]

    def tile(self, tx: Connection, level: int, index: int) -> bytes:
        found: bytes | None = tx.execute(
            select(_TILE.c.hashes).where(_TILE.c.level == level, _TILE.c.index == index)
        ).scalar()
        return found or b""

    def positions(self, tx: Connection, statements: Sequence[bytes]) -> Mapping[bytes, int]:
        wanted = set(statements)
        places = [position for _, position in _STATEMENTS.find(tx, map(signed_key, statements))]
        rows = rows_with(tx, _ENTRY.c.position, places, _ENTRY.c.statement)
        return {row.statement: row.position for row in rows if row.statement in wanted}

    def folio_heads(self, tx: Connection, folios: Sequence[str]) -> Mapping[str, FolioLine]:
        found: dict[str, FolioLine] = {}
        for start in range(0, len(folios), _CHUNK):
            newest = (
                select(_FOLIO.c.folio, func.max(_FOLIO.c.number))
                .where(_FOLIO.c.folio.in_(folios[start : start + _CHUNK]))
                .group_by(_FOLIO.c.folio)
            )
            rows = tx.execute(
                select(_FOLIO.c.folio, _FOLIO.c.number, _FOLIO.c.position).where(
                    tuple_(_FOLIO.c.folio, _FOLIO.c.number).in_(newest)
                )
            )
            found.update((row.folio, FolioLine(*row)) for row in rows)
        return found

    def folio_lines(self, tx: Connection, folio: str, after: int, limit: int, size: int) -> Sequence[int]:
        rows = tx.execute(
            select(_FOLIO.c.position)
            .where(_FOLIO.c.folio == folio, _FOLIO.c.number > after, _FOLIO.c.position < size)
            .order_by(_FOLIO.c.number)
            .limit(limit)
        )
        return [row.position for row in rows]

    def put_checkpoint(self, tx: Connection, row: CheckpointRow) -> None:
        tx.execute(delete(_CHECKPOINT).where(_CHECKPOINT.c.size == row.size))
        tx.execute(insert(_CHECKPOINT).values(size=row.size, root=row.root, note=row.note))

    def checkpoint(self, tx: Connection, size: int | None = None) -> CheckpointRow | None:
        query = select(_CHECKPOINT.c.size, _CHECKPOINT.c.root, _CHECKPOINT.c.note)
        if size is None:
            query = query.order_by(_CHECKPOINT.c.size.desc()).limit(1)
        else:
            query = query.where(_CHECKPOINT.c.size == size)
        row = tx.execute(query).first()
        return CheckpointRow(*row) if row else None
