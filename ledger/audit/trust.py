"""Whose signature under the checkpoint an auditor accepts, while the log's own keys change. ledger.md 0.10.

Who pinned a key trusts it. A key that the log added later is trusted if a checkpoint that covers the entry which added
it is signed by a key trusted before: the checkpoint of today, or one that somebody kept. Without pinned keys the log
speaks for itself: every key that its entries name is taken.
"""

from collections.abc import Mapping, Sequence

from ledger.audit.resuming import Carried
from ledger.checkpoint import Checkpoint, verify_checkpoint
from ledger.errors import FormatError, SignatureError
from ledger.finding import BrokenError, broken
from ledger.known import Known
from ledger.note import VerifierKey, format_verifier_key, parse_note, parse_verifier_key
from ledger.reading.bundle import LogKey


class Trust:
    """The keys that an auditor brought, and those that the log names in the entries read so far."""

    def __init__(self, pinned: Sequence[VerifierKey], known: Sequence[Known], carried: Carried | None = None) -> None:
        self._pinned = tuple(pinned)
        self._kept = [each.checkpoint_note for each in known]
        self._added = [(position, parse_verifier_key(text)) for position, text in carried.log_keys] if carried else []
        self._is_accepted = False

    def list_keys(self, changes: Sequence[LogKey]) -> None:
        """Entries name these keys."""
        self._added += [(position, parse_verifier_key(text)) for position, text, added in changes if added]

    @property
    def added(self) -> tuple[tuple[int, str], ...]:
        """The keys that entries added, with their positions."""
        return tuple((position, format_verifier_key(key)) for position, key in self._added)

    def keys(self) -> tuple[VerifierKey, ...]:
        """All keys of which the log or the auditor says that they are its keys."""
        return tuple(dict.fromkeys([*self._pinned, *(key for _, key in self._added)]))

    def check_before(self, note: str, checkpoint: Checkpoint) -> None:
        """Returns if the checkpoint is signed by a pinned key, or may turn out to be signed by its successor.

        Raises:
            BrokenError: it cannot be trusted, whatever the entries say.
        """
        if not self._pinned:
            return
        origin = checkpoint.origin
        if all(key.name != origin for key in self._pinned):
            names = ", ".join(sorted({key.name for key in self._pinned}))
            raise broken(
                None,
                "origin_mismatch",
                f"The checkpoint is that of the log {origin!r}; the keys are those of {names}.",
                f"检查点属于账本 {origin!r}，而密钥属于 {names}。",
            )
        try:
            verify_checkpoint(note, self._pinned)
            self._is_accepted = True
        except SignatureError as error:
            lines = {(line.name, line.key_id) for line in parse_note(note).signatures}
            has_line = any((key.name, key.key_id) in lines for key in self._pinned if key.name == origin)
            if has_line or not any(_signed(kept, self._pinned) for kept in self._kept):
                raise _unsigned(error, has_line=has_line) from error

    def check_after(self, note: str, checkpoint: Checkpoint, roots: Mapping[int, bytes]) -> None:
        """Returns if the checkpoint of the audited entries is signed by a trusted key. `roots`: at the sizes kept.

        Raises:
            BrokenError: it is not.
        """
        if self._is_accepted:
            return
        keys = self._carried(checkpoint.origin, roots) if self._pinned else self.keys()
        try:
            verify_checkpoint(note, keys)
        except SignatureError as error:
            raise _unsigned(error, has_line=False) from error

    def _carried(self, origin: str, roots: Mapping[int, bytes]) -> tuple[VerifierKey, ...]:
        """The pinned keys and those to which kept checkpoints of these entries carry trust."""
        trusted = dict.fromkeys(self._pinned)
        grows = True
        while grows:
            sizes = [
                kept.size
                for note in self._kept
                if (kept := _signed(note, tuple(trusted)))
                and kept.origin == origin
                and roots.get(kept.size) == kept.root
            ]
            found = {key: None for position, key in self._added if any(position < size for size in sizes)}
            grows = not found.keys() <= trusted.keys()
            trusted.update(found)
        return tuple(trusted)


def _signed(note: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    try:
        return verify_checkpoint(note, keys).checkpoint
    except (FormatError, SignatureError):
        return None


def _unsigned(error: Exception, *, has_line: bool) -> BrokenError:
    more, more_zh = "", ""
    if not has_line:
        more = (
            " If the log changed its keys since, bring a checkpoint or receipt (--known) that the old key signed after"
            " the entry that added the new one, or pin the new key."
        )
        more_zh = (
            "若账本其后更换了密钥，请提供由旧密钥在添加新密钥的分录之后签署的检查点或回执（--known），或固定新密钥。"
        )
    return broken(
        None,
        "checkpoint_signature",
        f"The log's keys have not signed this checkpoint: {error}.{more}",
        f"检查点的签名不能以账本的密钥验证：{error}。{more_zh}",
    )
