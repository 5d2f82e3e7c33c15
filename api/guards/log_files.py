"""How the files of the log are answered beyond GET: to programs that ask for headers, and to pages of any origin.

The log is made to be read by everybody, so a browser may let any page read it (Fetch, "CORS protocol"); nothing here
depends on who asks by cookie. What is refused must not be kept by caches: the file may be there after the next
checkpoint (RFC 9111, 4.2.2 lets a cache keep a 404 otherwise).
"""

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = "GET, HEAD, OPTIONS"
_FOR_ANYONE = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
_PREFLIGHT = {
    **_FOR_ANYONE,
    "Access-Control-Allow-Methods": _METHODS,
    "Access-Control-Allow-Headers": "Authorization, Cache-Control, If-None-Match",
    "Access-Control-Max-Age": "86400",
    "Allow": _METHODS,
}


def is_log_file(path: str) -> bool:
    """Whether a path is that of a file of c2sp.org/tlog-tiles, be it there or not."""
    return path == "/checkpoint" or path.startswith("/tile/")


class PublicFiles:
    """HEAD, OPTIONS and headers for other origins, for the checkpoint, tiles and bundles alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_log_file(scope["path"]):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send)
            return
        wants_body = scope["method"] != "HEAD"

        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                _open(message)
            elif not wants_body:
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope if wants_body else {**scope, "method": "GET"}, receive, send_open)


def _open(message: Message) -> None:
    headers = MutableHeaders(raw=message["headers"])
    headers.update(_FOR_ANYONE)
    if message["status"] >= 400:
        headers.setdefault("Cache-Control", "no-store")
    if message["status"] == 405:
        headers["Allow"] = _METHODS
