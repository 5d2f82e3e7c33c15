"""Drafts that are opened and signed over HTTP, by whoever brings the signatures."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from ledger.encoding import format_base64
from ledger.keys import Signer
from ledger.statement import format_envelope
from registry.drafting import sign_payload
from tests.api.live import JSON, Live

DRAFTS = "/v1/drafts"


def part(payload: bytes, *signers: Signer) -> bytes:
    """An envelope with some signatures."""
    return format_envelope(sign_payload(payload, signers)).encode()


def start(live: Live, payload: bytes, *signers: Signer, disclosures: Sequence[str] = ()) -> httpx.Response:
    data = part(payload, *signers)
    if disclosures:
        data = b'{"envelope":' + data + b',"disclosures":' + json.dumps(list(disclosures)).encode() + b"}"
    return live.http.post(DRAFTS, content=data, headers=JSON)


def add(live: Live, draft: str, payload: bytes, *signers: Signer) -> httpx.Response:
    signatures = [
        {"keyid": signature.key, "sig": format_base64(signature.value)}
        for signature in sign_payload(payload, signers).signatures
    ]
    body: Any = signatures[0] if len(signatures) == 1 else {"signatures": signatures}
    return live.http.post(f"{DRAFTS}/{draft}/signatures", json=body)
