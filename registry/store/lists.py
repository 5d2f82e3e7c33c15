"""Lists of the register, a page at a time in the order recorded, all pages as of one size.

SQL narrows by the columns it has; what depends on time or history is judged on the object as of the size, so that a
page of yesterday's register says what yesterday's register said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Table, false, or_, select, true

from ledger.storage.rows import rows_with
from registry.register.asset import Asset, Case
from registry.register.party import Party
from registry.register.register import Register
from registry.register.right import Right
from registry.register.values import OBJECTS_PER_STATEMENT
from registry.search.index import Kind, index_of
from registry.search.indexing import TABLES, changed_objects, indexed_size
from registry.search.query import Query, matches, parse_queries
from registry.search.texts import current_words
from registry.store.loading import decode, load_assets, load_parties, refs_of
from registry.store.search import search
from registry.store.tables import ACT, ASSET, ATTACHED, CASE, RIGHT
from registry.views import View, asset_line, case_view, party_view, right_view

Filters = Mapping[str, Sequence[str]]
_FETCH = 200
_MAX_CHANGED = 10_000
"""Objects named one by one in a query; more are looked through."""
Value = TypeVar("Value", Party, Asset, Right, Case)


@dataclass(frozen=True, slots=True)
class Page:
    """Items and where the next page starts; None behind the last."""

    items: list[View]
    after: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be listed, and the filters it knows."""

    filters: tuple[str, ...]
    page: Callable[[Connection, Filters, datetime, int, int, int], Page]


def _party_refs(tx: Connection, identifiers: Sequence[str]) -> list[int]:
    return [party.ref for party in load_parties(tx, identifiers).values()]


def _every(_after: int) -> ColumnElement[bool]:
    return true()


def _scan(
    tx: Connection, table: Table, kind: type[Value], where: list[ColumnElement[bool]], after: int, size: int,
    *, first: int | None = None, found: Callable[[int], ColumnElement[bool]] = _every,
) -> Iterator[Value]:  # fmt: skip
    """The objects as of `size` behind the key `after`, in the order recorded; of the `first` entries, if so asked.

    `found`: what else holds for those behind a key.
    """
    limit = (size if first is None else min(first, size)) * OBJECTS_PER_STATEMENT
    while True:
        rows = tx.execute(
            select(table.c.ref, table.c.document)
            .where(table.c.ref > after, table.c.ref < limit, *where, found(after))
            .order_by(table.c.ref)
            .limit(_FETCH)
        ).all()
        for row in rows:
            then = decode(kind, row.document).as_of(size)
            if then is not None:
                yield then
        if len(rows) < _FETCH:
            return
        after = rows[-1].ref


def _search(
    tx: Connection, what: Kind, kind: type[Value], where: list[ColumnElement[bool]], queries: Sequence[Query],
    after: int, size: int,
) -> Iterator[Value]:  # fmt: skip
    """As `_scan`, without objects that the index knows to lack the words; those it does not know yet are all there."""
    table, _ = TABLES[what]
    if not queries:
        return _scan(tx, table, kind, where, after, size)
    index, known = index_of(tx), indexed_size(tx)
    changed = changed_objects(tx, known, size)

    def found(after: int) -> ColumnElement[bool]:
        if len(changed) > _MAX_CHANGED:
            return true()
        indexed = table.c.ref.in_(index.found(what, queries, after))
        return or_(indexed, table.c.ref.in_(changed)) if changed else indexed

    behind = max(after, known * OBJECTS_PER_STATEMENT - 1)
    return chain(
        _scan(tx, table, kind, where, after, size, first=known, found=found),
        _scan(tx, table, kind, where, behind, size),
    )


def _page(found: Iterator[Value], keep: Callable[[Value], bool], show: Callable[[Value], View], limit: int) -> Page:
    items: list[View] = []
    last = -1
    for value in found:
        if not keep(value):
            continue
        if len(items) == limit:
            return Page(items, last)
        items.append(show(value))
        last = value.ref
    return Page(items, None)


def _in(filters: Filters, name: str, value: str) -> bool:
    wanted = filters.get(name)
    return not wanted or value in wanted


def _assets(tx: Connection, filters: Filters, at: datetime, after: int, limit: int, size: int) -> Page:
    queries = parse_queries(filters.get("q", ()))
    where: list[ColumnElement[bool]] = []
    if applicants := filters.get("applicant"):
        where.append(ASSET.c.applicant_ref.in_(_party_refs(tx, applicants)))
    if forms := filters.get("form"):
        where.append(ASSET.c.form.in_(forms))
    if holders := filters.get("holder"):
        held = select(RIGHT.c.asset_ref).where(RIGHT.c.holder_ref.in_(_party_refs(tx, holders)))
        where.append(ASSET.c.ref.in_(held))
    if identifiers := filters.get("identifier"):
        where.append(ASSET.c.ref.in_(search(tx, "identifier", identifiers)))
    if prints := filters.get("fingerprint"):
        where.append(ASSET.c.ref.in_(search(tx, "fingerprint", prints)))

    def keep(asset: Asset) -> bool:
        return (
            (not identifiers or bool(set(identifiers) & set(asset.identifiers())))
            and (not prints or bool(set(prints) & set(asset.fingerprints())))
            and (not queries or matches(queries, current_words(asset)))
            and ((not holders and not filters.get("state")) or _is_held(tx, asset, filters, at, size))
        )

    return _page(_search(tx, "asset", Asset, where, queries, after, size), keep, asset_line, limit)


def _is_held(tx: Connection, asset: Asset, filters: Filters, at: datetime, size: int) -> bool:
    """Whether a wanted holder has a right on the asset, and the asset is in a wanted state."""
    rows = tx.execute(select(RIGHT.c.document).where(RIGHT.c.asset_ref == asset.ref))
    rights = [then for row in rows if (then := decode(Right, row.document).as_of(size))]
    live = [right for right in rights if right.status_at(at) in ("active", "pending", "suspended")]
    holders = filters.get("holder")
    if holders and not any(
        right.holder in holders and not right.is_for_principal() and not right.is_awaited() for right in live
    ):
        return False
    titles = [right for right in live if right.is_title()]
    waiting = bool(titles) and all(right.is_awaited() for right in titles)
    return _in(filters, "state", "pending" if waiting else "registered" if titles else "ended")


def _rights(tx: Connection, filters: Filters, at: datetime, after: int, limit: int, size: int) -> Page:
    where: list[ColumnElement[bool]] = []
    if assets := filters.get("asset"):
        where.append(RIGHT.c.asset_ref.in_(refs_of(tx, assets).values()))
    if holders := filters.get("holder"):
        where.append(RIGHT.c.holder_ref.in_(_party_refs(tx, holders)))
    if kinds := filters.get("kind"):
        where.append(RIGHT.c.kind.in_(kinds))
    if evidence := filters.get("evidence"):
        added = [row.right_ref for row in rows_with(tx, ATTACHED.c.sha256, evidence, ATTACHED.c.right_ref)]
        where.append(RIGHT.c.ref.in_([*search(tx, "evidence", evidence), *added]))

    def keep(right: Right) -> bool:
        return (
            _in(filters, "asset", right.asset)
            and _in(filters, "status", right.status_at(at))
            and (not evidence or bool(right.documents() & set(evidence)))
        )

    @cache
    def aggregate(asset_ref: int) -> Register:
        return Register(load_assets(tx, [asset_ref])).as_of(size)

    def show(right: Right) -> View:
        return right_view(aggregate(right.asset_ref) if right.survives else Register({}), right, at)

    return _page(_scan(tx, RIGHT, Right, where, after, size), keep, show, limit)


def _cases(tx: Connection, filters: Filters, _at: datetime, after: int, limit: int, size: int) -> Page:
    where: list[ColumnElement[bool]] = []
    if applicants := filters.get("applicant"):
        where.append(CASE.c.applicant_ref.in_(_party_refs(tx, applicants)))
    if kinds := filters.get("kind"):
        where.append(CASE.c.kind.in_(kinds))
    if filters.get("reviewer") or filters.get("due_before"):
        where.append(false())  # no case of this version is reviewed or has a due date

    def keep(case: Case) -> bool:
        rules = {finding["rule"] for finding in case.findings}
        return (
            _in(filters, "state", case.state)
            and (not (wanted := filters.get("rule")) or bool(rules & set(wanted)))
            and (not (books := filters.get("rule_version")) or case.rulebook_sha256 in books)
        )

    return _page(_scan(tx, CASE, Case, where, after, size), keep, case_view, limit)


def _parties(tx: Connection, filters: Filters, at: datetime, after: int, limit: int, size: int) -> Page:
    queries = parse_queries(filters.get("q", ()))

    def keep(party: Party) -> bool:
        return (
            _in(filters, "kind", party.current.kind)
            and _in(filters, "level", party.level)
            and _in(filters, "identifier", party.identifier_text() or "")
            and (not (roles := filters.get("role")) or bool(set(roles) & set(party.live_roles())))
            and (not queries or matches(queries, current_words(party)))
        )

    def show(party: Party) -> View:
        return party_view(party, at)

    return _page(_search(tx, "party", Party, [], queries, after, size), keep, show, limit)


def acts_page(tx: Connection, filters: Filters, after: int, limit: int, size: int) -> tuple[list[int], int | None]:
    """Positions of entries by act and author, oldest first, and where the next page starts."""
    query = select(ACT.c.seq).where(ACT.c.seq > after, ACT.c.seq < size)
    if acts := filters.get("act"):
        query = query.where(ACT.c.act.in_(acts))
    if by := filters.get("by"):
        query = query.where(ACT.c.by_ref.in_(_party_refs(tx, by)))
    found = [row.seq for row in tx.execute(query.order_by(ACT.c.seq).limit(limit + 1))]
    return found[:limit], found[limit - 1] if len(found) > limit else None


LISTINGS = {
    "assets": Listing(("holder", "applicant", "form", "state", "identifier", "fingerprint", "q"), _assets),
    "rights": Listing(("asset", "holder", "kind", "status", "evidence"), _rights),
    "cases": Listing(("state", "kind", "applicant", "reviewer", "rule", "rule_version", "due_before"), _cases),
    "parties": Listing(("kind", "level", "identifier", "role", "q"), _parties),
}
