"""The audit of a whole log, without trusting whoever serves it.

Checked, in one pass and with bounded memory:

| what                                                          | against                                            |
|---------------------------------------------------------------|----------------------------------------------------|
| signatures of the checkpoint                                  | the keys that the auditor brings, or the log's own |
| every entry: form, position, chain, time, folios, statement   | the entries before it (`ledger.chain`)             |
| every entry's hash, and every tile of every level             | the hashes computed from the entries               |
| the root                                                      | the signed checkpoint                              |
| receipts and checkpoints that somebody kept                   | the same entries (`ledger.known`)                  |

The first broken thing ends the pass. Who signed the statements and whether they may take effect is for the caller, who
sees the entries in batches. Without keys of his own the auditor learns only that the log agrees with itself.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledger.chain import ChainChecker
from ledger.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from ledger.entry import Entry
from ledger.errors import BrokenLogError, EntryRejected, FormatError, SignatureError
from ledger.finding import BrokenError, Finding, broken
from ledger.known import Known, KnownCheckpoint, KnownReceipt, check_known, parse_known, wanted_size
from ledger.merkle import HASH_BYTES
from ledger.note import VerifierKey, parse_note, parse_verifier_key
from ledger.sources import LogSource
from ledger.statement import Statement
from ledger.tiles import Bundle, bundles_for_growth
from ledger.tree import TreeChecker

__all__ = [
    "AuditReport",
    "Finding",
    "Known",
    "KnownCheckpoint",
    "KnownReceipt",
    "audit_log",
    "log_keys_of",
    "parse_known",
]

OnBatch = Callable[[Sequence[Entry], Sequence[bytes]], None]
"""Called with up to 256 entries in order and their leaf hashes; may raise `EntryRejected`."""
OnProgress = Callable[[int, int], None]
"""Called with the number of entries audited and to be audited."""
KeysOf = Callable[[Statement], Sequence[str]]
"""The verifier keys (as text) that a statement gives to the log."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit saw. `size` and `root` are the checkpoint's, `entries` is how many entries held, in whole bundles.

    `pinned` is whether the auditor brought keys: without, nobody says that this is the right log.
    """

    origin: str
    size: int
    root: bytes
    pinned: bool
    findings: tuple[Finding, ...]
    known_checked: int
    entries: int
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether nothing was found broken."""
        return not self.findings


def log_keys_of(statement: Statement) -> Sequence[str]:
    """The verifier keys that `log.open` lists and `log.key` adds, as the contract writes them."""
    match statement.act, statement.body:
        case "log.open", {"log_keys": list(keys)}:
            return [key for key in keys if isinstance(key, str)]
        case "log.key", {"use": "log", "add": str(key)}:
            return [key]
        case _:
            return []


def audit_log(
    source: LogSource,
    keys: Sequence[VerifierKey],
    *,
    known: Sequence[Known] = (),
    on_batch: OnBatch | None = None,
    on_progress: OnProgress | None = None,
    keys_of: KeysOf = log_keys_of,
) -> AuditReport:
    """The log behind `source` has been read whole; the report says whether it holds.

    Without `keys` signatures are verified with the keys that the log's own entries give it, and `pinned` is False.
    Exceptions of `on_batch` other than `EntryRejected` pass through.
    """
    started = time.perf_counter()
    audit = _Audit(source, keys, known, on_batch, on_progress, keys_of)
    findings: tuple[Finding, ...] = ()
    known_checked = 0
    try:
        audit.run()
    except BrokenError as error:
        findings = (error.finding,)
    except BrokenLogError as error:
        position = audit.entries if audit.checkpoint.size else None
        findings = (Finding(position, "unreadable", f"The log cannot be read: {error}.", f"账本无法读取：{error}。"),)
    else:
        results = [audit.check_known(each) for each in known]
        findings = tuple(found for found in results if found)
        known_checked = len(results)
    finally:
        audit.close()
    return AuditReport(
        audit.checkpoint.origin,
        audit.checkpoint.size,
        audit.checkpoint.root,
        bool(keys),
        findings,
        known_checked,
        audit.entries,
        time.perf_counter() - started,
    )


class _Audit:
    """One pass over a log."""

    def __init__(
        self,
        source: LogSource,
        keys: Sequence[VerifierKey],
        known: Sequence[Known],
        on_batch: OnBatch | None,
        on_progress: OnProgress | None,
        keys_of: KeysOf,
    ) -> None:
        self.checkpoint = Checkpoint("unknown", 0, bytes(HASH_BYTES))
        self._source = source
        self._pinned = tuple(keys)
        self._on_batch, self._on_progress, self._keys_of = on_batch, on_progress, keys_of
        self._chain: ChainChecker | None = None
        self._listed: dict[VerifierKey, None] = {}
        sizes = [size for each in known if (size := _size_of(each)) is not None]
        indexes = [each.proof.index for each in known if isinstance(each, KnownReceipt)]
        self._tree = TreeChecker(source, sizes, indexes)

    @property
    def entries(self) -> int:
        """How many entries held."""
        return self._tree.edge.size

    def run(self) -> None:
        """Raises `BrokenError` or `BrokenLogError` at the first broken thing."""
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
        if self._pinned:
            self._check_signatures(note, self._pinned)
        self._chain = chain = ChainChecker(self.checkpoint.origin)
        for bundle in bundles_for_growth(0, self.checkpoint.size):
            self._read_bundle(bundle, chain)
            if self._on_progress:
                self._on_progress(self.entries, self.checkpoint.size)
        self._tree.finish()
        if self._tree.edge.root() != self.checkpoint.root:
            raise broken(
                None,
                "root_mismatch",
                f"The tree of the {self.checkpoint.size} entries does not have the root that the checkpoint signs: the "
                "entries were rewritten by somebody without the log's key.",
                f"{self.checkpoint.size} 条分录所成之树的根与检查点所签之根不符：分录被没有账本密钥的人改写。",
            )
        if not self._pinned:
            self._check_signatures(note, tuple(self._listed))

    def close(self) -> None:
        if self._chain:
            self._chain.close()

    def check_known(self, known: Known) -> Finding | None:
        """To be called after `run`."""
        keys = tuple({**dict.fromkeys(self._pinned), **self._listed})
        return check_known(known, keys, self.checkpoint.size, self._tree.roots, self._tree.kept)

    def _check_signatures(self, note: str, keys: Sequence[VerifierKey]) -> None:
        origin = self.checkpoint.origin
        if keys and all(key.name != origin for key in keys):
            names = ", ".join(sorted({key.name for key in keys}))
            raise broken(
                None,
                "origin_mismatch",
                f"The checkpoint is that of the log {origin!r}; the keys are those of {names}.",
                f"检查点属于账本 {origin!r}，而密钥属于 {names}。",
            )
        try:
            verify_checkpoint(note, keys)
        except SignatureError as error:
            raise broken(
                None,
                "checkpoint_signature",
                f"The log's keys have not signed this checkpoint: {error}.",
                f"检查点的签名不能以账本的密钥验证：{error}。",
            ) from error

    def _read_bundle(self, bundle: Bundle, chain: ChainChecker) -> None:
        datas = self._tree.open_bundle(bundle)
        entries: list[Entry] = []
        found: BrokenError | None = None
        try:
            for data in datas:
                self._tree.check_leaf(len(entries))
                entry, statement = chain.check(data)
                self._list_keys(entry, statement)
                entries.append(entry)
        except BrokenError as error:
            found = error
        self._hand_over(entries, self._tree.leaves)
        if found:
            raise found
        self._tree.close_bundle()

    def _hand_over(self, entries: Sequence[Entry], leaves: Sequence[bytes]) -> None:
        """The caller has seen these entries, before anything that is wrong behind them is reported."""
        if not self._on_batch or not entries:
            return
        try:
            self._on_batch(entries, leaves[: len(entries)])
        except EntryRejected as error:
            raise broken(error.position, error.code, error.words_en, error.words_zh) from error

    def _list_keys(self, entry: Entry, statement: Statement) -> None:
        for text in self._keys_of(statement):
            try:
                self._listed[parse_verifier_key(text)] = None
            except (FormatError, SignatureError) as error:
                raise broken(
                    entry.position,
                    "log_keys",
                    f"Entry {entry.position} names a key of the log that is none: {error}.",
                    f"第 {entry.position} 条所列账本公钥无效：{error}。",
                ) from error


def _size_of(known: Known) -> int | None:
    try:
        return wanted_size(known)
    except FormatError:
        return None  # its verification will say what is wrong with it
