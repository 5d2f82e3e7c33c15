"""Databases: SQLite by default, in one file with a write-ahead log that survives a power cut."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlmodel import SQLModel

from registry.store import tables

_PAGE_BYTES = 8192
_CHECKPOINT_PAGES = 4000
_BUSY_MILLISECONDS = 10_000
WRITER = {"sanquan_writer": True}
"""Execution options of a connection that will write: it takes the write lock when its transaction begins."""


def open_database(url: str, *, durable: bool = True) -> Engine:
    """An engine. With `durable` a commit is on disk when it returns; without, it may be lost in a power cut."""
    engine = create_engine(url, pool_size=32, max_overflow=32) if url.startswith("sqlite") else create_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, durable=durable)
    return engine


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path}"


def create_tables(connection: Connection) -> None:
    """All tables exist."""
    SQLModel.metadata.create_all(connection, tables=[*tables.FOLD_TABLES, tables.DISCLOSURE])


def _prepare_sqlite(engine: Engine, *, durable: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA page_size={_PAGE_BYTES}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("sanquan_writer", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
