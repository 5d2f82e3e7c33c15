"""A witness as its own process: the real command, with a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAIN = [sys.executable, "-c", "from api.cli.main import app; app()"]
NAME = "witness.test/w1"
TIMEOUT_S = 60


class WitnessProcess:
    """A witness that listens. `url` is submission and monitoring prefix in one, without a slash at the end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Waits until it listens, and goes on reading what it says, for nobody writes into a full pipe."""
        self.process = process
        self._said: list[str] = []
        self._spoke = threading.Condition()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        key = self.wait_for(r"its key: (\S+)")
        self.url, self.vkey = self.wait_for(r"(http://\S+?)/\n"), key

    @property
    def said(self) -> str:
        """Everything on its standard error so far."""
        return "".join(self._said)

    def wait_for(self, pattern: str) -> str:
        """The first group of the pattern, as soon as the process has said it."""
        with self._spoke:
            found = self._spoke.wait_for(
                lambda: re.search(pattern, self.said) or not self._reader.is_alive(), timeout=TIMEOUT_S
            )
        assert isinstance(found, re.Match), self.said
        return found[1]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """The exit status after a signal."""
        self.process.send_signal(how)
        return self.process.wait(TIMEOUT_S)

    def join(self) -> None:
        """The process has ended and everything it said is read."""
        self.process.wait(TIMEOUT_S)
        self._reader.join()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._spoke:
                self._said.append(line)
                self._spoke.notify_all()
        self.process.stderr.close()
        with self._spoke:
            self._spoke.notify_all()


@contextmanager
def running_witness(folder: Path, *words: str) -> Iterator[WitnessProcess]:
    """`sanquan witness serve` with these words; killed at the end if the block did not end it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SANQUAN_", "LC_", "LANG"))}
    environment = kept | {"PYTHONPATH": str(ROOT), "SANQUAN_LANG": "en", "LANG": "C.UTF-8", "HOME": str(folder.parent)}
    process = subprocess.Popen(
        [*MAIN, "witness", "serve", "--data", str(folder), "--port", "0", *words], env=environment,
        stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    witness = None
    try:
        witness = WitnessProcess(process)
        yield witness
    finally:
        process.kill()
        process.wait()
        if witness is not None:
            witness.join()


@contextmanager
def witness_process(folder: Path, name: str = NAME, logs: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """URL and verifier key of a witness that cosigns for the logs with these verifier keys, while the block runs."""
    options = [word for log in logs for word in ("--log", log)]
    with running_witness(folder, "--name", name, *options) as witness:
        yield witness.url, witness.vkey
