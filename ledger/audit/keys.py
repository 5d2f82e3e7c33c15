"""Which keys must have signed the entries of a log, read from its entries alone. See `ledger.key_state`."""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from datetime import datetime
from functools import lru_cache

import msgspec

from ledger.audit.resuming import Carried
from ledger.finding import BrokenError
from ledger.instants import parse_instant
from ledger.key_state import KeyRecord, KeyState, KeyStateError
from ledger.reading.bundle import PublicKeys, Summary
from ledger.reading.words import key_state
from ledger.tiles import TILE_WIDTH

_IN_MEMORY = 16_384
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeyRecord).decode


class KeyRecords(MutableMapping[str, KeyRecord]):
    """Records by key identifier in a SQLite file, those last used in memory as well."""

    def __init__(self, state: sqlite3.Connection) -> None:
        """`state` is an open transaction."""
        self._state = state
        self._used: OrderedDict[str, KeyRecord] = OrderedDict()
        state.execute("CREATE TABLE IF NOT EXISTS key (id TEXT PRIMARY KEY, record BLOB) WITHOUT ROWID")

    def __getitem__(self, key: str) -> KeyRecord:
        found = self._used.get(key)
        if found is not None:
            return found
        row = self._state.execute("SELECT record FROM key WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        return self._use(key, _decode(row[0]))

    def __setitem__(self, key: str, record: KeyRecord) -> None:
        self._state.execute("INSERT OR REPLACE INTO key VALUES (?, ?)", (key, _encode(record)))
        self._use(key, record)

    def __delitem__(self, key: str) -> None:
        self._used.pop(key, None)
        if not self._state.execute("DELETE FROM key WHERE id = ?", (key,)).rowcount:
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        for row in self._state.execute("SELECT id FROM key ORDER BY id"):
            yield row[0]

    def __len__(self) -> int:
        found: int = self._state.execute("SELECT count(*) FROM key").fetchone()[0]
        return found

    def _use(self, key: str, record: KeyRecord) -> KeyRecord:
        self._used[key] = record
        if len(self._used) > _IN_MEMORY:
            self._used.popitem(last=False)
        return record


@lru_cache(maxsize=1024)
def _instant(text: str) -> datetime:
    return parse_instant(text)


class KeyChecker:
    """The keys after the bundles seen so far."""

    def __init__(self, state: sqlite3.Connection, carried: Carried | None = None) -> None:
        """`state` is an open transaction, which has the keys of what is carried."""
        records = KeyRecords(state)
        self._keys = KeyState(records, carried.clerk, carried.recovering) if carried else KeyState(records)

    @property
    def clerk(self) -> str:
        """See `KeyState.clerk`."""
        return self._keys.clerk

    @property
    def recovering(self) -> dict[str, tuple[str, ...]]:
        """See `KeyState.recovering`."""
        return dict(self._keys.recovering)

    def check(self, summary: Summary, count: int) -> tuple[PublicKeys, BrokenError | None]:
        """The keys that must have signed the first `count` entries, up to the first that is not signed as it must be."""
        places: dict[bytes, int] = {}
        lasting: dict[int, tuple[int, ...]] = {}
        """What was found for signers whose keys have no end: it stays so until an entry changes keys."""
        found = PublicKeys(summary.index, [], [])
        start = summary.index * TILE_WIDTH
        for number, (place, text) in enumerate(zip(summary.signed[:count], summary.times, strict=False)):
            if place in lasting:
                found.wanted.append(lasting[place])
                continue
            signer, time = summary.signers[place], _instant(text)
            try:
                records = self._keys.check(start + number, time, signer.signing)
            except KeyStateError as error:
                return found, key_state(start + number, error.code, error.words_en, error.words_zh)
            self._keys.apply(time, signer.own, signer.signing)
            wanted = []
            for record in records:
                at = places.setdefault(record.public, len(found.keys))
                if at == len(found.keys):
                    found.keys.append((record.algorithm, record.public))
                wanted.append(at)
            found.wanted.append(tuple(wanted))
            if signer.own or signer.changes_keys:
                lasting.clear()
            elif all(record.ended is None for record in records):
                lasting[place] = found.wanted[-1]
        return found, None
