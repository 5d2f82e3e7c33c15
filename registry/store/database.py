"""Databases: SQLite by default, in one file with a write-ahead log that survives a power cut."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlmodel import SQLModel

from ledger.private_files import make_private
from registry.search.index import create_index
from registry.store import desk_tables, document_tables, draft_tables, tables

_PAGE_BYTES = 8192
_CHECKPOINT_PAGES = 4000
_BUSY_MILLISECONDS = 10_000
_READER_CACHE_KIB = 2_048
WRITER_CACHE_KIB = 65_536
"""The pages that a batch looks up and changes, in indexes of some millions of entries."""
WRITER = {"sanquan_writer": True}
"""Execution options of a connection that will write: it takes the write lock when its transaction begins."""


def open_database(
    url: str, *, durable: bool = True, connections: int = 64, cache_kib: int = _READER_CACHE_KIB
) -> Engine:
    """An engine. With `durable` a commit is on disk when it returns; without, it may be lost in a power cut.

    A writer takes one connection: its page cache and prepared statements then stay good from batch to batch. What an
    error of the database says, and so a log, names no values: among them are disclosures and purposes.
    """
    engine = create_engine(url, pool_size=connections, max_overflow=0, pool_use_lifo=True, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _keep_private(engine.url.database)
        _prepare_sqlite(engine, durable=durable, cache_kib=cache_kib)
    return engine


def _keep_private(name: str | None) -> None:
    """The database file, and what SQLite puts beside it, is its owner's alone."""
    if not name or name.startswith((":", "file:")):
        return
    make_private(Path(name))
    for suffix in ("-wal", "-shm", "-journal"):
        if (beside := Path(name + suffix)).exists():
            make_private(beside)


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction that holds the write lock from its beginning: what it reads is so still when it writes.

    One that reads first and asks for the lock later fails on SQLite where another has written in between.
    """
    return engine.execution_options(**WRITER).begin()


@contextmanager
def relaxed(engine: Engine) -> Iterator[Connection]:
    """A transaction whose commit may be lost in a power cut: for what can be made again."""
    with engine.connect() as tx:
        _set_synchronous(tx, "NORMAL")
        try:
            with tx.begin():
                yield tx
        finally:
            _set_synchronous(tx, "FULL")


@contextmanager
def overwriting(tx: Connection) -> Iterator[None]:
    """What is deleted in the block does not stay in the database file as bytes nobody points at."""
    if tx.dialect.name != "sqlite":
        yield
        return
    tx.exec_driver_sql("PRAGMA secure_delete=ON")
    try:
        yield
    finally:
        tx.exec_driver_sql("PRAGMA secure_delete=OFF")


def _set_synchronous(connection: Connection, level: str) -> None:
    """SQLite takes it only between transactions, so it goes past SQLAlchemy, which would begin one."""
    raw = connection.connection.dbapi_connection
    if raw is not None and connection.dialect.name == "sqlite":
        raw.cursor().execute(f"PRAGMA synchronous={level}")


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path}"


def create_tables(connection: Connection) -> None:
    """All tables exist, and the index of words."""
    beside = [
        tables.DISCLOSURE, tables.INDEXED, *desk_tables.DESK_TABLES, *document_tables.DOCUMENT_TABLES,
        *draft_tables.DRAFT_TABLES,
    ]  # fmt: skip
    SQLModel.metadata.create_all(connection, tables=[*tables.FOLD_TABLES, *beside])
    create_index(connection)


def _prepare_sqlite(engine: Engine, *, durable: bool, cache_kib: int) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA page_size={_PAGE_BYTES}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA cache_size=-{cache_kib}")
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("sanquan_writer", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
