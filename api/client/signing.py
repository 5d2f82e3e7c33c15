"""Requests signed by the profile's key (RFC 9421): how a party shows who asks where an answer is private."""

import secrets
from collections.abc import Generator
from datetime import UTC, datetime

import httpx
from http_message_signatures import HTTPMessageSigner, HTTPSignatureAlgorithm

from api.signature_names import SIGNATURE_NAMES
from ledger.identifiers import key_identifier
from ledger.keys import Signer

_COVERED = ("@method", "@target-uri")


def _algorithm(name: str) -> type[HTTPSignatureAlgorithm]:
    class Named(HTTPSignatureAlgorithm):
        algorithm_id = name

    return Named


class SignedRequest(httpx.Auth):
    """Signs `@method`, `@target-uri` and, where there is a body, its `content-digest`."""

    requires_request_body = True

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._preparing = HTTPMessageSigner(
            signature_algorithm=_algorithm(SIGNATURE_NAMES[signer.algorithm]), key_resolver=None
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request, signed now: one that is sent again is signed again."""
        prepared = self._preparing.prepare(
            request, key_id=key_identifier(self._signer.public), created=datetime.now(UTC), include_alg=False,
            nonce=secrets.token_urlsafe(12),
            covered_component_ids=_COVERED, body=request.content or None,
        )  # fmt: skip
        self._preparing.apply(request, prepared, self._signer.sign(prepared.signature_base))
        yield request
