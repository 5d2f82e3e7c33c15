from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.cli.console import Console, Served
from tests.forks import Forks


@pytest.fixture
def sanquan(tmp_path: Path, running: Forks) -> Console:
    return Console(tmp_path, running)


@pytest.fixture
def served(sanquan: Console) -> Iterator[Served]:
    with sanquan.serve("--simulated-clock", "now") as running:
        yield running
