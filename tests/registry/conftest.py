from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.desk import Desk, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "data") as opened:
        yield opened
