import contextlib
import multiprocessing
import os
import signal
import threading
from typing import Any

from registry.workers import Workers

LARGE = 2_000_000


def kill(children: list[Any]) -> None:
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)


def test_what_a_killed_worker_was_given_is_computed_here() -> None:
    """Also what is being sent to it: the pipe was once closed under the sender's hands."""
    workers = Workers()
    try:
        assert workers.begin(abs, -1).result() == 1
        for _ in range(5):
            children = multiprocessing.active_children()
            killer = threading.Thread(target=kill, args=(children,))
            tasks = [workers.begin(abs, -number) for number in range(50)]
            killer.start()
            large = [workers.begin(len, bytes(LARGE)) for _ in range(8)]
            killer.join()
            assert [task.result() for task in tasks] == list(range(50))
            assert [task.result() for task in large] == [LARGE] * 8
            assert workers.begin(abs, -2).result() == 2
    finally:
        workers.close()
