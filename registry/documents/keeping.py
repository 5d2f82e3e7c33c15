"""Keeps documents: takes them in, says who may read them, and removes those that nobody cites. ADR 0027.

A document counts as kept when its file has its name; the row beside it, written before, says what the file cannot. So a
crash leaves at most a row without a file, which the next sending makes whole.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from registry.clock import Clock
from registry.documents.citing import is_document_digest
from registry.documents.document import Document, Readable
from registry.documents.entitlement import STAFF
from registry.documents.folder import Documents, Incoming
from registry.documents.media import OCTETS
from registry.documents.readers import entitling
from registry.documents.reading import is_reader, parties_concerned
from registry.refusals.refusal import RefusedError, refused
from registry.register.citation import is_erased
from registry.register.party import UNVERIFIED, Party
from registry.register.register import Register
from registry.store.database import writing
from registry.store.documents import (
    delete_document,
    find_document,
    insert_document,
    insert_sender,
    mark_cited,
    renew_document,
    senders,
    uncited_since,
)
from registry.store.loading import load_citations, load_parties, load_registry, load_withheld

UNCITED_LIFE = timedelta(days=15)
"""Longer than a statement of several signers may wait for the last of them."""
_RENEWED_AFTER = timedelta(days=1)
"""Who sends again what is there may rely on it as long as whoever sends it first."""
_SWEEP = 1_000


class Keeper:
    """Keeps the documents of one registry. May be used from any thread."""

    def __init__(self, engine: Engine, clock: Clock, documents: Documents, *, verified_only: bool) -> None:
        self._engine = engine
        self._clock = clock
        self._documents = documents
        self._verified_only = verified_only

    def must_admit(self, party: str | None) -> None:
        """Returns if documents are taken from this party, or from somebody who does not say who it is.

        Raises:
            RefusedError: TOKEN_MISSING or NOT_ADMITTED.
        """
        if not self._verified_only:
            return
        if party is None:
            raise refused(
                "TOKEN_MISSING",
                "This registry takes documents of verified parties only: send a token, or sign the request.",
                "本登记簿只接收经核验主体的文件：请附上访问令牌，或对请求签名。",
            )
        with self._engine.connect() as tx:
            known: Party | None = load_parties(tx, [party]).get(("party", party))
            if known is not None and (known.level != UNVERIFIED or self._is_registrar(tx, party)):
                return
        raise refused(
            "NOT_ADMITTED",
            "This registry takes documents of verified parties only; ask the registrar to verify you.",
            "本登记簿只接收经核验主体的文件，请先向登记机构申请核验。",
        )

    def begin(self, max_bytes: int) -> Incoming:
        """A document is being received; `keep` or its `drop` ends it."""
        return self._documents.begin(max_bytes)

    def keep(self, incoming: Incoming, digest: str, media_type: str, party: str | None) -> tuple[Document, bool]:
        """What was received, and whether it is new. It is kept, survives a power cut, and `party` sent it.

        Raises:
            RefusedError: INVALID_VALUE if it is not the document of this digest; nothing is kept.
        """
        if incoming.digest != digest:
            raise refused(
                "INVALID_VALUE",
                f"/sha256: the bytes sent have the digest {incoming.digest}; a document is sent under its own.",
                f"/sha256：所收内容的摘要为 {incoming.digest}，与路径所写不符；文件须以其自身摘要提交。",
                "/sha256",
            )
        now = self._clock.now()
        document = Document(digest, incoming.size, media_type, now)
        with writing(self._engine) as tx:
            _must_not_be_erased(tx, digest)
            is_new = not self._documents.has(digest)
            known = find_document(tx, digest)
            if is_new:
                insert_document(tx, document)
            elif known is not None and now - known.received > _RENEWED_AFTER:
                renew_document(tx, digest, now)
            if party is not None:
                insert_sender(tx, digest, party, now)
        self._documents.keep(incoming)
        self._let_go_if_erased(digest)
        return (document if is_new else known or Document(digest, incoming.size, OCTETS, now)), is_new

    def _let_go_if_erased(self, digest: str) -> None:
        """A document that was erased after its row was written, and before its file had its name, is gone.

        Raises:
            RefusedError: INVALID_VALUE.
        """
        with self._engine.connect() as tx:
            try:
                _must_not_be_erased(tx, digest)
            except RefusedError:
                self._documents.remove(digest)
                raise

    def find(self, digest: str, party: str) -> Readable | None:
        """The document, if it is kept and the party may read it."""
        if not is_document_digest(digest) or not self._documents.has(digest):
            return None
        with self._engine.connect() as tx:
            register = Register(load_citations(tx, [digest]))
            sent = senders(tx, digest)
            citations = entitling(sent, register.citations(digest), self._trust(tx))
            parties, having = parties_concerned(tx, citations, self._clock.now()), {each.party for each in sent}
            if not is_reader(tx, party, parties | having, register.withheld(digest)):
                return None
            document = find_document(tx, digest) or self._unsent(digest)
        # Whoever has the bytes may send them; that alone does not show it who reads what others cite.
        return Readable(document, parties or frozenset(having)) if document else None

    def stream(self, digest: str) -> tuple[int, Iterator[bytes]] | None:
        """See `Documents.stream`."""
        return self._documents.stream(digest)

    def sweep(self) -> int:
        """Documents that nobody cited for 15 days are gone; answers how many."""
        removed = 0
        limit = self._clock.now() - UNCITED_LIFE
        while True:
            with self._engine.connect() as tx:
                found = uncited_since(tx, limit, _SWEEP)
            removed += sum(self._remove_uncited(digest, limit) for digest in found)
            if len(found) < _SWEEP:
                return removed

    def _remove_uncited(self, digest: str, limit: datetime) -> bool:
        """Whether the document went. While it is decided nothing is written, so that no statement cites it meanwhile."""
        with writing(self._engine) as tx:
            known = find_document(tx, digest)
            if known is None or known.received >= limit:
                return False
            if digest in self._documents.shipped or Register(load_citations(tx, [digest])).citations(digest):
                mark_cited(tx, digest)
                return False
            delete_document(tx, digest)
            self._documents.remove(digest)
            return True

    def _unsent(self, digest: str) -> Document | None:
        """A document that was put into the folder, not sent: a rulebook."""
        found = self._documents.stream(digest)
        return Document(digest, found[0], OCTETS, self._clock.now()) if found else None

    def _trust(self, tx: Connection) -> Callable[[str], bool]:
        """Whether a party reads every document: the registrar and its staff, authorities, regulators."""
        known: dict[str, bool] = {}

        def is_trusted(party: str) -> bool:
            if party not in known:
                found: Party | None = load_parties(tx, [party]).get(("party", party))
                known[party] = self._is_registrar(tx, party) or bool(found and STAFF & set(found.live_roles()))
            return known[party]

        return is_trusted

    def _is_registrar(self, tx: Connection, party: str) -> bool:
        registry = load_registry(tx)
        return registry is not None and registry.registrar == party


def _must_not_be_erased(tx: Connection, digest: str) -> None:
    """Returns if no entry says that the document is erased.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    if is_erased(Register(load_withheld(tx, [digest])).withheld(digest)):
        raise refused(
            "INVALID_VALUE", "/sha256: this document was erased and does not come back.",
            "/sha256：该文件已被删除，不再接收。", "/sha256",
        )  # fmt: skip
