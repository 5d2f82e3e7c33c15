"""Headers of every answer, whoever makes it. What an answer says of itself stays."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""An answer that is no page of ours asks for nothing, is framed by nobody and sends nothing."""
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _POLICY),
)
_ORIGIN = b"access-control-allow-origin"
_RESOURCE = b"cross-origin-resource-policy"


class SecurityHeaders:
    """Stands outside of everything else, so that refusals and faults have the headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_missing(message)]}
            await send(message)

        await self._app(scope, receive, send_guarded)


class GuardedApp(FastAPI):
    """An app whose every answer has these headers, that to a fault too."""

    def build_middleware_stack(self) -> ASGIApp:
        return SecurityHeaders(super().build_middleware_stack())


def _missing(message: Message) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in message.get("headers", ())}
    # Fetch, "cross-origin resource policy check": what any page may read by CORS, any page may embed.
    resource = (_RESOURCE, b"cross-origin" if _ORIGIN in given else b"same-origin")
    return [(name, value) for name, value in (*_HEADERS, resource) if name not in given]
