"""Whether an answer that carries no proof is at least one to what was asked, of this log, and not older than what it showed.

Whether it is right only a replay of the entries tells; that nothing came after the last line of a folio, nothing does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from api.client.errors import TransportError, TrustError
from ledger.encoding import parse_hex
from ledger.entry import Entry, parse_entry
from ledger.errors import FormatError
from ledger.instants import parse_instant
from ledger.merkle import leaf_hash


def check_moment(answer: Mapping[str, Any], origin: str, seen: int, *, at: Any = None, size: Any = None) -> None:
    """Returns if a check was evaluated on the log `origin`, at the instant and size asked for, else at `seen` or later.

    Raises:
        TrustError: it was not.
        TransportError: the answer does not say.
    """
    try:
        log, evaluated = answer["ledger"]["origin"], answer["evaluated"]
        found_size, found_at = int(evaluated["size"]), parse_instant(evaluated["at"])
    except (KeyError, TypeError, ValueError, FormatError) as error:
        raise TransportError("the answer does not say at what size and time it was evaluated") from error
    if log != origin:
        raise TrustError(f"the answer is that of the log {log}, not of {origin}", "origin_mismatch")
    if size is not None and found_size != int(size):
        raise TrustError(f"the answer is for size {found_size}, asked was {size}", "answer_changed")
    if size is None and found_size < seen:
        raise TrustError(f"the answer is for {found_size} entries, but {origin} showed {seen} before", "entries_lost")
    if at is not None and found_at != parse_instant(str(at)):
        raise TrustError(f"the answer is for {evaluated['at']}, asked was {at}", "answer_changed")


def check_history(folio: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Returns if the lines of a folio follow each other from its first, each with its own leaf hash and position.

    Raises:
        TrustError: one is missing between them, or is not what it says.
        TransportError: they cannot be read.
    """
    number, before = 0, None
    for item in items:
        try:
            data, seq, leaf = str(item["bytes"]).encode("ascii"), item["seq"], parse_hex(item["leaf_hash"])
            entry = parse_entry(data)
        except (KeyError, TypeError, ValueError, FormatError) as error:
            raise TransportError(f"the history of {folio} cannot be read") from error
        if entry.position != seq or leaf_hash(data) != leaf:
            raise TrustError(f"the entry shown as {seq} is not the one that its hash names", "entry_changed")
        if (number + 1, before) != _line(entry, folio):
            raise TrustError(f"the history of {folio} has a hole before entry {seq}", "folio_gap")
        number, before = number + 1, entry.position


def _line(entry: Entry, folio: str) -> tuple[int, int | None] | None:
    return next(((line.number, line.previous) for line in entry.folios if line.folio == folio), None)
