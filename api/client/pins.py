"""What a client remembers of each log: its keys, and the newest checkpoint seen. `~/.local/state/sanquan`.

A log that shows other keys, a smaller size, or a history that does not begin with the one seen before is not trusted.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from api.client.errors import TrustError
from ledger.checkpoint import Checkpoint, verify_checkpoint
from ledger.errors import LedgerError
from ledger.merkle import verify_consistency
from ledger.note import VerifierKey, parse_verifier_key

ConsistencyProof = Callable[[int, int], Sequence[bytes]]
"""Fetches the proof between two sizes."""


def default_folder() -> Path:
    """`SANQUAN_STATE`, or `~/.local/state/sanquan`."""
    return Path(os.environ.get("SANQUAN_STATE") or Path.home() / ".local" / "state" / "sanquan")


class Pins:
    """Pinned keys and checkpoints, one folder for each origin."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_folder()

    def _place(self, origin: str) -> Path:
        return self._folder / hashlib.sha256(origin.encode()).hexdigest()[:32]

    def keys(self, origin: str) -> list[str]:
        """The pinned verifier keys of an origin, as text."""
        path = self._place(origin) / "keys.json"
        return list(json.loads(path.read_text())["keys"]) if path.exists() else []

    def pin(self, origin: str, keys: Sequence[str]) -> tuple[VerifierKey, ...]:
        """The keys of an origin: those pinned before, else these from now on.

        Raises:
            TrustError: other keys are pinned.
        """
        pinned = self.keys(origin)
        if pinned and sorted(pinned) != sorted(keys):
            raise TrustError(
                f"{origin} shows other keys than those pinned in {self._place(origin)}; ask its registrar before you "
                "remove that folder"
            )
        if not pinned:
            _write(self._place(origin) / "keys.json", json.dumps({"origin": origin, "keys": list(keys)}))
        return tuple(parse_verifier_key(text) for text in keys)

    def checkpoint(self, origin: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
        """The newest checkpoint seen, be it in a receipt."""
        return self._kept(origin, "checkpoint", keys)

    def _kept(self, origin: str, name: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
        path = self._place(origin) / name
        return verify_checkpoint(path.read_text(), keys).checkpoint if path.exists() else None

    def see(self, note: str, keys: Sequence[VerifierKey], prove: ConsistencyProof, *, newest: bool) -> Checkpoint:
        """The checkpoint is signed and consistent with the newest seen before, and remembered if it is newer.

        `newest`: the registry publishes it, so it may not be smaller than what it published before. It may be smaller
        than what a receipt showed, for receipts run ahead of publication; then the way on to that size is proven.

        Raises:
            TrustError: it is not.
        """
        try:
            seen = verify_checkpoint(note, keys).checkpoint
            before = self.checkpoint(seen.origin, keys)
            published = self._kept(seen.origin, "published", keys) if newest else None
            if published is not None and seen.size < published.size:
                raise TrustError(f"{seen.origin} shows {seen.size} entries, but showed {published.size} before")
            if before is not None:
                self._compare(before, seen, prove)
        except LedgerError as error:
            raise TrustError(f"the checkpoint does not hold: {error}") from error
        if before is None or seen.size > before.size:
            _write(self._place(seen.origin) / "checkpoint", note)
        if newest and (published is None or seen.size > published.size):
            _write(self._place(seen.origin) / "published", note)
        return seen

    def _compare(self, before: Checkpoint, seen: Checkpoint, prove: ConsistencyProof) -> None:
        if seen.size == before.size:
            if seen.root != before.root:
                raise TrustError(f"{seen.origin} shows two histories of {seen.size} entries")
            return
        old, new = sorted((before, seen), key=lambda checkpoint: checkpoint.size)
        verify_consistency(old.size, new.size, old.root, new.root, list(prove(old.size, new.size)))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.rename(path)
