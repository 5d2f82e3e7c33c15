"""What a set of entries shows of folios: whole from the first line up to some line, or a few lines only.

Whoever serves a bundle can leave out the newest lines of a folio, and nothing inside shows it; any other line left out
leaves a gap. So a folio that begins with its line 1 counts as shown, and what is said of it is up to which line.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import itemgetter

import msgspec

from ledger.entry import Entry, FolioLine
from ledger.finding import broken


class FolioShown(msgspec.Struct, frozen=True):
    """A folio whose lines 1 to `lines` are all there; the newest stands in the entry `newest`."""

    folio: str
    lines: int
    newest: int


class Folios:
    """The folio lines of entries that ascend by position."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._lines: dict[str, list[tuple[int, FolioLine]]] = {}
        self._entries: list[Entry] = []
        for entry in entries:
            self._entries.append(entry)
            for line in entry.folios:
                self._lines.setdefault(line.folio, []).append((entry.position, line))

    def is_shown(self, folio: str) -> bool:
        """Whether the folio is there from its first line on."""
        return folio in self._lines and self._lines[folio][0][1].number == 1

    def shown(self) -> tuple[FolioShown, ...]:
        """The folios that are shown, by name. What is said of them holds once `check` has returned."""
        return tuple(
            FolioShown(folio, len(lines), lines[-1][0])
            for folio, lines in sorted(self._lines.items())
            if self.is_shown(folio)
        )

    def lines_before(self, folio: str, position: int) -> int:
        """How many lines of a folio stand before the entry at `position`."""
        return bisect_left(self._lines.get(folio, ()), position, key=itemgetter(0))

    def check(self) -> None:
        """Returns if folios that are shown have no gap, and every entry stands on one of them.

        Raises:
            BrokenError: a line is missing, stands twice or follows another than the one before it.
        """
        for folio, lines in self._lines.items():
            _check(folio, lines, whole=self.is_shown(folio))
        for entry in self._entries:
            if not any(self.is_shown(line.folio) for line in entry.folios):
                names = ", ".join(line.folio for line in entry.folios)
                raise broken(
                    entry.position,
                    "folio_gap",
                    f"The folio of entry {entry.position} is not there from its first line: {names}.",
                    f"第 {entry.position} 条所在的登记簿页并非自第 1 行起完整：{names}。",
                )


def _check(folio: str, lines: Sequence[tuple[int, FolioLine]], *, whole: bool) -> None:
    number, newest = 0, None
    for position, line in lines:
        follows = line.number == number + 1 and line.previous == newest
        skips = (
            not whole
            and line.number > number + 1
            and line.previous is not None
            and (-1 if newest is None else newest) < line.previous < position
        )
        if not (follows or skips):
            raise broken(
                position,
                "folio_gap",
                f"The folio {folio} has a gap: entry {position} calls itself its line {line.number}, following entry "
                f"{line.previous}; the line shown before it is {number}, in entry {newest}.",
                f"登记簿页 {folio} 不连续：第 {position} 条自称其第 {line.number} 行，上一行在第 {line.previous} 条；"
                f"所示的前一行为第 {number} 行，在第 {newest} 条。",
            )
        number, newest = line.number, position
