from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from ledger import merkle
from ledger.checkpoint import verify_checkpoint
from ledger.entry import Entry, FolioLine, parse_entry
from ledger.errors import BrokenLogError, FormatError, HeadConflictError, JournalConflictError, TooLargeError
from ledger.instants import truncate
from ledger.journal import SigningJournal
from ledger.log import ClockBehindError, Log, node_reader
from ledger.merkle import EMPTY_ROOT, inclusion_path, leaf_hash, verify_inclusion
from ledger.sources import StorageSource
from ledger.storage import Head
from ledger.storage.memory import MemoryLogStorage
from ledger.storage.sql import SqlLogStorage
from ledger.tiles import tiles_for_growth
from tests.ledger.logs import ASSETS, KEYS, LOG_SIGNERS, START, append, files_of, folios_of, make_envelope
from tests.ledger.support import LOG_SIGNER, ORIGIN, Nodes


@dataclass
class Kept:
    """A storage and its way to open transactions."""

    storage: Any
    transaction: Callable[[], AbstractContextManager[Any]]

    def open(self, *, signed: bool = False) -> Log[Any]:
        return Log(self.storage, ORIGIN, LOG_SIGNERS if signed else [LOG_SIGNER], SigningJournal())

    def read(self, name: str, *arguments: Any) -> Any:
        with self.transaction() as tx:
            return getattr(self.storage, name)(tx, *arguments)

    def put_checkpoint(self, tx: Any, row: Any) -> None:
        self.storage.put_checkpoint(tx, row)


@pytest.fixture(params=["memory", "sqlite"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "memory":
        memory = MemoryLogStorage()
        yield Kept(memory, memory.transaction)
        return
    engine = create_engine(f"sqlite:///{tmp_path / 'log.db'}")
    storage = SqlLogStorage()
    with engine.begin() as tx:
        storage.create(tx)
    yield Kept(storage, engine.begin)
    engine.dispose()


def fill(kept: Kept, log: Log[Any], start: int, stop: int, batch: int = 100) -> None:
    for first in range(start, stop, batch):
        append(log, kept, range(first, min(first + batch, stop)))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600])
def test_stored_tree_is_that_computed_from_scratch(size: int, kept: Kept) -> None:
    fill(kept, kept.open(), 0, size, batch=97)
    rows = kept.read("entries", 0, size + 1)
    leaves = [leaf_hash(row.data) for row in rows]
    assert [row.position for row in rows] == list(range(size))
    assert kept.read("leaves", 0, size + 1) == [row.leaf for row in rows] == leaves
    assert kept.read("head") == Head(size, merkle.root(leaves))
    files = files_of([row.data for row in rows], "")
    with kept.transaction() as tx:
        source = StorageSource(kept.storage, tx)
        for tile in tiles_for_growth(0, size):
            assert source.tile(tile) == files[tile.path], tile
        node = node_reader(kept.storage, tx)
        for index in {0, size // 2, size - 1}:
            path = inclusion_path(index, size, node)
            assert path == inclusion_path(index, size, Nodes(leaves))
            verify_inclusion(leaves[index], index, size, path, merkle.root(leaves))


def test_one_entry_a_batch_makes_the_same_tree(kept: Kept) -> None:
    fill(kept, kept.open(), 0, 10, batch=1)
    rows = kept.read("entries", 0, 10)
    assert kept.read("head").root == merkle.root([row.leaf for row in rows])


def test_entries_are_chained_and_folios_counted(kept: Kept) -> None:
    fill(kept, kept.open(), 0, 60, batch=7)
    entries = [parse_entry(row.data) for row in kept.read("entries", 0, 60)]
    lines: dict[str, list[int]] = {}
    previous = bytes(32)
    for entry, row in zip(entries, kept.read("entries", 0, 60), strict=True):
        assert entry.previous == previous
        previous = row.leaf
        assert [line.folio for line in entry.folios] == sorted(set(folios_of(entry.position)))
        for line in entry.folios:
            before = lines.setdefault(line.folio, [])
            assert line == FolioLine(line.folio, len(before) + 1, before[-1] if before else None)
            before.append(entry.position)
    for folio, positions in lines.items():
        assert kept.read("folio_lines", folio, 0, 99, 60) == positions
        assert kept.read("folio_lines", folio, 2, 3, 60) == positions[2:5]
        assert kept.read("folio_lines", folio, 0, 99, 30) == [each for each in positions if each < 30]
        heads = kept.read("folio_heads", [folio, "ast_unknown"])
        assert heads == {folio: FolioLine(folio, len(positions), positions[-1])}


def test_statements_are_found_again(kept: Kept) -> None:
    fill(kept, kept.open(), 0, 5)
    digests = [make_envelope(number).digest() for number in (3, 4, 99)]
    assert kept.read("positions", digests) == {digests[0]: 3, digests[1]: 4}


def test_every_size_is_signed_with_all_keys(kept: Kept) -> None:
    log = kept.open(signed=True)
    assert log.verifier_keys() == KEYS
    append(log, kept, range(3))
    append(log, kept, range(3, 5))
    for size, row in ((3, kept.read("checkpoint", 3)), (5, kept.read("checkpoint"))):
        verified = verify_checkpoint(row.note, KEYS)
        assert (row.size, verified.checkpoint.size, verified.checkpoint.root) == (size, size, row.root)
        assert verified.signed_by == KEYS
    assert kept.read("checkpoint", 4) is None
    assert log.journal.newest() == (5, kept.read("head").root)


def test_signing_again_replaces_the_note(kept: Kept) -> None:
    log = kept.open()
    row = append(log, kept, range(3))
    with kept.transaction() as tx:
        kept.storage.put_checkpoint(tx, replace(row, note="newer"))
    assert kept.read("checkpoint").note == kept.read("checkpoint", 3).note == "newer"


def test_empty_storage(kept: Kept) -> None:
    assert kept.read("head") == Head(0, EMPTY_ROOT)
    assert kept.read("checkpoint") is None
    assert kept.read("entries", 0, 9) == kept.read("leaves", 0, 9) == []
    assert kept.read("tile", 0, 0) == b""
    with kept.transaction() as tx:
        assert kept.open().open_batch(tx, START).write(tx) is None


def test_the_writer_that_comes_second_starts_anew(kept: Kept) -> None:
    first, second = kept.open(), kept.open()
    for numbers in (range(3), range(3, 6)):
        with kept.transaction() as tx:
            batch = second.open_batch(tx, START)
            envelope = make_envelope(100 + numbers[0])
            batch.add(envelope, envelope.digest(), [ASSETS[0]])
        append(first, kept, numbers)
        with pytest.raises(HeadConflictError), kept.transaction() as tx:
            batch.write(tx)
        assert kept.read("head").size == numbers[-1] + 1
    append(second, kept, range(6, 9))
    append(first, kept, range(9, 12))
    assert kept.read("head").root == merkle.root([leaf_hash(row.data) for row in kept.read("entries", 0, 12)])


def test_overlapping_transactions_in_memory_do_not_overwrite_each_other() -> None:
    storage = MemoryLogStorage()
    first, second = Log(storage, ORIGIN, [], SigningJournal()), Log(storage, ORIGIN, [LOG_SIGNER], SigningJournal())
    with storage.transaction() as reading:
        append(second, storage, range(2))
        assert reading.head.size == 0
    with storage.transaction() as tx:
        assert tx.head.size == 2

    def overlap() -> None:
        with storage.transaction() as tx:
            batch = first.open_batch(tx, START + timedelta(seconds=9))
            batch.add(make_envelope(7), make_envelope(7).digest(), [ASSETS[0]])
            append(second, storage, range(2, 4))
            batch.write(tx)

    with pytest.raises(HeadConflictError):
        overlap()
    with storage.transaction() as tx:
        assert tx.head.size == len(tx.entries) == 4


def test_batch_that_fails_leaves_nothing(kept: Kept) -> None:
    log = kept.open()
    append(log, kept, range(3))
    before = [kept.read("head"), kept.read("entries", 0, 9), kept.read("folio_heads", ASSETS)]

    def fail() -> None:
        with kept.transaction() as tx:
            batch = log.open_batch(tx, START + timedelta(seconds=9))
            batch.add(make_envelope(3), make_envelope(3).digest(), folios_of(3))
            assert batch.write(tx)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [kept.read("head"), kept.read("entries", 0, 9), kept.read("folio_heads", ASSETS)] == before
    assert kept.read("positions", [make_envelope(3).digest()]) == {}
    append(log, kept, range(3, 5))
    assert kept.read("head").root == merkle.root(kept.read("leaves", 0, 5))


def test_statement_over_the_limits_leaves_the_batch_as_it_was(kept: Kept) -> None:
    log = kept.open()
    many = [f"ast_{'0' * 24}{a}{b}" for a in "0123456789" for b in "0123456789"][:65]
    with kept.transaction() as tx:
        batch = log.open_batch(tx, START)
        with pytest.raises(TooLargeError):
            batch.add(make_envelope(1), make_envelope(1).digest(), many)
        with pytest.raises(FormatError):
            batch.add(make_envelope(1), make_envelope(1).digest(), [])
        assert batch.position == batch.folio_length(many[0]) == 0
        entry = batch.add(make_envelope(0), make_envelope(0).digest(), many[:64])
        assert (entry.position, batch.position, batch.folio_length(many[0])) == (0, 1, 1)
        assert batch.write(tx)


def test_reopened_log_continues(kept: Kept) -> None:
    fill(kept, kept.open(), 0, 256)
    for start, stop in ((256, 300), (300, 512), (512, 513)):
        fill(kept, kept.open(), start, stop)
    leaves = [leaf_hash(row.data) for row in kept.read("entries", 0, 513)]
    assert kept.read("head") == Head(513, merkle.root(leaves))
    previous = [parse_entry(row.data).previous for row in kept.read("entries", 0, 513)]
    assert previous == [bytes(32), *leaves[:-1]]


def last_time(kept: Kept) -> datetime:
    size = kept.read("head").size
    return parse_entry(kept.read("entries", size - 1, size)[0].data).time


@pytest.mark.parametrize("is_reopened", [False, True])
def test_clock_may_be_five_seconds_behind(is_reopened: bool, kept: Kept) -> None:
    log = kept.open()
    append(log, kept, range(10))
    log = kept.open() if is_reopened else log
    newest = last_time(kept)
    with kept.transaction() as tx:
        assert log.open_batch(tx, newest - timedelta(seconds=5)).time == newest
        with pytest.raises(ClockBehindError):
            log.open_batch(tx, newest - timedelta(seconds=5, milliseconds=1))


def test_entry_is_the_same_in_memory_and_in_its_bytes(kept: Kept) -> None:
    """Times finer than a millisecond were kept in memory, but not in the entry."""
    log = kept.open()
    now = START + timedelta(microseconds=1999)
    with kept.transaction() as tx:
        batch = log.open_batch(tx, now)
        entry: Entry = batch.add(make_envelope(0), make_envelope(0).digest(), folios_of(0))
        assert batch.write(tx)
    assert entry.time == batch.time == truncate(now)
    assert parse_entry(kept.read("entries", 0, 1)[0].data) == entry


def test_changed_rows_are_noticed_on_opening(kept: Kept) -> None:
    fill(kept, kept.open(), 0, 256)
    row = kept.read("entries", 255, 256)[0]
    changed = replace(row, data=row.data.replace(b"2026", b"2025", 1))
    for each in (changed, replace(changed, leaf=leaf_hash(changed.data))):
        with kept.transaction() as tx:
            if isinstance(kept.storage, MemoryLogStorage):
                tx.entries[255] = each
            else:
                statement = text("UPDATE sanquan_entry SET data = :data, leaf = :leaf WHERE position = 255")
                tx.execute(statement, {"data": each.data, "leaf": each.leaf})
        with kept.transaction() as tx, pytest.raises(BrokenLogError):
            kept.open().open_batch(tx, START + timedelta(days=1))


def test_a_log_that_no_longer_knows_its_statements_takes_no_more(kept: Kept) -> None:
    """As a data folder of before the index, which would take the same statement twice."""
    fill(kept, kept.open(), 0, 3)
    with kept.transaction() as tx:
        if isinstance(kept.storage, MemoryLogStorage):
            tx.statements.clear()
        else:
            tx.execute(text("DELETE FROM sanquan_statement_newest"))
    with kept.transaction() as tx, pytest.raises(BrokenLogError, match="index"):
        kept.open().open_batch(tx, START + timedelta(days=1))


def test_journal_stops_a_second_history(kept: Kept) -> None:
    journal = SigningJournal()
    log = Log(kept.storage, ORIGIN, [LOG_SIGNER], journal)
    row = append(log, kept, range(3))
    assert log.sign(Head(row.size, row.root)).root == row.root
    for head in (Head(3, bytes(32)), Head(2, row.root)):
        with pytest.raises(JournalConflictError):
            log.sign(head)
