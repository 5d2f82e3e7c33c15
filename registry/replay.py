"""Replays a log with the code that wrote it: every act decided again, under the rulebook of its position.

An auditor replays into a database of his own; `sanquan register rebuild` empties the register's tables and replays
into them. Where a decision does not come out as the log says, the entry should not be there.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from ledger.entry import Entry
from ledger.errors import EntryRejected
from ledger.storage import EntryRow, LogStorage
from ledger.storage.tables import METADATA
from registry.acts.act import Outcome
from registry.admission import Admitted, Opened, Signatures, admit
from registry.judging import Bench, Rules
from registry.law.rulebook import Rulebook
from registry.refusals.refusal import RefusedError
from registry.register.register import Register
from registry.signatures import required_verifications
from registry.store.loading import load, stems
from registry.store.saving import ActRow, act_row, save
from registry.store.tables import FOLD_TABLES
from registry.workers import Workers

BATCH = 256
_FOLIO = METADATA.tables["sanquan_folio"]


class Replay:
    """Replays batches of entries, in order, into a register that starts empty."""

    def __init__(self, origin: str, rulebook: Callable[[str], Rulebook | None]) -> None:
        self._origin = origin
        self._rules = Rules(rulebook)
        self._workers = Workers()

    def close(self) -> None:
        """The workers have ended."""
        self._workers.close()

    def batch(self, tx: Connection, entries: Sequence[Entry], *, keep_folios: bool, are_verified: bool = False) -> None:
        """What the entries did stands in the transaction. `keep_folios`: the folio lines are not there yet.

        `are_verified`: the signatures of the statements hold, whoever's they are.

        Raises:
            EntryRejected: a statement is not signed as it must be, may not take effect, or does something else.
        """
        if keep_folios:
            lines = [{"folio": f.folio, "number": f.number, "position": e.position} for e in entries for f in e.folios]
            tx.execute(insert(_FOLIO), lines)
        items = [self._open(entry) for entry in entries]
        base = load(tx, [item.names for item in items])
        if are_verified:
            for item in items:
                item.verified.update((n, each.key) for n, each in enumerate(item.envelope.signatures))
        else:
            self._verify(entries, items, Register(base))
        bench = Bench(base, self._rules, set(stems(tx, [item.ids.stem for item in items])))
        rows: list[ActRow] = []
        for entry, item in zip(entries, items, strict=True):
            rows.append(self._judge(tx, bench, entry, item))
        save(tx, base, bench.changes, rows)

    def _open(self, entry: Entry) -> Admitted:
        try:
            return admit(Opened(entry.envelope, entry.envelope.digest()), self._origin, disclosed=False)
        except RefusedError as refusal:
            raise _rejected(entry, refusal) from refusal

    def _judge(self, tx: Connection, bench: Bench, entry: Entry, item: Admitted) -> ActRow:
        def length(folio: str) -> int:
            found: int | None = tx.execute(
                select(func.max(_FOLIO.c.number)).where(_FOLIO.c.folio == folio, _FOLIO.c.position < entry.position)
            ).scalar()
            return found or 0

        try:
            outcome: Outcome = bench.judge(item, entry.position, entry.time, length)
        except RefusedError as refusal:
            raise _rejected(entry, refusal) from refusal
        if sorted(set(outcome.folios)) != [line.folio for line in entry.folios]:
            raise EntryRejected(
                entry.position,
                "the entry is written into other folios than its act changes",
                "分录所记的登记簿页与行为所涉不符",
            )
        bench.accept(item, outcome, entry.position, entry.time)
        by = outcome.register.party(item.statement.by)
        stem = item.ids.stem
        return act_row(entry.position, stem, item.statement.act, by.ref if by else 0, outcome)

    def _verify(self, entries: Sequence[Entry], items: Sequence[Admitted], register: Register) -> None:
        """Verifies in parallel what the keys known before the batch suffice for; `judge` verifies the rest."""
        work = []
        for entry, item in zip(entries, items, strict=True):
            try:
                found = required_verifications(register, item.signers, item.envelope.signatures, entry.time)
                work.append((item, found))
            except RefusedError:
                continue  # a key of this batch, or none: `judge` says which
        Signatures(self._workers, work).refusals()


def _rejected(entry: Entry, refusal: RefusedError) -> EntryRejected:
    words = refusal.reasons[0].message
    return EntryRejected(
        entry.position,
        f"the statement may not take effect ({refusal.code}): {words.en}",
        f"该声明不能生效（{refusal.code}）：{words.zh}",
        refusal.code,
    )


def stored_entries(storage: LogStorage[Connection], tx: Connection, size: int) -> Iterator[Sequence[EntryRow]]:
    """The rows of the log in batches, in order."""
    for start in range(0, size, BATCH):
        yield storage.entries(tx, start, min(start + BATCH, size))


def empty_register(tx: Connection) -> None:
    """The tables that entries determine are empty."""
    for table in FOLD_TABLES:
        tx.execute(delete(table))


def register_rows(tx: Connection, table_number: int) -> Iterator[dict[str, Any]]:
    """The rows of one of the register's tables in the order of its primary key."""
    table = FOLD_TABLES[table_number]
    for row in tx.execute(select(table).order_by(*table.primary_key.columns)).mappings():
        yield dict(row)
