"""Whether a registry may write: what a start judges, and what a running one notices. ledger.md 0.6."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal import Ended, SignedRoot
from ledger.storage import Head
from registry.clock import SimulatedClock
from registry.refusals.refusal import Words
from registry.registry import Options, open_registry
from registry.starting import Found, SignedFact, judge_start
from tests.registry.desk import ORIGIN, START, Desk, codes, open_desk, updates

WITNESS = Words("The witness w.example", "见证方 w.example")


def root_of(size: int) -> bytes:
    """A history of its own."""
    return size.to_bytes(32, "big")


OTHER = b"\xff" * 32


def found(size: int = 5, **more: Any) -> Found:
    return Found(Head(size, root_of(size)), root_of, **more)


def signed(size: int, root: bytes | None = None) -> SignedRoot:
    return SignedRoot(size, root or root_of(size))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, None),
        ({"journal": signed(5), "stored": signed(5)}, None),
        ({"journal": signed(4), "stored": signed(4)}, None),
        ({"journal": signed(4), "stored": signed(5)}, None),
        ({"journal": signed(5), "stored": signed(4)}, None),
        ({"journal": signed(5)}, None),
        ({"journal": signed(6), "stored": signed(5)}, "The journal says that 6 entries were signed"),
        ({"journal": signed(4, OTHER), "stored": signed(5)}, "The journal says that another history of 4"),
        ({"stored": signed(5)}, "the journal is missing or empty"),
        ({"journal": signed(4), "stored": signed(5, OTHER)}, "damaged"),
        ({"ended": Ended("2026-11-24T00:00:00.000Z", None), "journal": signed(5)}, "ended at 2026-11-24"),
        ({"ended": Ended("2026-11-24T00:00:00.000Z", "next.test")}, "continued by next.test"),
        ({"elsewhere": [SignedFact(WITNESS, 5)]}, None),
        ({"elsewhere": [SignedFact(WITNESS, 3, root_of(3)), SignedFact(WITNESS, 5, root_of(5))]}, None),
        ({"journal": signed(5), "elsewhere": [SignedFact(WITNESS, 6)]}, "The witness w.example says that 6 entries"),
        ({"elsewhere": [SignedFact(WITNESS, 2), SignedFact(WITNESS, 3, OTHER)]}, "w.example says that another history"),
    ],
    ids=range(16),
)
def test_what_a_start_judges(facts: dict[str, Any], words: str | None) -> None:
    judged = judge_start(found(**facts))
    assert (judged is None) == (words is None), judged
    if judged is not None and words is not None:
        assert words in judged.en
        assert judged.zh


@given(st.integers(0, 9), st.integers(0, 9), st.lists(st.tuples(st.integers(0, 9), st.booleans())))
def test_it_writes_only_where_everything_signed_is_there(
    head: int, journal: int, others: list[tuple[int, bool]]
) -> None:
    facts = [SignedFact(WITNESS, size, root_of(size) if has_root else None) for size, has_root in others]
    judged = judge_start(found(head, journal=signed(journal), elsewhere=facts))
    assert (judged is None) == (head >= max([journal, *(size for size, _ in others)]))


def test_what_witnesses_saw_is_asked_at_a_start(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data"):
        pass

    def kept_elsewhere(origin: str) -> list[SignedFact]:
        assert origin == ORIGIN
        return [SignedFact(WITNESS, 2)]

    options = Options(tmp_path / "data", ORIGIN, kept_elsewhere=kept_elsewhere)
    with closing(open_registry(options, SimulatedClock(START))) as registry:
        assert registry.office.read_only is not None
        assert "The witness w.example says that 2 entries" in registry.office.read_only.en


@pytest.mark.parametrize("is_ended", [True, False])
def test_a_running_registry_notices_that_it_may_write_no_more(is_ended: bool, desk: Desk) -> None:
    """The database was exchanged for an older copy, or another process has ended the log."""
    a = desk.party("甲")
    size = desk.size()
    if is_ended:
        desk.registry.log.journal.end(START, "next.test")
    else:
        desk.registry.log.journal.record(1000, OTHER)
    for _ in range(2):
        answers = desk.registry.office.submit(updates(desk, a, 2))
        assert codes(answers) == ["READ_ONLY", "READ_ONLY"]
        assert answers[0].refusal is not None
        assert answers[0].refusal.status == 503
    assert desk.registry.office.read_only is not None
    assert desk.size() == size
