"""Who may read a document: pure. ADR 0027.

The digest of a document stands in public. Were everybody entitled who cites it, a stranger would only have to cite it to
read it. So a statement entitles those whom it concerns only if one who signed it was entitled before it, or if nobody
was.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from heapq import merge
from typing import Any

import msgspec

from ledger.identifiers import is_identifier
from ledger.statement import Statement

STAFF = frozenset({"reviewer", "approver", "authority", "regulator"})
"""Roles that read every document."""


class Sent(msgspec.Struct, frozen=True):
    """A party sent the document's bytes."""

    time: datetime
    party: str


class Cited(msgspec.Struct, frozen=True):
    """A statement that cites the document stands in an entry of this time."""

    time: datetime
    statement: Statement


def concerned_by(statement: Statement) -> frozenset[str]:
    """Those who signed a statement, for whom it was signed, and every party that it names."""
    principals = (statement.for_,) if statement.for_ else ()
    return frozenset((statement.by, *statement.with_, *principals, *_parties(statement.body)))


def is_entitled(party: str, sent: Iterable[Sent], cited: Iterable[Cited], is_trusted: Callable[[str], bool]) -> bool:
    """Whether the party may read the document. `sent` and `cited` are each in the order of time.

    `is_trusted`: whether a party reads every document, so that what it cites may be shown to those concerned.
    """
    entitled: set[str] = set()
    events: Iterator[Sent | Cited] = merge(sent, cited, key=lambda each: each.time)
    for event in events:
        if isinstance(event, Sent):
            entitled.add(event.party)
        else:
            signers = {event.statement.by, *event.statement.with_}
            if not entitled or signers & entitled or any(is_trusted(signer) for signer in signers):
                entitled |= concerned_by(event.statement)
        if party in entitled:
            return True
    return False


def _parties(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("pty_") and is_identifier(value, "pty"):
            yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _parties(member)
    elif isinstance(value, list):
        for item in value:
            yield from _parties(item)
