"""What OpenAPI says of bodies and answers. Answers are written by the registry; these models describe them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from registry.store.lists import LISTINGS

_Responses = dict[int | str, dict[str, Any]]


class _Open(BaseModel):
    """Readers ignore members that they do not know."""

    model_config = ConfigDict(extra="allow")


class Reason(_Open):
    code: str
    message: str
    rule: str | None = None
    article: str | None = None
    pointer: str | None = None


class Problem(_Open):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    reasons: list[Reason]


class Made(_Open):
    id: str
    kind: str | None = None


class Folio(_Open):
    id: str
    n: int
    prev: int | None


class Notice(_Open):
    code: str


class Receipt(_Open):
    statement: str = Field(description="Hex SHA-256 of the payload.")
    seq: int
    time: str
    leaf_hash: str
    ids: list[Made]
    folios: list[Folio]
    warnings: list[Notice]
    proof: str = Field(description="c2sp.org/tlog-proof@v1.")


class StatementAnswer(_Open):
    envelope: dict[str, Any]
    receipt: Receipt


class Recorded(_Open):
    seq: int
    time: str


class Key(_Open):
    key: str
    alg: str
    public: str
    custody: str
    added: str
    effective: str
    revoked: str | None = None


class Party(_Open):
    id: str
    name: Any
    kind: str
    level: str
    keys: list[Key]
    roles: list[str]
    agencies: list[dict[str, Any]] = Field(description="Who acts for the party, in what, until when.")
    entered: str | None = Field(None, description="`window`: registered from a paper form.")
    size: int


class Right(_Open):
    id: str
    asset: str
    kind: str
    holder: str
    from_right: str | None = None
    scope: dict[str, Any]
    exclusivity: str
    status: str
    basis: str
    capacity: str | None = Field(
        None, description="`custody` or `entrusted`: held for a principal, by no right holder."
    )
    entered: str | None = Field(None, description="`window`: filed on paper.")
    evidence: list[dict[str, Any]] | None = Field(None, description="Documents; those added later say when.")
    registered_until: str | None
    recorded: Recorded


class Case(_Open):
    id: str
    kind: str
    rulebook: str
    state: str
    asset: str
    applicant: str
    filed_at: str
    findings: list[dict[str, Any]]
    certificates: list[Any]
    awaits: list[str] = Field(description="Who has still to assent.")
    assents: list[dict[str, Any]] | None = None
    entered: str | None = Field(None, description="`window`: filed on paper.")
    evidence: list[dict[str, Any]] | None = Field(None, description="Documents; those added later say when.")


class Asset(_Open):
    id: str
    form: dict[str, Any]
    rights: list[Right]
    encumbrances: list[Any]
    remarks: list[Any]
    cases: list[Case]
    certificates: list[Any]
    evidence: list[dict[str, Any]] | None = Field(None, description="Documents that were added to it.")
    size: int


class Entry(_Open):
    seq: int
    time: str
    leaf_hash: str
    bytes: str
    statement: dict[str, Any]


class Import(BaseModel):
    """An import of a spreadsheet. `errors`: the first of them, each with its `cell`, `code` and words."""

    id: str
    state: str
    dry_run: bool
    done: int
    total: int
    registered: int
    passed: int | None = None
    refused: int
    skipped: int
    created: str
    ended: str | None = None
    problem: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | None = None


class Page(_Open):
    items: list[dict[str, Any]]
    next: str | None = None
    size: int


class Answer(_Open):
    decision: bool
    status: str
    reasons: list[Reason]
    chain: list[dict[str, Any]]
    obligations: dict[str, list[Any]]
    warnings: list[Notice]
    evaluated: dict[str, Any]
    ledger: dict[str, Any]
    paths: list[dict[str, Any]] | None = Field(None, description="With explain=full: every path, why it fails.")


class Answers(_Open):
    answers: list[Answer]


class Consistency(_Open):
    from_: int = Field(alias="from")
    to: int
    hashes: list[str]


class WellKnown(_Open):
    origin: str
    log_keys: list[str]
    seal_keys: list[dict[str, Any]]
    registrar: str
    rulebooks: list[dict[str, Any]]
    spec: int


class Disclosure(_Open):
    digest: str
    name: str
    value: Any
    disclosure: str
    statements: list[dict[str, Any]]


class Access(_Open):
    time: str
    reader: str
    purpose: str
    kind: str
    digest: str


class Accesses(_Open):
    items: list[Access]
    next: str | None = None


class Token(_Open):
    id: str
    party: str
    name: str
    scopes: list[str]
    created: str
    expires: str
    revoked: str | None = None


class NewToken(Token):
    token: str = Field(description="Shown once; only its digest is kept.")


class Tokens(_Open):
    items: list[Token]


class Document(_Open):
    sha256: str
    bytes: int
    media_type: str
    received: str


class Draft(_Open):
    id: str = Field(description="Hex SHA-256 of the payload: the statement's own identifier.")
    act: str
    by: str
    for_: str | None = Field(None, alias="for")
    with_: list[str] = Field(alias="with")
    at: str
    expires: str
    envelope: dict[str, Any]
    disclosures: list[str] | None = Field(None, description="Only with GET of the one draft.")
    signed: list[str] = Field(description="Parties, and keys that prove that their holder has them.")
    waiting: list[dict[str, str]] = Field(description="Who has to sign yet: {party} or {key}.")
    foreseen: dict[str, str] | None = Field(None, description="Why it would be refused as the register stands now.")
    refused: dict[str, str] | None = Field(None, description="Why it was refused when it was complete.")


class Drafts(_Open):
    items: list[Draft]
    next: str | None = None


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
_CSV, _XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BYTES = {"schema": {"type": "string", "format": "binary"}}
LIST: _Responses = {
    200: {"model": Page, "content": {_CSV: _BYTES, _XLSX: _BYTES}},
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

WORKBOOK: _Responses = {200: {"content": {_XLSX: _BYTES, _CSV: _BYTES}}, **_problems(400, 401, 403, 404, 422)}
IMPORT = _ok(Import, 400, 401, 403, 404)
IMPORTING: _Responses = {
    202: {"model": Import, "description": "Taken in; ask for it under Location."},
    **_problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
}
SPREADSHEET_BODY: dict[str, Any] = {
    "parameters": [{"name": "dry_run", "in": "query", "required": False, "schema": {"type": "boolean"}}],
    "requestBody": {"required": True, "content": {_XLSX: _BYTES, _CSV: _BYTES}},
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
