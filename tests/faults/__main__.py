"""`make faults`: hundreds of faults. `--count`, and `--seed` to have the same again."""

import argparse
import secrets
import tempfile
from pathlib import Path

import structlog

from tests.faults.children import children
from tests.faults.faults import World, faults_here, run_faults


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = parser.parse_args()
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sanquan-faults-") as folder, children(Path(folder)) as started:
        print(run_faults(World(Path(folder), started, given.seed), given.count, faults_here(Path(folder))))


if __name__ == "__main__":
    main()
