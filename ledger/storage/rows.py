"""Many rows of one table by one statement.

SQLite's driver takes the interpreter lock anew for every row of an `executemany`; with one statement of many rows it
works without the lock until all are in. Other databases get SQLAlchemy's own batching.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Table, insert

_MAX_ROWS = 256
_MAX_PARAMETERS = 30_000
"""SQLite allows 32,766 in one statement."""


def insert_rows(tx: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """The rows stand in the transaction. Each holds all columns of the table, in order, and needs no conversion."""
    if not rows:
        return
    names = [column.name for column in table.columns]
    if tx.dialect.name != "sqlite":
        tx.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        return
    step = min(_MAX_ROWS, _MAX_PARAMETERS // len(names))
    for start in range(0, len(rows), step):
        chunk = rows[start : start + step]
        tx.exec_driver_sql(_insert_text(table.name, len(names), len(chunk)), tuple(chain.from_iterable(chunk)))


@cache
def _insert_text(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f'INSERT INTO "{table}" VALUES {", ".join([row] * rows)}'  # noqa: S608  names of our own tables
