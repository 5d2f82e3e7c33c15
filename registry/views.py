"""Objects of the register as answers show them. Contract section 6. Each takes an object as of the size asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ledger.instants import format_instant
from registry.acts.scopes import format_scope
from registry.register.asset import Asset, Case
from registry.register.party import Key, Party
from registry.register.register import Register
from registry.register.right import Right
from registry.register.values import Stamp
from registry.title.chain import parent_of

View = dict[str, Any]


def _present(**members: Any) -> View:
    """The members that are not None: optional means absent."""
    return {name: value for name, value in members.items() if value is not None}


def _stamp(stamp: Stamp) -> View:
    return {"seq": stamp.seq, "time": format_instant(stamp.time)}


def party_view(party: Party) -> View:
    """{id, name, kind, level, keys, roles, …}; confidential members as their digests."""
    details = party.current
    return _present(
        id=party.id,
        name=details.name,
        kind=details.kind,
        subkind=details.subkind,
        identifier=details.identifier,
        contact=details.contact,
        status=details.status,
        level=party.level,
        keys=[_key_view(key) for key in party.keys],
        roles=list(party.live_roles()),
        recorded=_stamp(party.recorded),
    )


def _key_view(key: Key) -> View:
    revoked = key.revoked()
    return _present(
        key=key.key,
        alg=key.alg,
        public=key.public,
        custody=key.custody,
        added=format_instant(key.added.time),
        effective=format_instant(key.effective),
        revoked=format_instant(revoked) if revoked else None,
    )


def right_view(register: Register, right: Right, at: datetime) -> View:
    """{id, asset, kind, holder, from_right, scope, exclusivity, status, basis, registered_until, recorded, …}.

    `register` need hold the other rights on the asset only where the right `survives`.
    """
    parent = parent_of(register, right, at) if right.survives else None
    view = _present(
        id=right.id,
        asset=right.asset,
        kind=right.kind,
        holder=right.holder,
        from_right=parent.id if parent else right.granted_from,
        previous=right.previous,
        case=right.case,
        scope=format_scope(right.scope, right.kind),
        exclusivity=right.exclusivity,
        status=right.status_at(at),
        basis=right.basis,
    )
    end = right.ended()
    if end is not None:
        view["ended"] = _present(effective=format_instant(end.effective), ground=end.ground, cause=end.cause)
    if right.survives:
        view["survives"] = True
    view["registered_until"] = format_instant(right.registered_until) if right.registered_until else None
    view["recorded"] = _stamp(right.recorded)
    return view


def case_view(case: Case) -> View:
    """{id, kind, rulebook, state, asset, applicant, filed_at, findings, certificates, …}."""
    return {
        "id": case.id,
        "kind": case.kind,
        "rulebook": case.rulebook,
        "rulebook_sha256": case.rulebook_sha256,
        "state": case.state,
        "asset": case.asset,
        "applicant": case.applicant,
        "filed_at": format_instant(case.filed_at),
        "findings": list(case.findings),
        "certificates": [],
        "recorded": _stamp(case.recorded),
    }


def asset_view(register: Register, asset: Asset, cases: Sequence[Case], at: datetime) -> View:
    """{id, form, rights, encumbrances, remarks, cases, certificates, …}."""
    view: View = {
        "id": asset.id,
        "applicant": asset.applicant,
        "form": asset.form,
        "rights": [right_view(register, right, at) for right in register.rights_of(asset.id)],
        "encumbrances": [],
        "remarks": [],
        "cases": [case_view(case) for case in cases],
        "certificates": [],
        "recorded": _stamp(asset.recorded),
    }
    if asset.inputs:
        view["inputs"] = [
            {"external": item.external} if item.external else {"asset": item.asset, "right": item.right}
            for item in asset.inputs
        ]
    return view


def asset_line(asset: Asset) -> View:
    """An asset in a list."""
    return {"id": asset.id, "applicant": asset.applicant, "form": asset.form, "recorded": _stamp(asset.recorded)}
