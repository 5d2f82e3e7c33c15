"""`evidence.attach`: a document is added to an asset, a case or a right on record. Contract section 4.

By whoever has a live title on the asset, by the holder of the right or the applicant of the case, or by a reviewer.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ledger.statement import Statement
from registry.acts.act import Act, Context, Names, Outcome
from registry.acts.assents import case_named
from registry.acts.shapes import (
    EvidenceShape,
    Shape,
    body_of,
    evidence,
    must_keep_titles_confidential,
)
from registry.refusals.refusal import refused
from registry.register.asset import Asset, Case
from registry.register.register import Register
from registry.register.right import Right
from registry.register.values import Attached

_LIVE = ("active", "pending", "suspended")


TargetId = Annotated[str, Meta(pattern=r"^(ast|cas|rgt)_[0-9a-hjkmnp-tv-z]{26}(_[1-9][0-9]?)?$")]


class AttachBody(Shape, frozen=True):
    target: TargetId
    evidence: Annotated[tuple[EvidenceShape, ...], Meta(min_length=1, max_length=64)]


def _parse(statement: Statement) -> AttachBody:
    body = body_of(statement, AttachBody)
    evidence(body.evidence, "/body/evidence")
    return body


def _names(_statement: Statement, body: AttachBody) -> Names:
    match body.target[:3]:
        case "ast":
            return Names(assets=(body.target,), concerned=(body.target,))
        case "rgt":
            return Names(rights=(body.target,), concerned=(body.target,))
        case _:
            return Names(cases=(body.target,))


def _decide(context: Context, body: AttachBody, register: Register) -> Outcome:
    target = _target(register, body.target)
    asset = target.id if isinstance(target, Asset) else target.asset
    concerned = target.holder if isinstance(target, Right) else target.applicant
    _check_entitled(context, register, target, asset)
    people = [register.party(name) for name in (*context.authors, concerned)]
    if any(party is not None and party.is_natural_person() for party in people):
        must_keep_titles_confidential(body.evidence, "/body/evidence")
    added = tuple(Attached(context.stamp, item) for item in evidence(body.evidence, "/body/evidence"))
    after: Any = msgspec.structs.replace(target, attached=(*target.attached, *added))
    kind = {"ast": "asset", "rgt": "right", "cas": "case"}[target.id[:3]]
    return Outcome(register.put((kind, target.id, after)), (asset,))


def _target(register: Register, name: str) -> Asset | Right | Case:
    found = register.asset(name) or register.right(name)
    if found is None and name.startswith("cas_"):
        return case_named(register, name, "/body/target")
    if found is None:
        raise refused("NOT_FOUND", f"There is no {name}.", f"没有 {name}。", "/body/target")
    return found


def _check_entitled(context: Context, register: Register, target: Asset | Right | Case, asset: str) -> None:
    holders = {
        right.holder
        for right in register.rights_of(asset)
        if (right.is_title() and right.status_at(context.time) == "active")
        or (right.id == target.id and right.status_at(context.time) in _LIVE and not right.is_for_principal())
    }
    if isinstance(target, Case):
        holders.add(target.applicant)
    if context.principal not in holders and not _is_reviewer(context, register):
        raise refused(
            "NOT_ENTITLED",
            "Evidence is added by a holder of a live title on the asset, by the holder of the right or the applicant of the "
            "case, or by a reviewer.",
            "佐证材料由该数据的现任权利人、该权利的权利人、案件的申请人或审查员补充。",
            "/by",
        )


def _is_reviewer(context: Context, register: Register) -> bool:
    """Whether a reviewer acts in person: an office is not exercised through an agent."""
    party = register.party(context.statement.by)
    return context.statement.for_ is None and party is not None and "reviewer" in party.live_roles()


EVIDENCE_ATTACH = Act("evidence.attach", _parse, _decide, _names, shape=AttachBody)
