"""Every command of the how-to pages does what the page says: pages are run as they stand.

A block of `sh` is run by a shell, one page in one folder, against a registry of its own. A plain block right behind it is
what it prints, where `…` stands for anything. A block of `python` with such a block behind it is a whole program and is
run, too. `http://127.0.0.1:8000` is the registry's address in the run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.api.live import Live, live_registry
from tests.forks import ROOT, Forks

HOW_TO = ROOT / "docs" / "how-to"
CURL = Path(__file__).with_name("curl.py")
ADDRESS = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```\n(?:\n^```\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
SETTINGS: dict[str, dict[str, Any]] = {
    "guards.md": {"quota_requests": "20/hour", "max_document_bytes": 1_000_000},
    "members.md": {"visibility": "members"},
}
OF_FILES = {"import.md", "rulebook.md", "verify-offline.md", "witness.md"}
"""Pages whose commands are those of a machine, not of a registry that is there; `tests/api/cli` runs what they say."""
_TIMEOUT_S = 120


class Block(NamedTuple):
    """Commands or a program, and what they print."""

    kind: str
    text: str
    printed: str | None

    @property
    def is_run(self) -> bool:
        return self.kind == "sh" or (self.kind == "python" and self.printed is not None)


def blocks(page: str) -> list[Block]:
    """What of a page is run."""
    found = BLOCK.findall((HOW_TO / page).read_text(encoding="utf-8"))
    return [block for each in found if (block := Block(each[0], each[1], each[2] or None)).is_run]


PAGES = sorted(path.name for path in HOW_TO.glob("*.md") if blocks(path.name))


class Machine:
    """A folder, a shell, and on its path what a page needs: `sanquan`, a `python3` that has the SDK, and `curl`."""

    def __init__(self, folder: Path, running: Forks, *, bare: bool = False) -> None:
        """`bare`: without bash and curl, even where they are."""
        self.folder = folder
        self._bash = None if bare else shutil.which("bash")
        tools = folder / ".tools"
        tools.mkdir()
        _put(tools / "python3", f'"{sys.executable}"')
        if bare or shutil.which("curl") is None:
            _put(tools / "curl", f'"{sys.executable}" -ISs "{CURL}"')
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SANQUAN_", "LC_", "LANG"))}
        self._environment = kept | {
            "HOME": str(folder), "PATH": f"{running.shim.parent}:{tools}:{os.environ['PATH']}", "LANG": "C.UTF-8",
            "SANQUAN_LANG": "en",
        }  # fmt: skip

    def run(self, block: Block, url: str) -> subprocess.CompletedProcess[str]:
        """The ended process of a block."""
        text = block.text.replace(ADDRESS, url)
        if block.kind == "python":
            command = [sys.executable, "-c", text]
        elif self._bash is not None:
            command = [self._bash, "-c", "set -euo pipefail\n" + text]
        else:
            command = ["sh", "-c", "set -eu\n" + text]
        return subprocess.run(
            command, cwd=self.folder, env=self._environment | {"SANQUAN_URL": url}, capture_output=True, text=True,
            timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip


def _put(path: Path, command: str) -> None:
    """`path` runs the command with what it is given."""
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)


def as_pattern(text: str) -> str:
    """`…` stands for anything."""
    return ".*".join(re.escape(part) for part in text.strip().split("…"))


def play(page: str, machine: Machine, live: Live) -> None:
    """The whole page works."""
    for number, block in enumerate(blocks(page)):
        done = machine.run(block, live.url)
        assert done.returncode == 0, (number, block.text, done.stdout, done.stderr)
        if block.printed is not None:
            shown = done.stdout.replace(live.url, ADDRESS).strip()
            assert re.fullmatch(as_pattern(block.printed), shown, re.DOTALL), (number, block.text, done.stdout)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_works_as_it_stands(page: str, running: Forks, tmp_path: Path) -> None:
    with live_registry(tmp_path / "sanquan-data", **SETTINGS.get(page, {})) as live:
        play(page, Machine(tmp_path, running), live)


@pytest.mark.parametrize("page", ["guards.md", "tokens.md"])
def test_a_page_works_without_bash_and_curl(page: str, running: Forks, tmp_path: Path) -> None:
    """`make test` needs Python and make, nothing else; these two pages use all that pages use of curl."""
    with live_registry(tmp_path / "sanquan-data", **SETTINGS.get(page, {})) as live:
        play(page, Machine(tmp_path, running, bare=True), live)


def test_every_page_is_run() -> None:
    assert {*PAGES, *OF_FILES} == {path.name for path in HOW_TO.glob("*.md")}
