"""`right.revoke`: a grantor ends a grant, and what hangs on it falls. Contract section 4; rights.md 3.6.

From `effective` on, never for the past but on a judgment or with the signature of every party whose right would have
ended by then. Sub-grants fall with their parent, except those recorded to survive, which then hang on the head
grantor's right. Irreversible; only a later judgment may move the date of an earlier revocation.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.statement import Statement
from registry.acts.act import Act, Context, Names, Outcome
from registry.acts.shapes import (
    Digest,
    RightId,
    Shape,
    body_of,
    given,
    instant,
    invalid,
)
from registry.refusals.refusal import refused
from registry.register.register import Register
from registry.register.right import End, Right
from registry.title.chain import parent_of


class RevokeBody(Shape, frozen=True):
    rights: Annotated[tuple[RightId, ...], Meta(min_length=1, max_length=64)]
    ground: Literal["breach", "clause", "agreement", "judgment", "consent_withdrawn"]
    effective: str | UnsetType = UNSET
    document: Digest | UnsetType = UNSET


def _parse(statement: Statement) -> RevokeBody:
    body = body_of(statement, RevokeBody)
    if len(set(body.rights)) != len(body.rights):
        raise invalid("/body/rights", "a right is listed twice", "权利重复列出")
    effective = given(body.effective)
    if effective is not None:
        instant(effective, "/body/effective")
    return body


def _decide(context: Context, body: RevokeBody, register: Register) -> Outcome:
    wanted = given(body.effective)
    effective = context.effective(instant(wanted, "/body/effective") if wanted else None)
    folios: dict[str, None] = {}
    rights = [_right(register, name, f"/body/rights/{number}") for number, name in enumerate(body.rights)]
    for number, right in enumerate(rights):
        by_judgment = _check_entitled(context, body, register, right)
        if not _is_judged(body):
            _check_effective(context, register, right, effective)
        _check_not_ended(context, right, f"/body/rights/{number}", by_judgment=by_judgment)
        folios[right.asset] = None
    for right in rights:
        register = _end(context, register, right, effective, body.ground)
    return Outcome(register, tuple(folios))


def _right(register: Register, name: str, pointer: str) -> Right:
    right = register.right(name)
    if right is None:
        raise refused("NOT_FOUND", f"There is no right {name}.", f"没有权利 {name}。", pointer)
    return right


def _check_entitled(context: Context, body: RevokeBody, register: Register, right: Right) -> bool:
    """Whether the registrar acts on a judgment; otherwise the grantor must."""
    registry = register.registry()
    is_registrar = registry is not None and context.principal == registry.registrar
    if is_registrar and _is_judged(body) and not right.is_title():
        return True
    parent = parent_of(register, right, context.time)
    if parent is None or parent.holder != context.principal:
        raise refused(
            "NOT_ENTITLED",
            f"Only the grantor of {right.id}, or the registrar on a judgment's document, may revoke it.",
            f"只有 {right.id} 的许可人，或登记机构依据生效法律文书，可以撤销该权利。",
            "/by",
        )
    return False


def _is_judged(body: RevokeBody) -> bool:
    return body.ground == "judgment" and given(body.document) is not None


def _check_effective(context: Context, register: Register, right: Right, effective: datetime) -> None:
    """Nobody loses a right for the past unheard: whoever's right falls has signed."""
    if effective >= context.statement.at:
        return
    live = ("active", "pending")
    falling = (fallen for fallen in _falling(register, right) if not fallen.is_for_principal())
    affected = {fallen.holder for fallen in falling if fallen.status_at(effective) in live}
    if not affected <= context.joined:
        raise invalid(
            "/body/effective",
            "a revocation for the past needs a judgment's document, or each affected party in `with`: the holder and "
            "those whose rights fall with it",
            "追溯撤销须有生效法律文书，或由受影响的各主体（权利人及随之终止的下级权利人）列入 with 并签名",
        )


def _check_not_ended(context: Context, right: Right, pointer: str, *, by_judgment: bool) -> None:
    own = any(end.cause == right.id for end in right.ends)
    status = right.status_at(context.time)
    if (own and not by_judgment) or (not own and status not in ("active", "pending")):
        raise refused(
            "ALREADY_ENDED", f"The right {right.id} has ended or its end is recorded already.",
            f"权利 {right.id} 已终止，或其终止已有记载。", pointer,
        )  # fmt: skip


def _end(context: Context, register: Register, right: Right, effective: datetime, ground: str) -> Register:
    """The right and what falls with it have ended from `effective` on."""
    for fallen in _falling(register, right):
        end = End(context.seq, "revoked", effective, right.id, ground)
        register = register.put(("right", fallen.id, msgspec.structs.replace(fallen, ends=(*fallen.ends, end))))
    return register


def _falling(register: Register, right: Right) -> Iterator[Right]:
    yield right
    for child in register.rights_of(right.asset):
        if child.granted_from == right.id and not child.survives:
            yield from _falling(register, child)


def _names(_statement: Statement, body: RevokeBody) -> Names:
    return Names(rights=body.rights)


RIGHT_REVOKE = Act("right.revoke", _parse, _decide, _names, shape=RevokeBody)
