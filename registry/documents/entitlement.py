"""Who may read what is kept beside the ledger. Contract section 8; articles 16 and 30 of the guideline.

Those concerned by a statement that cites it: who signed, for whom, whom its body names; for registration material also
whoever holds a live title on the asset. Reviewers and authorities in their office, and the registrar. What is
restricted only authorities and the registrar see; what is erased nobody.
"""

from collections.abc import Sequence
from datetime import datetime

from registry.register.citation import Citation, Withheld, is_erased, is_restricted
from registry.register.party import Party
from registry.register.register import Register

STAFF = frozenset({"reviewer", "approver", "authority", "regulator"})
OVERSIGHT = frozenset({"authority", "regulator"})
_REGISTRATION = ("case.", "evidence.")


def concerned(register: Register, citations: Sequence[Citation], at: datetime) -> frozenset[str]:
    """The parties that the statements concern. `register` holds the aggregates of the assets on whose folios they stand."""
    parties = {party for citation in citations for party in citation.cited.parties}
    for citation in citations:
        if citation.act.startswith(_REGISTRATION):
            for folio in citation.folios:
                parties |= {
                    right.holder
                    for right in register.rights_of(folio)
                    if right.is_title() and right.status_at(at) == "active"
                }
    return frozenset(parties)


def may_read(reader: Party, registrar: str, parties: frozenset[str], withheld: tuple[Withheld, ...]) -> bool:
    """Whether a party may read what is kept; `parties` are those concerned."""
    if is_erased(withheld):
        return False
    roles = set(reader.live_roles())
    if reader.id == registrar or roles & OVERSIGHT:
        return True
    return not is_restricted(withheld) and (reader.id in parties or bool(roles & STAFF))
