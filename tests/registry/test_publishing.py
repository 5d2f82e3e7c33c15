"""What is published: under no policy and under one, across starts and between processes, and when witnesses dispute it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, verify_checkpoint
from ledger.cosigning import Dispute
from ledger.note import format_verifier_key, parse_note
from ledger.policy import Policy, parse_policy
from ledger.proof import parse_proof
from ledger.storage import CheckpointRow
from registry.disputes import dispute_words, ends_the_log
from registry.publishing import Pace, Publisher
from registry.refusals.refusal import RefusedError, Words
from registry.registry import Registry
from tests.ledger.fake_witness import FakeWitness, fake_witness
from tests.registry.desk import Desk, open_desk
from tests.words import english_run

SOON = Pace(every=0.02, look=0.0, deadline=60, witness=2.0)
AT_ONCE = Pace(every=0.0, look=0.0, deadline=0, witness=2.0)
PATIENT = Pace(every=0.0, look=0.0, deadline=3600, witness=2.0)


def policy_for(registry: Registry, rule: str, *witnesses: FakeWitness) -> Policy:
    logs = "".join(f"log {format_verifier_key(key)}\n" for key in registry.log.verifier_keys())
    return parse_policy((logs + "".join(w.policy_line for w in witnesses) + rule).encode())


@contextmanager
def publishing(
    desk: Desk, rule: str | None = None, *witnesses: FakeWitness, pace: Pace = PATIENT, **more: Any
) -> Iterator[Publisher]:
    registry = desk.registry
    policy = policy_for(registry, rule, *witnesses) if rule is not None else None
    publisher = Publisher(registry.engine, registry.log, policy, pace=pace, **more)
    try:
        yield publisher
    finally:
        publisher.stop()


def meets(desk: Desk, note: str, rule: str, *witnesses: FakeWitness) -> None:
    """Returns if the note is good under the policy."""
    policy_for(desk.registry, rule, *witnesses).verify(note)


def is_published(publisher: Publisher, size: int, seconds: float = 10) -> bool:
    """Whether that size is published within the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if publisher.state().published == size:
            return True
        time.sleep(0.005)
    return False


def size_of(publisher: Publisher) -> int:
    try:
        return publisher.checkpoint().size
    except RefusedError as refusal:
        assert refusal.code == "NOT_FOUND"
        return 0


def test_without_a_policy_the_newest_is_shown(desk: Desk) -> None:
    with publishing(desk, is_new=True) as publisher:
        assert size_of(publisher) == 1
        desk.party("甲")
        assert size_of(publisher) == 2
        assert publisher.state().degraded is None


def test_what_another_process_signed_is_shown_soon(desk: Desk) -> None:
    """And readers do not ask the database each time."""
    with publishing(desk, pace=Pace(every=0.0, look=3600)) as publisher:
        assert size_of(publisher) == 1
        desk.party("甲")
        assert size_of(publisher) == 1
        publisher.wake()
        assert size_of(publisher) == 2
    with publishing(desk, pace=Pace(every=0.0, look=0.01)) as publisher:
        assert size_of(publisher) == 2
        desk.party("乙")
        assert is_published(publisher, 3)


def test_no_more_than_one_a_second_is_shown(desk: Desk) -> None:
    with publishing(desk, pace=Pace(every=3600)) as publisher:
        assert size_of(publisher) == 1
        desk.party("甲")
        assert size_of(publisher) == 1
        assert publisher.state().signed == 2


@pytest.mark.parametrize("rule", [None, "quorum none\n", "quorum w0\n"])
def test_what_was_signed_a_minute_ago_is_signed_again(desk: Desk, rule: str | None) -> None:
    registry = desk.registry
    keys = registry.log.verifier_keys()
    with registry.engine.begin() as tx:
        row = registry.log.storage.checkpoint(tx)
        assert row is not None
        signers = (registry.keys.log, registry.keys.log_mldsa44)
        old = sign_checkpoint(Checkpoint(registry.origin, row.size, row.root), signers, int(time.time()) - 61)
        registry.log.storage.put_checkpoint(tx, CheckpointRow(row.size, row.root, old))
    with fake_witness(0) as one, publishing(desk, rule, one) as publisher:
        before = publisher.checkpoint().note
        assert before == old
        publisher.step()
        after = publisher.checkpoint().note
        new, was = verify_checkpoint(after, keys), verify_checkpoint(old, keys)
        assert new.checkpoint == was.checkpoint
        assert (new.timestamps[1] or 0) >= (was.timestamps[1] or 0) + 61
        assert after.count("\n— ") == (3 if rule else 2)
        publisher.step()
        assert publisher.checkpoint().note == after, "what was signed just now is not signed again"


def test_under_a_policy_only_what_the_quorum_cosigned_is_published(desk: Desk) -> None:
    rule = "group q all w0 w1\nquorum q\n"
    with fake_witness(0) as one, fake_witness(1) as two, publishing(desk, rule, one, two, is_new=True) as publisher:
        assert size_of(publisher) == 0, "nothing was published before the first cosignature"
        two.lie = lambda *_: (503, b"")
        publisher.step()
        assert size_of(publisher) == 0
        two.lie = lambda *_: None
        publisher.step()
        meets(desk, publisher.checkpoint().note, rule, one, two)
        desk.party("甲")
        assert size_of(publisher) == 1, "signed, and not yet cosigned"
        state = publisher.state()
        assert (state.published, state.signed, state.degraded, state.silent) == (1, 2, None, {})
        publisher.step()
        assert size_of(publisher) == 2
        meets(desk, publisher.checkpoint().note, rule, one, two)


def test_a_quorum_of_any_does_not_wait_for_the_other(desk: Desk) -> None:
    rule = "group q any w0 w1\nquorum q\n"
    with (
        fake_witness(0) as one,
        fake_witness(1, lie=lambda *_: (500, b"")) as two,
        publishing(desk, rule, one, two, is_new=True) as publisher,
    ):
        publisher.step()
        assert size_of(publisher) == 1
        state = publisher.state()
        assert (state.degraded, state.silent) == (None, {"w1": "it answers 500"})


def test_after_the_deadline_the_newest_signed_is_published_and_that_is_said(desk: Desk) -> None:
    rule = "quorum w0\n"
    with (
        fake_witness(0, lie=lambda *_: (500, b"")) as one,
        publishing(desk, rule, one, is_new=True, pace=AT_ONCE) as publisher,
    ):
        publisher.step()
        assert size_of(publisher) == 1
        with pytest.raises(Exception, match="no cosignature by w0"):
            meets(desk, publisher.checkpoint().note, rule, one)
        words = publisher.state().degraded
        assert words is not None and "w0: it answers 500" in words.en
        assert english_run(words.zh) is None
        desk.party("甲")
        publisher.step()
        assert size_of(publisher) == 2, "while it lasts, no size waits for the deadline again"
        one.lie = lambda *_: None
        publisher.step()
        meets(desk, publisher.checkpoint().note, rule, one)
        assert (publisher.state().degraded, publisher.state().silent) == (None, {})


def test_the_thread_publishes_what_is_signed(desk: Desk) -> None:
    with fake_witness(0) as one, publishing(desk, "quorum w0\n", one, is_new=True, pace=SOON) as publisher:
        desk.registry.office.written.append(publisher.wake)
        publisher.start()
        assert is_published(publisher, 1)
        for size in (2, 3, 4):
            desk.party(f"甲{size}")
            assert is_published(publisher, size)
        one.lie = lambda *_: (500, b"")
        desk.party("乙")
        one.lie = lambda *_: None
        assert is_published(publisher, 5), "asked again by itself"


def test_receipts_for_the_published_size_carry_all_lines(desk: Desk) -> None:
    rule = "quorum w0\n"
    with fake_witness(0) as one, publishing(desk, rule, one) as publisher:
        desk.party("甲")
        publisher.step()
        size = publisher.checkpoint().size
        desk.party("乙")
        text = desk.registry.reader.inclusion(1, size)
        leaf = desk.registry.reader.entry(1).leaf
        policy = policy_for(desk.registry, rule, one)
        assert policy.verify_proof(parse_proof(text), leaf).checkpoint.size == size == 2


def test_what_is_published_never_becomes_smaller_over_starts(tmp_path: Path) -> None:
    rule = "quorum w0\n"
    with fake_witness(0) as one:
        with open_desk(tmp_path / "data") as desk, publishing(desk, rule, one, is_new=True) as publisher:
            publisher.step()
            desk.party("甲")
            publisher.step()
            desk.party("乙")
            published = publisher.checkpoint()
            assert published.size == 2
        one.lie = lambda *_: (500, b"")
        with open_desk(tmp_path / "data") as desk:
            with publishing(desk, rule, one) as publisher:
                assert publisher.checkpoint() == published
                publisher.step()
                assert publisher.checkpoint() == published
            with publishing(desk) as publisher:
                assert size_of(publisher) == 3, "without a policy everything signed is shown"
            with publishing(desk, rule, one) as publisher:
                assert size_of(publisher) == 3, "what was shown without a policy stays"
                one.lie = lambda *_: None
                publisher.step()
                meets(desk, publisher.checkpoint().note, rule, one)


def test_two_processes_publish_one_log(desk: Desk) -> None:
    """Neither goes back behind the other, and lines that one got are not lost by the other."""
    with (
        fake_witness(0) as one,
        fake_witness(1) as two,
        publishing(desk, "quorum w0\n", one) as first,
        publishing(desk, "quorum w1\n", two) as second,
    ):
        first.step()
        second.step()
        meets(desk, first.checkpoint().note, "group q all w0 w1\nquorum q\n", one, two)
        desk.party("甲")
        second.step()
        assert size_of(first) == size_of(second) == 2
        with desk.registry.engine.begin() as tx:
            smaller = desk.registry.log.storage.checkpoint(tx, 1)
            assert smaller is not None
            assert not desk.registry.log.storage.publish(tx, smaller)
        assert size_of(first) == 2


def test_what_two_processes_get_at_the_same_time_stands_together(desk: Desk) -> None:
    with (
        fake_witness(0) as one,
        fake_witness(1) as two,
        publishing(desk, "quorum w0\n", one) as first,
        publishing(desk, "quorum w1\n", two) as second,
    ):
        two.lie = lambda *_: (first.step(), None)[1]  # while the second process asks, the first asks and publishes
        second.step()
        assert len(one.asked) == len(two.asked) == 1
        meets(desk, second.checkpoint().note, "group q all w0 w1\nquorum q\n", one, two)


def newer(desk: Desk, size: int = 9, root: bytes = bytes(32)) -> str:
    """A checkpoint that the log signed before an old copy was put back."""
    registry = desk.registry
    signers = (registry.keys.log, registry.keys.log_mldsa44)
    return sign_checkpoint(Checkpoint(registry.origin, size, root), signers, int(time.time()))


@pytest.mark.parametrize(("size", "lie"), [(9, None), (1, (422, b""))])
def test_a_witness_that_can_show_it_ends_the_log(desk: Desk, size: int, lie: Any) -> None:
    """Whatever the quorum says: two histories signed by one log are a fact."""
    told: list[Words] = []
    note = newer(desk, size)
    with (
        fake_witness(0) as one,
        fake_witness(1, size=size, note=note, lie=lambda *_: lie) as two,
        publishing(desk, "group q any w0 w1\nquorum q\n", one, two, on_dispute=told.append) as publisher,
    ):
        before = publisher.checkpoint()
        desk.party("甲")
        for _ in range(3):
            publisher.step()
        assert publisher.checkpoint() == before
        assert len(two.asked) == 1
        assert told == [publisher.state().degraded]
        assert "w1" in told[0].en
        assert english_run(told[0].zh.replace("w1", "")) is None


def test_the_word_of_a_witness_alone_does_not_outweigh_the_quorum(desk: Desk) -> None:
    told: list[Words] = []
    with (
        fake_witness(0) as one,
        fake_witness(1, size=9) as liar,
        publishing(desk, "group q any w0 w1\nquorum q\n", one, liar, on_dispute=told.append) as publisher,
    ):
        desk.party("甲")
        publisher.step()
        assert size_of(publisher) == 2
        assert (told, publisher.state().silent) == ([], {"w1": "it disputes the log"})


def test_the_word_of_witnesses_whom_the_quorum_needs_is_enough(desk: Desk) -> None:
    told: list[Words] = []
    with fake_witness(0) as one, fake_witness(1, size=9) as needed:
        rule = "group q all w0 w1\nquorum q\n"
        with publishing(desk, rule, one, needed, pace=AT_ONCE, on_dispute=told.append) as publisher:
            desk.party("甲")
            publisher.step()
            publisher.step()
            assert size_of(publisher) == 1
            assert len(told) == 1 and "9 entries" in told[0].en


def test_nothing_is_asked_while_nothing_may_be_signed(desk: Desk) -> None:
    with fake_witness(0) as one, publishing(desk, "quorum w0\n", one, is_closed=lambda: True) as publisher:
        publisher.step()
        assert one.asked == []


@pytest.mark.parametrize(
    ("disputes", "enough", "ends"),
    [
        ([], False, False),
        ([Dispute("w", 9)], True, False),
        ([Dispute("w", 9)], False, True),
        ([Dispute("w")], False, True),
        ([Dispute("v"), Dispute("w", 9, "note")], True, True),
    ],
)
def test_when_a_dispute_ends_the_log(disputes: list[Dispute], enough: bool, ends: bool) -> None:
    assert ends_the_log(disputes, others_are_enough=enough) is ends
    if disputes:
        words = dispute_words(disputes, 5)
        assert "w" in words.en
        assert english_run(words.zh.replace(" w ", "")) is None


def test_a_note_that_is_published_is_that_of_its_size(desk: Desk) -> None:
    with fake_witness(0) as one, publishing(desk, "quorum w0\n", one) as publisher:
        publisher.step()
        row = publisher.checkpoint()
        assert parse_checkpoint(parse_note(row.note).text) == Checkpoint(desk.registry.origin, row.size, row.root)
