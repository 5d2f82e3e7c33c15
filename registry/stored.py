"""What a registry keeps beside its entries, compared with what the entries say: indexes, signed roots, the journal, tables.

Nothing of it is needed to trust an entry. But receipts are made from the signed roots, answers from the tables, and a
statement or folio that the index does not show is as good as gone. To be asked after the log itself was found sound, in
the same snapshot.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, union_all

from ledger.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from ledger.entry import Entry
from ledger.errors import BrokenLogError, EntryRejected, FormatError, SignatureError
from ledger.finding import Finding
from ledger.log import node_reader
from ledger.merkle import root_at
from ledger.note import VerifierKey, parse_note
from ledger.storage.lookup import signed_key
from ledger.storage.sql import SqlLogStorage
from ledger.storage.tables import METADATA, STATEMENTS
from registry.replay import register_rows
from registry.store.saving import Row
from registry.store.tables import FOLD_TABLES

_ENTRY, _FOLIO = (METADATA.tables[f"sanquan_{name}"] for name in ("entry", "folio"))
_SIGNED = [METADATA.tables[f"sanquan_{name}"] for name in ("checkpoint", "published")]
_Row = tuple[Any, ...]
_FORGET_AFTER = 1_024
"""Roots after which the nodes read for them are forgotten."""
_STORAGE = SqlLogStorage()


def check_rows(tx: Connection, entries: Sequence[Entry], leaves: Sequence[bytes]) -> None:
    """Returns if the columns beside the bytes of these entries, which follow one another, are right.

    Raises:
        EntryRejected: one is not.
    """
    rows = _STORAGE.entries(tx, entries[0].position, entries[-1].position + 1)
    for row, entry, leaf in zip(rows, entries, leaves, strict=True):
        for column, found, wanted in (
            ("leaf", row.leaf, leaf),
            ("statement", row.statement, entry.envelope.digest()),
        ):
            if found != wanted:
                raise EntryRejected(
                    entry.position,
                    f"The column `{column}` of entry {entry.position} in the database is not what its bytes say.",
                    f"数据库中第 {entry.position} 条的列 `{column}` 与其字节不符。",
                    "stored_differs",
                )


def compare_indexes(kept: Connection, replayed: Connection) -> Iterator[Finding]:
    """The first difference in the index of statements and in that of folios."""
    places = union_all(*(select(table.c.ref, table.c.key) for table in STATEMENTS)).subquery()
    found = kept.execute(select(places).order_by(places.c.ref, places.c.key))
    wanted = kept.execute(select(_ENTRY.c.position, _ENTRY.c.statement).order_by(_ENTRY.c.position))
    pairs = zip_longest(map(tuple, found), ((row.position, signed_key(row.statement)) for row in wanted))
    yield from _first_other(pairs, "statements", "声明", lambda row: row[0], lambda row: row[:1])
    lines = select(_FOLIO).order_by(_FOLIO.c.folio, _FOLIO.c.number)
    pairs = zip_longest(map(tuple, kept.execute(lines)), map(tuple, replayed.execute(lines)))
    yield from _first_other(pairs, "folios", "登记簿页", lambda row: row[2], lambda row: row[:2])


def _first_other(
    pairs: Iterator[tuple[_Row | None, _Row | None]],
    en: str,
    zh: str,
    place: Callable[[_Row], int],
    key: Callable[[_Row], _Row],
) -> Iterator[Finding]:
    """About the first row that only one side has, by `key`; of two with one key, about that which should be there."""
    for found, wanted in pairs:
        if found == wanted:
            continue
        position = place(min((row for row in (wanted, found) if row is not None), key=key))
        yield Finding(
            position, "stored_differs",
            f"The index of {en} in the database is not what the entries say: entry {position} is missing in it, or not "
            "what it should be, or should not be there.",
            f"数据库中的{zh}索引与分录不符：第 {position} 条缺失、有误或不应存在。",
        )  # fmt: skip
        return


def compare_checkpoints(tx: Connection, keys: Sequence[VerifierKey], newest: Checkpoint) -> Iterator[Finding]:
    """The first signed root that is not a root of the entries, and the first that is not signed, if there are any."""
    head = _STORAGE.head(tx)
    if (head.size, head.root) != (newest.size, newest.root):
        yield _other_root("The head of the log in the database", "数据库中的账本头", head.size)
    node = node_reader(_STORAGE, tx)
    signed_rows = union_all(*(select(table.c.size, table.c.root, table.c.note) for table in _SIGNED)).subquery()
    for number, row in enumerate(tx.execute(select(signed_rows).order_by(signed_rows.c.size)), 1):
        if number % _FORGET_AFTER == 0:
            node = node_reader(_STORAGE, tx)
        try:
            signed = parse_checkpoint(parse_note(row.note).text)
            verify_checkpoint(row.note, keys)
        except (FormatError, SignatureError) as error:
            yield Finding(
                None, "checkpoint_signature",
                f"The checkpoint of {row.size} entries in the database is not one that the log signed: {error}.",
                f"数据库中 {row.size} 条的检查点不是账本所签：{error}。",
            )  # fmt: skip
            return
        said = (signed.origin, signed.size, signed.root)
        is_root = row.size <= newest.size and root_at(row.size, node) == row.root
        if not is_root or said != (newest.origin, row.size, row.root):
            yield _other_root("A checkpoint in the database", "数据库中的检查点", row.size)
            return


def compare_journal(tx: Connection, journal: Sequence[tuple[int, bytes]], newest: Checkpoint) -> Iterator[Finding]:
    """The first root that the signing journal contradicts, if there is one."""
    node = node_reader(_STORAGE, tx)
    for size, root in journal:
        if size > newest.size:
            yield Finding(
                newest.size, "entries_lost",
                f"The log has lost entries: its signing journal knows a root of {size} entries, the database holds "
                f"{newest.size}. An old copy of the database was put back.",
                f"账本丢失分录：签名日志记有 {size} 条的根，而数据库只有 {newest.size} 条：曾恢复了旧的数据库副本。",
            )  # fmt: skip
            return
        try:
            found = root_at(size, node)
        except (BrokenLogError, ValueError):
            found = b""
        if found != root:
            yield _other_root("The signing journal", "签名日志", size)
            return


def read_journal(path: Path) -> list[tuple[int, bytes]]:
    """The roots that a signing journal holds, by size; none where there is no journal.

    Raises:
        BrokenLogError: it cannot be read.
    """
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            rows = connection.execute("SELECT size, root FROM signed ORDER BY size").fetchall()
    except sqlite3.Error as error:
        raise BrokenLogError(f"the signing journal cannot be read: {error}") from error
    return [(int(size), bytes(root)) for size, root in rows]


def _other_root(what_en: str, what_zh: str, size: int) -> Finding:
    return Finding(
        None, "stored_differs",
        f"{what_en} of {size} entries is not the root of these entries. Where it is signed, two roots of one log are.",
        f"{what_zh}（{size} 条）与分录之根不符；若已签署，则同一账本有两个签署的根。",
    )  # fmt: skip


def compare_registers(kept: Connection, replayed: Connection) -> Iterator[Finding]:
    """The first difference in each table between what is kept and what the entries add up to."""
    for number, table in enumerate(FOLD_TABLES):
        keys = [column.name for column in table.primary_key.columns]
        for found, wanted in zip_longest(register_rows(kept, number), register_rows(replayed, number)):
            if found == wanted:
                continue
            row, en, zh = _first_difference(found, wanted, keys)
            place = ", ".join(f"{key}={row[key]}" for key in keys)
            yield Finding(
                None, "register_differs",
                f"table {table.name}, row {place}: {en} is not what the entries add up to; "
                "`sanquan register rebuild` makes it so",
                f"表 {table.name} 的行 {place}：{zh}与账本重放结果不符；可用 `sanquan register rebuild` 重建",
            )  # fmt: skip
            break


def _first_difference(found: Row | None, wanted: Row | None, keys: Sequence[str]) -> tuple[Row, str, str]:
    """The row that differs and what about it, of the first two in the order of their keys that are not equal."""
    if wanted is None or (found is not None and _stands_before(found, wanted, keys)):
        assert found is not None
        return found, "it is there, which", "该行不应存在，"
    if found is None or [found[key] for key in keys] != [wanted[key] for key in keys]:
        return wanted, "it is missing, which", "该行缺失，"
    column = next(name for name in wanted if found[name] != wanted[name])
    return wanted, f"column {column}", f"列 {column} "


def _stands_before(one: Row, other: Row, keys: Sequence[str]) -> bool:
    """Whether one row's key comes before the other's; a key of another type, which nobody but a forger writes, does."""
    for key in keys:
        a, b = one[key], other[key]
        if a != b:
            return type(a) is not type(b) or bool(a < b)
    return False
