"""What an entry names that a bundle must show: parties, registered inputs, rulebooks, disclosures. Contract section 9.

A bundle follows from the entries alone, so whoever verifies one finds out by the same rules what it has to hold. Only
names of members that the contract gives are looked at; what is given as a digest (contract section 8) names nothing.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.entry import Entry
from ledger.identifiers import is_identifier
from ledger.statement import Statement

_PARTY_MEMBERS = frozenset({"agent", "awaits", "from", "participants", "party", "to", "trustee"})
"""Members of bodies whose parties the register knows, or the act is refused."""


class Named(msgspec.Struct, frozen=True):
    """What one entry names.

    `signers`: whose keys signed it, and the principal. `parties`: others whom it concerns for certain. `mentioned`:
    whatever else in it looks like a party; it may be none. `inputs`: registered assets that an asset was made from.
    """

    signers: frozenset[str]
    parties: frozenset[str]
    mentioned: frozenset[str]
    inputs: frozenset[str]

    def called_for(self, folio: str) -> frozenset[str]:
        """The folios that a bundle with this folio, on which the entry stands, holds as well.

        What only looks like a party does not count on a party's folio: its owner writes there whatever it likes, and
        could make the evidence of others too large.
        """
        found = self.signers | self.parties
        return found | self.mentioned | self.inputs if folio.startswith("ast_") else found


def named_in(entry: Entry, statement: Statement) -> Named:
    """What the entry names."""
    signers = {statement.by, *statement.with_}
    if statement.for_ is not None:
        signers.add(statement.for_)
    folios = {line.folio for line in entry.folios if line.folio.startswith("pty_")}
    known: set[str] = set()
    others: set[str] = set()
    for name, text in _texts(statement.body, ""):
        if text.startswith("pty_") and is_identifier(text, "pty"):
            (known if name in _PARTY_MEMBERS else others).add(text)
    return Named(frozenset(signers), frozenset(known | folios), frozenset(others), frozenset(_inputs(statement.body)))


def rulebook_of(statement: Statement) -> str | None:
    """The digest of the rulebook that the statement adopts, if it does."""
    member = {"log.open": "rulebook_sha256", "rulebook.adopt": "sha256"}.get(statement.act)
    found = statement.body.get(member) if member else None
    return found if isinstance(found, str) else None


def concealed(statement: Statement) -> Iterator[str]:
    """The digests that stand in place of confidential members (contract section 8)."""
    return (text for name, text in _texts(statement.body, "") if name == "sd")


def _texts(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every string in a body with the name of the member that it is, or is in a list of."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for member, item in value.items():
            yield from _texts(item, member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)


def _inputs(body: Any) -> Iterator[str]:
    """`sources[].inputs[].asset` of a filing, also of one that a supplement changes."""
    changes = body.get("changes")
    for holder in (body, changes if isinstance(changes, dict) else {}):
        for source in _objects(holder.get("sources")):
            for item in _objects(source.get("inputs")):
                if is_identifier(asset := str(item.get("asset")), "ast"):
                    yield asset


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
