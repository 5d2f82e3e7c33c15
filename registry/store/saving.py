"""Saves what a batch changed: one multi-row statement per table, by SQLAlchemy Core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from ledger.storage.rows import insert_rows
from registry.acts.act import Outcome
from registry.register.asset import Asset, Case
from registry.register.citation import Citation, Withheld, is_erased
from registry.register.party import Party
from registry.register.register import Register, Slot
from registry.register.right import Right
from registry.register.values import reference
from registry.store.database import overwriting
from registry.store.loading import load_withheld
from registry.store.search import LOOKUP, search_keys
from registry.store.tables import (
    ACT,
    AGENCY,
    ASSET,
    ATTACHED,
    CASE,
    CITATION,
    DISCLOSURE,
    KEY,
    PARTY,
    REGISTRY,
    RIGHT,
    VERIFIED,
    WITHHELD,
)

_encode = msgspec.json.Encoder().encode
Row = dict[str, Any]
ActRow = tuple[int, str, str, int, str, str]
"""A row of `ACT`."""


@dataclass
class Rows:
    """Rows to be inserted, each with all columns of its table in order, and rows to be replaced, by their `ref`."""

    inserts: dict[Table, list[Sequence[Any]]] = field(default_factory=dict)
    updates: dict[Table, list[Row]] = field(default_factory=dict)
    search: list[tuple[int, int]] = field(default_factory=list)

    def insert(self, table: Table, *rows: Sequence[Any]) -> None:
        """The rows are to be inserted."""
        self.inserts.setdefault(table, []).extend(rows)

    def update(self, table: Table, row: Row) -> None:
        """The columns of `row` are to replace those of the row of the same `ref`."""
        self.updates.setdefault(table, []).append(row)

    def write(self, tx: Connection) -> None:
        """The rows stand in the transaction."""
        for table, rows in self.inserts.items():
            insert_rows(tx, table, rows)
        for table, changed in self.updates.items():
            columns = [name for name in changed[0] if name != "ref"]
            statement = update(table).where(table.c.ref == bindparam("b_ref"))
            statement = statement.values({name: bindparam(f"b_{name}") for name in columns})
            tx.execute(statement, [{f"b_{name}": value for name, value in row.items()} for row in changed])


def document(value: Any) -> str:
    """An object of the register as it is kept."""
    return _encode(value).decode()


def act_row(seq: int, stem: str, act: str, by_ref: int, outcome: Outcome) -> ActRow:
    """What an entry did, as a row."""
    return seq, stem, act, by_ref, document(outcome.made), document(outcome.warnings)


def save(tx: Connection, before: Mapping[Slot, Any], changes: Mapping[Slot, Any], acts: Sequence[ActRow]) -> None:
    """The changes to the loaded slice `before` stand in the transaction."""
    rows = Rows()
    rows.insert(ACT, *acts)
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
                _right(rows, value, old)
            case "verified":
                _verified(tx, rows, slot[1], value, after)
            case "citation":
                _citation(rows, value)
            case "withheld":
                _withheld(tx, slot[1], value)
            case "registry":
                tx.execute(delete(REGISTRY))
                rows.insert(REGISTRY, (1, document(value)))
            case _:
                continue  # an index that its objects carry
    rows.write(tx)
    if acts:
        LOOKUP.add(tx, rows.search, acts[0][0], acts[-1][0] + 1)


def _party(rows: Rows, party: Party, old: Party | None) -> None:
    if old is None:
        rows.insert(PARTY, (party.ref, party.id, document(party)))
    else:
        rows.update(PARTY, {"ref": party.ref, "document": document(party)})
    known = {key.key for key in old.keys} if old else set()
    rows.insert(KEY, *((key.key, party.ref) for key in party.keys if key.key not in known))
    given = {agency.id for agency in old.agencies} if old else set()
    if new := [(agency.id, party.ref) for agency in party.agencies if agency.id not in given]:
        rows.insert(AGENCY, *new)


def _asset(rows: Rows, asset: Asset, after: Register, *, is_new: bool) -> None:
    if not is_new:
        rows.update(ASSET, {"ref": asset.ref, "form": asset.form["form"], "document": document(asset)})
        return
    applicant = after.party(asset.applicant)
    rows.insert(ASSET, (asset.ref, applicant.ref if applicant else 0, asset.form["form"], document(asset)))
    rows.search += search_keys("fingerprint", asset.fingerprints(), asset.ref)
    rows.search += search_keys("identifier", asset.identifiers(), asset.ref)


def _case(rows: Rows, case: Case, after: Register, *, is_new: bool) -> None:
    if not is_new:
        rows.update(CASE, {"ref": case.ref, "state": case.state, "document": document(case)})
        return
    asset, applicant = after.asset(case.asset), after.party(case.applicant)
    refs = (asset.ref if asset else 0, applicant.ref if applicant else 0)
    rows.insert(CASE, (case.ref, *refs, case.kind, case.state, document(case)))


def _right(rows: Rows, right: Right, old: Right | None) -> None:
    known = {item.evidence.sha256 for item in old.attached} if old else set()
    if new := {item.evidence.sha256 for item in right.attached} - known:
        rows.insert(ATTACHED, *((digest, right.ref) for digest in sorted(new)))
    if old is not None:
        rows.update(RIGHT, {"ref": right.ref, "document": document(right)})
        return
    rows.insert(RIGHT, (right.ref, right.asset_ref, right.holder_ref, right.kind, document(right)))
    if right.evidence:
        rows.search += search_keys("evidence", {item.sha256 for item in right.evidence}, right.ref)


def _verified(tx: Connection, rows: Rows, identifier: str, names: tuple[str, ...], after: Register) -> None:
    tx.execute(delete(VERIFIED).where(VERIFIED.c.identifier == identifier))
    rows.insert(VERIFIED, *((identifier, party.ref) for name in names if (party := after.party(name))))


def _citation(rows: Rows, citation: Citation) -> None:
    rows.insert(CITATION, (citation.seq, document(citation)))
    cited = (*citation.cited.digests, *citation.cited.documents)
    rows.search += search_keys("cited", cited, reference(citation.seq))


def _withheld(tx: Connection, digest: str, withheld: tuple[Withheld, ...]) -> None:
    """What is erased is gone from the database with the transaction, and its bytes overwritten."""
    tx.execute(delete(WITHHELD).where(WITHHELD.c.digest == digest))
    tx.execute(insert(WITHHELD).values(digest=digest, document=document(withheld)))
    if is_erased(withheld):
        with overwriting(tx):
            tx.execute(delete(DISCLOSURE).where(DISCLOSURE.c.digest == digest))


def erased_by(changes: Mapping[Slot, Any]) -> list[str]:
    """The digests that the changes erase."""
    return [name for (kind, name), value in changes.items() if kind == "withheld" and is_erased(value)]


def kept_under(tx: Connection, digests: Sequence[str]) -> dict[str, str | None]:
    """The disclosures that are kept under the digests; None where there is none."""
    if not digests:
        return {}
    rows = tx.execute(select(DISCLOSURE).where(DISCLOSURE.c.digest.in_(digests))).all()
    return dict.fromkeys(digests) | {row.digest: row.disclosure for row in rows}


def restore_disclosures(tx: Connection, disclosures: Mapping[str, str]) -> None:
    """Disclosures of a statement of the log that were missing are there again; what was erased is not."""
    register = Register(load_withheld(tx, list(disclosures)))
    kept = {digest: text for digest, text in disclosures.items() if not is_erased(register.withheld(digest))}
    save_disclosures(tx, kept)


def save_disclosures(tx: Connection, disclosures: Mapping[str, str]) -> None:
    """The plain values stand beside the ledger; those that are there already are left as they are."""
    for digest, text in disclosures.items():
        known = tx.execute(DISCLOSURE.select().where(DISCLOSURE.c.digest == digest)).first()
        if known is None:
            tx.execute(insert(DISCLOSURE).values(digest=digest, disclosure=text))
