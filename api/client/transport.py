"""HTTP: one request, its retries, and errors as exceptions."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from api.client.errors import ProblemError, TransportError

_TRIES = 3
_LONGEST_WAIT_S = 5.0
_BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
PROBLEM = "application/problem+json"

MAX_NOTE_BYTES = 1 << 20
"""Checkpoints, proofs, single entries and what a registry says of itself."""
MAX_ANSWER_BYTES = 64 << 20
"""Views, pages of lists, answers to many questions, receipts of a file of statements."""
MAX_FILE_BYTES = 1 << 30
"""Documents and exported lists."""

_AS_SENT = ("content-encoding", "content-length", "transfer-encoding")


class Transport:
    """Requests to one registry. The same bytes may safely be sent twice: a statement counts once by its payload.

    Tried again are only connections that failed, and 503 that say when to come back.
    """

    def __init__(self, url: str, language: str, transport: httpx.BaseTransport | None, timeout_s: float) -> None:
        headers = {"Accept-Language": language}
        try:
            self._client = httpx.Client(
                base_url=url, headers=headers, transport=transport, timeout=timeout_s, trust_env=False
            )
        except httpx.InvalidURL as error:
            raise TransportError(f"{url} is not an address: {error}") from error

    def say_who_asks(self, auth: httpx.Auth) -> None:
        """Every request from now on says so."""
        self._client.auth = auth

    def close(self) -> None:
        """Connections are released."""
        self._client.close()

    def send(
        self, method: str, path: str, *, params: Iterable[tuple[str, str]] = (), content: bytes | None = None,
        media_type: str = "application/json", accept: str = "application/json", auth: httpx.Auth | None = None,
        limit: int = MAX_ANSWER_BYTES,
    ) -> httpx.Response:  # fmt: skip
        """The answer, if it is one, of at most `limit` bytes. `auth` shows who asks.

        Raises:
            ProblemError: the registry refused.
            TransportError: it could not be reached, or answered something else.
        """
        headers = {"Accept": accept}
        if content is not None:
            headers["Content-Type"] = media_type
        query = httpx.QueryParams(list(params))
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            try:
                with self._client.stream(
                    method, path, params=query, content=content, headers=headers,
                    auth=auth or httpx.USE_CLIENT_DEFAULT,
                ) as answer:  # fmt: skip
                    response = _read(answer, limit)
            except _BROKEN as error:
                if last:
                    raise TransportError(f"{self._client.base_url} cannot be reached: {error}") from error
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise TransportError(f"{self._client.base_url} did not answer: {error}") from error
            wait_s = _retry_after(response)
            if wait_s is not None and not last:
                time.sleep(min(wait_s, _LONGEST_WAIT_S))
                continue
            return _checked(response)
        raise TransportError("no answer")

    def json(self, method: str, path: str, **more: Any) -> Any:
        """The decoded JSON answer."""
        response = self.send(method, path, **more)
        try:
            return response.json()
        except ValueError as error:
            raise TransportError(f"{path} did not answer JSON") from error


def _read(answer: httpx.Response, limit: int) -> httpx.Response:
    """The whole answer. Who never ends one fills no memory.

    Raises:
        TransportError: it has more than `limit` bytes.
    """
    data = bytearray()
    for part in answer.iter_bytes():
        data += part
        if len(data) > limit:
            raise TransportError(f"{answer.request.url.path} answered more than {limit} bytes")
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _AS_SENT]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(data), request=answer.request)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, where a 503 names them."""
    text = response.headers.get("retry-after", "")
    if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or not (text.isascii() and text.isdigit()):
        return None
    return float(text[:9])


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    if response.headers.get("content-type", "").startswith(PROBLEM):
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if isinstance(problem, dict):
            raise ProblemError({"status": response.status_code} | problem)
    raise TransportError(f"{response.request.url.path} answered {response.status_code}")


def query(members: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Query parameters: lists repeat the name, None is left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in members.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name.rstrip("_"), _text(item)) for item in values if item is not None]
    return pairs


def _text(item: Any) -> str:
    return str(item).lower() if isinstance(item, bool) else str(item)
