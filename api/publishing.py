"""The files of the log over HTTP: tiles and bundles, as a folder of static files would answer them.

A file is there if and only if a signed size implies it (`ledger.tiles.implying_sizes`): what a checkpoint implied stays,
also when the tile has filled since, and what no checkpoint implies is never shown, however much is stored. Nothing is
stored for it: bundles are composed from rows when they are read. What was read is kept in memory, as much as there is
room for; files never change, so nothing kept is ever wrong. Source: https://c2sp.org/tlog-tiles.
"""

import gzip
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from ledger.errors import BrokenLogError, FormatError
from ledger.sources import StorageSource
from ledger.storage import LogStorage
from ledger.tiles import Bundle, Tile, decode_bundle, implying_sizes, parse_tile_path
from registry.reading import not_found

_KEPT_BYTES = 64 << 20
_LARGEST_SHARE = 8
"""A file larger than this part of the room is not kept: it would push out too many others."""
_GZIP_LEVEL = 1
"""Higher levels save some per cent of a bundle and cost twice the time."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file as it is sent. `tag` stands for just these bytes, so that a compressed form has another."""

    data: bytes
    tag: str
    is_packed: bool = False


def _file(data: bytes, *, is_packed: bool = False) -> LogFile:
    return LogFile(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"', is_packed)


class RecentFiles:
    """The files used last, as many as fit into `room` bytes. May be used from any thread."""

    def __init__(self, room: int = _KEPT_BYTES) -> None:
        self._room = room
        self._used = 0
        self._files: OrderedDict[tuple[str, bool], LogFile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, bool]) -> LogFile | None:
        """The file, if it is kept."""
        with self._lock:
            found = self._files.get(key)
            if found is not None:
                self._files.move_to_end(key)
            return found

    def put(self, key: tuple[str, bool], file: LogFile) -> None:
        """The file is kept until others need the room."""
        if len(file.data) * _LARGEST_SHARE > self._room:
            return
        with self._lock:
            if key in self._files:
                return
            self._files[key] = file
            self._used += len(file.data)
            while self._used > self._room:
                _, oldest = self._files.popitem(last=False)
                self._used -= len(oldest.data)


class LogFiles:
    """The tiles and bundles of one log. May be used from any thread."""

    def __init__(self, engine: Engine, storage: LogStorage[Connection], room: int = _KEPT_BYTES) -> None:
        """`room`: for how many bytes of files in memory; 0 keeps none."""
        self._engine = engine
        self._storage = storage
        self._recent = RecentFiles(room)

    def read(self, path: str, *, packs: bool = False) -> LogFile:
        """The tile or bundle at `path`; a bundle compressed if the caller `packs`.

        Raises:
            RefusedError: NOT_FOUND for a path that no signed checkpoint implies.
            BrokenLogError: a signed checkpoint implies the file, and the database does not have what it is made of.
        """
        try:
            wanted = parse_tile_path(path)
        except FormatError as error:
            raise not_found(path) from error
        packs = packs and isinstance(wanted, Bundle)
        if (found := self._recent.get((path, packs))) is not None:
            return found
        if packs:
            found = _file(gzip.compress(self.read(path).data, _GZIP_LEVEL, mtime=0), is_packed=True)
        else:
            with self._engine.connect() as tx:
                if not self._storage.signed_between(tx, *implying_sizes(wanted)):
                    raise not_found(path)
                found = _file(self._compose(tx, wanted))
        self._recent.put((path, packs), found)
        return found

    def _compose(self, tx: Connection, wanted: Tile | Bundle) -> bytes:
        source = StorageSource(self._storage, tx, compares=False)
        if isinstance(wanted, Tile):
            return source.tile(wanted)
        data = source.bundle(wanted)
        if len(decode_bundle(data)) != wanted.width:
            raise BrokenLogError(f"{wanted.path} was signed, and not all of its entries are there")
        return data
