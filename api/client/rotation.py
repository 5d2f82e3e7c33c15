"""Following the keys of a log from those that a client pinned. ledger.md 0.10.

`/.well-known/sanquan` tells which entries changed the keys (`log_key_changes`), and the first signed size that covers
each. None of that is believed: the entry must stand under a checkpoint of that size which a key that is trusted already
has signed, and must say what is told of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.client.errors import TransportError, TrustError
from api.client.receipts import verified_entry
from api.client.trusted import TrustedKey, TrustedKeys, parse_keys
from ledger.checkpoint import parse_checkpoint
from ledger.note import format_verifier_key, parse_note
from ledger.statement import parse_statement

MAX_CHANGES = 1_000


@dataclass(frozen=True, slots=True)
class ShownChange:
    """An entry that is said to add or retire keys of the log, and a signed size that covers it."""

    seq: int
    size: int
    add: str | None
    retire: str | None

    def is_news(self, trusted: TrustedKeys) -> bool:
        """Whether it changes anything for whoever trusts these keys."""
        known = (*trusted.texts(live=True), *trusted.texts(live=False))
        return (self.add is not None and self.add not in known) or self.retire in trusted.texts(live=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a registry says of its log's keys; nothing of it is trusted."""

    live: tuple[str, ...]
    changes: tuple[ShownChange, ...]

    def ever(self) -> set[str]:
        """Every key that is told of."""
        told = (text for change in self.changes for text in (change.add, change.retire) if text is not None)
        return {*self.live, *told}


def shown_keys(facts: Mapping[str, Any]) -> Shown:
    """What `/.well-known/sanquan` says.

    Raises:
        TransportError: it is not what a registry answers.
    """
    try:
        changes = facts.get("log_key_changes", [])
        found = tuple(
            ShownChange(_number(each["seq"]), _number(each["size"]), _text(each.get("add")), _text(each.get("retire")))
            for each in changes[:MAX_CHANGES]
        )
        return Shown(tuple(str(key) for key in facts["log_keys"]), tuple(sorted(found, key=lambda each: each.seq)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise TransportError("what is shown of the log's keys is not what a registry answers") from error


def _number(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a position")
    return value


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("not a key")
    return value


def followed(
    origin: str, trusted: TrustedKeys, changes: Sequence[ShownChange], proof: Callable[[int, int], str],
    entry: Callable[[int], bytes], see: Callable[[str, TrustedKeys], object],
) -> TrustedKeys:  # fmt: skip
    """The keys to trust after these changes, each of which is proven to somebody who trusts `trusted`.

    `proof` fetches the proof of an entry at a signed size, `entry` its bytes; `see` is told every checkpoint on the way,
    once all keys are known.

    Raises:
        TrustError: a change is not what it is said to be, or no trusted key signed the checkpoint that covers it.
    """
    notes, added = [], {change.add: change.seq for change in changes}
    for change in changes:
        if not change.is_news(trusted) or not _is_provable(change, trusted, added):
            continue
        data = entry(change.seq)
        found, note = verified_entry(change.seq, data, proof(change.seq, change.size), origin, trusted)
        statement = parse_statement(found.envelope)
        said = {"use": "log", "add": change.add, "retire": change.retire}
        wanted = {name: value for name, value in said.items() if value is not None}
        if statement.act != "log.key" or statement.body != wanted:
            raise TrustError(
                f"entry {change.seq} of {origin} does not change its keys as the registry says", "keys_changed"
            )
        notes.append(note)
        covering = parse_checkpoint(parse_note(note).text).size
        trusted = _changed(origin, trusted, replace(change, size=covering))
    for note in notes:
        see(note, trusted)
    return trusted


def _is_provable(change: ShownChange, trusted: TrustedKeys, added: Mapping[str | None, int]) -> bool:
    """Whether a key that is trusted was the log's when the entry was made: what came and went before is no news.

    `added`: where keys are said to have been added. Who lies about it is believed less, never more.
    """
    if change.retire in trusted.texts(live=True):
        return True
    signing = (format_verifier_key(key) for key in trusted.at(change.size))
    return any(added.get(text, -1) < change.seq for text in signing)


def _changed(origin: str, trusted: TrustedKeys, change: ShownChange) -> TrustedKeys:
    keys = [
        replace(each, until=change.size)
        if each.until is None and format_verifier_key(each.key) == change.retire
        else each
        for each in trusted.keys
    ]
    if change.add is not None and all(format_verifier_key(each.key) != change.add for each in keys):
        keys += [TrustedKey(key, change.seq) for key in parse_keys(origin, [change.add]).live]
    return TrustedKeys(tuple(keys))
