"""One pass over a log. What is broken first ends it."""

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.audit import resuming
from ledger.audit.chain import SETTLE_EVERY, ChainChecker
from ledger.audit.keys import KeyChecker
from ledger.audit.resuming import Carried
from ledger.audit.tree import TreeChecker
from ledger.audit.trust import Trust
from ledger.audit.workers import Readers, readers
from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.entry import Entry
from ledger.errors import BrokenLogError, EntryRejected, FormatError
from ledger.finding import BrokenError, Finding, broken
from ledger.known import Known, KnownReceipt, check_known, wanted_size
from ledger.merkle import HASH_BYTES
from ledger.note import VerifierKey, parse_note
from ledger.reading.bundle import Reading, Summary
from ledger.reading.quick import entry_of
from ledger.reading.words import unreadable
from ledger.sources import LogSource
from ledger.tiles import TILE_WIDTH, Bundle, Tile, decode_bundle, split_hashes, tile_width

OnBatch = Callable[[Sequence[Entry], Sequence[bytes]], None]
"""Called with up to 256 entries in order and their leaf hashes; may raise `EntryRejected`."""
OnProgress = Callable[[int, int], None]
"""Called with the number of entries audited and to be audited."""

_AHEAD = 3
"""Bundles that each reader may be ahead of what was compared."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a log is audited. `jobs` processes at most read it."""

    keys: tuple[VerifierKey, ...]
    known: tuple[Known, ...]
    signatures: bool
    jobs: int
    on_batch: OnBatch | None
    on_progress: OnProgress | None
    state: Path | None


@dataclass(slots=True)
class _Bundle:
    """A bundle whose entries were compared with those before. `held` of them hold; `error` is what is wrong then."""

    index: int
    width: int
    held: int
    leaves: bytes
    error: BrokenError | None


class Pass:
    """A log being read."""

    def __init__(self, source: LogSource, options: Options) -> None:
        self.checkpoint = Checkpoint("unknown", 0, bytes(HASH_BYTES))
        self.entries = 0
        """How many entries held, in whole bundles."""
        self.workers = 1
        self._source, self._options = source, options
        self._state = sqlite3.connect(options.state or "", isolation_level=None)
        for pragma in ("cache_size=-16384", "synchronous=OFF"):
            self._state.execute(f"PRAGMA {pragma}")
        self._state.execute("BEGIN")
        self.carried = carried = resuming.load(self._state)
        self._chain = ChainChecker(self._state, 1 if options.on_batch else SETTLE_EVERY, carried)
        self._keys = KeyChecker(self._state, carried)
        self._trust = Trust(options.keys, options.known, carried)
        self._first = carried.size if carried else 0
        sizes = [size for each in options.known if (size := _size_of(each)) is not None]
        indexes = [each.proof.index for each in options.known if isinstance(each, KnownReceipt)]
        self._tree = TreeChecker(source, sizes, indexes, carried)
        self._datas: dict[int, bytes] = {}
        self._unreadable: dict[int, Finding] = {}

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """All keys of the log that auditor or entries name."""
        return self._trust.keys()

    def close(self) -> None:
        """The file is closed; of the last, partial bundle nothing is kept."""
        self._state.rollback()
        self._state.close()

    def run(self) -> None:
        """The log holds.

        Raises:
            BrokenError: at the first broken thing.
            BrokenLogError: there is no checkpoint.
        """
        note = self._source.checkpoint()
        try:
            self.checkpoint = parse_checkpoint(parse_note(note).text)
        except FormatError as error:
            raise broken(
                None,
                "checkpoint_form",
                f"The checkpoint is not the note of a checkpoint: {error}.",
                f"检查点格式不符：{error}。",
            ) from error
        self._trust.check_before(note, self.checkpoint)
        if self.carried:
            self._check_growth(self.carried)
        workers = readers(self.checkpoint.size - self._first, self._options.jobs)
        self.workers = workers.count
        try:
            self._read(workers)
        finally:
            workers.close()
        self._chain.settle()
        self._finish_tree()
        self._look_up_earlier()
        self._trust.check_after(note, self.checkpoint, self._tree.roots)

    def check_known(self, known: Known) -> Finding | None:
        """To be called after `run`."""
        checkpoint = self.checkpoint
        return check_known(
            known, self._trust.keys(), checkpoint.origin, checkpoint.size, self._tree.roots, self._tree.kept
        )

    def _read(self, workers: Readers) -> None:
        first, count = self._first // TILE_WIDTH, -(-self.checkpoint.size // TILE_WIDTH)
        ahead, begun = workers.count * _AHEAD, first
        compared: deque[_Bundle] = deque()
        for index in range(first, count):
            if index == self.checkpoint.size // TILE_WIDTH:
                self._carry()
            while begun < min(count, index + ahead):
                self._begin(workers, begun)
                begun += 1
            bundle = self._compare(workers, index)
            compared.append(bundle)
            while compared and (bundle.error or len(compared) >= ahead):
                self._finish(workers, compared.popleft())
        if self.checkpoint.size % TILE_WIDTH == 0:
            self._carry()
        while compared:
            self._finish(workers, compared.popleft())

    def _check_growth(self, carried: Carried) -> None:
        if carried.origin != self.checkpoint.origin:
            raise broken(
                None,
                "origin_mismatch",
                f"The checkpoint is that of the log {self.checkpoint.origin!r}; audited before was {carried.origin!r}.",
                f"检查点属于账本 {self.checkpoint.origin!r}，而先前审计的是 {carried.origin!r}。",
            )
        resuming.check_growth(self._source, self.checkpoint, carried)
        self.entries = carried.size

    def _carry(self) -> None:
        """The file holds what the entries up to here, a full bundle, add up to; what comes behind stays out of it."""
        if self._options.state is None:
            return
        with suppress(BrokenError):  # found again by whoever asks last
            self._chain.settle()
        bundles, hashes = self._tree.edge
        carried = Carried(
            resuming.FORMAT, self.checkpoint.origin, self._tree.size, self.checkpoint.size, self.checkpoint.root,
            self._chain.previous, self._chain.time, bundles, hashes, self._trust.added, self._keys.clerk,
            self._keys.recovering,
        )  # fmt: skip
        resuming.save(self._state, carried)
        self._state.execute("COMMIT")
        self._state.execute("BEGIN")

    def _look_up_earlier(self) -> None:
        """Roots and leaf hashes that what was kept asks for, in the part that was audited before."""
        node = resuming.tile_nodes(self._source, self.checkpoint.size)
        for size in [size for size in self._tree.roots if size <= self._first and self.carried]:
            self._tree.roots[size] = resuming.proven_root(self.checkpoint, size, node)
        for index in [index for index in self._tree.kept if index < self._first]:
            self._tree.kept[index] = resuming.proven_leaf(self.checkpoint, index, node)

    def _begin(self, workers: Readers, index: int) -> None:
        width = tile_width(0, index, self.checkpoint.size)
        try:
            data = self._source.bundle(Bundle(index, width))
            tile = self._source.tile(Tile(0, index, width))
        except BrokenLogError as error:
            self._unreadable[index] = unreadable(index * TILE_WIDTH, error)
            return
        if self._options.on_batch:
            self._datas[index] = data
        workers.read(Reading(index, width, self.checkpoint.origin, data, tile, self._options.signatures))

    def _compare(self, workers: Readers, index: int) -> _Bundle:
        """What the bundle says, compared with what those before it say; its signatures are being verified."""
        start, width = index * TILE_WIDTH, tile_width(0, index, self.checkpoint.size)
        finding = self._unreadable.get(index)
        if finding is not None:
            return _Bundle(index, width, 0, b"", self._chain.settled(BrokenError(finding)))
        summary = workers.summary(index)
        bundle = _Bundle(index, width, summary.held, summary.leaves, None)
        try:
            self._chain.add(summary)
        except BrokenError as error:
            bundle.error, bundle.held = error, max(0, _position(error) - start)
        self._check_keys(workers, summary, bundle)
        if bundle.error is None:
            self._trust.list_keys(summary.log_keys)
            self._grow(summary, bundle)
        return bundle

    def _check_keys(self, workers: Readers, summary: Summary, bundle: _Bundle) -> None:
        if not self._options.signatures:
            return
        wanted, error = self._keys.check(summary, bundle.held)
        if error is not None:
            bundle.error, bundle.held = error, len(wanted.wanted)
        workers.verify(wanted)

    def _grow(self, summary: Summary, bundle: _Bundle) -> None:
        try:
            self._tree.add(summary.leaves, summary.root)
        except BrokenLogError as error:
            bundle.error = BrokenError(unreadable(bundle.index * TILE_WIDTH + bundle.width, error))
        except BrokenError as error:
            bundle.error = error

    def _finish(self, workers: Readers, bundle: _Bundle) -> None:
        """The signatures are verified and the caller has seen the entries, before what is wrong behind is reported."""
        start = bundle.index * TILE_WIDTH
        if self._options.signatures and bundle.index not in self._unreadable:
            finding = workers.verdict(bundle.index)
            if finding is not None:
                bundle.error = self._chain.settled(BrokenError(finding))
                bundle.held = max(0, _position(bundle.error) - start)
        self._hand_over(bundle)
        if bundle.error is not None:
            raise bundle.error
        self.entries = start + bundle.width
        if self._options.on_progress:
            self._options.on_progress(self.entries, self.checkpoint.size)

    def _hand_over(self, bundle: _Bundle) -> None:
        data = self._datas.pop(bundle.index, None)
        if not self._options.on_batch or not bundle.held or data is None:
            return
        entries = [entry_of(each) for each in decode_bundle(data)[: bundle.held]]
        try:
            self._options.on_batch(entries, split_hashes(bundle.leaves)[: bundle.held])
        except EntryRejected as error:
            raise broken(error.position, error.code, error.words_en, error.words_zh) from error

    def _finish_tree(self) -> None:
        try:
            self._tree.finish()
        except BrokenLogError as error:
            raise BrokenError(unreadable(self.entries or None, error)) from error
        if self._tree.root() != self.checkpoint.root:
            raise broken(
                None,
                "root_mismatch",
                f"The tree of the {self.checkpoint.size} entries does not have the root that the checkpoint signs: the "
                "entries were rewritten by somebody without the log's key.",
                f"{self.checkpoint.size} 条分录所成之树的根与检查点所签之根不符：分录被没有账本密钥的人改写。",
            )


def _position(error: BrokenError) -> int:
    return error.finding.position or 0


def _size_of(known: Known) -> int | None:
    try:
        return wanted_size(known)
    except FormatError:
        return None  # its verification will say what is wrong with it
