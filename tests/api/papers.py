"""Documents that are sent and asked for over HTTP."""

import hashlib

import httpx

from tests.api.live import Actor, Live
from tests.api.signing import signed

PDF = {"Content-Type": "application/pdf"}
WHY = "?purpose=review%20of%20the%20contract"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(live: Live, data: bytes, by: Actor | None = None, **headers: str) -> httpx.Response:
    path = f"/v1/documents/{sha(data)}"
    if by is None:
        return live.http.put(path, content=data, headers=PDF | headers)
    request = signed(live.url, "PUT", path, by.signers[0], body=data)
    request.headers.update(PDF | headers)
    return live.http.send(request)


def ask(live: Live, digest: str, by: Actor, method: str = "GET", why: str = WHY) -> httpx.Response:
    return live.http.send(signed(live.url, method, f"/v1/documents/{digest}{why}", by.signers[0]))
