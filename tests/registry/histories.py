"""Registers that lie in folders: copied, read row by row, changed behind the registry's back, and audited."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.audit import AuditReport
from ledger.storage import lookup
from registry.auditing import audit, open_subject
from registry.store.tables import FOLD_TABLES


@contextmanager
def short_lookups(every: int) -> Iterator[None]:
    """Both tables of a lookup have rows already in a short log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "EVERY", every)
        yield


def copy(source: Path, target: Path) -> Path:
    """The copy of a folder."""
    shutil.copytree(source, target)
    return target


def rows(folder: Path) -> dict[str, list[Any]]:
    """Every row of the register's tables, in the order of their keys."""
    found = {}
    connection = sqlite3.connect(folder / "registry.db")
    for table in FOLD_TABLES:
        order = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        found[table.name] = connection.execute(f"SELECT * FROM {table.name} ORDER BY {order}").fetchall()
    connection.close()
    return found


def execute(folder: Path, *statements: str) -> list[int]:
    """How many rows each statement changed."""
    connection = sqlite3.connect(folder / "registry.db")
    with connection:
        changed = [connection.execute(statement).rowcount for statement in statements]
    connection.close()
    return changed


def audited(folder: Path, keys: Sequence[Any]) -> AuditReport:
    with open_subject(folder) as subject:
        return audit(subject, keys)
