"""A server that passes requests on to real registries and changes what they answer: the counterpart of every lie.

It speaks HTTP on loopback, so that clients and auditors read it as they would any registry.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

OCTETS = "application/octet-stream"
_ENDLESS_PART = bytes(1 << 16)
_PASSED_ON = ("Accept", "Content-Type", "Accept-Language")


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def target(self) -> str:
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")

    def of(self, path: str, **query: str) -> "Asked":
        """The same request for something else."""
        return replace(self, path=path, query=query or self.query)


@dataclass(frozen=True)
class Told:
    """An answer. An `endless` one goes on with zeros until nobody reads it any more."""

    body: bytes = b""
    status: int = 200
    media_type: str = OCTETS
    endless: bool = False

    def but(self, body: bytes) -> "Told":
        """The same with another body."""
        return replace(self, body=body)


Tell = Callable[[Asked], Told]


class Upstream:
    """A registry that tells the truth, or at least its own."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def __call__(self, asked: Asked) -> Told:
        answer = self._http.request(asked.method, asked.target, content=asked.body or None, headers=asked.headers)
        return Told(answer.content, answer.status_code, answer.headers.get("content-type", OCTETS))

    def close(self) -> None:
        self._http.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _answer(self) -> None:
        place = urlsplit(self.path)
        headers = {name: value for name in _PASSED_ON if (value := self.headers.get(name))}
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        server = self.server
        assert isinstance(server, _Server)
        told = server.tell(Asked(self.command, place.path, dict(parse_qsl(place.query)), headers, body))
        self.send_response(told.status)
        self.send_header("Content-Type", told.media_type)
        if told.endless:
            self.send_header("Connection", "close")
            self.end_headers()
            self._go_on(told.body)
            return
        self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        self.wfile.write(told.body)

    def _go_on(self, start: bytes) -> None:
        self.close_connection = True
        try:
            self.wfile.write(start)
            while True:
                self.wfile.write(_ENDLESS_PART)
        except OSError:
            return

    do_GET = do_POST = do_PUT = do_DELETE = _answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tell: Tell


class Liar:
    """Serves what `tell` says."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    def tells(self, tell: Tell) -> None:
        """From now on."""
        self._server.tell = tell


@contextmanager
def lying() -> Iterator[Liar]:
    """A liar while the block runs."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield Liar(server)
        finally:
            server.shutdown()
            thread.join()
