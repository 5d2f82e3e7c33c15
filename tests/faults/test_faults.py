"""Some dozens of faults; `make faults` makes hundreds."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.children import children
from tests.faults.faults import World, faults_here, run_faults

COUNT = 24
SEED = int(os.environ.get("SANQUAN_TEST_SEED", "20261124"))


def test_faults_are_survived(tmp_path: Path, record_property: Callable[[str, Any], None]) -> None:
    with children(tmp_path) as started:
        record_property("faults", run_faults(World(tmp_path, started, SEED), COUNT, faults_here(tmp_path)))
