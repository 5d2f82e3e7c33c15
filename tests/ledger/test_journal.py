import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import JournalConflictError
from ledger.journal import SigningJournal

ROOT, OTHER = b"\x01" * 32, b"\x02" * 32


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SigningJournal]:
    found = SigningJournal(tmp_path / "journal.db")
    yield found
    found.close()


def test_journal_remembers_the_newest(journal: SigningJournal) -> None:
    assert journal.newest() is None
    journal.record(0, OTHER)
    journal.record(3, ROOT)
    journal.record(3, ROOT)
    assert journal.newest() == (3, ROOT)


@pytest.mark.parametrize(("size", "root"), [(3, OTHER), (2, ROOT), (2, OTHER), (0, ROOT)])
def test_second_root_and_smaller_size_are_refused(size: int, root: bytes, journal: SigningJournal) -> None:
    journal.record(3, ROOT)
    with pytest.raises(JournalConflictError):
        journal.record(size, root)
    assert journal.newest() == (3, ROOT)


def test_journal_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first = SigningJournal(path)
    first.record(5, ROOT)
    first.close()
    second = SigningJournal(path)
    assert second.newest() == (5, ROOT)
    with pytest.raises(JournalConflictError):
        second.record(5, OTHER)
    second.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_openings_of_one_file_know_of_each_other(tmp_path: Path) -> None:
    first, second = SigningJournal(tmp_path / "journal.db"), SigningJournal(tmp_path / "journal.db")
    first.record(5, ROOT)
    with pytest.raises(JournalConflictError):
        second.record(4, OTHER)
    second.record(6, OTHER)
    assert first.newest() == (6, OTHER)
    first.close()
    second.close()


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([ROOT, OTHER]))))
def test_signed_sizes_only_grow_and_have_one_root(attempts: list[tuple[int, bytes]]) -> None:
    journal = SigningJournal()
    signed: list[tuple[int, bytes]] = []
    for attempt in attempts:
        try:
            journal.record(*attempt)
        except JournalConflictError:
            continue
        signed.append(attempt)
    journal.close()
    assert signed == sorted(signed, key=lambda each: each[0])
    assert len(dict(signed)) == len(set(signed))
