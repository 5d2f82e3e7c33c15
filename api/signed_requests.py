"""Requests signed by a party's key: RFC 9421, HTTP Message Signatures. Contract section 6.

`keyid` is the identifier of a live key; `@method` and `@target-uri` are covered, and `content-digest` (RFC 9530) where
there is a body; `created` is at most five minutes away. The signature says who asks, never that something is done: what
changes the register is a statement.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import http_sf
from fastapi import Request
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
)

from api.signature_names import SIGNATURE_NAMES
from ledger.errors import SignatureError
from ledger.keys import verify_signature
from registry.register.party import Key

FRESH = timedelta(minutes=5)
_COVERED = ("@method", "@target-uri")
_MAX_HEADER = 8_192


class SignedRequestError(Exception):
    """The signature does not show who asks."""


@dataclass(frozen=True, slots=True)
class SignedBody:
    """What the signature says of the body; None: it covers none."""

    content_digest: str | None
    proof: bytes = b""
    """What tells this signature from all others."""

    def matches(self, body: bytes) -> bool:
        """Whether `body` is the one that was signed; an empty one needs no digest."""
        if self.content_digest is None:
            return not body
        try:
            ContentDigest.verify(self.content_digest, body)
        except HTTPMessageSignaturesException:
            return False
        return True

    def names(self, sha256: bytes) -> bool:
        """Whether a body of this SHA-256, which is not at hand, is covered, as far as the digests signed can tell."""
        if self.content_digest is None:
            return False
        try:
            digests: Any = http_sf.parse(self.content_digest.encode("ascii"), tltype="dictionary")
        except ValueError:
            return False
        value, _ = digests.get("sha-256", (sha256, {}))
        return bool(digests) and value == sha256


@dataclass(frozen=True, slots=True)
class _Message:
    method: str
    url: str
    headers: "_Headers"


@dataclass(frozen=True, slots=True)
class _Headers:
    """The fields as they came, repeated ones each on its own."""

    fields: tuple[tuple[str, str], ...]

    def items(self) -> tuple[tuple[str, str], ...]:
        return self.fields


class _Times(HTTPMessageVerifier):
    """Judges `created` and `expires` by the clocks of the registry: a simulated one counts beside the real one."""

    def __init__(self, nows: tuple[datetime, ...], **more: Any) -> None:
        super().__init__(**more)
        self._nows = nows

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:
        del max_age  # the contract's own limit counts
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if type(created) is not int or (expires is not None and type(expires) is not int):
            raise HTTPMessageSignaturesException("`created` is needed, in whole seconds")
        for now in self._nows:
            seconds = now.timestamp()
            if abs(seconds - created) <= FRESH.total_seconds() and (expires is None or seconds < expires):
                return
        raise HTTPMessageSignaturesException("`created` must be within five minutes of now, and `expires` not past")


class _Key(HTTPSignatureKeyResolver):
    def __init__(self, key: Key) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Key | None:
        return self._key if key_id == self._key.key else None


def _algorithm(name: str) -> type[HTTPSignatureAlgorithm]:
    class Verifying(HTTPSignatureAlgorithm):
        algorithm_id = name

        def __init__(self, public_key: Key | None = None, private_key: None = None) -> None:
            del private_key
            if public_key is None:
                raise HTTPMessageSignaturesException("the key is not known")
            self._key = public_key

        def verify(self, signature: bytes, message: bytes) -> None:
            try:
                verify_signature(self._key.algorithm(), self._key.public_bytes(), message, signature)
            except SignatureError as error:
                raise HTTPMessageSignaturesException(str(error)) from error

    return Verifying


_ALGORITHMS = {algorithm: _algorithm(name) for algorithm, name in SIGNATURE_NAMES.items()}


class Once:
    """Signatures that were used for what must not happen twice. Kept for as long as they could be used again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[bytes, float] = {}

    def use(self, proof: bytes) -> bool:
        """Whether the signature was not used before; from now on it is."""
        now = self._clock()
        with self._lock:
            while self._used and next(iter(self._used.values())) <= now:
                del self._used[next(iter(self._used))]
            if proof in self._used:
                return False
            self._used[proof] = now + 2 * FRESH.total_seconds()
            return True


def is_signed(request: Request) -> bool:
    """Whether the request says that it is signed."""
    return "signature-input" in request.headers or "signature" in request.headers


def key_named(request: Request) -> str:
    """The key that the signature names.

    Raises:
        SignedRequestError: there is not exactly one signature with a `keyid`.
    """
    text = ", ".join(request.headers.getlist("signature-input"))
    if len(text) > _MAX_HEADER:
        raise SignedRequestError("`Signature-Input` is too long")
    try:
        inputs: Any = http_sf.parse(text.encode("ascii"), tltype="dictionary")
        ((_, (_, parameters)),) = inputs.items()
        key = parameters["keyid"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SignedRequestError("`Signature-Input` must hold exactly one signature with a `keyid`") from error
    if not isinstance(key, str):
        raise SignedRequestError("`keyid` is not a string")
    return key


def verify_request(request: Request, key: Key, now: Callable[[], datetime]) -> SignedBody:
    """What the signature says of the body, if the key signed this request within the last five minutes.

    Raises:
        SignedRequestError: it did not.
    """
    verifier = _Times(
        (datetime.now(UTC), now()), signature_algorithm=_ALGORITHMS[key.algorithm()], key_resolver=_Key(key)
    )
    try:
        (result,) = verifier.verify(_message(request), require_components=_COVERED)
    except HTTPMessageSignaturesException as error:
        raise SignedRequestError(str(error)) from error
    text = f"{request.headers['signature-input']}\n{request.headers['signature']}"
    return SignedBody(result.covered_components.get('"content-digest"'), hashlib.sha256(text.encode()).digest())


def _message(request: Request) -> _Message:
    """The request as its sender addressed it."""
    scope = request.scope
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    host = request.headers.get("host", "")
    url = f"{scope['scheme']}://{host}{path.decode('latin-1')}" + (f"?{query.decode('latin-1')}" if query else "")
    fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return _Message(request.method, url, _Headers(fields))
