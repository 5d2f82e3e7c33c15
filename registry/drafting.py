"""Builds and signs statements: the same bytes for a client, a form and a test."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ledger.encoding import format_base64url
from ledger.identifiers import key_identifier
from ledger.instants import format_instant
from ledger.keys import Signer
from ledger.statement import NONCE_BYTES, Envelope, EnvelopeSignature
from ledger.strict_json import format_compact


def make_payload(
    act: str, log: str, by: str, at: datetime, body: Mapping[str, Any], *, for_: str | None = None,
    with_: Sequence[str] = (), expect: Mapping[str, int] | None = None, nonce: bytes | None = None,
) -> bytes:  # fmt: skip
    """The payload of a statement, members in the contract's order."""
    members: dict[str, Any] = {"act": act, "log": log, "by": by}
    if for_ is not None:
        members["for"] = for_
    if with_:
        members["with"] = list(with_)
    members["at"] = format_instant(at)
    members["nonce"] = format_base64url(nonce if nonce is not None else secrets.token_bytes(NONCE_BYTES))
    if expect:
        members["expect"] = dict(expect)
    members["body"] = dict(body)
    return format_compact(members)


def sign_payload(payload: bytes, signers: Sequence[Signer]) -> Envelope:
    """The envelope: `by` first, then `with` in order, then keys that the statement adds."""
    message = Envelope(payload, ()).signed_bytes()
    return Envelope(payload, tuple(EnvelopeSignature(key_identifier(s.public), s.sign(message)) for s in signers))
