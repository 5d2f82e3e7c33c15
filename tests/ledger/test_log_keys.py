"""Who signs which checkpoint. ledger.md 0.10."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log_keys import LogKey, signing_keys
from ledger.note import VerifierKey
from tests.ledger.logs import KEYS

ED, ML = KEYS


def test_a_key_signs_from_the_size_that_covers_its_entry() -> None:
    keys = [LogKey(ED, 0), LogKey(ML, 5)]
    assert signing_keys(keys, 4, 5) == (ED,)
    assert signing_keys(keys, 5, 6) == (ED, ML)


def test_a_retired_key_signs_once_more_and_never_again() -> None:
    keys = [LogKey(ED, 0, 7), LogKey(ML, 0)]
    assert not keys[0].is_live(8)
    assert keys[0].is_live(7)
    assert signing_keys(keys, 6, 7) == (ED, ML)  # does not cover the entry yet
    assert signing_keys(keys, 7, 8) == (ED, ML)  # the first that covers it
    assert signing_keys(keys, 3, 20) == (ED, ML)  # likewise, in a large batch
    assert signing_keys(keys, 8, 9) == (ML,)


@pytest.mark.parametrize(("previous", "size"), [(5, 5), (6, 5), (-1, 5)])
def test_sizes_grow(previous: int, size: int) -> None:
    with pytest.raises(ValueError, match="is not signed after"):
        signing_keys([LogKey(ED, 0)], previous, size)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[LogKey], list[int]]:
    """Keys with the positions of their entries, and the sizes signed, the first of which is above 0."""
    sizes = sorted(draw(st.sets(st.integers(1, 40), min_size=1)))
    keys = []
    for _ in range(draw(st.integers(1, 5))):
        since = draw(st.integers(0, 38))
        keys.append(LogKey(draw(st.sampled_from(KEYS)), since, draw(st.none() | st.integers(since + 1, 39))))
    return keys, sizes


@given(histories())
def test_every_retired_key_signs_exactly_one_checkpoint_that_covers_its_end(
    history: tuple[list[LogKey], list[int]],
) -> None:
    keys, sizes = history
    signed: dict[int, set[int]] = {number: set() for number in range(len(keys))}
    for previous, size in zip([0, *sizes], sizes, strict=False):
        found = signing_keys(keys, previous, size)
        wanted = [key for key in keys if key.signs(previous, size)]
        assert found == tuple(key.key for key in wanted)
        for number, key in enumerate(keys):
            if key.signs(previous, size):
                signed[number].add(size)
            assert key.signs(previous, size) or not key.is_live(size)  # every live key signs
    for number, key in enumerate(keys):
        if key.until is not None:
            covering = [size for size in sizes if size > key.until]
            assert {size for size in signed[number] if size > key.until} == set(covering[:1])
        assert all(size > key.since for size in signed[number])


def test_keys_are_told_apart_by_more_than_their_order() -> None:
    assert isinstance(ED, VerifierKey)
    assert signing_keys([LogKey(ML, 0), LogKey(ED, 0)], 0, 1) == (ML, ED)
