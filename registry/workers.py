"""Processes that compute beside the writer.

Whatever a large file needs besides the register itself is done in them: in threads it would take turns with the writer
for the interpreter lock. They start with the first large file and end with the process that started them, even if it
is killed: their pipe closes.
"""

import contextlib
import gc
import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
_GARBAGE = 100_000
"""Values are made and sent away by the thousand, none of them in cycles."""
_NICENESS = 5
"""Whoever writes goes first: the others keep ahead of it, not the other way round."""


def _work(connection: Connection, parents_end: Connection) -> None:
    parents_end.close()
    os.nice(_NICENESS)
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    try:
        while True:
            if not (data := connection.recv_bytes()):
                return
            function, arguments = pickle.loads(data)  # noqa: S301  from our own process
            connection.send_bytes(pickle.dumps(function(*arguments), pickle.HIGHEST_PROTOCOL))
    except (EOFError, OSError, KeyboardInterrupt):
        return


class Task(Generic[Result]):
    """A call that a worker has been given."""

    def __init__(self, function: Callable[..., Result], arguments: tuple[Any, ...]) -> None:
        self._function = function
        self._arguments = arguments
        self.answer: Future[bytes] = Future()

    def result(self) -> Result:
        """What the function returned. Where the worker was killed or failed, the call is made here."""
        try:
            data = self.answer.result()
        except (EOFError, OSError):
            return self._function(*self._arguments)
        found: Result = pickle.loads(data)  # noqa: S301  from our own process
        return found


class _Worker:
    """A process, its pipe, and a thread that takes its answers, which come in the order of the calls."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._connection), daemon=True)
        process.start()
        theirs.close()
        self._sending = Lock()
        self._given: deque[Task[Any]] = deque()
        self.is_dead = False
        Thread(target=self._take, name="answers", daemon=True).start()

    def load(self) -> int:
        """How many calls it has yet to answer."""
        return len(self._given)

    def give(self, task: Task[Any], data: bytes) -> None:
        """The call is on its way, or answered with an error if the worker is gone."""
        with self._sending:
            if self.is_dead:
                task.answer.set_exception(EOFError())
                return
            self._given.append(task)
            with contextlib.suppress(OSError):  # then the pipe ends, and the other thread answers what was given
                self._connection.send_bytes(data)

    def _take(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                data = self._connection.recv_bytes()
                self._given.popleft().answer.set_result(data)
        with self._sending:
            self.is_dead = True
            while self._given:
                self._given.popleft().answer.set_exception(EOFError())
            self._connection.close()

    def close(self) -> None:
        """The process has been told to end when it has answered."""
        with self._sending, contextlib.suppress(OSError):
            self._connection.send_bytes(b"")


class Workers:
    """As many processes as there are cores besides the writer's, one at least. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._workers: list[_Worker] = []
        self._count = max(1, (os.cpu_count() or 1) - 1)

    def begin(self, function: Callable[..., Result], *arguments: Any) -> Task[Result]:
        """The function, which stands in a module, is being called elsewhere."""
        task = Task(function, arguments)
        data = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        self._idlest().give(task, data)
        return task

    def close(self) -> None:
        """The processes have been told to end."""
        with self._lock:
            for worker in self._workers:
                worker.close()
            self._workers.clear()

    def _idlest(self) -> _Worker:
        with self._lock:
            self._workers = [worker for worker in self._workers if not worker.is_dead]
            while len(self._workers) < self._count:
                self._workers.append(_Worker())
            return min(self._workers, key=_Worker.load)
