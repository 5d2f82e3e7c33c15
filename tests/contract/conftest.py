from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import _plain_logging
from tests.contract.served import Live, serve
from tests.registry.desk import Desk, open_desk

__all__ = ["_plain_logging"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with serve(tmp_path / "data") as served:
        yield served
