"""Which statements entitle those whom they concern to read a document: pure. ADR 0027.

The digest of a document stands in public. Were everybody entitled who cites it, a stranger would only have to cite it to
read it. So a statement counts only if one who signed it was entitled before it, or if nobody was.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from heapq import merge

import msgspec

from registry.register.citation import Citation


class Sent(msgspec.Struct, frozen=True):
    """A party sent the document's bytes, and so has them."""

    time: datetime
    party: str


def entitling(
    sent: Sequence[Sent], citations: Sequence[Citation], is_trusted: Callable[[str], bool]
) -> tuple[Citation, ...]:
    """The citations that count. Both are in the order of time.

    `is_trusted`: whether a party reads every document, so that what it cites may be shown to those concerned.
    """
    entitled: set[str] = set()
    counted: list[Citation] = []
    events: Iterator[Sent | Citation] = merge(sent, citations, key=lambda each: each.time)
    for event in events:
        if isinstance(event, Sent):
            entitled.add(event.party)
        elif not entitled or any(signer in entitled or is_trusted(signer) for signer in event.cited.signers):
            counted.append(event)
            entitled.update(event.cited.parties)
    return tuple(counted)
