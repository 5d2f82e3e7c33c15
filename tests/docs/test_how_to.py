"""Every command of the how-to pages does what the page says: pages are run as they stand.

A block of `sh` is run by bash, one page in one folder, against a registry of its own. A plain block right behind it is
what it prints, where `…` stands for anything. `http://127.0.0.1:8000` is the registry's address in the run.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.api.live import live_registry
from tests.forks import Forks

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
ADDRESS = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n(?:\n^```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
SETTINGS: dict[str, dict[str, Any]] = {"members.md": {"visibility": "members"}}
PAGES = sorted(path.name for path in HOW_TO.glob("*.md") if re.search(r"^```sh$", path.read_text(), re.MULTILINE))
_TIMEOUT_S = 120


def blocks(text: str) -> list[tuple[str, str | None]]:
    """The commands of a page and what they print."""
    return [(body, printed or None) for kind, body, printed in BLOCK.findall(text) if kind == "sh"]


def as_pattern(text: str) -> str:
    """`…` stands for anything."""
    return ".*".join(re.escape(part) for part in text.strip().split("…"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_works_as_it_stands(page: str, running: Forks, tmp_path: Path) -> None:
    with live_registry(tmp_path / "sanquan-data", **SETTINGS.get(page, {})) as live:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("SANQUAN_", "LC_", "LANG"))
        }
        environment |= {
            "HOME": str(tmp_path), "PATH": f"{running.shim.parent}:{os.environ['PATH']}", "LANG": "C.UTF-8",
            "SANQUAN_URL": live.url, "SANQUAN_LANG": "en",
        }  # fmt: skip
        for number, (commands, printed) in enumerate(blocks((HOW_TO / page).read_text(encoding="utf-8"))):
            script = "set -euo pipefail\n" + commands.replace(ADDRESS, live.url)
            done = subprocess.run(
                ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True,
                timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            assert done.returncode == 0, (number, commands, done.stdout, done.stderr)
            if printed is not None:
                shown = done.stdout.replace(live.url, ADDRESS).strip()
                assert re.fullmatch(as_pattern(printed), shown, re.DOTALL), (number, commands, done.stdout)


def test_there_are_pages_to_run() -> None:
    assert len(PAGES) >= 1
