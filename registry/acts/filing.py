"""`case.file` of kind `initial`: a first registration. Contract section 5; articles 15, 16, 20 to 22, 33.

Under a rulebook without review a filing that the rules do not refuse is deposited in the same entry.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ledger.statement import Statement
from registry.acts import derivation, duplicates
from registry.acts.act import Act, Context, Made, Names, Outcome, known_party, party_named
from registry.acts.filing_body import ClaimShape, Filed, InitialBody, form_facts, parse_initial
from registry.acts.form import FormShape
from registry.acts.scopes import ScopeShape
from registry.acts.shapes import (
    evidence,
    given,
    must_be_confidential,
    must_keep_titles_confidential,
)
from registry.law.facts import Applicant, Filing, Source
from registry.law.findings import Finding, Judgement
from registry.refusals.refusal import Reason, RefusedError, Words, refused
from registry.register.asset import Asset, Case, CaseState, FormVersion
from registry.register.office_state import Adoption
from registry.register.party import Party
from registry.register.register import Register
from registry.register.right import Right
from registry.register.scope import Scope
from registry.title.scope import whole


def _names(_statement: Statement, filed: Filed) -> Names:
    body = filed.body
    inputs = [item for source in body.sources for item in given(source.inputs) or ()]
    participants = [p for source in body.sources for p in (given(source.facts) or {}).get("participants", ())]
    made_from = tuple(item.asset for item in inputs if isinstance(item.asset, str))
    assets = [*made_from]
    rights = [item.right for item in inputs if isinstance(item.right, str)]
    if (replaced := given(body.replaces)) is not None:
        rights.append(_first_right_of(replaced))
    if isinstance(body.asset, str):
        assets.append(body.asset)
    return Names(
        parties=(*(claim.party for claim in body.claims), *participants),
        assets=tuple(assets),
        rights=tuple(rights),
        inputs=made_from,
        fingerprints=filed.prints,
    )


def _decide(context: Context, filed: Filed, register: Register) -> Outcome:
    body = filed.body
    adoption = _rulebook(body, register)
    book = context.rulebook(adoption.sha256)
    assert book is not None
    parties = {claim.party: register.party(claim.party) for claim in body.claims}
    _check_confidential(context, body, register, parties)
    holders = _check_claims(context, body, parties)
    asset = _known_asset(context, body, register)
    _check_participants(body, register)
    _check_replaced(body, register)
    duplicates.must_be_new(context, body, register, asset, filed.prints)
    used = derivation.inputs_used(context, body.sources, register, asset)
    judgement = book.judge(_filing(context, filed, register, used, asset))
    if judgement.findings:
        raise RefusedError(*(_reason(finding) for finding in judgement.findings), code=judgement.code)
    warnings = (
        *map(_warning, judgement.warnings), *used.late, *duplicates.equal_fingerprints(register, filed.prints)
    )  # fmt: skip
    assessed = _Assessed(adoption, book.constants.basis, asset, holders, filed.prints, used, judgement, warnings)
    return _deposit(context, body, register, assessed)


class _Assessed(msgspec.Struct, frozen=True):
    """A filing that nothing speaks against. `asset`: the registered one that it is about; `basis`: of its titles."""

    adoption: Adoption
    basis: str
    asset: Asset | None
    holders: Mapping[str, Party]
    prints: tuple[str, ...]
    used: derivation.Used
    judgement: Judgement
    warnings: tuple[dict[str, Any], ...]


def _rulebook(body: InitialBody, register: Register) -> Adoption:
    registry = register.registry()
    assert registry is not None
    name = given(body.rulebook)
    default = registry.default_rulebook()
    found = default if name is None else registry.rulebook(name)
    if found is None:
        raise refused(
            "NOT_FOUND", f"No rulebook {name!r} is adopted here.", f"本登记簿未采用规则簿 {name!r}。", "/body/rulebook"
        )
    if default.review and not found.review and not found.open:
        raise refused(
            "RULEBOOK_CLOSED",
            f"The rulebook {found.id} takes no new cases.",
            f"规则簿 {found.id} 不再受理新案件。",
            "/body/rulebook",
        )
    return found


def _check_confidential(
    context: Context, body: InitialBody, register: Register, holders: Mapping[str, Party | None]
) -> None:
    by_a_person = any(_is_natural_person(register.party(name)) for name in context.authors)
    if by_a_person:
        must_keep_titles_confidential(body.evidence, "/body/evidence")
        must_be_confidential("/body/notice_reason", body.notice_reason)
    for number, claim in enumerate(body.claims):
        if by_a_person or _is_natural_person(holders[claim.party]):
            must_be_confidential(f"/body/claims/{number}/conditions", claim.conditions)
            if isinstance(claim.scope, ScopeShape):
                for pointer, text in claim.scope.free_texts(f"/body/claims/{number}/scope"):
                    must_be_confidential(pointer, text)


def _is_natural_person(party: Party | None) -> bool:
    return party is not None and party.is_natural_person()


def _check_claims(context: Context, body: InitialBody, holders: Mapping[str, Party | None]) -> dict[str, Party]:
    """Everyone for whom a right is claimed, by name; they exist and joined."""
    joined = {context.principal, *context.signers}
    found: dict[str, Party] = {}
    for number, claim in enumerate(body.claims):
        pointer = f"/body/claims/{number}/party"
        found[claim.party] = known_party(holders[claim.party], claim.party, pointer)
        if claim.party not in joined:
            raise refused(
                "SIGNATURE_MISSING",
                f"The party {claim.party}, for whom rights are claimed, must join: name it in `with` and let it sign.",
                f"为主体 {claim.party} 申报权利须由其本人加入：请列入 with 并由其签名。",
                pointer,
            )
    return found


def _known_asset(context: Context, body: InitialBody, register: Register) -> Asset | None:
    """The registered asset that the filing is about, joined by a holder of a live title on it or the registrar.

    The registrar joins on a document, such as a judgment.
    """
    if isinstance(body.asset, FormShape):
        return None
    asset = register.asset(body.asset)
    if asset is None:
        raise refused("NOT_FOUND", f"There is no asset {body.asset}.", f"没有数据资产 {body.asset}。", "/body/asset")
    holders = {r.holder for r in register.rights_of(asset.id) if r.is_title() and r.status_at(context.time) == "active"}
    registry = register.registry()
    if registry is not None and given(body.document) is not None:
        holders.add(registry.registrar)
    if not holders & {context.principal, *context.signers}:
        raise refused(
            "SIGNATURE_MISSING",
            f"A further title on {asset.id} needs a holder of a live title on it to join in `with`.",
            f"在 {asset.id} 上登记新的权利，须有现任权利人列入 with 并签名。",
            "/with",
        )
    return asset


def _check_participants(body: InitialBody, register: Register) -> None:
    for number, source in enumerate(body.sources):
        for place, name in enumerate((given(source.facts) or {}).get("participants", ())):
            party_named(register, name, f"/body/sources/{number}/facts/participants/{place}")


def _check_replaced(body: InitialBody, register: Register) -> None:
    """The case that the filing replaces exists: it made a right, whose identifier has the stem of the case's."""
    if (name := given(body.replaces)) is None:
        return
    right = register.right(_first_right_of(name))
    if right is None or right.case != name:
        raise refused("NOT_FOUND", f"There is no case {name}.", f"没有案件 {name}。", "/body/replaces")


def _first_right_of(case: str) -> str:
    return "rgt_" + case.removeprefix("cas_")


def _filing(context: Context, filed: Filed, register: Register, used: derivation.Used, asset: Asset | None) -> Filing:
    applicant = party_named(register, context.principal, "/for").current
    sources = [
        Source(n, s.origin, s.basis, facts := given(s.facts) or {}, used.facts[n], _others_joined(context, facts))
        for n, s in enumerate(filed.body.sources)
    ]
    form = filed.form or form_facts(asset.form if asset else {})
    return Filing(Applicant(applicant.kind, applicant.subkind), form, tuple(sources), filed.claims)


def _others_joined(context: Context, facts: dict[str, Any]) -> bool:
    others = facts.get("participants", ())
    return not others or set(others) <= {context.principal, *context.signers}


def _reason(finding: Finding) -> Reason:
    return Reason(finding.code, Words(finding.en, finding.zh), finding.pointer, finding.rule, finding.article)


def _warning(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code, "rule": finding.rule, "article": finding.article, "pointer": finding.pointer}


def _title_scope(context: Context, claim: ClaimShape, pointer: str) -> Scope:
    if isinstance(claim.scope, ScopeShape):
        return claim.scope.resolve(f"{pointer}/scope", context.time, context.statement, title=True)
    return whole(context.time)


def _deposit(context: Context, body: InitialBody, register: Register, assessed: _Assessed) -> Outcome:
    """The asset, the case and its titles stand in the register."""
    stamp, ref, principal = context.stamp, context.ref(), context.principal
    case_id = context.ids.identifier("cas")
    used, asset = assessed.used, assessed.asset
    made: list[Made] = []
    if isinstance(body.asset, FormShape):
        asset = Asset(
            context.ids.identifier("ast"), ref, stamp, principal,
            (FormVersion(context.seq, context.statement.body["asset"]),), (case_id,), used.derivation(context.seq),
            (case_id,) if used.late else (),
        )  # fmt: skip
        made.append(Made(asset.id))
    else:
        assert asset is not None
        asset = msgspec.structs.replace(
            asset,
            cases=(*asset.cases, case_id),
            derivations=(*asset.derivations, *used.derivation(context.seq)),
            late_cases=(*asset.late_cases, case_id) if used.late else asset.late_cases,
        )
    book = assessed.adoption
    case = Case(
        case_id, ref, stamp, "initial", book.id, book.sha256, asset.id, principal, context.time,
        (CaseState(context.seq, "deposited"),),
        tuple({"rule": f.rule, "outcome": f.severity, "code": f.code} for f in assessed.judgement.warnings),
        evidence(body.evidence, "/body/evidence"),
    )  # fmt: skip
    made.append(Made(case_id))
    rights: list[Right] = []
    for number, claim in enumerate(body.claims):
        pointer = f"/body/claims/{number}"
        scope = used.bound(_title_scope(context, claim, pointer), pointer)
        holder = assessed.holders[claim.party]
        for kind in claim.rights:
            rights.append(
                Right(
                    id=context.ids.identifier("rgt", len(rights)),
                    ref=ref + len(rights),
                    asset=asset.id,
                    asset_ref=asset.ref,
                    kind=kind,
                    holder=holder.id,
                    holder_ref=holder.ref,
                    scope=scope,
                    recorded=stamp,
                    basis=assessed.basis,
                    rulebook_sha256=book.sha256,
                    case=case_id,
                    evidence=case.evidence,
                )
            )
    made += [Made(right.id, right.kind) for right in rights]
    after = register.put(
        ("asset", asset.id, asset),
        ("case", case_id, case),
        ("rights", asset.id, (*register.names("rights", asset.id), *(r.id for r in rights))),
        *(("right", right.id, right) for right in rights),
        *(("fingerprint", p, (*register.names("fingerprint", p), asset.id)) for p in assessed.prints),
    )
    return Outcome(after, (asset.id,), tuple(made), assessed.warnings)


CASE_FILE = Act("case.file", parse_initial, _decide, _names, shape=InitialBody)
