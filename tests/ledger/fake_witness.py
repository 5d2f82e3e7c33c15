"""A witness in a thread that answers what a test wants: the truth, lies, rubbish, or nothing."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ledger.checkpoint import cosign_ed25519, format_checkpoint, parse_checkpoint
from ledger.keys import KeySigner
from ledger.merkle import verify_consistency
from ledger.note import VerifierKey, format_verifier_key, parse_note
from ledger.witness.protocol import AddCheckpoint, format_cosignatures, format_size, parse_add_checkpoint
from tests.ledger.policies import TIME, witness

Answer = tuple[int, bytes]


@dataclass
class FakeWitness:
    """Remembers one log. `lie`: answers instead of the truth, None to tell it after all."""

    name: str
    signer: KeySigner
    key: VerifierKey
    size: int = 0
    root: bytes = b""
    note: str = ""
    time: int = TIME
    shows: bool = True
    lie: Callable[["FakeWitness", AddCheckpoint], Answer | None] = lambda _witness, _request: None
    asked: list[AddCheckpoint] = field(default_factory=list)
    url: str = ""

    @property
    def policy_line(self) -> str:
        return f"witness {self.name} {format_verifier_key(self.key)} {self.url}\n"

    def add(self, body: bytes) -> Answer:
        request = parse_add_checkpoint(body)
        self.asked.append(request)
        if (lie := self.lie(self, request)) is not None:
            return lie
        checkpoint = parse_checkpoint(parse_note(request.note).text)
        if request.old_size != self.size:
            return 409, format_size(self.size)
        if self.size:
            verify_consistency(self.size, checkpoint.size, self.root, checkpoint.root, request.path)
        self.size, self.root, self.note = checkpoint.size, checkpoint.root, request.note
        return 200, self.cosign(request)

    def cosign(self, request: AddCheckpoint, signer: KeySigner | None = None) -> bytes:
        """The answer to a request; `signer` signs under the witness's name."""
        text = format_checkpoint(parse_checkpoint(parse_note(request.note).text))
        return format_cosignatures((cosign_ed25519(text, self.key.name, signer or self.signer, self.time),))


@contextmanager
def fake_witness(number: int, **more: Any) -> Iterator[FakeWitness]:
    """Witness `number`, answering while the block runs."""
    found = FakeWitness(f"w{number}", *witness(number), **more)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._answer(*found.add(self.rfile.read(int(self.headers["Content-Length"]))))

        def do_GET(self) -> None:
            self._answer(*((200, found.note.encode()) if found.note and found.shows else (404, b"")))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{found.url}/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found.url = f"http://127.0.0.1:{server.server_port}/sub"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_server(drip: bytes = b"") -> Iterator[str]:
    """The address of a server that takes connections and never ends an answer; `drip`: what it sends, octet by octet."""
    ended = threading.Event()

    def serve(listening: socket.socket) -> None:
        kept = []
        while not ended.is_set():
            try:
                place, _ = listening.accept()
            except OSError:
                return
            kept.append(place)
            threading.Thread(target=send, args=(place,), daemon=True).start()

    def send(place: socket.socket) -> None:
        with place:
            for octet in drip:
                if ended.wait(0.02):
                    return
                try:
                    place.sendall(bytes([octet]))
                except OSError:
                    return
            ended.wait()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
    thread.join()
