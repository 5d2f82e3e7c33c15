"""Drafts in SQL: kept whole beside the columns by which they are found."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from ledger.instants import to_milliseconds
from registry.desk.draft import Draft
from registry.documents.disclosures import disclosure_digest
from registry.store.draft_tables import DRAFT, DRAFT_READER

_decode = msgspec.json.Decoder(Draft).decode
_encode = msgspec.json.Encoder().encode
_FETCH = 100


def _text(draft: Draft) -> str:
    return _encode(draft).decode()


def find_draft(tx: Connection, identifier: str, now: datetime) -> Draft | None:
    """The draft of a statement, if its time is not over. Nobody else changes it before a writing transaction ends."""
    wanted = select(DRAFT.c.document).where(DRAFT.c.id == identifier, DRAFT.c.expires >= to_milliseconds(now))
    document: str | None = tx.execute(wanted.with_for_update()).scalar()
    return _decode(document) if document else None


def insert_draft(
    tx: Connection, identifier: str, draft: Draft, expires: datetime, readers: Sequence[str], *, is_complete: bool
) -> None:
    """The draft is kept."""
    row = {
        "id": identifier, "opened_by": draft.opened_by, "expires": to_milliseconds(expires), "is_complete": is_complete,
        "document": _text(draft),
    }  # fmt: skip
    (number,) = tx.execute(insert(DRAFT).values(row)).inserted_primary_key or (0,)
    tx.execute(insert(DRAFT_READER), [{"party": party, "number": number} for party in readers])


def update_draft(tx: Connection, identifier: str, draft: Draft, *, is_complete: bool) -> None:
    """The draft is kept as it is now, unless it is gone."""
    values = {"document": _text(draft), "is_complete": is_complete}
    tx.execute(update(DRAFT).where(DRAFT.c.id == identifier).values(values))


def open_drafts(tx: Connection, party: str, now: datetime) -> int:
    """How many drafts that the party opened are not over."""
    mine = (DRAFT.c.opened_by == party, DRAFT.c.expires >= to_milliseconds(now))
    return tx.execute(select(func.count()).select_from(DRAFT).where(*mine)).scalar() or 0


def drafts_of(tx: Connection, party: str, after: int, now: datetime) -> Iterator[tuple[int, str, Draft]]:
    """The drafts that the party may see, behind the number `after`, oldest first."""
    mine = select(DRAFT_READER.c.number).where(DRAFT_READER.c.party == party)
    wanted = select(DRAFT.c.number, DRAFT.c.id, DRAFT.c.document).where(DRAFT.c.expires >= to_milliseconds(now))
    while True:
        page = wanted.where(DRAFT.c.number.in_(mine), DRAFT.c.number > after).order_by(DRAFT.c.number).limit(_FETCH)
        rows = tx.execute(page).all()
        for row in rows:
            yield row.number, row.id, _decode(row.document)
        if len(rows) < _FETCH:
            return
        after = rows[-1].number


def draft_identifiers(tx: Connection, *, only_complete: bool = False) -> Sequence[str]:
    """The identifiers of all drafts, or of those that have all signatures."""
    wanted = select(DRAFT.c.id).order_by(DRAFT.c.number)
    return tx.execute(wanted.where(DRAFT.c.is_complete.is_(True)) if only_complete else wanted).scalars().all()


def expired_drafts(tx: Connection, now: datetime) -> Sequence[str]:
    """The identifiers of the drafts whose time is over."""
    return tx.execute(select(DRAFT.c.id).where(DRAFT.c.expires < to_milliseconds(now))).scalars().all()


def delete_drafts_that_tell(tx: Connection, digests: Collection[str]) -> None:
    """The drafts that hold a disclosure of one of these digests are gone, whether or not it is kept elsewhere too."""
    telling = [
        identifier
        for identifier, document in tx.execute(select(DRAFT.c.id, DRAFT.c.document))
        if any(disclosure_digest(text) in digests for text in _decode(document).disclosures)
    ]
    for identifier in telling:
        delete_draft(tx, identifier)


def delete_draft(tx: Connection, identifier: str) -> None:
    """The draft is gone, with its disclosures and signatures."""
    mine = select(DRAFT.c.number).where(DRAFT.c.id == identifier)
    tx.execute(delete(DRAFT_READER).where(DRAFT_READER.c.number.in_(mine)))
    tx.execute(delete(DRAFT).where(DRAFT.c.id == identifier))
