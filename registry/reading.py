"""Everything that is asked of a registry. Reads never touch the writer.

Answers speak from a signed size: the newest, or an earlier one that was asked for. The same question at the same size
and instant has the same answer for ever.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Engine

from ledger.entry import parse_entry
from ledger.log import Log, node_reader
from ledger.merkle import consistency_path, inclusion_path, root_at
from ledger.proof import TlogProof, format_proof
from ledger.statement import parse_statement
from ledger.storage import EntryRow
from ledger.storage.rows import rows_with
from registry.acts.act import Names
from registry.clock import Clock
from registry.receipts import Receipt, receipts_of
from registry.refusals.refusal import RefusedError, refused
from registry.register.asset import Case
from registry.register.citation import Citation
from registry.register.office_state import KeyChange, Registry
from registry.register.party import Party
from registry.register.register import Register
from registry.register.right import Right
from registry.store.lists import LISTINGS, Filters, acts_page
from registry.store.loading import (
    by_refs,
    decode,
    load,
    load_assets,
    load_parties,
    load_registry,
    load_signers,
    refs_of,
)
from registry.store.tables import CASE, CITATION, RIGHT
from registry.title.check import check
from registry.title.question import Answer, Question
from registry.views import View, asset_view, case_view, entry_view, party_view, right_view

_CHECK_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Moment:
    """From where an answer speaks: an instant in the world, and how much the register knew."""

    at: datetime
    size: int


def not_found(what: str, zh: str | None = None) -> RefusedError:
    """NOT_FOUND. `zh`: what there is not in Chinese, where it is not an identifier."""
    return refused("NOT_FOUND", f"There is no {what} in this register.", f"本登记簿中没有 {zh or what}。")


class Reader:
    """Reads of one registry. May be used from any thread; each call has a transaction of its own."""

    def __init__(self, engine: Engine, log: Log[Connection], clock: Clock, has_document: Callable[[str], bool]) -> None:
        self._engine = engine
        self._has_document = has_document
        self._log = log
        self._clock = clock

    @contextmanager
    def _moment(self, at: datetime | None, size: int | None) -> Iterator[tuple[Connection, Moment]]:
        with self._engine.connect() as tx:
            newest = self._log.storage.checkpoint(tx)
            signed = newest.size if newest else 0
            if size is not None and size > signed:
                raise refused(
                    "BEHIND",
                    f"The register is signed up to size {signed}; {size} is not here yet. Try again.",
                    f"登记簿已签署至 {signed} 条，尚未到 {size} 条，请稍后再试。",
                    "/size",
                )
            yield tx, Moment(at or self._clock.now(), signed if size is None else size)

    def moment(self, at: datetime | None = None, size: int | None = None) -> Moment:
        """The instant and size that a question means.

        Raises:
            RefusedError: BEHIND.
        """
        with self._moment(at, size) as (_, moment):
            return moment

    def root(self, tx: Connection, size: int) -> bytes:
        """The Merkle root at a size."""
        checkpoint = self._log.storage.checkpoint(tx, size)
        return checkpoint.root if checkpoint else root_at(size, node_reader(self._log.storage, tx))

    def registry(self) -> Registry:
        """What the register knows of itself.

        Raises:
            RefusedError: NOT_FOUND before the log is open.
        """
        with self._engine.connect() as tx:
            registry = load_registry(tx)
        if registry is None:
            raise not_found("log", "账本")
        return registry

    def log_key_changes(self) -> list[tuple[KeyChange, int]]:
        """Every entry by which keys of the log came or went, with the first signed size that covers it, in order.

        The checkpoint of that size bears a line of every key that was live before the entry.
        """
        changes = [change for change in self.registry().key_changes if change.use == "log"]
        with self._engine.connect() as tx:
            sizes = [self._log.storage.signed_above(tx, change.recorded.seq) for change in changes]
        return [(change, size) for change, size in zip(changes, sizes, strict=True) if size is not None]

    def check(
        self, questions: Sequence[Question], at: datetime | None = None, size: int | None = None
    ) -> tuple[list[Answer], dict[str, Any]]:
        """The answers in order, and the ledger that they speak from: origin, size, root."""
        answers: list[Answer] = []
        with self._moment(at, size) as (tx, moment):
            for start in range(0, len(questions), _CHECK_CHUNK):
                chunk = questions[start : start + _CHECK_CHUNK]
                names = Names(tuple(q.party for q in chunk), assets=tuple(q.asset for q in chunk))
                register = Register(load(tx, [names])).as_of(moment.size)
                answers += [check(question, register, moment.at, moment.size) for question in chunk]
            ledger = {"origin": self._log.origin, "size": moment.size, "root": self.root(tx, moment.size).hex()}
        return answers, ledger

    def party(self, identifier: str, at: datetime | None, size: int | None) -> tuple[View, Moment]:
        """A party.

        Raises:
            RefusedError: NOT_FOUND, BEHIND.
        """
        with self._moment(at, size) as (tx, moment):
            party = load_parties(tx, [identifier]).get(("party", identifier))
        then = party.as_of(moment.size) if party else None
        if then is None:
            raise not_found(identifier)
        return party_view(then, moment.at), moment

    def party_of_key(self, key: str) -> Party | None:
        """The party that has or had a key, as the register knows it now."""
        with self._engine.connect() as tx:
            slots = load_signers(tx, (), [key])
        owner: tuple[str, ...] = slots.get(("key", key), ())
        return slots["party", owner[0]] if owner else None

    def asset(self, identifier: str, at: datetime | None, size: int | None) -> tuple[View, Moment]:
        """An asset with its rights and cases, and the digests cited there whose documents are not here.

        Raises:
            RefusedError: NOT_FOUND, BEHIND.
        """
        with self._moment(at, size) as (tx, moment):
            refs = list(refs_of(tx, [identifier]).values())
            register = Register(load_assets(tx, refs)).as_of(moment.size) if refs else Register({})
            asset = register.asset(identifier)
            if asset is None:
                raise not_found(identifier)
            found = (case.as_of(moment.size) for case in by_refs(tx, CASE, Case, refs_of(tx, asset.cases).values()))
            cases = [case for case in found if case is not None]
            missing = self._missing(self._citations(tx, asset.id, moment.size))
        view = asset_view(register, asset, cases, moment.at)
        return view if _is_fixed(at, size) else view | {"missing": missing}, moment

    def right(self, identifier: str, at: datetime | None, size: int | None) -> tuple[View, Moment]:
        """A right.

        Raises:
            RefusedError: NOT_FOUND, BEHIND.
        """
        with self._moment(at, size) as (tx, moment):
            found = by_refs(tx, RIGHT, Right, refs_of(tx, [identifier]).values())
            then = found[0].as_of(moment.size) if found and found[0].id == identifier else None
            if then is None:
                raise not_found(identifier)
            around = load_assets(tx, [then.asset_ref]) if then.survives else {}
        return right_view(Register(around).as_of(moment.size), then, moment.at), moment

    def case(self, identifier: str, at: datetime | None, size: int | None) -> tuple[View, Moment]:
        """A case, and the digests that it cites whose documents are not here.

        Raises:
            RefusedError: NOT_FOUND, BEHIND.
        """
        with self._moment(at, size) as (tx, moment):
            found = by_refs(tx, CASE, Case, refs_of(tx, [identifier]).values())
            then = found[0].as_of(moment.size) if found and found[0].id == identifier else None
            if then is None:
                raise not_found(identifier)
            citations = self._citations(tx, then.asset, moment.size)
            missing = self._missing([each for each in citations if self._is_about(tx, each, then)])
        view = case_view(then)
        return view if _is_fixed(at, size) else view | {"missing": missing}, moment

    def _citations(self, tx: Connection, asset: str, size: int) -> list[Citation]:
        """The entries on an asset's folio whose statements cite anything, oldest first."""
        positions = self._log.storage.folio_lines(tx, asset, 0, size, size)
        rows = rows_with(tx, CITATION.c.seq, positions, CITATION.c.document)
        return [decode(Citation, row.document) for row in sorted(rows, key=itemgetter(0))]

    def _is_about(self, tx: Connection, citation: Citation, case: Case) -> bool:
        """Whether the entry made the case, or its statement names it."""
        if citation.seq == case.recorded.seq:
            return True
        rows = self._log.storage.entries(tx, citation.seq, citation.seq + 1)
        bodies = [parse_statement(parse_entry(row.data).envelope).body for row in rows]
        return any(case.id in (body.get("case"), body.get("target")) for body in bodies)

    def _missing(self, citations: Iterable[Citation]) -> list[str]:
        """The documents cited that are not among those kept, in the order cited."""
        cited = dict.fromkeys(digest for each in citations for digest in each.cited.documents)
        return [digest for digest in cited if not self._has_document(digest)]

    def page(
        self, what: str, filters: Filters, *, after: int, limit: int, at: datetime | None, size: int | None
    ) -> tuple[list[View], int | None, Moment]:
        """A page of `assets`, `rights`, `cases` or `parties`, and where the next starts."""
        with self._moment(at, size) as (tx, moment):
            page = LISTINGS[what].page(tx, filters, moment.at, after, limit, moment.size)
        return page.items, page.after, moment

    def entries(
        self, filters: Filters, *, after: int, limit: int, size: int | None
    ) -> tuple[list[View], int | None, Moment]:
        """A page of entries by act, author or folio, and where the next starts."""
        with self._moment(None, size) as (tx, moment):
            folios = filters.get("folio")
            if folios:
                lines = {p for f in folios for p in self._log.storage.folio_lines(tx, f, 0, moment.size, moment.size)}
                wanted, next_ = _folio_page(tx, sorted(lines), filters, after, limit, moment.size)
            else:
                wanted, next_ = acts_page(tx, filters, after, limit, moment.size)
            rows = [row for position in wanted for row in self._log.storage.entries(tx, position, position + 1)]
        return [entry_view(row) for row in rows], next_, moment

    def history(self, asset: str, size: int | None) -> tuple[list[View], Moment]:
        """The entries of an asset's folio, oldest first.

        Raises:
            RefusedError: NOT_FOUND, BEHIND.
        """
        with self._moment(None, size) as (tx, moment):
            positions = self._log.storage.folio_lines(tx, asset, 0, moment.size, moment.size)
            rows = [row for position in positions for row in self._log.storage.entries(tx, position, position + 1)]
        if not rows or not asset.startswith("ast_"):
            raise not_found(asset)
        return [entry_view(row) for row in rows], moment

    def entry(self, position: int) -> EntryRow:
        """An entry of the signed log.

        Raises:
            RefusedError: NOT_FOUND.
        """
        with self._moment(None, None) as (tx, moment):
            rows = self._log.storage.entries(tx, position, position + 1)
        if not rows or position >= moment.size:
            raise not_found(f"entry {position}", f"分录 {position}")
        return rows[0]

    def statement(self, digest: bytes) -> tuple[str, Receipt]:
        """The envelope as it stands in the entry, and the receipt with a proof to the newest signed root.

        Raises:
            RefusedError: NOT_FOUND.
        """
        with self._engine.connect() as tx:
            storage = self._log.storage
            receipt = receipts_of(storage, tx, self._log.verifier_keys(), [digest]).get(digest)
            if receipt is None:
                raise not_found(f"statement {digest.hex()}", f"声明 {digest.hex()}")
            data = storage.entries(tx, receipt["seq"], receipt["seq"] + 1)[0].data.decode()
        return data[data.index('"statement":') + len('"statement":') : -1], receipt

    def inclusion(self, position: int, size: int | None) -> str:
        """The tlog-proof of an entry for a signed size (default the newest).

        Raises:
            RefusedError: SIZE_NOT_SIGNED or NOT_FOUND.
        """
        with self._engine.connect() as tx:
            checkpoint = self._log.storage.checkpoint(tx, size)
            if checkpoint is None:
                raise refused(
                    "SIZE_NOT_SIGNED",
                    f"No checkpoint was signed at size {size}; ask without `size`, or for one that a receipt shows.",
                    f"在 {size} 条处没有签署检查点；可不写 size，或采用回执中的大小。",
                    "/size",
                )
            if position >= checkpoint.size:
                raise not_found(
                    f"entry {position} at size {checkpoint.size}", f"分录 {position}（共 {checkpoint.size} 条）"
                )
            path = inclusion_path(position, checkpoint.size, node_reader(self._log.storage, tx))
        return format_proof(TlogProof(position, tuple(path), checkpoint.note))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The consistency proof between two sizes.

        Raises:
            RefusedError: BEHIND or INVALID_VALUE.
        """
        with self._moment(None, new) as (tx, _):
            if not 0 < old <= new:
                raise refused(
                    "INVALID_VALUE", "A consistency proof leads from a size above 0 to one not smaller.",
                    "一致性证明须从大于 0 的大小通向不小于它的大小。", "/from",
                )  # fmt: skip
            return consistency_path(old, new, node_reader(self._log.storage, tx))


def _is_fixed(at: datetime | None, size: int | None) -> bool:
    """Whether the answer must be the same for ever, so that it says nothing of documents, which come and go."""
    return at is not None and size is not None


def _folio_page(
    tx: Connection, positions: Sequence[int], filters: Mapping[str, Sequence[str]], after: int, limit: int, size: int
) -> tuple[list[int], int | None]:
    found = [position for position in positions if position > after]
    if filters.get("act") or filters.get("by"):
        allowed = set(acts_page(tx, filters, after, size, size)[0])
        found = [position for position in found if position in allowed]
    return found[:limit], found[limit - 1] if len(found) > limit else None
