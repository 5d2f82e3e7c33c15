"""What every entry of a log has to be, given those before it. The memory of an audit.

Checked: the bytes are the only form of an entry; it says its position and the leaf hash of the entry before; times
never decrease; folio lines are counted without gaps; a statement stands in the log once and is addressed to it.
Folio heads and statement digests live in an anonymous SQLite file, which keeps to a few megabytes of memory.
"""

import sqlite3
from datetime import datetime

from ledger.entry import FIRST_PREVIOUS, Entry, FolioLine, parse_entry
from ledger.errors import FormatError
from ledger.finding import broken
from ledger.instants import format_instant
from ledger.merkle import leaf_hash
from ledger.statement import Statement, parse_statement

_CACHE_KIB = 8192


class ChainChecker:
    """The entries of the log `origin` seen so far. Entries are to be given in order, from position 0."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._position = 0
        self._previous = FIRST_PREVIOUS
        self._time: datetime | None = None
        self._state = sqlite3.connect("", isolation_level=None)
        self._state.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._state.execute("PRAGMA synchronous=OFF")
        self._state.execute("PRAGMA journal_mode=OFF")
        self._state.execute("CREATE TABLE statement (digest BLOB PRIMARY KEY, position INTEGER) WITHOUT ROWID")
        self._state.execute(
            "CREATE TABLE folio (folio TEXT PRIMARY KEY, number INTEGER, position INTEGER) WITHOUT ROWID"
        )

    def close(self) -> None:
        """The temporary file is gone."""
        self._state.close()

    def check(self, data: bytes) -> tuple[Entry, Statement]:
        """The next entry, which continues those before it.

        Raises:
            BrokenError: it does not; carries the finding.
        """
        position = self._position
        try:
            entry = parse_entry(data)
        except FormatError as error:
            raise broken(
                position,
                "entry_form",
                f"The bytes of entry {position} are not those of an entry: {error}.",
                f"第 {position} 条的字节不是分录的唯一形式：{error}。",
            ) from error
        self._check_place(entry)
        statement = self._check_statement(entry)
        for line in entry.folios:
            self._check_folio(position, line)
        self._position = position + 1
        self._previous = leaf_hash(data)
        self._time = entry.time
        return entry, statement

    def _check_place(self, entry: Entry) -> None:
        position = self._position
        if entry.position != position:
            raise broken(
                position,
                "entry_position",
                f"Where entry {position} should stand, there is one that says it is entry {entry.position}: entries "
                "were swapped, inserted or removed.",
                f"第 {position} 条的位置上是自称第 {entry.position} 条的分录：分录被调换、插入或删除。",
            )
        if entry.previous != self._previous:
            raise broken(
                position,
                "chain_broken",
                f"The chain is broken: entry {position} continues another line than the one that stands before it. "
                f"One of the two was changed.",
                f"链条断裂：第 {position} 条所接续的并非其前一条，两者之一被改动。",
            )
        if self._time is not None and entry.time < self._time:
            raise broken(
                position,
                "time_backwards",
                f"Time goes backwards: entry {position} says {format_instant(entry.time)}, the entry before it "
                f"{format_instant(self._time)}.",
                f"时间倒流：第 {position} 条为 {format_instant(entry.time)}，其前一条为 {format_instant(self._time)}。",
            )

    def _check_statement(self, entry: Entry) -> Statement:
        position = self._position
        try:
            statement = parse_statement(entry.envelope)
        except FormatError as error:
            raise broken(
                position,
                "statement_form",
                f"The statement in entry {position} is not one: {error}.",
                f"第 {position} 条中的声明格式不符：{error}。",
            ) from error
        if statement.log != self._origin:
            raise broken(
                position,
                "origin_mismatch",
                f"The statement in entry {position} was made for the log {statement.log!r}, not for {self._origin!r}.",
                f"第 {position} 条中的声明是向账本 {statement.log!r} 作出的，而非 {self._origin!r}。",
            )
        try:
            self._state.execute("INSERT INTO statement VALUES (?, ?)", (statement.digest, position))
        except sqlite3.IntegrityError:
            query = "SELECT position FROM statement WHERE digest = ?"
            first = self._state.execute(query, (statement.digest,)).fetchone()[0]
            raise broken(
                position,
                "statement_twice",
                f"The statement in entry {position} stands in entry {first} already.",
                f"第 {position} 条中的声明已见于第 {first} 条。",
            ) from None
        return statement

    def _check_folio(self, position: int, line: FolioLine) -> None:
        query = "SELECT number, position FROM folio WHERE folio = ?"
        number, previous = self._state.execute(query, (line.folio,)).fetchone() or (0, None)
        if line.number != number + 1 or line.previous != previous:
            stands = f"line {number} in entry {previous}" if number else "no line"
            stands_zh = f"第 {previous} 条中的第 {number} 行" if number else "无"
            raise broken(
                position,
                "folio_gap",
                f"The folio {line.folio} has a gap: entry {position} calls itself its line {line.number}, following "
                f"entry {line.previous}; before it the folio has {stands}.",
                f"登记簿页 {line.folio} 不连续：第 {position} 条自称其第 {line.number} 行，上一行在第 {line.previous} 条；"
                f"实际其前为{stands_zh}。",
            )
        self._state.execute("INSERT OR REPLACE INTO folio VALUES (?, ?, ?)", (line.folio, line.number, position))
