"""A log in a SQL database, on the connection that the caller opened."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from ledger.entry import FolioLine
from ledger.errors import BrokenLogError, HeadConflictError
from ledger.merkle import EMPTY_ROOT
from ledger.storage import CheckpointRow, EntryRow, Head, TileRow
from ledger.storage.lookup import Lookup, signed_key
from ledger.storage.rows import insert_rows, rows_with
from ledger.storage.tables import STATEMENTS, TABLES

_ENTRY, _FOLIO, _TILE, _CHECKPOINT, _PUBLISHED, _HEAD = TABLES
_STATEMENTS = Lookup(*STATEMENTS)
_ONE = 1
_CHUNK = 500
"""Values in one IN list: within every database's limit on parameters."""


# Statements are built once: SQLAlchemy takes longer to build one than SQLite to run it.
_HEAD_ROW = select(_HEAD.c.size, _HEAD.c.root)
_MOVE_HEAD = (
    update(_HEAD)
    .where(_HEAD.c.id == _ONE, _HEAD.c.size == bindparam("old_size"), _HEAD.c.root == bindparam("old_root"))
    .values(size=bindparam("new_size"), root=bindparam("new_root"))
)
_RANGE = (_ENTRY.c.position >= bindparam("start"), _ENTRY.c.position < bindparam("stop"))
_ENTRIES = (
    select(_ENTRY.c.position, _ENTRY.c.data, _ENTRY.c.leaf, _ENTRY.c.statement)
    .where(*_RANGE)
    .order_by(_ENTRY.c.position)
)
_LEAVES = select(_ENTRY.c.leaf).where(*_RANGE).order_by(_ENTRY.c.position)
_OF_TILE = (_TILE.c.level == bindparam("the_level"), _TILE.c.index == bindparam("the_index"))
_TILE_HASHES = select(_TILE.c.hashes).where(*_OF_TILE)
_DELETE_TILE = delete(_TILE).where(*_OF_TILE)
_FOLIO_HEADS = select(_FOLIO.c.folio, _FOLIO.c.number, _FOLIO.c.position).where(
    tuple_(_FOLIO.c.folio, _FOLIO.c.number).in_(
        select(_FOLIO.c.folio, func.max(_FOLIO.c.number))
        .where(_FOLIO.c.folio.in_(bindparam("folios", expanding=True)))
        .group_by(_FOLIO.c.folio)
    )
)
_FOLIO_LINES = (
    select(_FOLIO.c.position)
    .where(
        _FOLIO.c.folio == bindparam("the_folio"),
        _FOLIO.c.number > bindparam("after"),
        _FOLIO.c.position < bindparam("size"),
    )
    .order_by(_FOLIO.c.number)
    .limit(bindparam("limit"))
)
_LOCK = select(func.pg_advisory_xact_lock(0x53616E7175616E))
"""The number is "Sanquan" in ASCII."""


def _put_checkpoint(insert_: Any) -> Any:
    """Several processes may sign one size at a time: the last note stays, and only for the same root."""
    values = insert_(_CHECKPOINT)
    return values.on_conflict_do_update(
        index_elements=[_CHECKPOINT.c.size],
        set_={"note": values.excluded.note},
        where=_CHECKPOINT.c.root == values.excluded.root,
    ).returning(_CHECKPOINT.c.size)


_PUT_CHECKPOINT = {"sqlite": _put_checkpoint(sqlite.insert), "postgresql": _put_checkpoint(postgresql.insert)}
_ANY_CHECKPOINT = select(_CHECKPOINT.c.size, _CHECKPOINT.c.root, _CHECKPOINT.c.note)
_CHECKPOINT_OF = _ANY_CHECKPOINT.where(_CHECKPOINT.c.size == bindparam("the_size"))
_SIGNED_BELOW = select(func.max(_CHECKPOINT.c.size)).where(_CHECKPOINT.c.size < bindparam("the_size"))
_SIGNED_ABOVE = select(func.min(_CHECKPOINT.c.size)).where(_CHECKPOINT.c.size > bindparam("the_size"))
_NEWEST_CHECKPOINT = _ANY_CHECKPOINT.order_by(_CHECKPOINT.c.size.desc()).limit(1)
_SIGNED_BETWEEN = (
    select(_CHECKPOINT.c.size)
    .where(_CHECKPOINT.c.size >= bindparam("start"), _CHECKPOINT.c.size < bindparam("stop"))
    .limit(1)
)
_PUBLISH = (
    update(_PUBLISHED)
    .where(_PUBLISHED.c.id == _ONE, _PUBLISHED.c.size <= bindparam("the_size"))
    .values(size=bindparam("the_size"), root=bindparam("the_root"), note=bindparam("the_note"))
)
_PUBLISHED_ROW = select(_PUBLISHED.c.size, _PUBLISHED.c.root, _PUBLISHED.c.note)


def _bytes(cell: object) -> bytes:
    """The bytes of a cell, also where somebody left it as text: the audit then says that they are not those hashed."""
    return cell if isinstance(cell, bytes) else str(cell).encode()


class SqlLogStorage:
    """See `LogStorage`. Works on SQLite and PostgreSQL."""

    def create(self, tx: Connection) -> None:
        """The tables exist."""
        _ENTRY.metadata.create_all(tx, tables=[*TABLES, *STATEMENTS])

    def lock(self, tx: Connection) -> None:
        """On SQLite a writer's transaction begins with the only lock there is."""
        if tx.dialect.name == "postgresql":
            tx.execute(_LOCK)

    def head(self, tx: Connection) -> Head:
        row = tx.execute(_HEAD_ROW).first()
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
            tx.execute(_DELETE_TILE, {"the_level": tile.level, "the_index": tile.index})
            insert_rows(tx, _TILE, [(tile.level, tile.index, tile.hashes)])

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
            _MOVE_HEAD,
            {"old_size": before.size, "old_root": before.root, "new_size": after.size, "new_root": after.root},
        )
        if moved.rowcount != 1:
            raise HeadConflictError(f"the log no longer has {before.size} entries")

    def entries(self, tx: Connection, start: int, stop: int) -> Sequence[EntryRow]:
        rows = tx.execute(_ENTRIES, {"start": start, "stop": stop})
        return [EntryRow(row.position, _bytes(row.data), _bytes(row.leaf), _bytes(row.statement)) for row in rows]

    def leaves(self, tx: Connection, start: int, stop: int) -> Sequence[bytes]:
        return tx.execute(_LEAVES, {"start": start, "stop": stop}).scalars().all()

    def tile(self, tx: Connection, level: int, index: int) -> bytes:
        found: bytes | None = tx.execute(_TILE_HASHES, {"the_level": level, "the_index": index}).scalar()
        return found or b""

    def positions(self, tx: Connection, statements: Sequence[bytes]) -> Mapping[bytes, int]:
        wanted = set(statements)
        places = [position for _, position in _STATEMENTS.find(tx, map(signed_key, statements))]
        rows = rows_with(tx, _ENTRY.c.position, places, _ENTRY.c.statement)
        return {row.statement: row.position for row in rows if row.statement in wanted}

    def folio_heads(self, tx: Connection, folios: Sequence[str]) -> Mapping[str, FolioLine]:
        found: dict[str, FolioLine] = {}
        for start in range(0, len(folios), _CHUNK):
            rows = tx.execute(_FOLIO_HEADS, {"folios": folios[start : start + _CHUNK]})
            found.update((row.folio, FolioLine(*row)) for row in rows)
        return found

    def folio_lines(self, tx: Connection, folio: str, after: int, limit: int, size: int) -> Sequence[int]:
        parameters = {"the_folio": folio, "after": after, "limit": limit, "size": size}
        return tx.execute(_FOLIO_LINES, parameters).scalars().all()

    def put_checkpoint(self, tx: Connection, row: CheckpointRow) -> None:
        statement = _PUT_CHECKPOINT["postgresql" if tx.dialect.name == "postgresql" else "sqlite"]
        if tx.execute(statement, {"size": row.size, "root": row.root, "note": row.note}).first() is None:
            raise BrokenLogError(f"a note with another root stands at size {row.size}")

    def checkpoint(self, tx: Connection, size: int | None = None) -> CheckpointRow | None:
        found = tx.execute(_NEWEST_CHECKPOINT) if size is None else tx.execute(_CHECKPOINT_OF, {"the_size": size})
        row = found.first()
        return CheckpointRow(*row) if row else None

    def signed_between(self, tx: Connection, start: int, stop: int) -> bool:
        newest = (1 << 63) - 1  # what a signed integer of the database holds
        found = tx.execute(_SIGNED_BETWEEN, {"start": min(start, newest), "stop": min(stop, newest)}).first()
        return found is not None

    def publish(self, tx: Connection, row: CheckpointRow) -> bool:
        moved = tx.execute(_PUBLISH, {"the_size": row.size, "the_root": row.root, "the_note": row.note})
        if moved.rowcount:
            return True
        if self.published(tx) is not None:
            return False
        tx.execute(insert(_PUBLISHED).values(id=_ONE, size=row.size, root=row.root, note=row.note))
        return True

    def published(self, tx: Connection) -> CheckpointRow | None:
        row = tx.execute(_PUBLISHED_ROW).first()
        return CheckpointRow(*row) if row else None

    def unpublish(self, tx: Connection) -> None:
        tx.execute(delete(_PUBLISHED))

    def signed_below(self, tx: Connection, size: int) -> int:
        return tx.execute(_SIGNED_BELOW, {"the_size": size}).scalar() or 0

    def signed_above(self, tx: Connection, size: int) -> int | None:
        found: int | None = tx.execute(_SIGNED_ABOVE, {"the_size": size}).scalar()
        return found
