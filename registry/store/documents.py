"""Documents in SQL: what was sent by whom, and which entries cite it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from ledger.instants import from_milliseconds, to_milliseconds
from registry.documents.document import Document
from registry.documents.readers import Sent
from registry.store.document_tables import DOCUMENT, DOCUMENT_SENDER


def find_document(tx: Connection, digest: str) -> Document | None:
    """What is known of a document."""
    row = tx.execute(select(DOCUMENT).where(DOCUMENT.c.sha256 == digest)).first()
    return Document(row.sha256, row.bytes, row.media_type, from_milliseconds(row.received)) if row else None


def insert_document(tx: Connection, document: Document) -> None:
    """The document is known; one that was removed before is as if it had never been there."""
    tx.execute(delete(DOCUMENT).where(DOCUMENT.c.sha256 == document.sha256))
    tx.execute(
        insert(DOCUMENT).values(
            sha256=document.sha256, bytes=document.size, media_type=document.media_type,
            received=to_milliseconds(document.received), is_cited=False,
        )
    )  # fmt: skip


def renew_document(tx: Connection, digest: str, now: datetime) -> None:
    """The document counts as received now."""
    tx.execute(update(DOCUMENT).where(DOCUMENT.c.sha256 == digest).values(received=to_milliseconds(now)))


def insert_sender(tx: Connection, digest: str, party: str, now: datetime) -> None:
    """The party is known to have the document's bytes."""
    mine = (DOCUMENT_SENDER.c.sha256 == digest, DOCUMENT_SENDER.c.party == party)
    if tx.execute(select(DOCUMENT_SENDER.c.party).where(*mine)).first() is None:
        tx.execute(insert(DOCUMENT_SENDER).values(sha256=digest, party=party, received=to_milliseconds(now)))


def senders(tx: Connection, digest: str) -> list[Sent]:
    """Who sent the document, the first first."""
    rows = tx.execute(
        select(DOCUMENT_SENDER).where(DOCUMENT_SENDER.c.sha256 == digest).order_by(DOCUMENT_SENDER.c.received)
    )
    return [Sent(from_milliseconds(row.received), row.party) for row in rows]


def uncited_since(tx: Connection, limit: datetime, most: int) -> Sequence[str]:
    """Documents received before `limit` that no statement was seen to cite."""
    old = (DOCUMENT.c.is_cited.is_(False), DOCUMENT.c.received < to_milliseconds(limit))
    return tx.execute(select(DOCUMENT.c.sha256).where(*old).order_by(DOCUMENT.c.received).limit(most)).scalars().all()


def mark_cited(tx: Connection, digest: str) -> None:
    """The document stays."""
    tx.execute(update(DOCUMENT).where(DOCUMENT.c.sha256 == digest).values(is_cited=True))


def delete_document(tx: Connection, digest: str) -> None:
    """Nothing is known of the document."""
    tx.execute(delete(DOCUMENT).where(DOCUMENT.c.sha256 == digest))
    tx.execute(delete(DOCUMENT_SENDER).where(DOCUMENT_SENDER.c.sha256 == digest))
