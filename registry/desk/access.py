"""Reading what is confidential: only for those entitled, for a purpose they state, and logged before it is shown.

Article 30: whoever searches or copies registration material states the purpose. The parties concerned are shown who
read what, when and for what.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, insert, select

from ledger.encoding import parse_base64url
from ledger.instants import format_instant, from_milliseconds, to_milliseconds
from ledger.strict_json import parse_strict
from registry.clock import Clock
from registry.documents.reading import is_reader, parties_concerned
from registry.refusals.refusal import RefusedError, refused
from registry.register.citation import Citation
from registry.register.register import Register
from registry.store.database import writing
from registry.store.desk_tables import ACCESS, CONCERNED
from registry.store.loading import load_citations
from registry.store.tables import DISCLOSURE

MAX_PURPOSE = 200
View = dict[str, Any]


class Found(msgspec.Struct, frozen=True):
    """What a party may read, and whom it concerns."""

    citations: tuple[Citation, ...]
    concerned: frozenset[str]


class ReadingRoom:
    """Confidential reads of one registry. May be used from any thread."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def disclosure(self, reader: str, digest: str, purpose: str) -> View:
        """The plain value behind a digest: {digest, name, value, disclosure, statements}. The reading is logged.

        Raises:
            RefusedError: INVALID_VALUE for a purpose that says nothing, NOT_FOUND for all that the party may not read.
        """
        must_be_purpose(purpose)
        with self._engine.connect() as tx:
            found = self.entitled(tx, reader, digest)
            text: str | None = tx.execute(select(DISCLOSURE.c.disclosure).where(DISCLOSURE.c.digest == digest)).scalar()
        if found is None or text is None:
            raise nothing_kept(digest)
        self.log(reader, "disclosure", digest, purpose, found.concerned)
        _, name, value = parse_strict(parse_base64url(text))
        statements = [{"seq": citation.seq, "act": citation.act} for citation in found.citations]
        return {"digest": digest, "name": name, "value": value, "disclosure": text, "statements": statements}

    def entitled(self, tx: Connection, reader: str, digest: str) -> Found | None:
        """The statements that cite what the party may read; None if there are none or it may not."""
        register = Register(load_citations(tx, [digest]))
        citations = register.citations(digest)
        parties = parties_concerned(tx, citations, self._clock.now())
        if not citations or not is_reader(tx, reader, parties, register.withheld(digest)):
            return None
        return Found(citations, parties)

    def log(self, reader: str, kind: str, digest: str, purpose: str, parties: frozenset[str]) -> None:
        """The reading is logged for good, and shown to the parties that it concerns."""
        row = {"reader": reader, "kind": kind, "digest": digest, "purpose": purpose}
        row_time = {"time": to_milliseconds(self._clock.now())}
        with writing(self._engine) as tx:
            access = tx.execute(insert(ACCESS).values(row | row_time).returning(ACCESS.c.id)).scalar()
            tx.execute(insert(CONCERNED), [{"party": party, "access": access} for party in {reader, *parties}])

    def accesses(self, party: str, after: int, limit: int) -> tuple[list[View], int | None]:
        """Who read what concerns a party, oldest first, behind the access `after`; and where the next page starts."""
        query = (
            select(ACCESS)
            .join(CONCERNED, CONCERNED.c.access == ACCESS.c.id)
            .where(CONCERNED.c.party == party, ACCESS.c.id > after)
            .order_by(ACCESS.c.id)
            .limit(limit + 1)
        )
        with self._engine.connect() as tx:
            rows = tx.execute(query).all()
        items = [
            {
                "time": format_instant(from_milliseconds(row.time)),
                "reader": row.reader,
                "purpose": row.purpose,
                "kind": row.kind,
                "digest": row.digest,
            }
            for row in rows[:limit]
        ]
        return items, rows[limit - 1].id if len(rows) > limit else None


def must_be_purpose(text: str) -> None:
    """Returns if the text can be a purpose.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    if not text.strip() or len(text) > MAX_PURPOSE or not text.isprintable():
        raise refused(
            "INVALID_VALUE",
            f"State the purpose of reading, in at most {MAX_PURPOSE} characters on one line.",
            f"请以不超过 {MAX_PURPOSE} 个字符的一行文字说明查询目的。",
            "/purpose",
        )


def nothing_kept(digest: str) -> RefusedError:
    """NOT_FOUND, whether it is not there, gone, or not for the caller."""
    return refused(
        "NOT_FOUND",
        f"Nothing is kept under {digest} that you may read.",
        "该摘要之下没有可供您查阅的内容。",
    )
