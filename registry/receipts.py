"""What a submitter gets: where the statement stands, what it made, and the proof. Contract section 6, "Receipt"."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.checkpoint import only_ed25519_line
from ledger.entry import Entry, FolioLine, parse_entry
from ledger.instants import format_instant
from ledger.log import Appended, node_reader
from ledger.merkle import InclusionPaths, NodeReader
from ledger.note import VerifierKey
from ledger.proof import ProofTexts
from ledger.storage import CheckpointRow, LogStorage
from registry.acts.act import Outcome
from registry.store.tables import ACT

Receipt = dict[str, Any]


def _folio(line: FolioLine) -> dict[str, Any]:
    return {"id": line.folio, "n": line.number, "prev": line.previous}


def made_objects(outcome: Outcome) -> list[dict[str, str]]:
    """The `ids` of a receipt."""
    return [{"id": made.id, "kind": made.kind} if made.kind else {"id": made.id} for made in outcome.made]


class Facts(msgspec.Struct, frozen=True):
    """A receipt but for its proof."""

    entry: Entry
    statement: bytes
    leaf: bytes
    ids: list[dict[str, str]]
    warnings: list[Any]


class ReceiptMaker:
    """Makes receipts that prove inclusion in one signed root."""

    def __init__(self, checkpoint: CheckpointRow, node: NodeReader, keys: Sequence[VerifierKey]) -> None:
        self.size = checkpoint.size
        paths = InclusionPaths(checkpoint.size, node)
        self._full = ProofTexts(paths, checkpoint.note)
        self._short = ProofTexts(paths, only_ed25519_line(checkpoint.note, keys))

    def make(self, facts: Facts, *, short: bool = False) -> Receipt:
        """The receipt; with `short` its checkpoint carries the Ed25519 line only."""
        entry = facts.entry
        return {
            "statement": facts.statement.hex(),
            "seq": entry.position,
            "time": format_instant(entry.time),
            "leaf_hash": facts.leaf.hex(),
            "ids": facts.ids,
            "folios": [_folio(line) for line in entry.folios],
            "warnings": facts.warnings,
            "proof": (self._short if short else self._full).text(entry.position),
        }


def trial_receipt(facts: Facts) -> Receipt:
    """What a dry run answers: no position, leaf hash or proof."""
    return {
        "statement": facts.statement.hex(),
        "time": format_instant(facts.entry.time),
        "ids": facts.ids,
        "folios": [_folio(line) for line in facts.entry.folios],
        "warnings": facts.warnings,
    }


def stored_facts(storage: LogStorage[Connection], tx: Connection, positions: Sequence[int]) -> dict[int, Facts]:
    """The facts of receipts given before, by position."""
    acts = {
        row.seq: (msgspec.json.decode(row.made), msgspec.json.decode(row.warnings))
        for row in tx.execute(select(ACT.c.seq, ACT.c.made, ACT.c.warnings).where(ACT.c.seq.in_(positions)))
    }
    found = {}
    for position in positions:
        for row in storage.entries(tx, position, position + 1):
            ids, warnings = acts.get(position, ([], []))
            found[position] = Facts(parse_entry(row.data), row.statement, row.leaf, ids, warnings)
    return found


def receipt_at(
    storage: LogStorage[Connection], tx: Connection, keys: Sequence[VerifierKey], statement: bytes, size: int
) -> Receipt:
    """The receipt of a statement of the log, with a proof to the root that was signed at `size`."""
    checkpoint = storage.checkpoint(tx, size)
    position = storage.positions(tx, [statement])[statement]
    assert checkpoint is not None
    maker = ReceiptMaker(checkpoint, node_reader(storage, tx), keys)
    return maker.make(stored_facts(storage, tx, [position])[position])


def receipts_of(
    storage: LogStorage[Connection], tx: Connection, keys: Sequence[VerifierKey], statements: Sequence[bytes], *,
    short: bool = False,
) -> dict[bytes, Receipt]:  # fmt: skip
    """The receipts of those statements that the newest signed root holds, by the digests of their payloads."""
    positions = storage.positions(tx, statements) if statements else {}
    maker = receipt_maker(storage, tx, keys) if positions else None
    if maker is None:
        return {}
    signed = {digest: position for digest, position in positions.items() if position < maker.size}
    facts = stored_facts(storage, tx, list(signed.values()))
    return {digest: maker.make(facts[position], short=short) for digest, position in signed.items()}


def receipt_maker(
    storage: LogStorage[Connection], tx: Connection, keys: Sequence[VerifierKey], newest: Appended | None = None
) -> ReceiptMaker | None:
    """A maker for the newest signed root, None if there is none; `newest` is the batch that led to it, if known."""
    checkpoint = storage.checkpoint(tx)
    if checkpoint is None:
        return None
    if newest is not None and newest.head.size != checkpoint.size:  # another writer has gone on since
        newest = None
    return ReceiptMaker(checkpoint, node_reader(storage, tx, newest), keys)
