import contextlib
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BrokenJournalError, JournalConflictError, JournalMovedError, LogEndedError
from ledger.journal import Ended, SigningJournal

ROOT, OTHER, THIRD = b"\x01" * 32, b"\x02" * 32, b"\x03" * 32
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SigningJournal]:
    found = SigningJournal(tmp_path / "journal.db")
    yield found
    found.close()


def test_journal_remembers_what_was_signed(journal: SigningJournal) -> None:
    assert journal.newest() is None
    assert journal.record(1, OTHER)
    assert journal.record(3, ROOT)
    assert not journal.record(3, ROOT)
    assert not journal.record(1, OTHER)
    assert journal.newest() == (3, ROOT)
    assert journal.above(0, 9) == [(1, OTHER), (3, ROOT)]
    assert journal.above(0, 1) == [(1, OTHER)]
    assert journal.above(1, 9) == [(3, ROOT)]


@pytest.mark.parametrize(("size", "root"), [(3, OTHER), (2, ROOT), (2, OTHER), (0, ROOT), (1, ROOT)])
def test_second_root_and_unknown_smaller_size_are_refused(size: int, root: bytes, journal: SigningJournal) -> None:
    journal.record(1, OTHER)
    journal.record(3, ROOT)
    with pytest.raises(JournalConflictError):
        journal.record(size, root)
    assert journal.newest() == (3, ROOT)


def test_who_did_not_see_the_newest_signs_nothing_new(journal: SigningJournal) -> None:
    assert journal.record(3, ROOT, after=0)
    for after in (0, 2, 4):
        with pytest.raises(JournalMovedError):
            journal.record(5, OTHER, after=after)
    assert not journal.record(3, ROOT, after=0)
    assert journal.record(5, OTHER, after=3)


def test_journal_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first = SigningJournal(path)
    first.record(5, ROOT)
    first.close()
    second = SigningJournal(path)
    assert second.newest() == (5, ROOT)
    with pytest.raises(JournalConflictError):
        second.record(5, OTHER)
    for each in tmp_path.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    second.close()


def test_two_openings_of_one_file_know_of_each_other(tmp_path: Path) -> None:
    first, second = SigningJournal(tmp_path / "journal.db"), SigningJournal(tmp_path / "journal.db")
    first.record(5, ROOT)
    with pytest.raises(JournalConflictError):
        second.record(4, OTHER)
    second.record(6, OTHER)
    assert first.newest() == (6, OTHER)
    first.end(NOW)
    with pytest.raises(LogEndedError):
        second.record(7, ROOT)
    first.close()
    second.close()


def test_many_may_open_and_write_a_new_journal_at_once(tmp_path: Path) -> None:
    ended: list[int] = []
    start = threading.Barrier(4)

    def write(root: bytes) -> None:
        start.wait()
        journal = SigningJournal(tmp_path / "journal.db")
        for size in range(1, 20):
            with contextlib.suppress(JournalConflictError):
                journal.record(size, root)
        journal.close()
        ended.append(root[0])

    threads = [threading.Thread(target=write, args=(bytes([number]) * 32,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == [0, 1, 2, 3]


def test_an_ended_log_signs_nothing(tmp_path: Path) -> None:
    journal = SigningJournal(tmp_path / "journal.db")
    journal.record(3, ROOT)
    journal.end(NOW)
    journal.end(NOW.replace(year=2027), "next.test")
    journal.end(NOW, "another.test")
    journal.close()
    journal = SigningJournal(tmp_path / "journal.db")
    assert journal.ended() == Ended("2026-11-24T00:00:00.000Z", "next.test")
    for size, root in ((3, ROOT), (4, ROOT)):
        with pytest.raises(LogEndedError):
            journal.record(size, root)
    assert journal.newest() == (3, ROOT)
    journal.close()


def damage(path: Path, kind: str) -> None:
    if kind == "text":
        path.write_text("not a database, but a text that is longer than the head of one" * 20)
    elif kind == "torn":
        data = bytearray(path.read_bytes())
        data[4096:4196] = bytes(100)
        path.write_bytes(data)
    elif kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        with sqlite3.connect(path) as connection:
            connection.execute({"root": "UPDATE signed SET root = x'01'", "size": "UPDATE signed SET size = -1"}[kind])
        connection.close()


@pytest.mark.parametrize("kind", ["text", "torn", "folder", "root", "size"])
def test_a_damaged_journal_is_noticed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SigningJournal(path)
    journal.record(3, ROOT)
    journal.close()
    damage(path, kind)
    with pytest.raises(BrokenJournalError, match=r"journal\.db"):
        SigningJournal(path)


def test_a_closed_journal_signs_nothing(tmp_path: Path) -> None:
    journal = SigningJournal(tmp_path / "journal.db")
    journal.close()
    with pytest.raises(BrokenJournalError):
        journal.record(1, ROOT)


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([ROOT, OTHER, THIRD]))))
def test_sizes_have_one_root_and_new_ones_only_grow(attempts: list[tuple[int, bytes]]) -> None:
    journal = SigningJournal()
    signed: dict[int, bytes] = {}
    for size, root in attempts:
        may = root == signed[size] if size in signed else size > max(signed, default=-1)
        try:
            is_new = journal.record(size, root)
        except JournalConflictError:
            assert not may
        else:
            assert may
            assert is_new == (size not in signed)
            signed[size] = root
    assert dict(journal.above(-1, 99)) == signed
    journal.close()
