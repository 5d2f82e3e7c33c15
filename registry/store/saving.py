"""Saves what a batch changed: one multi-row statement per table, by SQLAlchemy Core."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, insert, update

from ledger.storage.rows import insert_rows
from registry.acts.act import Outcome
from registry.register.asset import Asset, Case
from registry.register.party import Party
from registry.register.register import Register, Slot
from registry.register.right import Right
from registry.store.search import LOOKUP, search_keys
from registry.store.tables import (
    ACT,
    ASSET,
    CASE,
    DISCLOSURE,
    KEY,
    PARTY,
    REGISTRY,
    RIGHT,
    VERIFIED,
)

_encode = msgspec.json.Encoder().encode
Row = dict[str, Any]


@dataclass
class Rows:
    """Rows to be inserted and replaced, table by table."""

    inserts: dict[Table, list[Row]] = field(default_factory=dict)
    updates: dict[Table, list[Row]] = field(default_factory=dict)
    search: list[tuple[int, int]] = field(default_factory=list)

    def put(self, table: Table, row: Row, *, is_new: bool) -> None:
        """The row is to be inserted, or to replace the one of the same `ref`."""
        (self.inserts if is_new else self.updates).setdefault(table, []).append(row)

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        """The rows are to be inserted."""
        self.inserts.setdefault(table, []).extend(rows)

    def write(self, tx: Connection) -> None:
        """The rows stand in the transaction."""
        for table, rows in self.inserts.items():
            if rows:
                pick = itemgetter(*(column.name for column in table.columns))
                insert_rows(tx, table, [pick(row) for row in rows])
        for table, rows in self.updates.items():
            columns = [name for name in rows[0] if name != "ref"]
            statement = update(table).where(table.c.ref == bindparam("b_ref"))
            statement = statement.values({name: bindparam(f"b_{name}") for name in columns})
            tx.execute(statement, [{f"b_{name}": value for name, value in row.items()} for row in rows])


def document(value: Any) -> str:
    """An object of the register as it is kept."""
    return _encode(value).decode()


def act_row(seq: int, stem: str, act: str, by_ref: int, outcome: Outcome) -> Row:
    """What an entry did, as a row."""
    made = [{"id": m.id, "kind": m.kind} if m.kind else {"id": m.id} for m in outcome.made]
    return {
        "seq": seq, "stem": stem, "act": act, "by_ref": by_ref,
        "made": document(made), "warnings": document(list(outcome.warnings)),
    }  # fmt: skip


def save(tx: Connection, before: Mapping[Slot, Any], changes: Mapping[Slot, Any], acts: list[Row]) -> None:
    """The changes to the loaded slice `before` stand in the transaction."""
    rows = Rows()
    rows.add(ACT, acts)
    after = Register(before, changes)
    for slot, value in changes.items():
        old = before.get(slot)
        match slot[0]:
            case "party":
                _party(rows, value, old)
            case "asset":
                _asset(rows, value, after, is_new=old is None)
            case "case":
                _case(rows, value, after, is_new=old is None)
            case "right":
                _right(rows, value, is_new=old is None)
            case "verified":
                _verified(tx, rows, slot[1], value, after)
            case "registry":
                tx.execute(delete(REGISTRY))
                rows.add(REGISTRY, [{"id": 1, "document": document(value)}])
            case _:
                continue  # an index that its objects carry
    rows.write(tx)
    if acts:
        LOOKUP.add(tx, rows.search, acts[0]["seq"], acts[-1]["seq"] + 1)


def _party(rows: Rows, party: Party, old: Party | None) -> None:
    rows.put(PARTY, {"ref": party.ref, "id": party.id, "document": document(party)}, is_new=old is None)
    known = {key.key for key in old.keys} if old else set()
    rows.add(KEY, ({"key": key.key, "party_ref": party.ref} for key in party.keys if key.key not in known))


def _asset(rows: Rows, asset: Asset, after: Register, *, is_new: bool) -> None:
    applicant = after.party(asset.applicant)
    applicant_ref = applicant.ref if applicant else 0
    row = {
        "ref": asset.ref, "applicant_ref": applicant_ref, "form": asset.form["form"], "document": document(asset),
    }  # fmt: skip
    if not is_new:
        row.pop("applicant_ref")
    rows.put(ASSET, row, is_new=is_new)
    if is_new:
        rows.search += search_keys("fingerprint", asset.fingerprints(), asset.ref)
        rows.search += search_keys("identifier", asset.identifiers(), asset.ref)


def _case(rows: Rows, case: Case, after: Register, *, is_new: bool) -> None:
    asset, applicant = after.asset(case.asset), after.party(case.applicant)
    row = {"ref": case.ref, "kind": case.kind, "state": case.state, "document": document(case)}
    if is_new:
        row["asset_ref"] = asset.ref if asset else 0
        row["applicant_ref"] = applicant.ref if applicant else 0
    rows.put(CASE, row, is_new=is_new)


def _right(rows: Rows, right: Right, *, is_new: bool) -> None:
    row = {
        "ref": right.ref, "asset_ref": right.asset_ref, "holder_ref": right.holder_ref, "kind": right.kind,
        "document": document(right),
    }  # fmt: skip
    rows.put(RIGHT, row, is_new=is_new)
    if is_new:
        rows.search += search_keys("evidence", {item.sha256 for item in right.evidence}, right.ref)


def _verified(tx: Connection, rows: Rows, identifier: str, names: tuple[str, ...], after: Register) -> None:
    tx.execute(delete(VERIFIED).where(VERIFIED.c.identifier == identifier))
    parties = [party for name in names if (party := after.party(name))]
    rows.add(VERIFIED, ({"identifier": identifier, "party_ref": party.ref} for party in parties))


def save_disclosures(tx: Connection, disclosures: Mapping[str, str]) -> None:
    """The plain values stand beside the ledger; those that are there already are left as they are."""
    for digest, text in disclosures.items():
        known = tx.execute(DISCLOSURE.select().where(DISCLOSURE.c.digest == digest)).first()
        if known is None:
            tx.execute(insert(DISCLOSURE).values(digest=digest, disclosure=text))
