"""The algebra of scopes: what lies within what, what two scopes share, what a grant asks beyond its parent.

A scope has four dimensions that are sets: purposes, territory, fields, and the term [starts, ends). Terms form trees
(see `vocabulary`), so each set of them has one shortest form. `scope` brings every scope to it; then equal meaning is
equal value. All functions here expect this form.

Source: contract, sections 4 ("Scope"), 6 (order of codes) and 7; rights, sections 3.2 and 3.3.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from ledger.instants import format_instant
from registry.register.scope import Duty, Scope
from registry.title.vocabulary import (
    EXCLUSIVITIES,
    KINDS,
    OPERATING,
    WHOLE,
    Dimension,
    Exclusivity,
    allowed_actions,
    meet_terms,
    normal_terms,
    terms_overlap,
    uncovered,
)

OPEN_END: Final = ".."  # how `wanted` and `allowed` write a term without an end

_ALL_RIGHTS: Final = tuple(sorted(KINDS))


class Excess(msgspec.Struct, frozen=True):
    """A dimension in which a grant asks more than its parent has.

    `wanted`: the terms beyond the parent's, or all of the grant's term, duties, depth, exclusivity. `allowed`: all
    that the parent has; of duties, those that the grant drops.
    """

    code: str
    dimension: str
    wanted: tuple[str, ...]
    allowed: tuple[str, ...]


class Failure(msgspec.Struct, frozen=True):
    """A dimension in which a question lies outside the scope; `wanted` and `allowed` as in `Excess`."""

    code: str
    dimension: str
    wanted: tuple[str, ...]
    allowed: tuple[str, ...]


def scope(
    *,
    purposes: Iterable[str],
    territory: Iterable[str],
    fields: Iterable[str],
    starts: datetime,
    ends: datetime | None,
    duties: Iterable[Duty] = (),
    actions: Iterable[str] | None = None,
    rights: Iterable[str] | None = None,
    depth: int | None = 0,
) -> Scope:
    """The scope in normal form. An absent depth is 0; None must be said. Terms are not checked against the grammar.

    Raises:
        ValueError: a dimension is empty, the term ends before it starts, or the depth is negative.
    """
    terms = (normal_terms("purposes", purposes), normal_terms("territory", territory), normal_terms("fields", fields))
    if not all(terms):
        raise ValueError("purposes, territory and fields each need at least one term")
    if ends is not None and ends <= starts:
        raise ValueError("the term must end after it starts")
    if depth is not None and depth < 0:
        raise ValueError("the depth must not be negative")
    return Scope(
        *terms,
        starts,
        ends,
        _normal_duties(duties),
        None if actions is None else tuple(sorted(set(actions))),
        None if rights is None else _normal_rights(rights),
        depth,
    )


def whole(starts: datetime) -> Scope:
    """The scope of a title that is claimed without one: everything from `starts` on."""
    return Scope(WHOLE, WHOLE, WHOLE, starts, None, depth=None)


def is_within(child: Scope, parent: Scope) -> bool:
    """Whether `child` lies within `parent` in purposes, territory, fields and term."""
    return (
        _is_term_within(child, parent)
        and not uncovered("purposes", child.purposes, parent.purposes)
        and not uncovered("territory", child.territory, parent.territory)
        and not uncovered("fields", child.fields, parent.fields)
    )


def overlaps(a: Scope, b: Scope) -> bool:
    """Whether `a` and `b` have something in common in every one of purposes, territory, fields and term."""
    return (
        _is_concurrent(a, b)
        and terms_overlap("purposes", a.purposes, b.purposes)
        and terms_overlap("territory", a.territory, b.territory)
        and terms_overlap("fields", a.fields, b.fields)
    )


def meet(a: Scope, b: Scope) -> Scope | None:
    """What both scopes allow under the duties of both; None if they do not overlap.

    Absent actions leave those of the other as they are, since what they stand for depends on kind and title. To test
    an action along a chain, ask `failures` of each link.
    """
    purposes = meet_terms("purposes", a.purposes, b.purposes)
    territory = meet_terms("territory", a.territory, b.territory)
    fields = meet_terms("fields", a.fields, b.fields)
    if not (purposes and territory and fields and _is_concurrent(a, b)):
        return None
    return Scope(
        purposes,
        territory,
        fields,
        max(a.starts, b.starts),
        min((end for end in (a.ends, b.ends) if end is not None), default=None),
        a.duties if a.duties == b.duties else _normal_duties(a.duties + b.duties),
        _meet_actions(a.actions, b.actions),
        a.rights if a.rights == b.rights else _normal_rights(set(_conferrable(a)) & set(_conferrable(b))),
        min((depth for depth in (a.depth, b.depth) if depth is not None), default=None),
    )


def excesses(
    child: Scope,
    parent: Scope,
    *,
    rights: Sequence[str] = (),
    exclusivity: Exclusivity = "none",
    parent_exclusivity: Exclusivity | None = "none",
) -> tuple[Excess, ...]:
    """All dimensions in which a grant exceeds the operating right it comes from, in the order of the contract.

    `rights` are the kinds that the grant confers; only with `operating` among them does `child.rights` count. `child`
    needs a finite depth, compared whatever is granted. `parent_exclusivity` None: the parent is a title.
    """
    found = (
        _depth_excess(child.depth, parent.depth),
        _rights_excess(child, parent, rights),
        _terms_excess("PURPOSE_EXCEEDS_PARENT", "purposes", child.purposes, parent.purposes),
        _terms_excess("TERRITORY_EXCEEDS_PARENT", "territory", child.territory, parent.territory),
        _terms_excess("FIELDS_EXCEED_PARENT", "fields", child.fields, parent.fields),
        _term_excess(child, parent),
        _duties_excess(child.duties, parent.duties),
        _exclusivity_excess(exclusivity, parent_exclusivity),
    )
    return tuple([excess for excess in found if excess is not None])


def failures(
    scope: Scope,
    *,
    purpose: str,
    territory: Sequence[str] | None,
    fields: Sequence[str] | None,
    action: str,
    at: datetime,
    kind: str,
    is_title: bool,
) -> tuple[Failure, ...]:
    """All dimensions in which a question lies outside `scope`, the scope of a right of `kind`.

    An omitted or empty `territory` or `fields` asks for the whole dimension.
    """
    found: list[Failure] = []
    if at < scope.starts:
        found.append(Failure("NOT_YET_EFFECTIVE", "term", (format_instant(at),), _term_text(scope)))
    elif scope.ends is not None and at >= scope.ends:
        found.append(Failure("EXPIRED", "term", (format_instant(at),), _term_text(scope)))
    if outside := uncovered("purposes", (purpose,), scope.purposes):
        found.append(Failure("PURPOSE_OUTSIDE_SCOPE", "purposes", outside, scope.purposes))
    if outside := uncovered("territory", territory or WHOLE, scope.territory):
        found.append(Failure("TERRITORY_OUTSIDE_SCOPE", "territory", outside, scope.territory))
    if outside := uncovered("fields", fields or WHOLE, scope.fields):
        found.append(Failure("FIELDS_OUTSIDE_SCOPE", "fields", outside, scope.fields))
    allowed = allowed_actions(kind, scope.actions, is_title=is_title)
    if action not in allowed:
        found.append(Failure("ACTION_OUTSIDE_SCOPE", "actions", (action,), allowed))
    return tuple(found)


def _conferrable(scope: Scope) -> tuple[str, ...]:
    return _ALL_RIGHTS if scope.rights is None else scope.rights


def _normal_rights(rights: Iterable[str]) -> tuple[str, ...] | None:
    found = tuple(sorted(set(rights)))
    return None if found == _ALL_RIGHTS else found


def _normal_duties(duties: Iterable[Duty]) -> tuple[Duty, ...]:
    return tuple(
        sorted(
            set(duties), key=lambda duty: (duty.id, duty.when, duty.text is not None, duty.text or "", duty.sd or "")
        )
    )


def _meet_actions(a: tuple[str, ...] | None, b: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if a is None or b is None:
        return b if a is None else a
    return tuple(action for action in a if action in b)


def _is_concurrent(a: Scope, b: Scope) -> bool:
    return (b.ends is None or a.starts < b.ends) and (a.ends is None or b.starts < a.ends)


def _is_term_within(child: Scope, parent: Scope) -> bool:
    return parent.starts <= child.starts and (
        parent.ends is None or (child.ends is not None and child.ends <= parent.ends)
    )


def _term_text(scope: Scope) -> tuple[str, ...]:
    return format_instant(scope.starts), OPEN_END if scope.ends is None else format_instant(scope.ends)


def _depth_excess(child: int | None, parent: int | None) -> Excess | None:
    if child is not None and (parent is None or child < parent):
        return None
    code = "NOT_DELEGABLE" if parent == 0 else "DEPTH_EXCEEDS_PARENT"
    wanted, allowed = ("*" if depth is None else str(depth) for depth in (child, parent))
    return Excess(code, "depth", (wanted,), (allowed,))


def _rights_excess(child: Scope, parent: Scope, granted: Sequence[str]) -> Excess | None:
    allowed = _conferrable(parent)
    wanted = {*granted, *_conferrable(child)} if OPERATING in granted else set(granted)
    beyond = tuple(sorted(wanted.difference(allowed)))
    return Excess("RIGHT_NOT_IN_PARENT", "rights", beyond, allowed) if beyond else None


def _terms_excess(code: str, dimension: Dimension, child: tuple[str, ...], parent: tuple[str, ...]) -> Excess | None:
    beyond = uncovered(dimension, child, parent)
    return Excess(code, dimension, beyond, parent) if beyond else None


def _term_excess(child: Scope, parent: Scope) -> Excess | None:
    if _is_term_within(child, parent):
        return None
    return Excess("TERM_EXCEEDS_PARENT", "term", _term_text(child), _term_text(parent))


def _duties_excess(child: tuple[Duty, ...], parent: tuple[Duty, ...]) -> Excess | None:
    dropped = tuple([str(duty) for duty in parent if duty not in child])
    return Excess("DUTY_DROPPED", "duties", tuple(map(str, child)), dropped) if dropped else None


def _exclusivity_excess(child: Exclusivity, parent: Exclusivity | None) -> Excess | None:
    if parent is None or EXCLUSIVITIES.index(child) <= EXCLUSIVITIES.index(parent):
        return None
    return Excess("EXCLUSIVITY_EXCEEDS_PARENT", "exclusivity", (child,), (parent,))
