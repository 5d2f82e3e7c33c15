from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.desk import Actor, Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def a(desk: Desk) -> Actor:
    return desk.party("甲")


@pytest.fixture
def b(desk: Desk) -> Actor:
    return desk.party("乙")


@pytest.fixture
def c(desk: Desk) -> Actor:
    return desk.party("丙")
