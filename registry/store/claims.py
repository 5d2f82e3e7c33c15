"""Idempotency keys in the database, and rows that are kept with a statement."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import SQLModel

from ledger.instants import to_milliseconds
from registry.beside import Beside, Claim, Made
from registry.refusals.refusal import RefusedError, refused
from registry.store.desk_tables import CLAIM

CLAIM_LIFE = timedelta(days=7)


def load_claims(tx: Connection, keys: Collection[str], now: datetime) -> dict[str, Made]:
    """What was made under these keys in the last seven days."""
    if not keys:
        return {}
    since = to_milliseconds(now - CLAIM_LIFE)
    rows = tx.execute(select(CLAIM).where(CLAIM.c.key.in_(keys), CLAIM.c.created > since)).all()
    return {
        row.key: Made(Claim(row.key, row.request, row.sealed), bytes.fromhex(row.statement), row.size) for row in rows
    }


def must_be_same_request(made: Made, claim: Claim) -> None:
    """Returns if the request is the one that something was made for.

    Raises:
        RefusedError: IDEMPOTENCY_REUSED.
    """
    if made.claim.request != claim.request:
        raise reused()


def reused() -> RefusedError:
    """IDEMPOTENCY_REUSED."""
    return refused(
        "IDEMPOTENCY_REUSED",
        "Another request was made under this Idempotency-Key within the last seven days; take a new key.",
        "该幂等键（Idempotency-Key）七日内已用于另一请求，请换用新的键。",
        "/Idempotency-Key",
    )


def save_beside(
    tx: Connection, kept: Sequence[tuple[bytes, Beside]], size: int, now: datetime
) -> None:  # fmt: skip
    """The rows stand in the transaction, each with its statement; claims that are over are gone."""
    for _, beside in kept:
        for table, row in beside.rows:
            tx.execute(insert(SQLModel.metadata.tables[table]).values(row))
    claims = [(digest, beside.claim) for digest, beside in kept if beside.claim is not None]
    if not claims:
        return
    tx.execute(delete(CLAIM).where(CLAIM.c.created <= to_milliseconds(now - CLAIM_LIFE)))
    rows = [
        {
            "key": claim.key, "request": claim.request, "statement": digest.hex(), "size": size,
            "sealed": claim.sealed, "created": to_milliseconds(now),
        }
        for digest, claim in claims
    ]  # fmt: skip
    tx.execute(insert(CLAIM), rows)
