"""What answers look like, as OpenAPI describes them. Answers are written by the registry; nothing here makes one."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
    recovered: bool | None = None


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


class Evidence(_Open):
    format: str
    origin: str
    subject: str | None = Field(None, description="What was asked for. Like log_keys signed by nobody.")
    log_keys: list[str]
    checkpoint: str
    entries: list[dict[str, Any]] = Field(description="{seq, bytes}, ascending.")
    proofs: list[list[str]] = Field(description="The inclusion path of each entry, base64 with padding.")
    rulebooks: dict[str, str]


class WellKnown(_Open):
    origin: str
    log_keys: list[str]
    retired_log_keys: list[str]
    log_key_changes: list[dict[str, Any]]
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
