"""Which keys sign the checkpoint of a size, when keys of a log come and go. ledger.md 0.10.

A checkpoint of size n covers the entries before position n. It carries a line of every key that is live at n: listed by
an entry that it covers, and retired by none. The first checkpoint that covers the entry which retires a key is still
signed by that key, so that whoever pinned it can accept what replaces it; after that the key never signs again.

So the set is a function of three things: the keys with the positions of their entries, the size signed before, the size
to be signed. `previous` is 0 where nothing was signed before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.keys import Signer
from ledger.note import VerifierKey


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key of the log, the position of the entry that lists it, and of the one that retires it."""

    key: VerifierKey
    since: int
    until: int | None = None

    def is_live(self, size: int) -> bool:
        """Whether the key is one of the log's at this size."""
        return self.since < size and (self.until is None or size <= self.until)

    def signs(self, previous: int, size: int) -> bool:
        """Whether the checkpoint of `size`, signed next after that of `previous`, has a line of this key."""
        return self.since < size and (self.until is None or previous <= self.until)


def signing_keys(keys: Iterable[LogKey], previous: int, size: int) -> tuple[VerifierKey, ...]:
    """The keys whose lines the checkpoint of `size` carries, in the order of `keys`.

    Raises:
        ValueError: `previous` is not below `size`.
    """
    if not 0 <= previous < size:
        raise ValueError(f"size {size} is not signed after {previous}")
    return tuple(each.key for each in keys if each.signs(previous, size))


class LogSigners(Protocol):
    """The signers of a log, some of which may not sign every size."""

    def verifier_keys(self) -> Sequence[VerifierKey]:
        """The keys that checkpoints of the log verify with, those retired included."""
        ...

    def at(self, size: int) -> Sequence[Signer]:
        """Who signs the checkpoint of a size.

        Raises:
            SignatureError: a key that has to sign is not at hand.
        """
        ...
