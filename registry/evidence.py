"""Builds evidence bundles: the part of the log that an asset, right or case rests on. Contract section 9.

The folios are those of the asset, of the inputs it was made from and what these were made from, of the registrar, and of
everyone whom an entry on any of these names. The set is closed: whoever signs on a party's folio is named there, so a
verifier who has the bundle has every key that he needs.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from sqlalchemy import Connection, Engine

from ledger.entry import parse_entry
from ledger.evidence.bundle import (
    MAX_ENTRIES,
    MAX_EVIDENCE_BYTES,
    Evidence,
    EvidenceEntry,
    format_evidence,
)
from ledger.evidence.naming import Named, named_in
from ledger.log import Log, node_reader
from ledger.merkle import InclusionPaths
from ledger.note import format_verifier_key
from ledger.statement import parse_statement
from ledger.storage import CheckpointRow, EntryRow
from registry.reading import not_found
from registry.refusals.refusal import RefusedError, refused
from registry.register.asset import Case
from registry.register.right import Right
from registry.store.loading import by_refs, load_registry, refs_of
from registry.store.tables import CASE, RIGHT

ReadDocument = Callable[[str], bytes | None]
"""Answers the document of a digest, None where it is not kept."""


class Evidencer:
    """Makes bundles of one registry's log. May be used from any thread; each call has a transaction of its own."""

    def __init__(
        self, engine: Engine, log: Log[Connection], document: ReadDocument, max_entries: int = MAX_ENTRIES
    ) -> None:
        self._engine = engine
        self._log = log
        self._document = document
        self._max_entries = max_entries

    def bundle(self, subject: str, size: int | None = None) -> bytes:
        """The bundle of an asset, right or case for a signed size, by default the newest.

        Raises:
            RefusedError: NOT_FOUND, BEHIND, SIZE_NOT_SIGNED, or TOO_LARGE.
        """
        with self._engine.connect() as tx:
            checkpoint = self._checkpoint(tx, size)
            asset = _asset_of(tx, subject, checkpoint.size)
            registry = load_registry(tx)
            if registry is None or not self._log.storage.folio_lines(tx, asset, 0, 1, checkpoint.size):
                raise not_found(subject)
            rows = _Gathering(self._log, tx, checkpoint.size, self._max_entries).gather([asset, registry.registrar])
            paths = InclusionPaths(checkpoint.size, node_reader(self._log.storage, tx))
            entries = tuple(EvidenceEntry(row.position, row.data, tuple(paths.path(row.position))) for row in rows)
        then = registry.as_of(checkpoint.size)
        evidence = Evidence(
            origin=self._log.origin,
            checkpoint=checkpoint.note,
            entries=entries,
            rulebooks={adoption.sha256: self._rulebook(adoption.sha256) for adoption in then.rulebooks},
            log_keys=tuple(format_verifier_key(term.key) for term in then.log_terms() if term.is_live(checkpoint.size)),
            subject=subject,
        )
        data = format_evidence(evidence)
        if len(data) > MAX_EVIDENCE_BYTES:
            raise _too_large(f"{MAX_EVIDENCE_BYTES} bytes", f"{MAX_EVIDENCE_BYTES} 字节")
        return data

    def _checkpoint(self, tx: Connection, size: int | None) -> CheckpointRow:
        newest = self._log.storage.checkpoint(tx)
        signed = newest.size if newest else 0
        if size is not None and size > signed:
            raise refused(
                "BEHIND",
                f"The register is signed up to size {signed}; {size} is not here yet. Try again.",
                f"登记簿已签署至 {signed} 条，尚未到 {size} 条，请稍后再试。",
                "/size",
            )
        found = newest if size is None else self._log.storage.checkpoint(tx, size)
        if found is None:
            raise refused(
                "SIZE_NOT_SIGNED",
                f"No checkpoint was signed at size {size}; ask without `size`, or for one that a receipt shows.",
                f"在 {size} 条处没有签署检查点；可不写 size，或采用回执中的大小。",
                "/size",
            )
        return found

    def _rulebook(self, digest: str) -> str:
        data = self._document(digest)
        if data is None:
            raise refused(
                "INTERNAL", f"The rulebook {digest} was adopted and is not kept.", f"所采用的规则簿 {digest} 未予保存。"
            )
        return data.decode()


def _asset_of(tx: Connection, subject: str, size: int) -> str:
    """The asset that a right or case of this size is about; an asset itself."""
    if subject.startswith("ast_"):
        return subject
    refs = refs_of(tx, [subject]).values()
    found = by_refs(tx, RIGHT, Right, refs) if subject.startswith("rgt_") else by_refs(tx, CASE, Case, refs)
    then = found[0].as_of(size) if found and found[0].id == subject else None
    if then is None:
        raise not_found(subject)
    return then.asset


class _Gathering:
    """Entries being gathered folio by folio, until none of them names a folio that is not there, or they are too many."""

    def __init__(self, log: Log[Connection], tx: Connection, size: int, most: int) -> None:
        self._storage = log.storage
        self._tx = tx
        self._size = size
        self._most = most
        self._rows: dict[int, EntryRow] = {}
        self._bytes = 0

    def gather(self, folios: Sequence[str]) -> list[EntryRow]:
        """The entries on these folios, and on those that they call for, by position.

        Raises:
            RefusedError: TOO_LARGE.
        """
        seen = dict.fromkeys(folios)
        waiting = list(seen)
        named: dict[int, Named] = {}
        while waiting:
            folio = waiting.pop()
            positions = self._storage.folio_lines(self._tx, folio, 0, self._most + 1, self._size)
            for row in self._read([position for position in positions if position not in self._rows]):
                self._keep(row)
                entry = parse_entry(row.data)
                named[row.position] = named_in(entry, parse_statement(entry.envelope))
            for position in positions:
                more = [name for name in sorted(named[position].called_for(folio)) if name not in seen]
                seen.update(dict.fromkeys(more))
                waiting += more
        return [self._rows[position] for position in sorted(self._rows)]

    def _keep(self, row: EntryRow) -> None:
        self._rows[row.position] = row
        self._bytes += len(row.data)
        if len(self._rows) > self._most:
            raise _too_large(f"{self._most} entries", f"{self._most} 条分录")
        if self._bytes > MAX_EVIDENCE_BYTES:
            raise _too_large(f"{MAX_EVIDENCE_BYTES} bytes", f"{MAX_EVIDENCE_BYTES} 字节")

    def _read(self, positions: Sequence[int]) -> Iterator[EntryRow]:
        """The entries at ascending positions; neighbours are read together."""
        start = 0
        for at, (position, following) in enumerate(pairwise([*positions, -1]), 1):
            if following != position + 1:
                yield from self._storage.entries(self._tx, positions[start], position + 1)
                start = at


def _too_large(en: str, zh: str) -> RefusedError:
    return refused(
        "TOO_LARGE",
        f"The evidence is more than {en}; ask at a smaller size, or audit the log instead.",
        f"证据超过 {zh}；请以较小的 size 索取，或改为审计整个账本。",
    )
