"""What `entitlement` has to see of the register, loaded."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from registry.documents.entitlement import concerned, may_read
from registry.register.citation import Citation, Withheld
from registry.register.party import Party
from registry.register.register import Register
from registry.store.loading import load_assets, load_parties, load_registry, refs_of


def parties_concerned(tx: Connection, citations: Sequence[Citation], at: datetime) -> frozenset[str]:
    """The parties that the statements concern."""
    folios = {folio for citation in citations for folio in citation.folios if folio.startswith("ast_")}
    return concerned(Register(load_assets(tx, refs_of(tx, folios).values())), citations, at)


def is_reader(tx: Connection, party: str, parties: frozenset[str], withheld: tuple[Withheld, ...]) -> bool:
    """Whether a party may read what is kept; `parties` are those for whom it is."""
    registry, reader = load_registry(tx), load_parties(tx, [party]).get(("party", party))
    if registry is None or not isinstance(reader, Party):
        return False
    return may_read(reader, registry.registrar, parties, withheld)
