"""Objects of the register as answers show them. Contract section 6. Each takes an object as of the size asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ledger.entry import parse_entry
from ledger.instants import format_instant
from ledger.statement import parse_statement
from ledger.storage import EntryRow
from registry.acts.scopes import format_scope
from registry.register.asset import Asset, Case
from registry.register.party import Agency, Key, Party
from registry.register.register import Register
from registry.register.right import Right
from registry.register.values import Attached, Evidence, Stamp
from registry.title.chain import parent_of

View = dict[str, Any]


def _present(**members: Any) -> View:
    """The members that are not None: optional means absent."""
    return {name: value for name, value in members.items() if value is not None}


def _stamp(stamp: Stamp) -> View:
    return {"seq": stamp.seq, "time": format_instant(stamp.time)}


def _entered(*, window: bool) -> str | None:
    return "window" if window else None


def _documents(evidence: Sequence[Evidence], attached: Sequence[Attached]) -> list[View] | None:
    """The documents of the filing, then those added later, each with the entry that added it."""
    found = [_document(item) for item in evidence]
    found += [_document(item.evidence) | {"recorded": _stamp(item.recorded)} for item in attached]
    return found or None


def _document(item: Evidence) -> View:
    return _present(kind=item.kind, sha256=item.sha256, bytes=item.bytes, media_type=item.media_type)


def party_view(party: Party, at: datetime) -> View:
    """{id, name, kind, level, keys, roles, …}; confidential members as their digests. Agencies that are live at `at`."""
    details = party.current
    agencies = [_agency_view(agency) for agency in party.live_agencies(at)]
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
        agencies=agencies,
        entered=_entered(window=party.window),
        recorded=_stamp(party.recorded),
    )


def _agency_view(agency: Agency) -> View:
    return {
        "agency": agency.id,
        "agent": agency.agent,
        "acts": list(agency.acts),
        "until": format_instant(agency.until),
        "recorded": _stamp(agency.given),
    }


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
        recovered=key.recovered or None,
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
        capacity=right.capacity if right.is_for_principal() else None,
        entered=_entered(window=right.window),
        evidence=_documents(right.evidence, right.attached),
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
    """{id, kind, rulebook, state, asset, applicant, filed_at, findings, certificates, …}.

    `awaits`: who has still to assent; `assents`, of a case that had to wait: what the others said.
    """
    view: View = {
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
        "awaits": list(case.awaited()),
        "recorded": _stamp(case.recorded),
    }
    if case.awaits:
        view["assents"] = [
            {"party": said.party, "assents": said.assents, "recorded": _stamp(said.recorded)} for said in case.assents
        ]
    documents = _documents(case.evidence, case.attached)
    return view | _present(entered=_entered(window=case.window), evidence=documents)


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
    return view | _present(evidence=_documents((), asset.attached))


def asset_line(asset: Asset) -> View:
    """An asset in a list."""
    return {"id": asset.id, "applicant": asset.applicant, "form": asset.form, "recorded": _stamp(asset.recorded)}


def entry_view(row: EntryRow) -> View:
    """{seq, time, leaf_hash, bytes, statement}: the entry's text and its statement decoded."""
    entry = parse_entry(row.data)
    statement = parse_statement(entry.envelope)
    decoded: View = {"id": statement.identifier, "act": statement.act, "log": statement.log, "by": statement.by}
    if statement.for_:
        decoded["for"] = statement.for_
    if statement.with_:
        decoded["with"] = list(statement.with_)
    decoded |= {"at": format_instant(statement.at), "body": dict(statement.body)}
    return {
        "seq": row.position,
        "time": format_instant(entry.time),
        "leaf_hash": row.leaf.hex(),
        "bytes": row.data.decode("ascii"),
        "statement": decoded,
    }
