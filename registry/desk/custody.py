"""Private keys held for parties (`custody: registry`), sealed in the database. Contract sections 6 and 10.

The key record on the ledger says that a key is in custody, for everyone to see. Whoever has the database alone cannot
sign; whoever has `keys/custody.key` alone neither.
"""

from typing import Any

from sqlalchemy import Connection, select

from ledger.identifiers import key_identifier
from ledger.keys import KeySigner
from registry.desk.sealing import Sealer, SealError
from registry.register.party import Party
from registry.store.desk_tables import CUSTODY


class Custody:
    """The keys in custody of one registry."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def row(self, party: str, signer: KeySigner) -> dict[str, Any]:
        """The row that keeps a key for a party."""
        key = key_identifier(signer.public)
        return {"key": key, "party": party, "sealed": self._sealer.seal(signer.to_pem(), _place(party, key))}

    def signers(self, tx: Connection, party: Party) -> dict[str, KeySigner]:
        """The keys held for a party, by their identifiers.

        Raises:
            SealError: they were sealed with another custody key.
        """
        rows = tx.execute(select(CUSTODY).where(CUSTODY.c.party == party.id)).all()
        return {row.key: KeySigner.from_pem(self._sealer.open(row.sealed, _place(party.id, row.key))) for row in rows}

    def check(self, tx: Connection) -> None:
        """Returns if the keys that are held open.

        Raises:
            SealError: they were sealed with another custody key.
        """
        row = tx.execute(select(CUSTODY).limit(1)).first()
        if row is not None:
            self._sealer.open(row.sealed, _place(row.party, row.key))


def _place(party: str, key: str) -> str:
    return f"custody {party} {key}"


__all__ = ["Custody", "SealError"]
