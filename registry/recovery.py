"""What is done when a registry cannot simply go on: entries fetched again, a journal made anew, a log that ends.

    recovery = Recovery(folder)
    recovery.fetch(source, keys)      an exported tree, a mirror or a server gives back what the database lacks
    recovery.accept(known, keys)      the newest checkpoint or receipt that anybody has makes the journal anew
    recovery.end(clock.now(), known)  what is lost stays lost: the log never signs again, its successor says so

Nothing of a source is believed: its checkpoint is signed by the log's own keys, its entries lead from the database's
root to the checkpoint's, through every root of the journal, and the register is replayed by the code that wrote it.
Disclosures, documents and tokens stand beside the ledger and are not brought back. ledger.md 0.6.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from ledger.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from ledger.entry import Entry, parse_entry
from ledger.errors import EntryRejected, FormatError, JournalConflictError, SignatureError
from ledger.journal import SignedRoot
from ledger.known import Known
from ledger.log import Log, is_on_history, node_reader
from ledger.merkle import EMPTY_ROOT, RightEdge, leaf_hash, root_at
from ledger.note import Note, VerifierKey, format_note, parse_note
from ledger.sources import LogSource, source_reader
from ledger.storage import CheckpointRow, Head
from ledger.storage.sql import SqlLogStorage
from ledger.storage.tables import METADATA
from ledger.tiles import TILE_WIDTH, Bundle, bundles_for_growth, decode_bundle
from registry.auditing import DATABASE_NAME, RULEBOOK_PATH
from registry.checkpoints import sign_again, signed_above
from registry.clock import SystemClock
from registry.documents.erasure import Eraser
from registry.documents.folder import Documents
from registry.founding import open_journal
from registry.law.rulebook import Rulebook
from registry.own_keys import open_keys
from registry.refusals.refusal import Words
from registry.replay import Replay
from registry.store.database import create_tables, open_database, sqlite_url, writing
from registry.store.loading import load_registry
from registry.succession import Continues

OnProgress = Callable[[int, int], None]
_CHECKPOINT = METADATA.tables["sanquan_checkpoint"]


class RecoveryError(Exception):
    """Nothing more can be recovered in this way. `code` names why; nothing was changed that would have to be undone."""

    def __init__(self, code: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.code = code
        self.words = Words(en, zh)


class Recovered(msgspec.Struct, frozen=True):
    """How the registry stands after a recovery.

    `missing`: signed entries that are still not there; `needs_known`: the journal is empty, so nobody knows.
    """

    size: int
    added: int
    signed_again: int
    missing: int
    needs_known: bool

    @property
    def is_whole(self) -> bool:
        """Whether a start writes again."""
        return not self.missing and not self.needs_known


class Recovery:
    """Recovers one data folder. No server writes to it meanwhile. `close` it when done."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        """Raises:
        RecoveryError: there are no keys, so that it is no data folder or nothing could be signed.
        FoundingError: keys that are not those of the log, or a journal that cannot be read.
        """
        if not (folder / "keys" / "log.pem").is_file():
            raise RecoveryError(
                "no_keys", f"{folder} holds no keys/log.pem; put the keys of the log back first",
                f"{folder} 中没有 keys/log.pem；请先放回账本的密钥",
            )  # fmt: skip
        self._documents = Documents(folder / "documents")
        self._documents.put_builtin("internal")
        self.journal = open_journal(folder)
        self._engine = open_database(database or sqlite_url(folder / DATABASE_NAME))
        self._storage = SqlLogStorage()
        with writing(self._engine) as tx:
            self._storage.create(tx)
            create_tables(tx)
            self._known = load_registry(tx)
        _, self._ring = open_keys(folder / "keys", self._known, self._engine, self._storage, SystemClock())

    def close(self) -> None:
        """Files are released."""
        self.journal.close()
        self._engine.dispose()

    def head(self) -> Head:
        """How far the database goes."""
        with self._engine.connect() as tx:
            return self._storage.head(tx)

    def _log(self, origin: str) -> Log[Any]:
        self._ring.open(origin, self._known)
        return Log(self._storage, origin, self._ring, self.journal)

    def _verified(self, note: str, pinned: Sequence[VerifierKey]) -> Checkpoint:
        """The checkpoint, signed by this log.

        Raises:
            RecoveryError: another log's, or not signed by its keys.
        """
        try:
            origin = parse_checkpoint(parse_note(note).text).origin
            self._ring.open(origin, self._known)
            own = list(dict.fromkeys([*self._ring.verifier_keys(), *self._ring.held_log_keys()]))
            if self._known is not None and origin != self._known.origin:
                raise RecoveryError(
                    "another_log", f"it is the log {origin}, not {self._known.origin}",
                    f"它是账本 {origin}，而不是 {self._known.origin}",
                )  # fmt: skip
            return verify_checkpoint(note, list(pinned) or own).checkpoint
        except (FormatError, SignatureError) as error:
            raise RecoveryError(
                "not_signed", f"its checkpoint is not one that this log has signed: {error}",
                f"其检查点不是本账本所签（{error}）",
            ) from error  # fmt: skip

    # ---- from an exported tree, a mirror or a server -----------------------------------------------------------------

    def fetch(
        self, source: LogSource, pinned: Sequence[VerifierKey] = (), on_progress: OnProgress | None = None
    ) -> Recovered:
        """The database holds every entry of the source, and every size that the journal knows is signed again.

        Each bundle is a transaction of its own: what a crash leaves undone is done by the next call.

        Raises:
            RecoveryError: another log, another history, or entries that may not be there.
            BrokenLogError: the source cannot be read.
        """
        note = source.checkpoint()
        checkpoint = self._verified(note, pinned)
        log = self._log(checkpoint.origin)
        if self.journal.ended():
            raise RecoveryError("ended", "this log has ended; it is not recovered", "本账本已终结，不再恢复")
        before = self.head()
        if checkpoint.size > before.size:
            roots = self._survey(source, before, checkpoint)
            self._write(source, log, before, checkpoint, roots, on_progress)
        elif self._root_at(checkpoint.size) != checkpoint.root:
            raise _forked(checkpoint.size)
        return self._finish(log, checkpoint, note, self.head().size - before.size)

    def _root_at(self, size: int) -> bytes:
        with self._engine.connect() as tx:
            return root_at(size, node_reader(self._storage, tx)) if size else EMPTY_ROOT

    def _survey(self, source: LogSource, head: Head, checkpoint: Checkpoint) -> list[bytes]:
        """The root behind each bundle, all on one history from the database's root to the checkpoint's."""
        with self._engine.connect() as tx:
            edge = RightEdge.at(head.size, node_reader(self._storage, tx))
        signed = signed_above(self.journal, head.size)
        wanted, forked = next(signed, None), 0
        roots = []
        for bundle in bundles_for_growth(head.size, checkpoint.size):
            for data in _entries(source, bundle, edge.size):
                edge.append(leaf_hash(data))
                if wanted is not None and wanted.size == edge.size:
                    forked = forked or (edge.size if wanted.root != edge.root() else 0)
                    wanted = next(signed, None)
            roots.append(edge.root())
        if edge.root() != checkpoint.root:
            raise _forked(head.size) if _differs(source, head, checkpoint.size) else _damaged()
        if forked:
            raise _forked(forked)
        return roots

    def _write(
        self, source: LogSource, log: Log[Any], head: Head, checkpoint: Checkpoint, roots: Sequence[bytes],
        on_progress: OnProgress | None,
    ) -> None:  # fmt: skip
        replay = Replay(checkpoint.origin, lambda digest: self._rulebook(source, digest))
        size = head.size
        try:
            for bundle, root in zip(bundles_for_growth(head.size, checkpoint.size), roots, strict=True):
                datas = _entries(source, bundle, size)
                size += len(datas)
                self._write_bundle(log, replay, datas, root)
                if on_progress:
                    on_progress(size, checkpoint.size)
        except EntryRejected as error:
            raise RecoveryError(
                "entry_rejected", f"entry {error.position} may not be in this log: {error.words_en}",
                f"分录 {error.position} 不应在本账本中：{error.words_zh}",
            ) from error  # fmt: skip
        finally:
            replay.close()

    def _write_bundle(self, log: Log[Any], replay: Replay, datas: Sequence[bytes], root: bytes) -> None:
        entries = [_parsed(data) for data in datas]
        with writing(self._engine) as tx:
            batch = log.open_recovery(tx, entries[-1].time)
            if self._storage.positions(tx, [entry.envelope.digest() for entry in entries]):
                raise _damaged()
            for entry, data in zip(entries, datas, strict=True):
                batch.restore(entry, data)
            appended = batch.write(tx)
            if appended is None or appended.head.root != root:
                raise _damaged()
            replay.batch(tx, entries, keep_folios=False)
        log.adopt(appended)

    def _rulebook(self, source: LogSource, digest: str) -> Rulebook | None:
        if self._documents.get(digest) is None and (data := source.document(RULEBOOK_PATH + digest)) is not None:
            self._documents.put(data)
        return self._documents.rulebook(digest)

    def _finish(self, log: Log[Any], checkpoint: Checkpoint, note: str, added: int) -> Recovered:
        """Rows of checkpoints are back, what was erased is erased again."""
        newest = self.journal.newest()
        if newest is not None and newest.size < checkpoint.size:
            self.journal.record(checkpoint.size, checkpoint.root)
        with writing(self._engine) as tx:
            if checkpoint.size and self._storage.checkpoint(tx, checkpoint.size) is None:
                row = CheckpointRow(checkpoint.size, checkpoint.root, _own_lines(note, checkpoint.origin))
                self._storage.put_checkpoint(tx, row)
        with self._engine.connect() as tx:
            self._ring.follow(load_registry(tx))
        again = sign_again(log, self._engine)
        Eraser(self._engine, self._documents).sweep()
        return self._state(added, again)

    def _state(self, added: int = 0, again: int = 0) -> Recovered:
        newest, size = self.journal.newest(), self.head().size
        missing = max(0, newest.size - size) if newest else 0
        return Recovered(size, added, again, missing, needs_known=newest is None)

    # ---- from what somebody kept -------------------------------------------------------------------------------------

    def accept(self, known: Sequence[Known], pinned: Sequence[VerifierKey] = ()) -> Recovered:
        """The journal knows that what was kept was signed, and what the database says of earlier checkpoints.

        The caller answers for it that nobody has a newer one.

        Raises:
            RecoveryError: another log's, or another history than the database's or the journal's.
        """
        facts = {SignedRoot(found.size, found.root) for found in self._checkpoints(known, pinned)}
        newest = max(facts)
        origin = parse_checkpoint(parse_note(known[0].checkpoint_note).text).origin
        with self._engine.connect() as tx:
            size = self._storage.head(tx).size
            rows = {
                SignedRoot(row.size, row.root) for row in tx.execute(select(_CHECKPOINT)) if row.size <= newest.size
            }
            reader = node_reader(self._storage, tx)
            for fact in facts | rows:
                if fact.size <= size and root_at(fact.size, reader) != fact.root:
                    raise _forked(fact.size)
        recorded = self.journal.newest()
        try:
            for fact in sorted(facts | rows):
                if recorded is None or fact.size > recorded.size or (fact in facts and fact.size == recorded.size):
                    self.journal.record(*fact)
        except JournalConflictError as error:
            raise _forked(newest.size) from error
        return self._state(again=sign_again(self._log(origin), self._engine))

    def _checkpoints(self, known: Sequence[Known], pinned: Sequence[VerifierKey]) -> list[Checkpoint]:
        return [self._verified(item.checkpoint_note, pinned) for item in known]

    # ---- the end -----------------------------------------------------------------------------------------------------

    def end(
        self, now: datetime, known: Sequence[Known] = (), pinned: Sequence[VerifierKey] = (),
        successor: str | None = None,
    ) -> Continues:  # fmt: skip
        """The log never signs again; answers what its successor says of it.

        Raises:
            RecoveryError: nothing was ever signed, or what was kept is another log's.
        """
        notes = [item.checkpoint_note for item in known] + self._own_notes()
        if not notes:
            raise RecoveryError(
                "nothing_signed", "nothing is known to be signed, so there is nothing to end; give --known",
                "未见任何已签署的内容，无可终结；请给出 --known",
            )  # fmt: skip
        note = max(notes, key=lambda each: self._verified(each, pinned).size)
        newest = self._verified(note, pinned)
        left = self._left_of(SignedRoot(newest.size, newest.root))
        self.journal.end(now, successor)
        return Continues(note, left, newest.size - left)

    def _own_notes(self) -> list[str]:
        """The newest checkpoint that the database has, and the one of the journal's newest root, signed again."""
        with self._engine.connect() as tx:
            row = self._storage.checkpoint(tx)
        newest = self.journal.newest()
        notes = [row.note] if row else []
        if newest is not None and self._known is not None and not self.journal.ended():
            notes.append(self._log(self._known.origin).sign(Head(*newest)).note)
        return notes

    def _left_of(self, newest: SignedRoot) -> int:
        """How many entries of the signed history the database still has."""
        with self._engine.connect() as tx:
            size = self._storage.head(tx).size
            signed = [*signed_above(self.journal, 0), newest]
            inside = [each for each in signed if each.size <= size]
            agreed = max((each.size for each in inside if is_on_history(self._storage, tx, each)), default=0)
        is_prefix = agreed == max((each.size for each in inside), default=0)
        return min(size, newest.size) if is_prefix else agreed


def _entries(source: LogSource, bundle: Bundle, start: int) -> list[bytes]:
    """The entries of the bundle from position `start` on.

    Raises:
        RecoveryError: it holds others than it should.
    """
    try:
        datas = decode_bundle(source.bundle(bundle))
    except FormatError as error:
        raise _damaged() from error
    if len(datas) != bundle.width:
        raise _damaged()
    return datas[max(0, start - bundle.index * TILE_WIDTH) :]


def _differs(source: LogSource, head: Head, size: int) -> bool:
    """Whether the source's own tiles say that its first entries are others than those of the head."""
    reader = source_reader(source, size)
    return bool(head.size) and root_at(head.size, reader) != head.root


def _parsed(data: bytes) -> Entry:
    try:
        return parse_entry(data)
    except FormatError as error:
        raise _damaged() from error


def _own_lines(note: str, origin: str) -> str:
    """The note without the lines of witnesses."""
    found = parse_note(note)
    return format_note(Note(found.text, tuple(line for line in found.signatures if line.name == origin)))


def _forked(size: int) -> RecoveryError:
    return RecoveryError(
        "forked",
        f"it holds another history than the one here: they differ within the first {size} entries. Two signed roots prove "
        "it; keep both, and nothing is written",
        f"其历史与此处不同：前 {size} 条中已有分歧。两个签名的根即为证据，请一并保存；未写入任何内容",
    )


def _damaged() -> RecoveryError:
    return RecoveryError(
        "damaged",
        "its entries are not those that its checkpoint signs; take another copy",
        "其分录与其检查点所签不符；请换用另一份副本",
    )
