"""The keys of a log that a client trusts: each for the sizes that it may sign. ledger.md 0.10.

A key that was pinned signs from the first entry on; one that an entry added, from that entry on; one that an entry
retired, until the first checkpoint that covers that entry. So what an old key signed holds for ever, and what it signs
later does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.client.errors import TrustError
from ledger.checkpoint import parse_checkpoint
from ledger.errors import LedgerError
from ledger.note import VerifierKey, format_verifier_key, parse_note, parse_verifier_key


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A verifier key, the position of the entry that added it, and the last size that it may sign.

    `since` is -1 for a key that was pinned, `until` None for one that is live.
    """

    key: VerifierKey
    since: int = -1
    until: int | None = None

    def signs(self, size: int) -> bool:
        """Whether a checkpoint of this size may be verified with the key."""
        return self.since < size and (self.until is None or size <= self.until)


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """All keys of one log that a client trusts or trusted."""

    keys: tuple[TrustedKey, ...]

    @classmethod
    def of(cls, keys: "TrustedKeys | Iterable[VerifierKey]") -> "TrustedKeys":
        """The same keys, or keys that sign every size."""
        return keys if isinstance(keys, TrustedKeys) else cls(tuple(TrustedKey(key) for key in keys))

    @property
    def live(self) -> tuple[VerifierKey, ...]:
        """The keys that newest checkpoints verify with."""
        return tuple(each.key for each in self.keys if each.until is None)

    def at(self, size: int) -> tuple[VerifierKey, ...]:
        """The keys that a checkpoint of this size verifies with."""
        return tuple(each.key for each in self.keys if each.signs(size))

    def for_note(self, note: str) -> tuple[VerifierKey, ...]:
        """The keys that this checkpoint verifies with.

        Raises:
            FormatError: not the note of a checkpoint.
        """
        return self.at(parse_checkpoint(parse_note(note).text).size)

    def only(self, texts: Sequence[str]) -> "TrustedKeys":
        """Those of the keys that have these texts."""
        return TrustedKeys(tuple(each for each in self.keys if format_verifier_key(each.key) in texts))

    def texts(self, *, live: bool) -> list[str]:
        """The keys that are live, or that are not, as text."""
        return [format_verifier_key(each.key) for each in self.keys if (each.until is None) is live]


Keys = TrustedKeys | Sequence[VerifierKey]
"""Keys to verify with; verifier keys alone sign every size."""


def parse_keys(origin: str, texts: Sequence[str]) -> TrustedKeys:
    """Keys of this origin that sign every size.

    Raises:
        TrustError: none, one that is no key, or one of another name.
    """
    try:
        keys = tuple(parse_verifier_key(text) for text in texts)
    except LedgerError as error:
        raise TrustError(f"{origin} shows a key that is none: {error}", "keys_form") from error
    if not keys or any(key.name != origin for key in keys):
        raise TrustError(f"{origin} does not show keys of its own name", "keys_form")
    return TrustedKeys.of(keys)


def keys_to_json(trusted: TrustedKeys) -> dict[str, Any]:
    """What a file of pins keeps: `keys` that are live, `since` of those added later, `retired` with their last sizes."""
    found: dict[str, Any] = {"keys": trusted.texts(live=True)}
    if since := {format_verifier_key(each.key): each.since for each in trusted.keys if each.since >= 0}:
        found["since"] = since
    if any(each.until is not None for each in trusted.keys):
        found["retired"] = {
            format_verifier_key(each.key): each.until for each in trusted.keys if each.until is not None
        }
    return found


def keys_from_json(value: Mapping[str, Any]) -> TrustedKeys:
    """Inverse of `keys_to_json`.

    Raises:
        ValueError, KeyError, TypeError: not what it wrote.
        LedgerError: a key that is none.
    """
    since, retired = value.get("since", {}), value.get("retired", {})
    texts: dict[str, int | None] = {str(text): None for text in value["keys"]} | {
        str(text): int(until) for text, until in retired.items()
    }
    return TrustedKeys(
        tuple(TrustedKey(parse_verifier_key(text), int(since.get(text, -1)), until) for text, until in texts.items())
    )
