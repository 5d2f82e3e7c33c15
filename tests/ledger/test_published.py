"""What a storage keeps of what is published, and whether a size in a range was signed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from ledger.storage import CheckpointRow, LogStorage
from ledger.storage.memory import MemoryLogStorage
from ledger.storage.sql import SqlLogStorage
from ledger.tiles import Bundle, Tile, implying_sizes

Begin = Callable[[], AbstractContextManager[Any]]


@pytest.fixture(params=["memory", "sqlite"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[LogStorage[Any], Begin]]:
    if request.param == "memory":
        memory = MemoryLogStorage()
        yield memory, memory.transaction
        return
    engine = create_engine(f"sqlite:///{tmp_path / 'log.db'}")
    storage = SqlLogStorage()
    with engine.begin() as tx:
        storage.create(tx)
    yield storage, engine.begin
    engine.dispose()


def row(size: int, note: str = "") -> CheckpointRow:
    return CheckpointRow(size, bytes(32), note)


def test_what_is_published_does_not_become_smaller(kept: tuple[LogStorage[Any], Begin]) -> None:
    storage, begin = kept
    with begin() as tx:
        assert storage.published(tx) is None
        assert storage.publish(tx, row(5))
    with begin() as tx:
        assert not storage.publish(tx, row(4))
        assert storage.published(tx) == row(5)
        assert storage.publish(tx, row(5, "cosigned"))
        assert storage.published(tx) == row(5, "cosigned")
    with begin() as tx:
        assert storage.publish(tx, row(9))
    with begin() as tx:
        assert storage.published(tx) == row(9)
        storage.unpublish(tx)
        assert storage.published(tx) is None
        assert storage.publish(tx, row(1))


def test_sizes_that_were_signed(kept: tuple[LogStorage[Any], Begin]) -> None:
    storage, begin = kept
    with begin() as tx:
        assert not storage.signed_between(tx, 0, 1 << 63)
        for size in (3, 256, 700):
            storage.put_checkpoint(tx, row(size))
    with begin() as tx:
        for start, stop, found in ((0, 3, False), (3, 4, True), (4, 256, False), (4, 257, True), (701, 1 << 63, False)):
            assert storage.signed_between(tx, start, stop) is found, (start, stop)
        for file, found in {
            Tile(0, 0, 3): True, Tile(0, 0, 4): False, Tile(0, 0): True, Tile(0, 1): True, Tile(0, 2): False,
            Tile(0, 2, 188): True, Tile(1, 0, 1): True, Tile(1, 0, 2): True, Tile(1, 0, 3): False, Tile(2, 0, 1): False,
            Tile(63, 0): False, Bundle(0, 3): True, Bundle(1, 1): False, Bundle(2, 188): True,
        }.items():  # fmt: skip
            assert storage.signed_between(tx, *implying_sizes(file)) is found, file
