"""May this party do this with these data? Default deny; any restriction beats any right. Contract section 7.

A path is the chain from a title to a right of the party of a kind that the action needs. The party is allowed if one
path has no failing link. Of several, the shortest decides, then the one whose right was recorded first; of failing
ones the nearest is shown: most links passed, then fewest links, then recorded first.

`register` must be the slice as of the size asked (`Register.as_of`), holding party, asset and all rights on the asset.
The same question at the same size and instant has the same answer for ever.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from registry.refusals.refusal import Reason
from registry.register.asset import Asset
from registry.register.register import Register
from registry.register.right import Right
from registry.title.chain import chain_of, parent_of
from registry.title.question import Answer, Path, Question
from registry.title.scope import Failure, failures
from registry.title.vocabulary import ACTIONS, KINDS, OPERATING, SUPPLY_ARTICLE, WHOLE, kind_of_action, terms_overlap
from registry.title.words import excess_words, plain_words

_ENDED = {
    "revoked": "REVOKED",
    "surrendered": "SURRENDERED",
    "suspended": "SUSPENDED",
    "cancelled": "CANCELLED",
    "annulled": "ANNULLED",
}
_NOT_A_PATH = frozenset({"transferred", "refused", "withdrawn"})
_DELEGATING = frozenset({"license", "sublicense"})
_EMPTY_DUTIES: dict[str, list[dict[str, Any]]] = {"before": [], "during": [], "after": []}


def check(question: Question, register: Register, at: datetime, size: int) -> Answer:
    """The answer according to the register, never according to the world outside it."""
    answer, paths = _decide(question, register, at, size)
    if not question.explain:
        return answer
    return replace(answer, paths=tuple(sorted(paths, key=_distance)))


def _distance(path: Path) -> tuple[bool, int, int, int]:
    """Less of what decides: an open path before failing ones, most links passed, fewest links, recorded first."""
    fails = bool(path.reasons)
    return fails, -path.passed if fails else 0, len(path.links), path.leaf.ref


def _decide(question: Question, register: Register, at: datetime, size: int) -> tuple[Answer, list[Path]]:
    """The answer, and all paths that were looked at."""
    registry = register.registry()
    rulebook = registry.default_rulebook().sha256 if registry and registry.rulebooks else ""
    spec = registry.spec if registry else 1
    asset = register.asset(question.asset)
    kinds, action = _kinds_and_action(question)

    def denied(code: str, *about: str) -> tuple[Answer, list[Path]]:
        return _denied((Reason(code, plain_words(code, *about)),), at, size, spec, rulebook), []

    if register.party(question.party) is None:
        return denied("PARTY_UNKNOWN", question.party)
    if asset is None:
        return denied("ASSET_UNKNOWN", question.asset)
    if not kinds:
        return denied("RIGHT_KIND_UNKNOWN")
    paths = [
        _path(question, register, asset, right, action, at)
        for right in register.rights_of(asset.id)
        if right.holder == question.party and right.kind in kinds and right.status_at(at) not in _NOT_A_PATH
    ]
    if question.reviewed_only:
        paths = [path for path in paths if path.links[0].basis == "reviewed"]
    open_paths = [path for path in paths if not path.reasons]
    if open_paths:
        shortest = min(open_paths, key=_distance)
        return _allowed(shortest, register, question, at, size, spec), paths
    if not paths:
        reason = _no_path(question, register, asset, kinds, action, at)
        return _denied((reason,), at, size, spec, rulebook), []
    nearest = min(paths, key=_distance)
    answer = Answer(
        decision=False,
        status="DENIED",
        reasons=nearest.reasons,
        chain=nearest.links,
        obligations=_EMPTY_DUTIES,
        warnings=_warnings(nearest.links, register, question, at),
        at=at,
        size=size,
        spec=spec,
        rulebook=nearest.links[0].rulebook_sha256,
    )
    return answer, paths


def _kinds_and_action(question: Question) -> tuple[tuple[str, ...], str]:
    """The kinds of right that satisfy the question, and the action asked; no kind if the kind is not known here."""
    if question.right is not None:
        if question.right not in KINDS:
            return (), ""
        return (question.right,), question.action or ACTIONS[question.right][0]
    action = question.action or "process"
    return kind_of_action(action), action


def _denied(reasons: tuple[Reason, ...], at: datetime, size: int, spec: int, rulebook: str) -> Answer:
    return Answer(
        decision=False, status="DENIED", reasons=reasons, chain=(), obligations=_EMPTY_DUTIES, warnings=(), at=at,
        size=size, spec=spec, rulebook=rulebook,
    )  # fmt: skip


def _allowed(path: Path, register: Register, question: Question, at: datetime, size: int, spec: int) -> Answer:
    obligations: dict[str, list[dict[str, Any]]] = {"before": [], "during": [], "after": []}
    for duty in path.leaf.scope.duties:
        obligations[duty.when].append({name: value for name, value in duty.to_json().items() if name != "when"})
    return Answer(
        decision=True,
        status="ALLOWED_WITH_DUTIES" if path.leaf.scope.duties else "ALLOWED",
        reasons=(),
        chain=path.links,
        obligations=obligations,
        warnings=_warnings(path.links, register, question, at),
        at=at,
        size=size,
        spec=spec,
        rulebook=path.links[0].rulebook_sha256,
    )


def _path(question: Question, register: Register, asset: Asset, right: Right, action: str, at: datetime) -> Path:
    links = chain_of(register, right, at)
    reasons: list[Reason] = []
    passed = len(links)
    for number, link in enumerate(links):
        found = _link_failures(question, link, action, at, leaf=right)
        if found and not reasons:
            passed = number
        reasons += found
    if not reasons:
        reasons = [*_granted_away(question, register, right, at), *_consents(question, asset)]
        if reasons:
            passed = len(links) - 1
    return Path(links, passed, tuple(reasons))


def _link_failures(question: Question, link: Right, action: str, at: datetime, *, leaf: Right) -> list[Reason]:
    reasons: list[Reason] = []
    is_leaf = link is leaf
    if link.is_awaited():
        words = plain_words("NOT_YET_EFFECTIVE", link.id)
        reasons.append(Reason("NOT_YET_EFFECTIVE", words, right=link.id))
    if (end := link.ended_at(at)) is not None:
        fallen = not is_leaf or end.cause != link.id
        code = "CASCADE_REVOKED" if fallen and end.kind == "revoked" else _ENDED[end.kind]
        reasons.append(Reason(code, plain_words(code, link.id), right=link.id))
    if link.registered_until is not None and link.registered_until <= at:
        reasons.append(Reason("REGISTRATION_LAPSED", plain_words("REGISTRATION_LAPSED", link.id), right=link.id))
    for failure in failures(
        link.scope, purpose=question.purpose, territory=question.territory, fields=question.fields, action=action,
        at=at, kind=link.kind, is_title=link.is_title(),
    ):  # fmt: skip
        if failure.code == "ACTION_OUTSIDE_SCOPE" and link.kind != leaf.kind:
            continue  # an operating right lets others do what it does not do itself
        if failure.code == "NOT_YET_EFFECTIVE" and link.is_awaited():
            continue  # said above, whatever its term
        reasons.append(_reason(failure, link))
    if is_leaf:
        if action in _DELEGATING and link.kind == OPERATING and link.scope.depth == 0:
            reasons.append(Reason("NOT_DELEGABLE", plain_words("NOT_DELEGABLE", link.id), right=link.id))
        reasons += [
            Reason("DUTY_UNFULFILLED", plain_words("DUTY_UNFULFILLED", duty.id), right=link.id)
            for duty in link.scope.duties
            if duty.when == "before"
        ]
    return reasons


def _reason(failure: Failure, right: Right) -> Reason:
    return Reason(
        failure.code,
        excess_words(failure, right.id),
        right=right.id,
        dimension=failure.dimension,
        wanted=failure.wanted,
        allowed=failure.allowed,
    )


def _granted_away(question: Question, register: Register, right: Right, at: datetime) -> list[Reason]:
    """An exclusive grant excludes its grantor's own title of that kind, as far as it reaches (rights.md, reading 4).

    And with the grantor whoever holds or processes for it.
    """
    own = parent_of(register, right, at) if right.is_for_principal() else right
    if own is None or not own.is_title():
        return []
    found = []
    for other in register.rights_of(right.asset):
        if other.exclusivity != "exclusive" or other.kind != right.kind or other.status_at(at) != "active":
            continue
        grantor = parent_of(register, other, at)
        if grantor is None or grantor.holder != own.holder:
            continue
        scope = other.scope
        if (
            terms_overlap("purposes", (question.purpose,), scope.purposes)
            and terms_overlap("territory", question.territory or WHOLE, scope.territory)
            and terms_overlap("fields", question.fields or WHOLE, scope.fields)
        ):
            found.append(Reason("GRANTED_AWAY", plain_words("GRANTED_AWAY", other.id), right=other.id))
    return found


def _consents(question: Question, asset: Asset) -> list[Reason]:
    """Personal fields need a consent besides the right; none can be recorded yet, so they are denied."""
    personal = asset.personal_fields()
    wanted = question.fields
    if personal is None:
        concerned: tuple[str, ...] = wanted or WHOLE
    else:
        concerned = tuple(sorted(personal if wanted is None or "*" in wanted else personal & set(wanted)))
    if not concerned:
        return []
    words = plain_words("CONSENT_MISSING", *concerned)
    return [Reason("CONSENT_MISSING", words, dimension="fields", wanted=concerned, allowed=())]


def _no_path(
    question: Question, register: Register, asset: Asset, kinds: Sequence[str], action: str, at: datetime
) -> Reason:
    """Why the party has no right of the kind: none at all, or others that do not let it dispose."""
    held = [
        right
        for right in register.rights_of(asset.id)
        if right.holder == question.party
        and right.status_at(at) == "active"
        and (not question.reviewed_only or right.basis == "reviewed")
    ]
    if question.right is None and held and all(right.is_for_principal() for right in held):
        outside = Failure("ACTION_OUTSIDE_SCOPE", "actions", (action,), held[0].scope.actions or ())
        return _reason(outside, held[0])
    if OPERATING in kinds and held:
        delegated = action in _DELEGATING and all(not right.is_title() for right in held)
        code = "NOT_DELEGABLE" if delegated else "DISPOSITION_NEEDS_OPERATE"
        article = None if delegated else SUPPLY_ARTICLE
        return Reason(code, plain_words(code, held[0].id), right=held[0].id, article=article)
    return Reason("NO_ACTIVE_PATH", plain_words("NO_ACTIVE_PATH"))


def _warnings(links: tuple[Right, ...], register: Register, question: Question, at: datetime) -> tuple[str, ...]:
    codes = []
    if links[0].basis == "declared":
        codes.append("SELF_DECLARED")
    if any(link.recorded.time > at for link in links):
        codes.append("RECORDED_LATER")
    if any(
        other.is_title() and other.kind == links[0].kind and other.holder != links[0].holder
        and other.status_at(at) == "active"
        for other in register.rights_of(question.asset)
    ):  # fmt: skip
        codes.append("PARALLEL_TITLE")
    asset = register.asset(question.asset)
    if asset is not None and links[0].case in asset.late_cases and not links[0].is_awaited():
        codes.append("LATE_RECORDED")
    if any(link.is_for_principal() for link in links):
        codes.append("FOR_PRINCIPAL")
    if any(link.window for link in links):
        codes.append("WINDOW_ENTRY")
    asker = register.party(question.party)
    if any(link.recovered for link in links) or (asker is not None and asker.acts_by_recovered_key(at)):
        codes.append("RECOVERED_KEY")
    return tuple(codes)
