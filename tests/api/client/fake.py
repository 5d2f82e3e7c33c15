"""A log that signs whatever a test wants, behind a transport in memory: what an honest registry would never answer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from api.client import Client, Pins
from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.keys import KeySigner
from ledger.merkle import consistency_path, leaf_hash, root, subtree_root
from ledger.note import format_verifier_key

ORIGIN = "fake.test"
KEY = KeySigner.from_seed(b"\x01" * 32)
OTHER_KEY = KeySigner.from_seed(b"\x02" * 32)


def vkey(signer: KeySigner, origin: str = ORIGIN) -> str:
    return format_verifier_key(log_verifier_keys(origin, [signer])[0])


def leaves(count: int, salt: str = "") -> list[bytes]:
    return [leaf_hash(f"{salt}{number}".encode()) for number in range(count)]


class FakeLog:
    """Answers `/.well-known/sanquan`, `/checkpoint` and `/v1/log/consistency`."""

    def __init__(self, size: int = 3, signer: KeySigner = KEY) -> None:
        self.origin = self.signed_origin = ORIGIN
        self.leaves = leaves(size)
        self.signer = signer
        self.shown = [vkey(signer)]
        self.asked: list[str] = []

    def note(self, size: int | None = None) -> str:
        kept = self.leaves[:size]
        return sign_checkpoint(Checkpoint(self.signed_origin, len(kept), root(kept)), [self.signer], 0)

    def _node(self, level: int, index: int) -> bytes:
        start = index << level
        if level == 0:
            return self.leaves[start]
        return subtree_root(
            start, start + (1 << level), lambda at, place: root(self.leaves[place << at : place + 1 << at])
        )

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        match request.url.path:
            case "/.well-known/sanquan":
                return httpx.Response(200, json={"origin": self.origin, "log_keys": self.shown})
            case "/checkpoint":
                return httpx.Response(200, text=self.note())
            case "/v1/log/consistency":
                old, new = int(request.url.params["from"]), int(request.url.params["to"])
                if new > len(self.leaves):
                    return problem(503, "BEHIND")
                hashes = [each.hex() for each in consistency_path(old, new, self._node)]
                return httpx.Response(200, json={"from": old, "to": new, "hashes": hashes})
        return problem(404, "NOT_FOUND")

    def client(self, folder: Path, keys: Sequence[str] | None = None) -> Client:
        return Client("http://fake", pins=Pins(folder), keys=keys, transport=httpx.MockTransport(self.handle))


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {
        "type": f"/problems/{code}", "title": "No", "status": status, "detail": "It is not so.", "code": code,
        "reasons": [{"code": code, "message": "It is not so."}],
    }  # fmt: skip
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"} | headers)


class Between(httpx.BaseTransport):
    """Passes requests on to a real registry. `ask` may send another request, `tell` change the answer's bytes."""

    def __init__(
        self,
        ask: Callable[[httpx.Request], httpx.Request] = lambda request: request,
        tell: Callable[[str, bytes], bytes] = lambda _path, data: data,
    ) -> None:
        self._inner = httpx.HTTPTransport()
        self._ask = ask
        self._tell = tell
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        answer = self._inner.handle_request(self._ask(request))
        headers = {"Content-Type": answer.headers.get("Content-Type", "")}
        return httpx.Response(answer.status_code, headers=headers, content=self._tell(path, answer.read()))

    def close(self) -> None:
        self._inner.close()
