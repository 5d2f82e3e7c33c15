"""What derived data are made from. Articles 20 and 21(6); contract section 5, basis `derived`.

An input in this register needs a processing right of the applicant that covers `derive` at the activity time. What is
no independent new work (compilation, subset, format, or no markedly higher value) is bounded by its inputs.
"""

from collections.abc import Iterable, Sequence, Sized
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import msgspec

from registry.acts.act import Context
from registry.acts.form import InputShape, SourceShape
from registry.acts.shapes import given, instant, invalid, plain
from registry.law import facts as law
from registry.refusals.refusal import RefusedError, refused
from registry.register.asset import MAX_ANCESTORS, Asset, Derivation, Input
from registry.register.register import Register
from registry.register.right import Right
from registry.register.scope import Scope
from registry.title.chain import chain_of, until_end
from registry.title.scope import meet
from registry.title.vocabulary import PROCESSING, WHOLE, allowed_actions


class Used(msgspec.Struct, frozen=True):
    """The inputs of a filing: as the rules see them, source by source, and as the asset remembers them."""

    facts: tuple[tuple[law.Input, ...], ...]
    inputs: tuple[Input, ...]
    ancestors: tuple[str, ...]
    public_collection: bool
    bounds: tuple[Scope, ...]
    late: tuple[dict[str, Any], ...] = ()
    """Warnings: rights that held at the activity time and no longer do as it is recorded (rights.md, row D7)."""

    def derivation(self, seq: int) -> tuple[Derivation, ...]:
        """What the asset remembers of the filing in the entry `seq`, if there is anything."""
        if not self.inputs and not self.public_collection:
            return ()
        return (Derivation(seq, self.inputs, self.ancestors, self.public_collection),)

    def bound(self, claimed: Scope, pointer: str) -> Scope:
        """The claimed scope within what the inputs allow.

        Raises:
            RefusedError: R_RIGHT_NOT_ENTITLED if nothing is left.
        """
        bounded = claimed
        for limit in self.bounds:
            within = meet(bounded, limit)
            if within is None:
                raise refused(
                    "R_RIGHT_NOT_ENTITLED",
                    "Data that are no new work reach no further than the rights to their inputs; nothing of the claim is left.",
                    "未形成独立新成果的数据，其权利不得超出投入数据的权利范围；申报范围已无剩余。",
                    pointer,
                )
            bounded = within
        return bounded


def inputs_used(
    context: Context, sources: Sequence[SourceShape], register: Register, asset: Asset | None, joined: AbstractSet[str]
) -> Used:
    """The inputs of all sources. `joined`: whose consent the filing has.

    Raises:
        RefusedError: NOT_FOUND, INPUT_USE_RIGHT_MISSING, DERIVATION_CYCLE or INVALID_VALUE.
    """
    facts: list[tuple[law.Input, ...]] = []
    inputs: list[Input] = []
    ancestors: dict[str, None] = {}
    bounds: list[Scope] = []
    if asset is not None:
        _check_acyclic(sources, register, asset)
    late: list[dict[str, Any]] = []
    public = any(source.basis == "public_collection" for source in sources)
    for number, source in enumerate(sources):
        seen: list[law.Input] = []
        for place, item in enumerate(given(source.inputs) or ()):
            pointer = f"/body/sources/{number}/inputs/{place}"
            inputs.append(
                Input(given(item.asset), given(item.right), plain(item.external) if given(item.external) else None)
            )
            if given(item.external) is not None:
                seen.append(law.Input(registered=False))
                continue
            parent, right = _input(context, source, item, register, pointer, number)
            if not _may_derive(register, right, context.principal, context.time):
                late.append({"code": "LATE_RECORDED", "right": right.id, "pointer": f"{pointer}/right"})
            holder_joined = right.holder in joined
            titles = [r for r in register.rights_of(parent.id) if r.is_title() and r.is_registered()]
            holders = {title.holder for title in titles if title.kind == "operating"}
            holder_joined = bool(holders & joined) if holders else holder_joined
            seen.append(law.Input(True, parent.public_collection, holder_joined))
            ancestors.update(dict.fromkeys((parent.id, *parent.ancestors)))
            public = public or parent.public_collection
            if _is_bounded(source):
                if (limit := until_end(right)) is None:
                    raise _missing(item.right, parent.id, f"{pointer}/right")
                bounds.append(
                    msgspec.structs.replace(limit, fields=WHOLE, duties=(), actions=None, rights=None, depth=None)
                )
        facts.append(tuple(seen))
    _check_number(ancestors)
    return Used(tuple(facts), tuple(inputs), tuple(ancestors), public, tuple(bounds), tuple(late))


def _check_number(ancestors: Sized) -> None:
    if len(ancestors) > MAX_ANCESTORS:
        raise invalid("/body/sources", f"more than {MAX_ANCESTORS} ancestors", f"上游数据超过 {MAX_ANCESTORS} 项")


def _check_acyclic(sources: Sequence[SourceShape], register: Register, asset: Asset) -> None:
    """A registered asset that gets inputs is none of them and none of their ancestors."""
    named = {
        f"/body/sources/{number}/inputs/{place}/asset": item.asset
        for number, source in enumerate(sources)
        for place, item in enumerate(given(source.inputs) or ())
        if isinstance(item.asset, str)
    }
    lineage = _lineage(register, named.values())
    _check_number(lineage)
    if asset.id in lineage:
        pointer = next(pointer for pointer, name in named.items() if asset.id in _lineage(register, [name]))
        raise refused(
            "DERIVATION_CYCLE", f"{asset.id} would descend from itself.", f"{asset.id} 将成为自身的上游。", pointer
        )


def _lineage(register: Register, assets: Iterable[str]) -> dict[str, None]:
    """These assets and everything that they descend from; cut off where it is more than a filing may have.

    An asset's own list is as old as its filings, so the lists of its ancestors are read too: they may have got inputs
    since. `register` holds them for the inputs that an act names (`Names.inputs`).
    """
    seen = dict.fromkeys(assets)
    newest = list(seen)
    while newest and len(seen) <= MAX_ANCESTORS:
        known = (register.asset(name) for name in newest)
        newest = [name for one in known if one is not None for name in one.ancestors if name not in seen]
        seen |= dict.fromkeys(newest)
    return seen


def _is_bounded(source: SourceShape) -> bool:
    given_facts = given(source.facts) or {}
    new_work = given_facts.get("change") == "derivative" and given_facts.get("value_increase") is True
    return source.basis == "derived" and not new_work and not given_facts.get("clause_rights")


def _input(
    context: Context, source: SourceShape, item: InputShape, register: Register, pointer: str, number: int
) -> tuple[Asset, Right]:
    assert isinstance(item.asset, str) and isinstance(item.right, str)  # noqa: PT018  checked in `InputShape.check`
    parent = register.asset(item.asset)
    if parent is None:
        raise refused(
            "NOT_FOUND", f"There is no asset {item.asset}.", f"没有数据资产 {item.asset}。", f"{pointer}/asset"
        )
    right = register.right(item.right)
    if right is None:
        raise refused("NOT_FOUND", f"There is no right {item.right}.", f"没有权利 {item.right}。", f"{pointer}/right")
    time = _activity_time(context, source, number)
    if right.asset != parent.id or not _may_derive(register, right, context.principal, time):
        raise _missing(item.right, parent.id, f"{pointer}/right")
    return parent, right


def _missing(right: Any, asset: str, pointer: str) -> RefusedError:
    return refused(
        "INPUT_USE_RIGHT_MISSING",
        f"The right {right} does not let the applicant derive data from {asset} at the time of the activity.",
        f"权利 {right} 在加工活动发生时不能使申请人对 {asset} 加工形成衍生数据。",
        pointer,
    )


def _activity_time(context: Context, source: SourceShape, number: int) -> datetime:
    text = (given(source.facts) or {}).get("activity_time")
    if text is None:
        return context.time
    pointer = f"/body/sources/{number}/facts/activity_time"
    time = instant(text, pointer)
    if time > context.time:
        raise invalid(pointer, "the activity lies in the future", "加工活动时间不能在将来")
    return time


def _may_derive(register: Register, right: Right, party: str, at: datetime) -> bool:
    if right.kind != PROCESSING or right.holder != party:
        return False
    if "derive" not in allowed_actions(right.kind, right.scope.actions, is_title=right.is_title()):
        return False
    return all(link.status_at(at) == "active" for link in chain_of(register, right, at))
