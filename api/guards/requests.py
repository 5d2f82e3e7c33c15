"""How many requests one address may make, of any kind and for anything: pages, tiles, questions."""

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.limits import Quotas, address_of
from api.problems import problem_response
from registry.refusals.refusal import RefusedError

_FREE = ("/healthz", "/readyz")
"""Asked by who watches over the process."""


class RequestQuota:
    """Refuses an address that asked too often before anything is done for it."""

    def __init__(self, app: ASGIApp, quotas: Quotas) -> None:
        self._app = app
        self._quotas = quotas

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _FREE:
            try:
                self._quotas.take_request(address_of(Request(scope)))
            except RefusedError as refusal:
                await problem_response(Request(scope), refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)
