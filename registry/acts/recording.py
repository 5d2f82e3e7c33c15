"""What a filing that nothing speaks against puts into the register: the asset, the case and its titles."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from registry.acts import derivation, duplicates
from registry.acts.act import Context, Made, Names, Outcome
from registry.acts.filing_body import ClaimShape, Filed, InitialBody
from registry.acts.form import FormShape
from registry.acts.scopes import ScopeShape
from registry.acts.shapes import evidence, given, invalid
from registry.law.findings import Finding, Judgement
from registry.register.asset import Asset, AwaitedFiling, Case, CaseState, FormVersion
from registry.register.office_state import Adoption
from registry.register.party import Party
from registry.register.register import Register
from registry.register.right import Right
from registry.register.scope import Scope
from registry.title.scope import whole


class Assessed(msgspec.Struct, frozen=True):
    """What the rules found. `asset`: the registered one that the filing is about; `basis`: of its titles."""

    basis: str
    asset: Asset | None
    holders: Mapping[str, Party]
    used: derivation.Used
    judgement: Judgement


def record(
    context: Context, filed: Filed, register: Register, adoption: Adoption, assessed: Assessed,
    kept: AwaitedFiling | None,
) -> Outcome:  # fmt: skip
    """The asset, the case and its titles stand in the register: deposited, or filed until the last assent.

    `kept`: the filing, where it waits for assents.
    """
    body, used = filed.body, assessed.used
    awaits = given(body.awaits) or ()
    case_id = context.ids.identifier("cas")
    made: list[Made] = []
    if isinstance(body.asset, FormShape):
        form = FormVersion(context.seq, context.statement.body["asset"])
        asset = Asset(
            context.ids.identifier("ast"), context.ref(), context.stamp, context.principal, (form,), (case_id,)
        )  # fmt: skip
        made.append(Made(asset.id))
    else:
        assert assessed.asset is not None
        asset = msgspec.structs.replace(assessed.asset, cases=(*assessed.asset.cases, case_id))
    if not awaits:
        asset = derived(asset, used, context.seq, case_id)
    case = Case(
        case_id, context.ref(), context.stamp, "initial", adoption.id, adoption.sha256, asset.id, context.principal,
        context.time, (CaseState(context.seq, "passed" if awaits else "deposited"),),
        tuple({"rule": f.rule, "outcome": f.severity, "code": f.code} for f in assessed.judgement.warnings),
        evidence(body.evidence, "/body/evidence"), window=context.window, awaits=awaits,
        filing=kept,
    )  # fmt: skip
    made.append(Made(case_id))
    rights = _titles(context, body, assessed, asset, case)
    made += [Made(right.id, right.kind) for right in rights]
    after = register.put(
        ("asset", asset.id, asset),
        ("case", case_id, case),
        ("rights", asset.id, (*register.names("rights", asset.id), *(r.id for r in rights))),
        *(("right", right.id, right) for right in rights),
        *(("fingerprint", p, (*register.names("fingerprint", p), asset.id)) for p in filed.prints),
    )
    late = () if awaits else used.late
    equal = duplicates.equal_fingerprints(register, filed.prints)
    return Outcome(after, (asset.id,), tuple(made), (*map(_warning, assessed.judgement.warnings), *late, *equal))


def _warning(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code, "rule": finding.rule, "article": finding.article, "pointer": finding.pointer}


def _titles(context: Context, body: InitialBody, assessed: Assessed, asset: Asset, case: Case) -> list[Right]:
    return [
        Right(
            id=context.ids.identifier("rgt", number),
            ref=context.ref(number),
            asset=asset.id,
            asset_ref=asset.ref,
            kind=kind,
            holder=claim.party,
            holder_ref=assessed.holders[claim.party].ref,
            scope=scope,
            recorded=context.stamp,
            basis=assessed.basis,
            rulebook_sha256=case.rulebook_sha256,
            case=case.id,
            evidence=case.evidence,
            window=context.window,
            awaited=bool(case.awaits),
        )
        for number, (kind, claim, scope) in enumerate(scopes(context, body, assessed.used))
    ]


def scopes(
    context: Context, body: InitialBody, used: derivation.Used, *, from_now: bool = False
) -> Iterator[tuple[str, ClaimShape, Scope]]:
    """Every right claimed, in order: its kind, the claim, and its scope within what the inputs allow.

    `from_now`: nothing begins before the entry, whatever the claim says.
    """
    for number, claim in enumerate(body.claims):
        pointer = f"/body/claims/{number}"
        scope = _title_scope(context, claim, pointer)
        if from_now and scope.starts < context.time:
            if scope.ends is not None and scope.ends <= context.time:
                raise invalid(f"{pointer}/scope/until", "the term has run out meanwhile", "期限在此期间已经届满")
            scope = msgspec.structs.replace(scope, starts=context.time)
        bounded = used.bound(scope, pointer)
        for kind in claim.rights:
            yield kind, claim, bounded


def _title_scope(context: Context, claim: ClaimShape, pointer: str) -> Scope:
    if isinstance(claim.scope, ScopeShape):
        return claim.scope.resolve(f"{pointer}/scope", context.time, context.statement, title=True)
    return whole(context.time)


def derived(asset: Asset, used: derivation.Used, seq: int, case: str) -> Asset:
    """The asset with what it was made from, as this case says from the entry `seq` on."""
    if not (found := used.derivation(seq)):
        return asset
    return msgspec.structs.replace(
        asset,
        derivations=(*asset.derivations, *found),
        late_cases=(*asset.late_cases, case) if used.late else asset.late_cases,
    )


def keep(context: Context, names: Names) -> AwaitedFiling:
    """The filing as its case keeps it until it is decided again. `names`: what deciding it needs to see."""
    statement = context.statement
    parties = dict.fromkeys((*context.authors, *statement.with_, *names.parties))
    needed = msgspec.structs.replace(names, parties=tuple(parties))
    return AwaitedFiling(
        statement.by, statement.at, dict(statement.body), msgspec.to_builtins(needed), statement.for_, statement.with_
    )  # fmt: skip
