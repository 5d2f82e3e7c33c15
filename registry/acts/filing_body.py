"""What a first registration says on the wire: the body of `case.file` of kind `initial`. Contract section 5."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.statement import Statement
from registry.acts.form import FormShape, SourceShape
from registry.acts.scopes import ScopeShape
from registry.acts.shapes import (
    AssetId,
    CaseId,
    Digest,
    EvidenceShape,
    FreeText,
    KindName,
    PartyId,
    Shape,
    body_of,
    evidence,
    given,
    invalid,
)
from registry.law import facts as law
from registry.law.counting import count_characters
from registry.refusals.refusal import refused

MAX_OBJECTS = 64
MAX_AWAITED = 32


class ClaimShape(Shape, frozen=True):
    party: PartyId
    rights: Annotated[tuple[KindName, ...], Meta(min_length=1, max_length=8)]
    scope: ScopeShape | UnsetType = UNSET
    conditions: FreeText | UnsetType = UNSET


class InitialBody(Shape, frozen=True):
    kind: Literal["initial"]
    asset: FormShape | AssetId
    sources: Annotated[tuple[SourceShape, ...], Meta(min_length=1, max_length=16)]
    claims: Annotated[tuple[ClaimShape, ...], Meta(min_length=1, max_length=31)]
    rulebook: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    awaits: Annotated[tuple[PartyId, ...], Meta(max_length=MAX_AWAITED)] | UnsetType = UNSET
    evidence: Annotated[tuple[EvidenceShape, ...], Meta(max_length=64)] | UnsetType = UNSET
    document: Digest | UnsetType = UNSET
    replaces: CaseId | UnsetType = UNSET
    notice: bool | UnsetType = UNSET
    notice_reason: FreeText | UnsetType = UNSET


class Filed(msgspec.Struct, frozen=True):
    """A filing with what follows from it alone. `form`: as the rules see it, None for an asset registered already."""

    body: InitialBody
    form: law.Form | None
    prints: tuple[str, ...]
    """`alg:value` of each fingerprint of the data filed, sorted."""
    claims: tuple[law.Claim, ...]


def form_facts(form: Mapping[str, Any]) -> law.Form:
    """What the rules look at in a form of annex 1."""
    return law.Form(
        form["form"],
        form["grade"],
        form["personal_information"],
        tuple(form["categories"]),
        count_characters(form["name"]),
        count_characters(form["overview"]),
    )


def parse_initial(statement: Statement) -> Filed:
    """The body of an initial filing.

    Raises:
        RefusedError: see `decode` and the shapes; TOO_LARGE for more objects than a statement makes.
    """
    kind = statement.body.get("kind")
    if kind in ("transfer", "change", "renewal", "cancellation"):
        raise invalid("/body/kind", f"cases of kind {kind} are not handled by this version", "本版本尚不办理该种登记")
    body = body_of(statement, InitialBody)
    if isinstance(body.asset, FormShape):
        body.asset.check("/body/asset")
    for number, source in enumerate(body.sources):
        source.check(f"/body/sources/{number}")
    rights = 0
    for number, claim in enumerate(body.claims):
        pointer = f"/body/claims/{number}"
        rights += len(claim.rights)
        if isinstance(claim.scope, ScopeShape):
            claim.scope.check(f"{pointer}/scope", title=True)
    if rights + (2 if isinstance(body.asset, FormShape) else 1) > MAX_OBJECTS:
        raise refused(
            "TOO_LARGE",
            f"A statement makes at most {MAX_OBJECTS} objects.",
            f"一份声明至多产生 {MAX_OBJECTS} 个对象。",
            "/body/claims",
        )
    if body.notice is False and body.notice_reason is UNSET:
        raise refused(
            "MALFORMED",
            "/body: a filing without notice says why, in `notice_reason`.",
            "/body：不予公告的，须在 notice_reason 中说明理由。",
            "/body/notice_reason",
        )
    _check_awaits(statement, given(body.awaits) or ())
    evidence(body.evidence, "/body/evidence")
    is_new = isinstance(body.asset, FormShape)
    return Filed(
        body,
        form_facts(statement.body["asset"]) if is_new else None,
        _fingerprints(body),
        tuple([law.Claim(number, claim.rights, claim.party) for number, claim in enumerate(body.claims)]),
    )


def _check_awaits(statement: Statement, awaits: tuple[str, ...]) -> None:
    if len(set(awaits)) != len(awaits):
        raise invalid("/body/awaits", "a party is listed twice", "主体重复列出")
    for number, party in enumerate(awaits):
        if party in (statement.by, statement.for_, *statement.with_):
            raise invalid(
                f"/body/awaits/{number}", "this party has joined by the filing itself; nothing is awaited of it",
                "该主体已随申请加入，无须另行等待其同意",
            )  # fmt: skip


def _fingerprints(body: InitialBody) -> tuple[str, ...]:
    if not isinstance(body.asset, FormShape):
        return ()
    return tuple(sorted({f"{f.alg}:{f.value}" for f in given(body.asset.fingerprints) or ()}))
