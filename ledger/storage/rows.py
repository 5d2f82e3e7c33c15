"""Many rows of one table by one statement.

SQLite's driver takes the interpreter lock anew for every row of an `executemany`; with one statement of many rows it
works without the lock until all are in. And SQLAlchemy takes longer to write out a list of parameters than SQLite to
look all of them up. Other databases get SQLAlchemy's own batching.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, insert, select

_MAX_ROWS = 256
_MAX_PARAMETERS = 30_000
"""SQLite allows 32,766 in one statement."""
_MAX_VALUES = 512
"""Values in one IN list: within every database's limit on parameters."""


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


def rows_with(tx: Connection, key: Column[Any], values: Iterable[Any], *more: Column[Any]) -> list[Row[Any]]:
    """(key, *more) of every row whose column `key` is among the values, none of which needs conversion."""
    distinct = tuple(dict.fromkeys(values))
    found: list[Row[Any]] = []
    for start in range(0, len(distinct), _MAX_VALUES):
        wanted = distinct[start : start + _MAX_VALUES]
        if tx.dialect.name == "sqlite":
            found += tx.exec_driver_sql(_select_text(key, more, len(wanted)), wanted)
        else:
            found += tx.execute(select(key, *more).where(key.in_(wanted)))
    return found


@cache
def _insert_text(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f'INSERT INTO "{table}" VALUES {", ".join([row] * rows)}'  # noqa: S608  names of our own tables


@cache
def _select_text(key: Column[Any], more: tuple[Column[Any], ...], values: int) -> str:
    names = ", ".join(f'"{column.name}"' for column in (key, *more))
    wanted = ", ".join("?" * values)
    return f'SELECT {names} FROM "{key.table.name}" WHERE "{key.name}" IN ({wanted})'  # noqa: S608  likewise
