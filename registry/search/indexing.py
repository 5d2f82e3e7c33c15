"""Carries words from the register's tables into the index, in small transactions behind the writer.

How far it has come, in entries, stands in a row of its own: what later entries made or changed is not in the index yet,
and whoever searches looks at it besides. The index is a cache of the cache: never compared, emptied and refilled by a
rebuild. Several processes may run it; each step is taken by whoever moves the row first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, select, update

from ledger.storage.tables import METADATA
from registry.register.asset import Asset
from registry.register.party import Party
from registry.register.values import OBJECTS_PER_STATEMENT
from registry.search.index import KINDS, Kind, Row, index_of
from registry.search.texts import words_ever
from registry.store.database import WRITER, relaxed
from registry.store.loading import by_refs, decode, refs_of
from registry.store.tables import ASSET, INDEXED, PARTY

STEP = 512
"""Entries in one transaction: some ten milliseconds of the database's write lock."""
TABLES: Mapping[Kind, tuple[Table, type[Asset] | type[Party]]] = {"asset": (ASSET, Asset), "party": (PARTY, Party)}
_ENTRY, _HEAD = METADATA.tables["sanquan_entry"], METADATA.tables["sanquan_log_head"]
_LATER_LINE = re.compile(rb'\{"id":"((?:ast|pty)_[0-9a-z_]+)","n":(?!1,)')
"""A folio line that is not the first of its folio: the entry changes what another one made. See `ledger.entry`."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the entries from `start` on, before `end`, add to the index."""

    start: int
    end: int
    rows: Mapping[Kind, Sequence[Row]]


def indexed_size(tx: Connection) -> int:
    """The entries whose words are in the index."""
    size: int | None = tx.execute(select(INDEXED.c.size)).scalar()
    return size or 0


def backlog(engine: Engine) -> int:
    """The entries whose words are not in the index yet."""
    with engine.connect() as tx:
        return _head(tx) - indexed_size(tx)


def _head(tx: Connection) -> int:
    size: int | None = tx.execute(select(_HEAD.c.size)).scalar()
    return size or 0


def changed_objects(tx: Connection, start: int, end: int) -> set[int]:
    """References of older assets and parties into whose folios the entries from `start` on, before `end`, write."""
    data = tx.execute(select(_ENTRY.c.data).where(_ENTRY.c.position >= start, _ENTRY.c.position < end)).scalars()
    names = {name.decode() for line in data for name in _LATER_LINE.findall(_folios(bytes(line)))}
    parties = [name for name in names if name.startswith("pty_")]
    refs = {*refs_of(tx, names - set(parties)).values(), *_party_refs(tx, parties)}
    return {ref for ref in refs if ref < start * OBJECTS_PER_STATEMENT}


def _folios(line: bytes) -> bytes:
    """The part of an entry before the statement, which is the long one."""
    return line.partition(b',"statement":')[0]


def _party_refs(tx: Connection, names: Sequence[str]) -> list[int]:
    return list(tx.execute(select(PARTY.c.ref).where(PARTY.c.id.in_(names))).scalars()) if names else []


def _rows(tx: Connection, kind: Kind, start: int, end: int, changed: set[int]) -> list[Row]:
    table, shape = TABLES[kind]
    made = select(table.c.document).where(
        table.c.ref >= start * OBJECTS_PER_STATEMENT, table.c.ref < end * OBJECTS_PER_STATEMENT
    )
    values: list[Any] = [decode(shape, document) for document in tx.execute(made).scalars()]
    values += by_refs(tx, table, shape, changed)
    return [(value.ref, words_ever(value)) for value in values]


def next_step(tx: Connection, most: int = STEP) -> Step | None:
    """What at most so many entries more are to add to the index; None if everything is in it."""
    start = indexed_size(tx)
    end = min(_head(tx), start + most)
    if start >= end:
        return None
    changed = changed_objects(tx, start, end)
    return Step(start, end, {kind: _rows(tx, kind, start, end, changed) for kind in KINDS})


def take_step(tx: Connection, step: Step) -> bool:
    """The step's words stand in the transaction, unless the index has moved meanwhile."""
    moved = tx.execute(update(INDEXED).where(INDEXED.c.size == step.start).values(size=step.end)).rowcount == 1
    if moved:
        for kind, rows in step.rows.items():
            index_of(tx).put(tx, kind, rows)
    return moved


def index_next(engine: Engine, most: int = STEP) -> bool:
    """The next entries, at most so many, are indexed, by this process or by another; answers whether there were any.

    What takes long happens before the write lock is asked for.
    """
    with engine.connect() as tx:
        step = next_step(tx, most)
    if step is None:
        return False
    with relaxed(engine.execution_options(**WRITER)) as tx:
        take_step(tx, step)
    return True


def refill(tx: Connection) -> None:
    """The index holds the words of what the register holds now, and nothing else."""
    index_of(tx).clear(tx)
    tx.execute(update(INDEXED).values(size=0))
    while (step := next_step(tx)) is not None:
        take_step(tx, step)
