"""Runs `sanquan` in forks of a process that has loaded it: real processes, without the second that each start takes.

A server listens on a unix socket. Whoever connects sends arguments, folder, environment and its three standard streams,
and gets the exit status. `sanquan` as a file on the path of a shell does just that.
"""

import array
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_SHIM = """#!{python} -ISs
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as place:
    place.connect({path!r})
    data = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    fds = array.array("i", [0, 1, 2])
    place.sendmsg([len(data).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    place.sendall(data)
    status = place.recv(1)
sys.exit(status[0] if status else 70)
"""


class Forks:
    """A running server of forks."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "forks"
        self.shim = folder / "bin" / "sanquan"

    def run(self, words: Sequence[Any], cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """The ended process of a command."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open("rb") as none:
            status = self._status(list(map(str, words)), cwd, environment, (none.fileno(), out.fileno(), err.fileno()))
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(list(words), status, out.read().decode(), err.read().decode())

    def _status(
        self, words: list[str], cwd: Path, environment: Mapping[str, str], streams: tuple[int, int, int]
    ) -> int:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as place:
            place.settimeout(120)
            place.connect(str(self.path))
            data = json.dumps([words, str(cwd), dict(environment)]).encode()
            fds = array.array("i", streams)
            place.sendmsg([len(data).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
            place.sendall(data)
            return place.recv(1)[0]


@contextmanager
def forks(folder: Path) -> Iterator[Forks]:
    """A server while the block runs."""
    found = Forks(folder)
    found.shim.parent.mkdir(parents=True)
    found.shim.write_text(_SHIM.format(python=sys.executable, path=str(found.path)))
    found.shim.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from tests.forks import serve; serve(sys.argv[1])", str(found.path)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield found
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def serve(path: str) -> None:
    """Listens until it is killed."""
    import api.app
    import api.client
    import api.importing.detect
    import registry.auditing
    import registry.law.cases
    from api.cli.main import app

    del api, registry
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen(64)
        print("ready", flush=True)
        while True:
            place, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(place, app)
                os._exit(0)
            place.close()


def _answer(place: socket.socket, app: Any) -> None:
    head, ancillary, _, _ = place.recvmsg(4, socket.CMSG_SPACE(3 * 4))
    fds = array.array("i")
    fds.frombytes(ancillary[0][2])
    wanted = int.from_bytes(head, "big")
    data = bytearray()
    while len(data) < wanted:
        data += place.recv(wanted - len(data))
    words, cwd, environment = json.loads(data)
    child = os.fork()
    if child == 0:
        place.close()
        for number, fd in enumerate(fds):
            os.dup2(fd, number)
            os.close(fd)
        os._exit(_run(app, words, cwd, environment))
    _, status = os.waitpid(child, 0)
    place.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))


def _run(app: Any, words: list[str], cwd: str, environment: dict[str, str]) -> int:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["sanquan", *words]
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001  as the interpreter would show it
        sys.excepthook(*sys.exc_info())
        return 1
    else:
        return 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
