"""What OpenAPI says of each route: its bodies, its query, its answers and refusals. Answers look as in `api.v1.models`."""

from typing import Any

from pydantic import BaseModel

from api.exporting.files import CSV, XLSX
from api.v1.models import (
    Accesses,
    Answer,
    Answers,
    Asset,
    Case,
    Consistency,
    Disclosure,
    Document,
    Draft,
    Drafts,
    Entry,
    Evidence,
    Import,
    NewToken,
    Page,
    Party,
    Problem,
    Receipt,
    Right,
    StatementAnswer,
    Tokens,
    WellKnown,
)
from registry.store.lists import LISTINGS

_Responses = dict[int | str, dict[str, Any]]


def _problems(*statuses: int) -> _Responses:
    content = {
        "application/problem+json": {"schema": Problem.model_json_schema(ref_template="#/components/schemas/{model}")}
    }
    return {status: {"description": "Problem", "model": Problem, "content": content} for status in statuses}


def _ok(model: type[BaseModel], *problems: int) -> _Responses:
    return {200: {"model": model}, **_problems(*problems)}


SUBMITTED: _Responses = {
    201: {"model": Receipt, "description": "On the ledger."},
    200: {"model": Receipt, "description": "The same payload was on the ledger already; or a dry run; or NDJSON."},
    **_problems(400, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503),
}
ACTED: _Responses = {
    201: {"model": Receipt, "description": "On the ledger."},
    202: {"model": Draft, "description": "Others sign it too: it waits as a draft."},
    **_problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503),
}
TOKEN: _Responses = {201: {"model": NewToken}, **_problems(400, 401, 403, 404, 413, 415, 422)}
TOKENS = _ok(Tokens, 400, 401, 403)
TOKEN_REVOKED: _Responses = {204: {"description": "Revoked."}, **_problems(401, 403, 404)}
DISCLOSURE = _ok(Disclosure, 400, 401, 403, 404, 422)
ACCESSES = _ok(Accesses, 400, 401, 403, 404, 422)
SENT: _Responses = {
    201: {"model": Document, "description": "Kept."},
    200: {"model": Document, "description": "It was there already."},
    **_problems(400, 401, 403, 413, 415, 422, 429, 503),
}
DOCUMENT: _Responses = {
    200: {
        "description": "The document, as an attachment of its own media type.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    **_problems(400, 401, 403, 404),
}
DRAFTED: _Responses = {
    201: {"model": Draft, "description": "Kept until it is complete; or complete, on the ledger: then the receipt."},
    200: {"model": Draft, "description": "It was there already; or the statement on the ledger: then the receipt."},
    **_problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503),
}
DRAFT = _ok(Draft, 400, 401, 403, 404)
DRAFTS = _ok(Drafts, 400, 401, 403, 422)
WITHDRAWN: _Responses = {204: {"description": "Gone."}, **_problems(400, 401, 403, 404)}
STATEMENT = _ok(StatementAnswer, 404)
PARTY = _ok(Party, 400, 404, 422, 503)
ASSET = _ok(Asset, 400, 404, 422, 503)
RIGHT = _ok(Right, 400, 404, 422, 503)
CASE = _ok(Case, 400, 404, 422, 503)
HISTORY = _ok(Page, 400, 404, 422, 503)
EVIDENCE = _ok(Evidence, 400, 404, 413, 422, 503)
_BYTES = {"schema": {"type": "string", "format": "binary"}}
LIST: _Responses = {
    200: {"model": Page, "content": {CSV: _BYTES, XLSX: _BYTES}},
    **_problems(400, 406, 413, 422, 503),
}
ENTRY = _ok(Entry, 404, 406)
ANSWER = _ok(Answer, 400, 406, 422, 503)
ANSWERS = _ok(Answers, 400, 406, 408, 413, 415, 422, 503)
CONSISTENCY = _ok(Consistency, 400, 422, 503)
WELL_KNOWN = _ok(WellKnown)
TEXT_ANSWER: _Responses = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **_problems(404)}
OCTETS_ANSWER: _Responses = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
    **_problems(404),
}

WORKBOOK: _Responses = {200: {"content": {XLSX: _BYTES, CSV: _BYTES}}, **_problems(400, 401, 403, 404, 422)}
IMPORT = _ok(Import, 400, 401, 403, 404)
IMPORTING: _Responses = {
    202: {"model": Import, "description": "Taken in; ask for it under Location."},
    **_problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
}
SPREADSHEET_BODY: dict[str, Any] = {
    "parameters": [{"name": "dry_run", "in": "query", "required": False, "schema": {"type": "boolean"}}],
    "requestBody": {"required": True, "content": {XLSX: _BYTES, CSV: _BYTES}},
}

_ENVELOPE = {
    "type": "object",
    "required": ["payload", "payloadType", "signatures"],
    "properties": {
        "payload": {"type": "string", "description": "Base64 of the payload."},
        "payloadType": {"type": "string", "const": "application/vnd.sanquan.statement.v1+json"},
        "signatures": {
            "type": "array",
            "items": {"type": "object", "properties": {"keyid": {"type": "string"}, "sig": {"type": "string"}}},
        },
    },
}
ENVELOPE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _ENVELOPE}, "application/x-ndjson": {"schema": {"type": "string"}}},
    }
}
ACT_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
TOKEN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "party": {"type": "string"},
                        "name": {"type": "string"},
                        "scopes": {"type": "array", "items": {"type": "string"}},
                        "expires": {"type": "string", "format": "date-time"},
                    },
                }
            }
        },
    }
}
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
SIGNATURE_BODY: dict[str, Any] = {
    "requestBody": {"required": False, "content": {"application/json": {"schema": {"type": "object"}}}}
}
CHECKS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {"checks": {"type": "array", "items": {"type": "object"}}}}
            }
        },
    }
}
_QUERIES = {
    **{name: (*listing.filters, "cursor", "limit", "at", "size", "format") for name, listing in LISTINGS.items()},
    "entries": ("act", "by", "folio", "cursor", "limit", "size", "format"),
    "check": ("party", "asset", "purpose", "action", "right", "territory", "fields", "group", "consenting", "basis",
              "explain", "at", "size"),
    "drafts": ("party", "waiting_for", "cursor", "limit"),
    "inclusion": ("seq", "size"),
    "consistency": ("from", "to"),
    "evidence": ("size",),
    "disclosure": ("purpose",),
    "document": ("purpose",),
    "accesses": ("cursor", "limit"),
    "template": ("lang",),
}  # fmt: skip
_NEEDED = {
    "check": ("party", "asset", "purpose"),
    "inclusion": ("seq",),
    "consistency": ("from", "to"),
    "disclosure": ("purpose",),
    "document": ("purpose",),
}


def filters(what: str) -> dict[str, Any]:
    """The query parameters of a route."""
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in _NEEDED.get(what, ()), "schema": {"type": "string"}}
            for name in _QUERIES[what]
        ]
    }
