"""Connections that may not be held open by saying nothing.

uvicorn closes an idle connection and waits for ever for the rest of a request's head. Here a head has a time and a size,
counted from its first byte, or from the connection's beginning. A body that comes in after its answer was given, because
it was refused before it was read, is thrown away as long as that.
"""

import asyncio
from asyncio.events import TimerHandle
from http import HTTPStatus
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

MAX_HEAD_BYTES = 65_536


class PunctualProtocol(HttpToolsProtocol):
    """HTTP/1.1 with a limit of time and size for the head of a request. See `punctual`."""

    head_seconds: float

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: TimerHandle | None = None
        self._head_bytes = 0
        self._heads = 0
        self._in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_idle():
            self._expect()
        heads, in_head = self._heads, not self._in_body
        super().data_received(data)
        in_head = in_head and not self._in_body and heads == self._heads
        self._head_bytes = self._head_bytes + len(data) if in_head else 0
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._arrived()
        self._heads += 1
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _is_idle(self) -> bool:
        """Whether no request is being answered. uvicorn says that there always is a cycle, and has none at first."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_seconds, self.transport.close)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus, words: str = "") -> None:
        """What cannot be read as a request is not answered by a handler, so not by a problem either."""
        if self.transport.is_closing():
            return
        body = (words or status.phrase).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\n"
            "content-security-policy: default-src 'none'; sandbox\r\ncross-origin-resource-policy: same-origin\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def punctual(head_seconds: float) -> type[PunctualProtocol]:
    """The protocol that waits so long for the head of a request."""
    return type("Punctual", (PunctualProtocol,), {"head_seconds": head_seconds})
