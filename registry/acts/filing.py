"""`case.file` of kind `initial`: a first registration. Contract section 5; articles 15, 16, 20 to 22, 33.

Under a rulebook without review a filing that the rules do not refuse is deposited in the same entry, or, where it awaits
the assent of others, with the last of them (`assents`).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from ledger.statement import Statement
from registry.acts import derivation, duplicates
from registry.acts.act import Act, Context, Names, Outcome, known_party, party_named
from registry.acts.agents import is_by_agency, must_not_take_for_itself
from registry.acts.filing_body import Filed, InitialBody, form_facts, parse_initial
from registry.acts.form import FormShape
from registry.acts.recording import Assessed, derived, keep, record, scopes
from registry.acts.scopes import ScopeShape
from registry.acts.shapes import (
    given,
    must_be_confidential,
    must_keep_titles_confidential,
)
from registry.law.facts import Applicant, Filing, Source
from registry.law.findings import Finding
from registry.refusals.refusal import Reason, RefusedError, Words, refused
from registry.register.asset import Asset, Case
from registry.register.office_state import Adoption
from registry.register.party import Party
from registry.register.register import Register
from registry.register.right import Decision


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
        parties=(*(claim.party for claim in body.claims), *participants, *(given(body.awaits) or ())),
        assets=tuple(assets),
        rights=tuple(rights),
        inputs=made_from,
        fingerprints=filed.prints,
    )


def _decide(context: Context, filed: Filed, register: Register) -> Outcome:
    adoption = _rulebook(filed.body, register)
    assessed = _assess(context, filed, register, adoption.sha256)
    kept = keep(context, _names(context.statement, filed)) if given(filed.body.awaits) else None
    return record(context, filed, register, adoption, assessed, kept)


def _assess(
    context: Context, filed: Filed, register: Register, rulebook_sha256: str, case: Case | None = None
) -> Assessed:
    """What the rules say of a filing; of that of `case`, which waits for assents, when the last has come.

    Raises:
        RefusedError: something speaks against it.
    """
    body = filed.body
    book = context.rulebook(rulebook_sha256)
    assert book is not None
    joined = context.joined.union(given(body.awaits) or ())
    consenting = joined - {context.principal} if _takes_for_itself(context, body) else joined
    parties = {claim.party: register.party(claim.party) for claim in body.claims}
    _check_confidential(context, body, register, parties)
    for number, party in enumerate(given(body.awaits) or ()):
        party_named(register, party, f"/body/awaits/{number}")
    holders = _check_claims(body, parties, joined)
    asset = _known_asset(context, body, register, consenting)
    _check_participants(body, register)
    _check_replaced(body, register)
    duplicates.must_be_new(context, body, register, asset, filed.prints, case)
    used = derivation.inputs_used(context, body.sources, register, asset, consenting)
    judgement = book.judge(_filing(context, filed, register, used, asset, consenting))
    if judgement.findings:
        raise RefusedError(*(_reason(finding) for finding in judgement.findings), code=judgement.code)
    return Assessed(book.constants.basis, asset, holders, used, judgement)


def _takes_for_itself(context: Context, body: InitialBody) -> bool:
    """Whether an agent claims for itself, so that it cannot say for its principal what that agrees to.

    Raises:
        RefusedError: NOT_ENTITLED for what was made by rights of the principal.
    """
    pointers = [
        f"/body/claims/{number}/party"
        for number, claim in enumerate(body.claims)
        if is_by_agency(context.statement) and claim.party == context.statement.by
    ]
    inputs = [item for source in body.sources for item in given(source.inputs) or ()]
    if pointers and any(isinstance(item.asset, str) for item in inputs):
        must_not_take_for_itself(context.statement, context.statement.by, pointers[0])
    return bool(pointers)


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


def _check_claims(body: InitialBody, holders: Mapping[str, Party | None], joined: AbstractSet[str]) -> dict[str, Party]:
    """Everyone for whom a right is claimed, by name; they exist and joined."""
    found: dict[str, Party] = {}
    for number, claim in enumerate(body.claims):
        pointer = f"/body/claims/{number}/party"
        found[claim.party] = known_party(holders[claim.party], claim.party, pointer)
        if claim.party not in joined:
            raise refused(
                "SIGNATURE_MISSING",
                f"The party {claim.party}, for whom rights are claimed, must join: name it in `with` and let it sign, "
                "or in `awaits` and let it assent.",
                f"为主体 {claim.party} 申报权利须由其本人加入：请列入 with 并由其签名，或列入 awaits 待其同意。",
                pointer,
            )
    return found


def _known_asset(context: Context, body: InitialBody, register: Register, joined: AbstractSet[str]) -> Asset | None:
    """The registered asset that the filing is about, joined by a holder of a live title on it or the registrar.

    The registrar joins on a document, such as a judgment. Nobody lets itself in as the agent of a holder.
    """
    if isinstance(body.asset, FormShape):
        return None
    asset = register.asset(body.asset)
    if asset is None:
        raise refused("NOT_FOUND", f"There is no asset {body.asset}.", f"没有数据资产 {body.asset}。", "/body/asset")
    _must_be_registered(register, asset)
    holders = {r.holder for r in register.rights_of(asset.id) if r.is_title() and r.status_at(context.time) == "active"}
    registry = register.registry()
    if registry is not None and given(body.document) is not None:
        holders.add(registry.registrar)
    if not holders & joined:
        raise refused(
            "SIGNATURE_MISSING",
            f"A further title on {asset.id} needs a holder of a live title on it to join in `with`.",
            f"在 {asset.id} 上登记新的权利，须有现任权利人列入 with 并签名。",
            "/with",
        )
    return asset


def _must_be_registered(register: Register, asset: Asset) -> None:
    """There is something to add to: a first registration that took effect (article 33)."""
    titles = [right for right in register.rights_of(asset.id) if right.is_title()]
    if not any(right.is_registered() for right in titles):
        raise refused(
            "CASE_STATE",
            f"The first registration of {asset.id} has not taken effect; nothing can be added to it.",
            f"数据 {asset.id} 的初次登记尚未生效，不能在其上登记新的权利。",
            "/body/asset",
        )


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


def _filing(
    context: Context, filed: Filed, register: Register, used: derivation.Used, asset: Asset | None,
    joined: AbstractSet[str],
) -> Filing:  # fmt: skip
    applicant = party_named(register, context.principal, "/for").current
    sources = [
        Source(n, s.origin, s.basis, facts := given(s.facts) or {}, used.facts[n], _others_joined(facts, joined))
        for n, s in enumerate(filed.body.sources)
    ]
    form = filed.form or form_facts(asset.form if asset else {})
    return Filing(Applicant(applicant.kind, applicant.subkind), form, tuple(sources), filed.claims)


def _others_joined(facts: dict[str, Any], joined: AbstractSet[str]) -> bool:
    return joined >= set(facts.get("participants", ()))


def _reason(finding: Finding) -> Reason:
    return Reason(finding.code, Words(finding.en, finding.zh), finding.pointer, finding.rule, finding.article)


def deposit(context: Context, case: Case, register: Register) -> Outcome:
    """The filing of a case that no longer waits for anybody takes effect in this entry, if nothing speaks against it now.

    Its titles begin now, whatever they say of the time before: nobody was bound until all had assented.

    Raises:
        RefusedError: what was filed could not be filed any more.
    """
    filing, asset = case.filing, register.asset(case.asset)
    assert filing is not None and asset is not None  # noqa: PT018  a case that waits has both
    statement = msgspec.structs.replace(
        context.statement, act="case.file", by=filing.by, for_=filing.for_, with_=filing.with_, at=filing.at,
        body=filing.body, expect={},
    )  # fmt: skip
    then = msgspec.structs.replace(context, statement=statement, window=case.window)
    filed = parse_initial(statement)
    used = _assess(then, filed, register, case.rulebook_sha256, case).used
    asset = derived(asset, used, context.seq, case.id)
    titles = [right for right in register.rights_of(asset.id) if right.case == case.id]
    rights = [
        msgspec.structs.replace(right, scope=scope, decision=Decision(context.seq, "deposited", right.scope))
        for right, (_, _, scope) in zip(titles, scopes(then, filed.body, used, from_now=True), strict=True)
    ]
    after = register.put(("asset", asset.id, asset), *(("right", right.id, right) for right in rights))
    late = tuple({"code": warning["code"], "right": warning["right"]} for warning in used.late)
    return Outcome(after, (asset.id,), (), late)


CASE_FILE = Act("case.file", parse_initial, _decide, _names, shape=InitialBody)
