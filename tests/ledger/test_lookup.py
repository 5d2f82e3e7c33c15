from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, select

from ledger.storage import lookup
from ledger.storage.lookup import Lookup, signed_key
from ledger.storage.tables import METADATA, STATEMENTS

SETTLED, NEWEST = STATEMENTS
UNIT = 4
KEYS = st.integers(-5, 5) | st.sampled_from([-(2**63), 2**63 - 1])
BATCHES = st.lists(st.lists(st.lists(KEYS, max_size=UNIT, unique=True), min_size=1, max_size=9), max_size=9)


@pytest.fixture(scope="module", autouse=True)
def _short() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "EVERY", 5)
        yield


def fill(tx: Connection, batches: list[list[list[int]]]) -> set[tuple[int, int]]:
    """Each batch lists the keys of its entries."""
    found, rows, size = Lookup(SETTLED, NEWEST, UNIT), set[tuple[int, int]](), 0
    for batch in batches:
        new = [(key, (size + n) * UNIT + i) for n, keys in enumerate(batch) for i, key in enumerate(keys)]
        found.add(tx, new, size, size + len(batch))
        size += len(batch)
        rows |= set(new)
    return rows


def connected() -> Connection:
    tx = create_engine("sqlite://").connect()
    METADATA.create_all(tx, tables=STATEMENTS)
    return tx


@given(BATCHES, st.lists(KEYS, max_size=3))
def test_every_row_is_found_by_its_key(batches: list[list[list[int]]], keys: list[int]) -> None:
    with connected() as tx:
        rows = fill(tx, batches)
        found = Lookup(SETTLED, NEWEST, UNIT).find(tx, keys)
        assert sorted(found) == sorted(row for row in rows if row[0] in keys)


@given(BATCHES)
def test_what_stands_where_follows_from_the_size_alone(batches: list[list[list[int]]]) -> None:
    with connected() as tx, connected() as other:
        rows = fill(tx, batches)
        fill(other, [[keys] for batch in batches for keys in batch])
        size = sum(map(len, batches))
        limit = size // lookup.EVERY * lookup.EVERY * UNIT
        for table, wanted in (
            (SETTLED, {row for row in rows if row[1] < limit}),
            (NEWEST, {row for row in rows if row[1] >= limit}),
        ):
            for each in (tx, other):
                assert {tuple(row) for row in each.execute(select(table.c.key, table.c.ref))} == wanted


def test_keys_are_the_first_64_bits_of_a_digest() -> None:
    assert signed_key(bytes.fromhex("00" * 7 + "01" + "ff" * 24)) == 1
    assert signed_key(b"\xff" * 32) == -1
