"""A served registry for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.live import Live, live_registry


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with live_registry(tmp_path / "data") as found:
        yield found
