"""What a client remembers of each log: its keys, and the newest checkpoint seen. `~/.local/state/sanquan`.

A log that shows other keys, a smaller size, or a history that does not begin with the one seen before is not trusted.
Files are replaced whole and only forward, so that several processes and threads may share a folder.
"""

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from api.client.errors import TrustError
from api.client.rotation import Shown
from api.client.trusted import Keys, TrustedKeys, keys_from_json, keys_to_json, parse_keys
from ledger.checkpoint import Checkpoint, verify_checkpoint
from ledger.errors import LedgerError, SignatureError
from ledger.merkle import verify_consistency

if sys.platform != "win32":
    import fcntl

ConsistencyProof = Callable[[int, int], Sequence[bytes]]
"""Fetches the proof between two sizes."""

_CHECKPOINT = "checkpoint"
_PUBLISHED = "published"
_ADDRESSES = "addresses"
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
_KEYS = "keys.json"
Follow = Callable[[TrustedKeys], TrustedKeys]
"""The keys to trust after what the registry proves to somebody who trusts some."""


def _nowhere(trusted: TrustedKeys) -> TrustedKeys:
    return trusted


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
        """The pinned verifier keys of an origin that are live, as text.

        Raises:
            TrustError: they cannot be read.
        """
        return self.trusted(origin).texts(live=True)

    def trusted(self, origin: str) -> TrustedKeys:
        """The pinned keys of an origin, those retired since included; none if nothing is pinned.

        Raises:
            TrustError: they cannot be read.
        """
        return self._parsed(origin, self._kept(origin, _KEYS))

    def _parsed(self, origin: str, text: str | None) -> TrustedKeys:
        try:
            return TrustedKeys(()) if text is None else keys_from_json(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, LedgerError) as error:
            path = self._place(origin) / _KEYS
            raise TrustError(
                f"{path} cannot be read; restore it, or remove its folder to pin anew", "pins_unreadable"
            ) from error

    def pin(
        self, origin: str, shown: Sequence[str] | Shown, given: Sequence[str] | None = None, follow: Follow = _nowhere
    ) -> TrustedKeys:
        """The only keys to trust for an origin: those given, else those pinned before, else those shown.

        What was not pinned or given is never used, even if the registry shows it too, unless `follow` leads there: it
        answers the keys to trust after what is shown has been proven to whoever trusts some. Then the pins follow.

        Raises:
            TrustError: a key is of another name, a given or pinned key is not shown, or other keys are pinned.
        """
        shown = shown if isinstance(shown, Shown) else Shown(tuple(shown), ())
        if given is not None and (not given or not set(given) <= shown.ever()):
            raise TrustError(
                f"{origin} does not show the keys that you gave; it is not the registry that you mean", "keys_changed"
            )
        kept = self._kept(origin, _KEYS)
        pinned = self._parsed(origin, kept)
        before = _start(origin, pinned, shown, given)
        if before is None:
            raise self._others(origin)
        trusted = follow(before)
        if not trusted.live or not set(trusted.texts(live=True)) <= shown.ever():
            raise self._others(origin)
        if kept is None or (given is None and trusted != pinned):
            text = json.dumps({"origin": origin, **keys_to_json(trusted)})
            if not self._replace(origin, _KEYS, kept, text):
                return self.pin(origin, shown, given, follow)
        return trusted

    def _others(self, origin: str) -> TrustError:
        return TrustError(
            f"{origin} shows other keys than those pinned in {self._place(origin)}; ask its registrar before you "
            "remove that folder",
            "keys_changed",
        )

    def check_address(self, address: str, origin: str) -> None:
        """Returns if the address led to no other log before.

        Raises:
            TrustError: it did.
        """
        path = self._address(address)
        before = path.read_text() if path and path.exists() else origin
        if before != origin:
            raise TrustError(
                f"{address} led to the log {before} and leads to {origin} now; give the keys of {origin} if you mean it, or "
                f"remove {path}",
                "origin_mismatch",
            )

    def keep_address(self, address: str, origin: str) -> None:
        """It is remembered to which log the address leads."""
        path = self._address(address)
        if path and not (path.exists() and path.read_text() == origin):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_whole(path, origin)

    def _address(self, address: str) -> Path | None:
        """None for those of one's own machine, which change hands."""
        if urlsplit(address).hostname in _OWN_MACHINE:
            return None
        return self._folder / _ADDRESSES / hashlib.sha256(address.encode()).hexdigest()[:32]

    def checkpoint(self, origin: str, keys: Keys) -> Checkpoint | None:
        """The newest checkpoint seen, be it in a receipt."""
        text = self._kept(origin, _CHECKPOINT)
        return None if text is None else verify_checkpoint(text, TrustedKeys.of(keys).for_note(text)).checkpoint

    def see(self, origin: str, note: str, keys: Keys, prove: ConsistencyProof) -> Checkpoint:
        """The checkpoint is signed and consistent with the newest seen before, and remembered if it is newer.

        It may be smaller: another process may have seen more meanwhile. Then the way on to that size is proven.

        Raises:
            TrustError: it is not.
        """
        seen = _verified(origin, note, keys)
        while True:
            text = self._kept(origin, _CHECKPOINT)
            before = None if text is None else _verified(origin, text, keys)
            if before is not None:
                _compare(before, seen, prove)
            if before is not None and seen.size <= before.size:
                return seen
            if self._replace(origin, _CHECKPOINT, text, note):
                return seen

    def see_published(self, origin: str, fetch: Callable[[], str], keys: Keys, prove: ConsistencyProof) -> Checkpoint:
        """As `see`; and what the registry publishes is not smaller than what it was seen to publish before `fetch`.

        It may be smaller than what a receipt showed, for receipts run ahead of publication.

        Raises:
            TrustError: it is not.
        """
        kept = self._kept(origin, _PUBLISHED)
        published = None if kept is None else _verified(origin, kept, keys)
        note = fetch()
        seen = _verified(origin, note, keys)
        if published is not None and seen.size < published.size:
            raise TrustError(
                f"{origin} shows {seen.size} entries, but showed {published.size} before: it has lost entries or shows "
                "an old copy. Ask its registrar; what you keep is evidence",
                "entries_lost",
            )
        self.see(origin, note, keys, prove)
        while published is None or seen.size > published.size:
            if self._replace(origin, _PUBLISHED, kept, note):
                break
            kept = self._kept(origin, _PUBLISHED)
            published = None if kept is None else _verified(origin, kept, keys)
        return seen

    def _kept(self, origin: str, name: str) -> str | None:
        path = self._place(origin) / name
        return path.read_text() if path.exists() else None

    def _replace(self, origin: str, name: str, before: str | None, text: str) -> bool:
        """Whether the file held `before` and now holds `text`."""
        path = self._place(origin) / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.parent / ".lock"):
            if self._kept(origin, name) != before:
                return False
            _write_whole(path, text)
        return True


def _write_whole(path: Path, text: str) -> None:
    """Who reads the file meanwhile sees the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_text(text)
    temporary.replace(path)


def _start(origin: str, pinned: TrustedKeys, shown: Shown, given: Sequence[str] | None) -> TrustedKeys | None:
    """The keys to begin with; None if others are pinned than those given."""
    if not pinned.keys:
        return parse_keys(origin, given if given is not None else shown.live)
    if given is None:
        return pinned
    found = pinned.only(given)
    return found if len(found.keys) == len(set(given)) else None


def _verified(origin: str, note: str, keys: Keys) -> Checkpoint:
    try:
        found = verify_checkpoint(note, TrustedKeys.of(keys).for_note(note)).checkpoint
    except LedgerError as error:
        code = "checkpoint_signature" if isinstance(error, SignatureError) else "checkpoint_form"
        raise TrustError(f"the checkpoint does not hold: {error}", code) from error
    if found.origin != origin:
        raise TrustError(f"{origin} shows a checkpoint of {found.origin}", "origin_mismatch")
    return found


def _compare(before: Checkpoint, seen: Checkpoint, prove: ConsistencyProof) -> None:
    if seen.size == before.size:
        if seen.root != before.root:
            raise TrustError(
                f"{seen.origin} shows two histories of {seen.size} entries; both signed roots are evidence",
                "history_rewritten",
            )
        return
    old, new = sorted((before, seen), key=lambda checkpoint: checkpoint.size)
    try:
        verify_consistency(old.size, new.size, old.root, new.root, list(prove(old.size, new.size)))
    except LedgerError as error:
        raise TrustError(
            f"{seen.origin} does not prove that its first {old.size} of {new.size} entries are those seen before: {error}",
            "history_rewritten",
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """No other process or thread is between reading and replacing; on Windows only replacing is atomic."""
    if sys.platform == "win32":
        yield
        return
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
