"""Parties whose keys the registry keeps, and requests with their tokens."""

import json
from typing import Any

import httpx

from tests.api.live import JSON, Live


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make_party(live: Live, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    """The answer to the making of a party in custody."""
    answer = post(
        live, "/v1/parties", live.registry.admin_token, body or {"name": "甲公司", "kind": "legal_person"}, **headers
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def post(live: Live, path: str, token: str, body: Any, **headers: str) -> httpx.Response:
    return live.http.post(path, content=json.dumps(body).encode(), headers=JSON | bearer(token) | headers)
