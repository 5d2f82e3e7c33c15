"""The entries of a bundle, read one by one: what each is in itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.entry import Entry, parse_entry
from ledger.errors import FormatError
from ledger.evidence.bundle import Evidence
from ledger.evidence.naming import Named, named_in
from ledger.finding import broken
from ledger.statement import Statement, parse_statement


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of a bundle and what it says."""

    data: bytes
    entry: Entry
    statement: Statement
    named: Named

    @property
    def position(self) -> int:
        return self.entry.position


def read_lines(evidence: Evidence) -> Iterator[Line]:
    """The entries in order. Nothing is said of how they belong together.

    Raises:
        BrokenError: the bytes of one are not those of an entry that holds a statement, or it calls itself another.
    """
    for item in evidence.entries:
        try:
            entry = parse_entry(item.data)
            statement = parse_statement(entry.envelope)
        except FormatError as error:
            raise broken(
                item.seq,
                "entry_form",
                f"The bytes of entry {item.seq} are not those of an entry: {error}.",
                f"第 {item.seq} 条的字节不是分录的唯一形式：{error}。",
            ) from error
        if entry.position != item.seq:
            raise broken(
                item.seq,
                "entry_position",
                f"What is called entry {item.seq} says that it is entry {entry.position}.",
                f"所称第 {item.seq} 条自称第 {entry.position} 条。",
            )
        yield Line(item.data, entry, statement, named_in(entry, statement))
