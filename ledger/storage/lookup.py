"""References by a random key, without a page written for each.

A B-tree with random keys puts every new row on another page, so that once it is larger than a batch each row costs a
page. Here new rows go into a small table of their own, which is emptied into the large one, in the order of keys, each
time the log passes a multiple of `EVERY` entries. What stands in which table follows from the size of the log alone.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Table, delete, insert, select

from ledger.storage.rows import insert_rows, rows_with

EVERY = 16_384
"""Entries between two times that the newest rows are moved: some forty pages of 8 KiB."""


def signed_key(digest: bytes) -> int:
    """The key of something whose SHA-256 is `digest`: its first 64 bits as a signed integer."""
    return int.from_bytes(digest[:8], "big", signed=True)


class Lookup:
    """Two tables of the form (key, ref), both with all columns as primary key, read as one.

    A reference is the position of an entry times `unit`, plus what tells apart objects of one entry.
    """

    def __init__(self, settled: Table, newest: Table, unit: int = 1) -> None:
        self._settled = settled
        self._newest = newest
        self._unit = unit

    def add(self, tx: Connection, rows: Sequence[tuple[int, int]], before: int, after: int) -> None:
        """The rows are found from now on; the log grows from `before` to `after` entries with them."""
        if rows:
            insert_rows(tx, self._newest, rows)
        if before // EVERY != after // EVERY:
            self._settle(tx, after // EVERY * EVERY * self._unit)

    def _settle(self, tx: Connection, limit: int) -> None:
        """Everything below the reference `limit` stands in the large table, written in the order of keys."""
        newest = self._newest.c
        below = select(newest.key, newest.ref).where(newest.ref < limit).order_by(newest.key, newest.ref)
        tx.execute(insert(self._settled).from_select(["key", "ref"], below))
        tx.execute(delete(self._newest).where(newest.ref < limit))

    def find(self, tx: Connection, keys: Iterable[int]) -> list[tuple[int, int]]:
        """All rows with one of these keys, as (key, reference). Keys may collide: the caller looks at what is meant."""
        wanted = tuple(keys)
        tables = (self._settled.c, self._newest.c)
        return [(row.key, row.ref) for table in tables for row in rows_with(tx, table.key, wanted, table.ref)]
