"""Whether the bundles of a log continue one another: hash chain, time, folios, and no statement twice.

Bundles are added in order, as summaries. Where folios and statements stand is remembered in memory for the newest
entries and in a SQLite file for all others, into which the newest are settled from time to time in the order of keys
and compared there. So a gap or a second copy may be found some entries late, but always with its own position, and
memory does not grow with the log.
"""

import sqlite3

from ledger.audit.resuming import Carried
from ledger.entry import FIRST_PREVIOUS
from ledger.finding import BrokenError
from ledger.merkle import HASH_BYTES
from ledger.reading.bundle import FolioRun, Summary
from ledger.reading.words import chain_broken, folio_gap, statement_twice, time_backwards
from ledger.tiles import TILE_WIDTH

SETTLE_EVERY = 1 << 16
_SELECTED = 500
"""Values in one query: within SQLite's limit on parameters."""


class ChainChecker:
    """The entries seen so far. `state` is an open transaction, used for nothing else by name."""

    def __init__(
        self, state: sqlite3.Connection, settle_every: int = SETTLE_EVERY, carried: Carried | None = None
    ) -> None:
        self.previous = carried.previous if carried else FIRST_PREVIOUS.hex()
        """The leaf hash of the newest entry."""
        self.time = carried.time if carried else ""
        self._every = settle_every
        self._state = state
        state.execute("CREATE TABLE IF NOT EXISTS statement (digest BLOB PRIMARY KEY, position INTEGER) WITHOUT ROWID")
        state.execute(
            "CREATE TABLE IF NOT EXISTS folio (folio TEXT PRIMARY KEY, number INTEGER, position INTEGER) WITHOUT ROWID"
        )
        self._statements: dict[bytes, int] = {}
        self._folios: dict[str, FolioRun] = {}
        """By folio its lines that are not settled yet."""
        self._found: list[BrokenError] = []

    def add(self, summary: Summary) -> None:
        """The entries of the summary continue those before.

        Raises:
            BrokenError: they do not, or some entries before them do not.
        """
        start = summary.index * TILE_WIDTH
        if summary.held:
            if summary.previous != self.previous:
                raise self.settled(chain_broken(start))
            if summary.times[0] < self.time:
                raise self.settled(time_backwards(start, summary.times[0], self.time))
            self.previous, self.time = summary.leaves[-HASH_BYTES:].hex(), summary.times[-1]
            self._add_statements(start, summary.digests)
            for run in summary.folios:
                self._add_run(run)
        if summary.finding is not None:
            raise self.settled(BrokenError(summary.finding))
        if len(self._statements) >= self._every or self._found:
            self.settle()

    def settled(self, later: BrokenError) -> BrokenError:
        """`later`, or what is wrong with an entry before its own."""
        try:
            self.settle()
        except BrokenError as error:
            return min(later, error, key=_place)
        return later

    def settle(self) -> None:
        """All entries added so far have their place.

        Raises:
            BrokenError: the first that has none.
        """
        self._settle_statements()
        self._settle_folios()
        if self._found:
            raise min(self._found, key=_place)

    def _add_statements(self, start: int, digests: bytes) -> None:
        places = range(0, len(digests), HASH_BYTES)
        new = {digests[at : at + HASH_BYTES]: start + at // HASH_BYTES for at in places}
        if len(new) == len(places) and self._statements.keys().isdisjoint(new):
            self._statements.update(new)
            return
        for at in places:
            position = start + at // HASH_BYTES
            first = self._statements.setdefault(digests[at : at + HASH_BYTES], position)
            if first != position:
                self._found.append(statement_twice(position, first))

    def _add_run(self, run: FolioRun) -> None:
        known = self._folios.get(run.folio)
        if known is None:
            self._folios[run.folio] = run
            return
        if (run.number, run.previous) != (known.last_number + 1, known.last_position):
            head = (known.last_number, known.last_position)
            self._found.append(folio_gap(run.position, run.folio, (run.number, run.previous), head))
        known.last_number, known.last_position = run.last_number, run.last_position

    def _settle_statements(self) -> None:
        before = self._state.total_changes
        rows = sorted(self._statements.items())
        self._state.executemany("INSERT OR IGNORE INTO statement VALUES (?, ?)", rows)
        if self._state.total_changes - before != len(rows):
            for digest, position in rows:
                query = "SELECT position FROM statement WHERE digest = ?"
                first = self._state.execute(query, (digest,)).fetchone()[0]
                if first != position:
                    self._found.append(statement_twice(position, first))
        self._statements.clear()

    def _settle_folios(self) -> None:
        names = sorted(self._folios)
        heads: dict[str, tuple[int, int]] = {}
        for at in range(0, len(names), _SELECTED):
            part = names[at : at + _SELECTED]
            query = f"SELECT folio, number, position FROM folio WHERE folio IN ({','.join('?' * len(part))})"  # noqa: S608
            heads.update((folio, (number, position)) for folio, number, position in self._state.execute(query, part))
        for name in names:
            run = self._folios[name]
            head = heads.get(name)
            if (run.number, run.previous) != ((head[0] + 1, head[1]) if head else (1, None)):
                self._found.append(folio_gap(run.position, name, (run.number, run.previous), head or (0, None)))
        rows = [(name, self._folios[name].last_number, self._folios[name].last_position) for name in names]
        self._state.executemany("INSERT OR REPLACE INTO folio VALUES (?, ?, ?)", rows)
        self._folios.clear()


def _place(error: BrokenError) -> int:
    return error.finding.position or 0
