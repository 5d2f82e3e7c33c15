"""Bodies within limits of size and time. A size that is declared is judged before a byte is read.

Every handler that takes a body reads it by `read_body`, or judges its `declared_length` and counts while it reads.
"""

import asyncio
import sys
import time

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.refusals.refusal import RefusedError, refused

_BYTES_PER_SECOND = 1_000
"""A body that arrives slower than this, beyond the time it may stall once, is not waited for."""
_MAX_DIGITS = 18


def too_large(most: int) -> RefusedError:
    """TOO_LARGE."""
    return refused("TOO_LARGE", f"The body has at most {most} bytes here.", f"此处提交的内容不超过 {most} 字节。")


def declared_length(request: Request) -> int:
    """The length of the body, as far as the request says it; more than any limit where it is too long to be read."""
    text = request.headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        return 0
    return int(text) if len(text) <= _MAX_DIGITS else sys.maxsize


def must_declare_within(request: Request, most: int) -> None:
    """Returns unless the request says that its body has more than `most` bytes.

    Raises:
        RefusedError: TOO_LARGE.
    """
    if declared_length(request) > most:
        raise too_large(most)


async def read_body(request: Request, most: int) -> bytes:
    """The body.

    Raises:
        RefusedError: TOO_LARGE as soon as it is; REQUEST_TIMEOUT.
    """
    must_declare_within(request, most)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise too_large(most)
    return bytes(data)


class Patience:
    """Waits `seconds` for a body that stalls, no longer. Only time in which we wait for the caller counts."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        waited, arrived, arriving = 0.0, 0, True

        async def receive_in_time() -> Message:
            nonlocal waited, arrived, arriving
            if not arriving:  # what comes now is the end of the connection, which may take as long as it likes
                return await receive()
            begun = time.monotonic()
            left = min(self._seconds, self._seconds + arrived / _BYTES_PER_SECOND - waited)
            try:
                async with asyncio.timeout(left):
                    message = await receive()
            except TimeoutError as error:
                raise refused(
                    "REQUEST_TIMEOUT",
                    f"The body did not arrive: nothing came for {self._seconds:g} seconds, or too little for too long. "
                    "Send it again over a better connection, or in smaller parts.",
                    f"未能收到完整内容：已有 {self._seconds:g} 秒没有数据，或传输长时间过慢。请在网络较好时重新提交，或分成较小的几份。",
                ) from error
            waited += time.monotonic() - begun
            arrived += len(message.get("body", b""))
            arriving = bool(message.get("more_body", False))
            return message

        await self._app(scope, receive_in_time, send)
