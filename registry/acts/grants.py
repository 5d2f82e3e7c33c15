"""`right.grant`: a right derived from an operating right. Contract section 4; rights.md 3.2, 3.3.

A grant lies within its parent in every dimension (attenuation), and may not collide with an exclusive one of the same
chain. Article 3: to supply data to others is what the operating right is for.

Whoever lets another hold (custody) or process (entrusted) for it supplies nothing: that takes the right to hold or to
process alone, and makes nobody a right holder (articles 3 and 21(7)).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from ledger.statement import Statement
from registry.acts import exclusivity
from registry.acts.act import Act, Context, Made, Names, Outcome, party_named
from registry.acts.agents import must_not_take_for_itself
from registry.acts.scopes import ScopeShape
from registry.acts.shapes import (
    EvidenceShape,
    FreeText,
    PartyId,
    RightId,
    Shape,
    body_of,
    evidence,
    given,
    invalid,
    must_be_confidential,
    must_keep_titles_confidential,
)
from registry.refusals.refusal import Reason, RefusedError, Words, refused
from registry.register.party import Party
from registry.register.register import Register
from registry.register.right import Capacity, Right
from registry.register.scope import Scope
from registry.title.chain import chain_of
from registry.title.scope import Excess, excesses
from registry.title.vocabulary import (
    CAPACITY_ACTIONS,
    CAPACITY_KINDS,
    OPERATING,
    SUPPLY_ARTICLE,
    Exclusivity,
    allowed_actions,
)
from registry.title.words import excess_words


class GrantBody(Shape, frozen=True):
    from_right: RightId
    to: PartyId
    rights: Annotated[tuple[Annotated[str, Meta(max_length=42)], ...], Meta(min_length=1, max_length=8)]
    scope: ScopeShape
    exclusivity: Exclusivity | UnsetType = UNSET
    subject_to: Annotated[tuple[RightId, ...], Meta(max_length=256)] | UnsetType = UNSET
    survives: bool | UnsetType = UNSET
    for_value: bool | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    as_: Literal["licence", "contribution"] | UnsetType = field(default=UNSET, name="as")
    consideration: FreeText | UnsetType = UNSET
    evidence: tuple[EvidenceShape, ...] | UnsetType = UNSET


def _parse(statement: Statement) -> GrantBody:
    body = body_of(statement, GrantBody)
    if len(set(body.rights)) != len(body.rights):
        raise invalid("/body/rights", "a kind of right is listed twice", "权利种类重复列出")
    body.scope.check("/body/scope", title=False)
    if _capacity(body) != "own":
        _check_capacity(body)
    if OPERATING in body.rights and given(body.scope.rights) is None:
        raise invalid(
            "/body/scope/rights",
            "a grant of an operating right says which rights it may confer",
            "许可经营权须写明其可再授予的权利",
        )
    evidence(body.evidence, "/body/evidence")
    return body


def _capacity(body: GrantBody) -> Capacity:
    return given(body.capacity) or "own"


def _check_capacity(body: GrantBody) -> None:
    """What one keeps or processes for another is passed on to nobody, excludes nobody, and ends with the principal's."""
    allowed = CAPACITY_ACTIONS[_capacity(body)]
    for name, wrong in (
        ("/exclusivity", given(body.exclusivity) not in (None, "none")),
        ("/survives", given(body.survives) is True),
        ("/scope/depth", given(body.scope.depth) not in (None, 0)),
        ("/scope/actions", not set(given(body.scope.actions) or ()) <= set(allowed)),
    ):
        if wrong:
            raise invalid(
                f"/body{name}",
                f"whoever holds or processes for another may {', '.join(allowed)} and pass nothing on",
                "代持人、受托人仅可为委托人存储或处理，不得再行授予、独占或不随委托终止",
            )


def _names(_statement: Statement, body: GrantBody) -> Names:
    return Names(parties=(body.to,), rights=(body.from_right, *(given(body.subject_to) or ())))


def _decide(context: Context, body: GrantBody, register: Register) -> Outcome:
    parent = register.right(body.from_right)
    if parent is None:
        raise refused(
            "NOT_FOUND", f"There is no right {body.from_right}.", f"没有权利 {body.from_right}。", "/body/from_right"
        )
    to = party_named(register, body.to, "/body/to")
    for number, name in enumerate(given(body.subject_to) or ()):
        listed = register.right(name)
        if listed is None or listed.asset != parent.asset:
            raise refused(
                "NOT_FOUND",
                f"There is no right {name} on this asset.",
                f"该数据上没有权利 {name}。",
                f"/body/subject_to/{number}",
            )
    if parent.holder != context.principal:
        raise refused(
            "NOT_ENTITLED", f"The right {parent.id} is held by {parent.holder}, not by {context.principal}.",
            f"权利 {parent.id} 由 {parent.holder} 享有，而非 {context.principal}。", "/by",
        )  # fmt: skip
    chain = chain_of(register, parent, context.time)
    scope = body.scope.resolve("/body/scope", context.time, context.statement, title=False)
    if _capacity(body) != "own" and scope.actions is None:
        scope = msgspec.structs.replace(scope, actions=tuple(sorted(CAPACITY_ACTIONS[_capacity(body)])))
    _check_attenuation(body, parent, scope, register)
    _check_live(context, chain)
    must_not_take_for_itself(context.statement, body.to, "/body/to")
    _check_joined(context, body, chain)
    _check_confidential(context, body, register)
    if _capacity(body) == "own":
        earlier = exclusivity.conflicts(register, chain, body.rights, scope)
        exclusivity.must_not_conflict(earlier, given(body.exclusivity) or "none", given(body.subject_to) or ())
    return _grant(context, body, register, parent, to, scope)


def _check_attenuation(body: GrantBody, parent: Right, scope: Scope, register: Register) -> None:
    capacity = _capacity(body)
    if capacity == "own":
        reasons, limit = _not_supplying(parent), parent.scope
    else:
        reasons = _not_entrustable(body, parent, CAPACITY_KINDS[capacity])
        limit = msgspec.structs.replace(parent.scope, depth=None, rights=None)
    found = excesses(
        scope,
        limit,
        rights=body.rights,
        exclusivity=given(body.exclusivity) or "none",
        parent_exclusivity=None if parent.is_title() else _exclusivity(parent),
    )
    reasons += [_reason(excess, parent) for excess in found]
    reasons += _unknown_fields(scope, parent, register, any(excess.dimension == "fields" for excess in found))
    if reasons:
        raise RefusedError(*reasons)


def _not_supplying(parent: Right) -> list[Reason]:
    """Why nobody can be supplied from this right, if nobody can."""
    if parent.kind != OPERATING:
        words = Words(
            f"The right {parent.id} is a {parent.kind} right; only an operating right lets its holder supply the data to "
            "others.",
            f"权利 {parent.id} 不是数据经营权；只有数据经营权人可以对外提供数据。",
        )
        return [
            Reason("DISPOSITION_NEEDS_OPERATE", words, "/body/from_right", article=SUPPLY_ARTICLE, right=parent.id)
        ]  # fmt: skip
    actions = allowed_actions(OPERATING, parent.scope.actions, is_title=parent.is_title())
    return [] if {"license", "sublicense"} & set(actions) else [_no_licence(parent)]


def _not_entrustable(body: GrantBody, parent: Right, kind: str) -> list[Reason]:
    """A custodian has what its principal may hold, an entrusted processor what it may process, and nothing else."""
    if parent.is_for_principal():
        words = Words(
            f"The right {parent.id} is exercised for a principal; nothing can be passed on from it.",
            f"权利 {parent.id} 系为委托人行使，不得转委托或再行授予。",
        )
        return [Reason("NOT_DELEGABLE", words, "/body/from_right", right=parent.id, dimension="depth")]
    wrong = [("/body/from_right", parent.kind)] if parent.kind != kind else []
    wrong += [("/body/rights", right) for right in body.rights if right != kind]
    words = Words(
        f"In this capacity a {kind} right is entrusted, from a {kind} right, and no other.",
        f"以该种身份只能就 {kind} 权利受托，且须出自同种权利。",
    )
    return [
        Reason(
            "RIGHT_NOT_IN_PARENT", words, pointer, right=parent.id, dimension="rights", wanted=(other,), allowed=(kind,)
        )
        for pointer, other in wrong[:1]
    ]


def _exclusivity(right: Right) -> Exclusivity:
    return "sole" if right.exclusivity == "sole" else "exclusive" if right.exclusivity == "exclusive" else "none"


def _no_licence(parent: Right) -> Reason:
    words = Words(f"The scope of {parent.id} does not include licensing.", f"权利 {parent.id} 的范围不包括许可他人。")
    return Reason("NOT_DELEGABLE", words, "/body/from_right", right=parent.id, dimension="actions")


def _unknown_fields(scope: Scope, parent: Right, register: Register, already: bool) -> list[Reason]:
    """A field that the asset's form does not list lies outside every right on it."""
    asset = register.asset(parent.asset)
    listed = asset.form.get("fields") if asset else None
    if listed is None or already:
        return []
    names = tuple(item["name"] for item in listed)
    beyond = tuple(name for name in scope.fields if name != "*" and name not in names)
    return [_reason(Excess("FIELDS_EXCEED_PARENT", "fields", beyond, names), parent)] if beyond else []


def _reason(excess: Excess, parent: Right) -> Reason:
    pointer = {"term": "/body/scope/until", "exclusivity": "/body/exclusivity", "rights": "/body/rights"}
    return Reason(
        excess.code,
        excess_words(excess, parent.id),
        pointer.get(excess.dimension, f"/body/scope/{excess.dimension}"),
        right=parent.id,
        dimension=excess.dimension,
        wanted=excess.wanted,
        allowed=excess.allowed,
    )


def _check_live(context: Context, chain: tuple[Right, ...]) -> None:
    for link in chain:
        status = link.status_at(context.time)
        if status not in ("active", "pending") or link.is_awaited():
            raise refused(
                "RIGHT_STATE", f"The right {link.id} is {status}; nothing can be granted from it.",
                f"权利 {link.id} 的状态为 {status}，不能据以许可。", "/body/from_right",
            )  # fmt: skip


def _check_joined(context: Context, body: GrantBody, chain: tuple[Right, ...]) -> None:
    """The grantee joins where it takes on something, the root holder where the grant survives its parent."""
    binding = [
        name
        for name, present in (
            ("duties", bool(given(body.scope.duties))),
            ("consideration", given(body.consideration) is not None),
            ("exclusivity", given(body.exclusivity) not in (None, "none")),
            ("operating", OPERATING in body.rights),
        )
        if present
    ]
    needed = {body.to: "the grantee, because the grant brings " + ", ".join(binding)} if binding else {}
    if given(body.survives):
        needed[chain[0].holder] = "the holder of the root title, because the grant survives its parent"
    for party, role in needed.items():
        if party not in context.joined:
            raise refused(
                "SIGNATURE_MISSING", f"{party} must join: {role}. Name it in `with` and let it sign.",
                f"{party} 须共同签名，请列入 with。", "/with",
            )  # fmt: skip


def _check_confidential(context: Context, body: GrantBody, register: Register) -> None:
    people = [register.party(name) for name in (*context.authors, body.to)]
    if any(party is not None and party.is_natural_person() for party in people):
        must_be_confidential("/body/consideration", body.consideration)
        for pointer, text in body.scope.free_texts("/body/scope"):
            must_be_confidential(pointer, text)
        must_keep_titles_confidential(body.evidence, "/body/evidence")


def _grant(context: Context, body: GrantBody, register: Register, parent: Right, to: Party, scope: Scope) -> Outcome:
    rights = [
        Right(
            id=context.ids.identifier("rgt", number),
            ref=context.ref(number),
            asset=parent.asset,
            asset_ref=parent.asset_ref,
            kind=kind,
            holder=to.id,
            holder_ref=to.ref,
            scope=scope,
            recorded=context.stamp,
            basis=parent.basis,
            rulebook_sha256=parent.rulebook_sha256,
            granted_from=parent.id,
            exclusivity=given(body.exclusivity) or "none",
            survives=given(body.survives) or False,
            subject_to=given(body.subject_to) or (),
            ends=() if given(body.survives) else parent.live_ends(),
            evidence=evidence(body.evidence, "/body/evidence"),
            capacity=_capacity(body),
        )
        for number, kind in enumerate(body.rights)
    ]
    after = register.put(
        ("rights", parent.asset, (*register.names("rights", parent.asset), *(right.id for right in rights))),
        *(("right", right.id, right) for right in rights),
    )
    return Outcome(after, (parent.asset,), tuple(Made(right.id, right.kind) for right in rights))


RIGHT_GRANT = Act("right.grant", _parse, _decide, _names, shape=GrantBody)
