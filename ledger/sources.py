"""Where a reader of the whole log gets it from: an exported tree, an address, or the storage itself.

All three answer the files of tlog-tiles: the checkpoint's note, hash tiles and entry bundles. Nothing that they answer
is trusted; the audit compares it. A partial file may be gone once the full one exists, so a reader falls back to the
full one and cuts it. Source: https://c2sp.org/tlog-tiles.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import httpx

from ledger.errors import BrokenLogError, FormatError
from ledger.merkle import HASH_BYTES, NodeReader
from ledger.storage import LogStorage
from ledger.tiles import (
    MAX_ENTRY_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Bundle,
    Tile,
    decode_bundle,
    encode_bundle,
    node_in_tile,
    tile_width,
)

MAX_CHECKPOINT_BYTES = 1 << 20
MAX_TILE_BYTES = TILE_WIDTH * HASH_BYTES
MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)
MAX_DOCUMENT_BYTES = 16 << 20
_TIMEOUT_S = 30.0

Tx = TypeVar("Tx")


class LogSource(Protocol):
    """A log to be read. Widths are exact: a tile of width 5 is answered with five hashes."""

    def checkpoint(self) -> str:
        """The note of the newest checkpoint.

        Raises:
            BrokenLogError: there is none, or it cannot be read.
        """
        ...

    def tile(self, tile: Tile) -> bytes:
        """The hashes of a tile.

        Raises:
            BrokenLogError: it is missing or cannot be read.
        """
        ...

    def bundle(self, bundle: Bundle) -> bytes:
        """The entries of a bundle, encoded; fewer than its width where the log has lost some.

        Raises:
            BrokenLogError: it is missing or cannot be read.
        """
        ...

    def document(self, path: str) -> bytes | None:
        """The file that is published beside the log under `path`; None where there is none."""
        ...


def _cut_bundle(data: bytes, width: int) -> bytes:
    try:
        return encode_bundle(decode_bundle(data)[:width])
    except FormatError:
        return data  # the reader will say what is wrong with it


def _is_inside(path: str) -> bool:
    """Whether a document's path stays below the log's address."""
    return all(part not in ("", ".", "..") for part in path.split("/")) and "\\" not in path and ":" not in path


def source_reader(source: LogSource, size: int) -> NodeReader:
    """Reads complete subtrees from the tiles of a source of `size` entries. Nothing of them is verified.

    Raises:
        BrokenLogError: a tile is missing or has not all its hashes.
    """
    tiles: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, inner = divmod(level, TILE_HEIGHT)
        key = (tile_level, (index << inner) // TILE_WIDTH)
        if key not in tiles:
            tiles[key] = source.tile(Tile(*key, tile_width(*key, size)))
        try:
            return node_in_tile(tiles[key], inner, index - (key[1] * TILE_WIDTH >> inner))
        except FormatError as error:
            raise BrokenLogError(f"tile {key} cannot be used: {error}") from error

    return node


class _Files(ABC):
    """Tiles and bundles from files that are read by their path; None means that there is no such file."""

    @abstractmethod
    def _read(self, path: str, limit: int) -> bytes | None:
        """The file, of at most `limit` bytes."""

    def checkpoint(self) -> str:
        data = self._read("checkpoint", MAX_CHECKPOINT_BYTES)
        if data is None:
            raise BrokenLogError("there is no file `checkpoint`")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise BrokenLogError("the checkpoint is not UTF-8") from error

    def tile(self, tile: Tile) -> bytes:
        data = self._read(tile.path, MAX_TILE_BYTES)
        if data is None and tile.width < TILE_WIDTH:
            data = self._read(Tile(tile.level, tile.index).path, MAX_TILE_BYTES)
            data = data and data[: tile.width * HASH_BYTES]
        if data is None:
            raise BrokenLogError(f"the file {tile.path} is missing")
        return data

    def bundle(self, bundle: Bundle) -> bytes:
        data = self._read(bundle.path, MAX_BUNDLE_BYTES)
        if data is None and bundle.width < TILE_WIDTH:
            data = self._read(Bundle(bundle.index).path, MAX_BUNDLE_BYTES)
            data = data and _cut_bundle(data, bundle.width)
        if data is None:
            raise BrokenLogError(f"the file {bundle.path} is missing")
        return data

    def document(self, path: str) -> bytes | None:
        return self._read(path, MAX_DOCUMENT_BYTES) if _is_inside(path) else None


class DirectorySource(_Files):
    """An exported tree. See `ledger.export`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _read(self, path: str, limit: int) -> bytes | None:
        try:
            with (self._directory / path).open("rb") as file:
                data = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise BrokenLogError(f"the file {path} cannot be read: {error.strerror}") from error
        if len(data) > limit:
            raise BrokenLogError(f"the file {path} has more than {limit} bytes")
        return data


class UrlSource(_Files):
    """A log that is served over HTTP. Redirects are not followed; answers are read up to the size that can be right."""

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        """`url` is the log's address, to which the paths of tlog-tiles are added. `client` stays the caller's."""
        self._url = url.rstrip("/")
        self._is_own = client is None
        self._client = client or httpx.Client(timeout=_TIMEOUT_S)

    def _read(self, path: str, limit: int) -> bytes | None:
        headers = {"Accept-Encoding": "gzip, identity"}
        try:
            with self._client.stream("GET", f"{self._url}/{path}", headers=headers) as answer:
                if answer.status_code in (404, 410):
                    return None
                if answer.status_code != httpx.codes.OK:
                    raise BrokenLogError(f"{self._url}/{path} answers {answer.status_code}")
                data = bytearray()
                for part in answer.iter_bytes():
                    data += part
                    if len(data) > limit:
                        raise BrokenLogError(f"{self._url}/{path} answers more than {limit} bytes")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise BrokenLogError(f"{self._url}/{path} cannot be read: {error}") from error
        return bytes(data)

    def close(self) -> None:
        """Releases connections, unless the client came from outside."""
        if self._is_own:
            self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class StorageSource(Generic[Tx]):
    """The log behind a storage, as one transaction sees it. Bundles and partial tiles are composed from rows."""

    def __init__(
        self, storage: LogStorage[Tx], tx: Tx, documents: Callable[[str], bytes | None] = lambda _path: None, *,
        compares: bool = True,
    ) -> None:  # fmt: skip
        """`compares`: whether a level-0 tile must be both as it is kept and as the rows have it; slower."""
        self._storage = storage
        self._compares = compares
        self._tx = tx
        self._documents = documents

    def checkpoint(self) -> str:
        row = self._storage.checkpoint(self._tx)
        if row is None:
            raise BrokenLogError("the log has signed no checkpoint")
        return row.note

    def tile(self, tile: Tile) -> bytes:
        kept = self._storage.tile(self._tx, tile.level, tile.index)[: tile.width * HASH_BYTES]
        if tile.level == 0 and (self._compares or not kept):
            start = tile.index * TILE_WIDTH
            leaves = b"".join(self._storage.leaves(self._tx, start, start + tile.width))
            if kept and kept != leaves:
                raise BrokenLogError(f"the leaf hashes from {start} on differ from the tile that is kept of them")
            kept = leaves
        if len(kept) != tile.width * HASH_BYTES:
            raise BrokenLogError(f"{tile.path} has {len(kept) // HASH_BYTES} of {tile.width} hashes")
        return kept

    def bundle(self, bundle: Bundle) -> bytes:
        start = bundle.index * TILE_WIDTH
        rows = self._storage.entries(self._tx, start, start + bundle.width)
        if not rows:
            raise BrokenLogError(f"the entries from {start} on are missing")
        for position, row in enumerate(rows, start):
            if row.position != position:
                raise BrokenLogError(f"entry {position} is missing")
        return encode_bundle(row.data for row in rows)

    def document(self, path: str) -> bytes | None:
        return self._documents(path)
