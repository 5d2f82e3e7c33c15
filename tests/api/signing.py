"""Signs requests as RFC 9421 says, with nothing but the standard library and a signer: a second implementation."""

import base64
import hashlib
import time
from typing import Any

import httpx

from ledger.identifiers import key_identifier
from ledger.keys import Signer


def signed(
    url: str, method: str, target: str, signer: Signer, *, body: bytes = b"", created: int | None = None,
    keyid: str | None = None, covered: tuple[str, ...] | None = None, alg: str | None = None, **parameters: Any,
) -> httpx.Request:  # fmt: skip
    """The request to `target` (a path with its query), signed."""
    headers = {}
    names = ["@method", "@target-uri"]
    values = {"@method": method, "@target-uri": url + target}
    if body:
        values["content-digest"] = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
        headers["content-digest"] = values["content-digest"]
        names.append("content-digest")
    names = list(covered if covered is not None else names)
    inner = "(" + " ".join(f'"{name}"' for name in names) + ")"
    inner += f";created={int(time.time()) if created is None else created}"
    inner += f';keyid="{keyid or key_identifier(signer.public)}"'
    if alg:
        inner += f';alg="{alg}"'
    for name, value in parameters.items():
        inner += f";{name}={value}"
    base = "\n".join([*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {inner}'])
    value = base64.b64encode(signer.sign(base.encode())).decode()
    headers |= {"signature-input": f"sig1={inner}", "signature": f"sig1=:{value}:"}
    return httpx.Request(method, url + target, headers=headers, content=body)
