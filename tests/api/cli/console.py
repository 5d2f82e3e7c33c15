"""The commands as a user runs them: real processes, with everything that they keep in one folder."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forks import Forks

ROOT = Path(__file__).parents[3]
MAIN = [sys.executable, "-c", "from api.cli.main import app; app()"]
TIMEOUT_S = 60


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of this process, but for what would lead out of `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SANQUAN_", "LC_", "LANG"))}
    own = {"HOME": home, "SANQUAN_STATE": home / "state", "SANQUAN_PROFILE": home / "profile", "PYTHONPATH": ROOT}
    return kept | {name: str(value) for name, value in own.items()} | {"SANQUAN_LANG": "en", "LANG": "C.UTF-8"} | more


@dataclass
class Console:
    """Runs commands in `home`."""

    home: Path
    forks: Forks

    def __call__(self, *words: Any, wanted: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """The ended process, whose status was `wanted`."""
        done = self.forks.run(words, self.home, environment(self.home, **variables))
        assert done.returncode == wanted, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    @contextmanager
    def serve(self, *words: Any, **variables: str) -> Iterator["Served"]:
        """A running server; killed at the end if the block did not end it."""
        process = subprocess.Popen(
            [*MAIN, "serve", "--port", "0", "--data", str(self.home / "data"), *map(str, words)], cwd=self.home,
            env=environment(self.home, **variables), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield Served(process, *_greeting(process))
        finally:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


@dataclass
class Served:
    """A server process, its address, and the key that it says to pin."""

    process: subprocess.Popen[str]
    url: str
    key: str
    greeting: str

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(TIMEOUT_S)


def _greeting(process: subprocess.Popen[str]) -> tuple[str, str, str]:
    assert process.stderr is not None
    text = ""
    for line in process.stderr:
        text += line
        if found := re.search(r"(?:pin this key: |请固定此公钥：)(\S+)", text):
            url = re.search(r"(http://\S+?)/?$", text, re.MULTILINE)
            assert url is not None, text
            return url[1], found[1], text
    raise AssertionError(f"the server did not start: {text}")
