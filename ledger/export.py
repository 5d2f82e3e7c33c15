"""The log as a tree of static files, which any web server can serve and any verifier of tlog-tiles can read.

    tile/<L>/<N>[.p/<W>]         hash tiles
    tile/entries/<N>[.p/<W>]     entry bundles
    <path>                       documents that belong to the log, such as the rulebooks that it names
    checkpoint                   written last: whatever it implies is there already

A file appears whole or not at all, and what an export was ended in the middle of the next one takes up. Tiles, bundles
and their partial forms never change once they exist; a later export into the same directory adds to them and reads
nothing of the log that the directory has: the root at the old checkpoint is computed from the log's tiles of today, and
must be the one in the directory. Then the hashes are the same, and of the files that the old checkpoint implies it is
enough that they are there: tiles in their full length, bundles with anything in them. Whether their bytes are still
those that were written only a comparison of all tells (`verifies`), as does an audit of the directory.

The partial files are those of the checkpoints that were exported, which are the ones that the tree ever showed.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.errors import BrokenLogError, FormatError
from ledger.merkle import HASH_BYTES, NodeReader, root_at
from ledger.note import parse_note
from ledger.sources import DirectorySource, LogSource
from ledger.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Bundle,
    Tile,
    bundles_for_growth,
    implying_sizes,
    node_in_tile,
    tile_width,
    tiles_for_growth,
)

_FILE_MODE = 0o644
_UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did. `files_written` counts those that were new or changed."""

    size: int
    files_written: int


def _write(path: Path, data: bytes, beside: Path) -> None:
    """`path` holds `data`; who reads it meanwhile sees the old file or the new one. `beside`: where it is unfinished."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=beside, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), _FILE_MODE)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class _Tree:
    """The directory, and how many of its files were written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._unfinished = directory / _UNFINISHED
        self.written = 0
        self.clear()

    def clear(self) -> None:
        """What an export that was killed left unfinished is gone."""
        shutil.rmtree(self._unfinished, ignore_errors=True)

    def add(self, path: str, data: bytes) -> None:
        """The immutable file `path` holds `data`.

        Raises:
            BrokenLogError: it exists and holds something else.
        """
        if self.put(path, data, may_replace=False):
            return
        raise BrokenLogError(
            f"{path} exists and differs from what the log says now: the log was rewritten, or the file"
        )

    def put(self, path: str, data: bytes, *, may_replace: bool = True) -> bool:
        """Whether the file holds `data` now; it does unless it held something else and may not be replaced."""
        target = self._directory / path
        if not target.resolve().is_relative_to(self._directory.resolve()):
            raise BrokenLogError(f"{path} lies outside the directory")
        existing = target.read_bytes() if target.is_file() else None
        if existing == data:
            return True
        if existing is not None and not may_replace:
            return False
        self._unfinished.mkdir(exist_ok=True, parents=True)
        _write(target, data, self._unfinished)
        self.written += 1
        return True

    def has(self, file: Tile | Bundle) -> bool:
        """Whether the file is there and has the length that it must have, as far as that is known."""
        try:
            found = (self._directory / file.path).stat().st_size
        except OSError:
            return False
        return found == file.width * HASH_BYTES if isinstance(file, Tile) else found > 0


def _parse(note: str) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def _old_size(source: LogSource, directory: Path, new: Checkpoint) -> int:
    """The size of the checkpoint in the directory, which the log continues; 0 where there is none.

    Raises:
        BrokenLogError: it is another log's, or the log does not continue it.
    """
    if not (directory / "checkpoint").is_file():
        return 0
    old = _parse(DirectorySource(directory).checkpoint())
    if old.origin != new.origin:
        raise BrokenLogError(f"the directory holds the log {old.origin}, not {new.origin}")
    if old.size > new.size:
        raise BrokenLogError(
            f"the directory holds {old.size} entries, the log only {new.size}: the log has lost entries"
        )
    if root_at(old.size, _node_reader(source, new.size)) != old.root:
        raise BrokenLogError(f"the directory holds another root of size {old.size}: the log was rewritten")
    return old.size


def _node_reader(source: LogSource, size: int) -> NodeReader:
    """Reads complete subtrees of the log from the tiles that it has at `size`."""

    def node(level: int, index: int) -> bytes:
        tile_level, inner = divmod(level, TILE_HEIGHT)
        place, below = divmod(index << inner, TILE_WIDTH)
        tile = Tile(tile_level, place, tile_width(tile_level, place, size))
        return node_in_tile(source.tile(tile), inner, below >> inner)

    return node


def export_log(
    source: LogSource,
    directory: Path,
    documents: Mapping[str, bytes] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    note: str | None = None,
    verifies: bool = False,
) -> ExportReport:
    """The directory holds the log up to a checkpoint, and `documents` by their paths.

    `note` is that checkpoint, the source's newest if none is given. `on_progress` is called with the number of entries
    written and to be written. What is in the directory already must stay true; how much of it is compared is said above,
    with `verifies` it is all. Nothing else is verified; see `ledger.audit`.

    Raises:
        BrokenLogError: the source lacks a part of the log, or contradicts what was exported before.
        OSError: the directory cannot be written.
    """
    note = note if note is not None else source.checkpoint()
    try:
        checkpoint = _parse(note)
        old = _old_size(source, directory, checkpoint)
    except FormatError as error:
        raise BrokenLogError(f"the checkpoint is not a checkpoint: {error}") from error
    tree = _Tree(directory)
    kept = 0 if verifies else old
    for tile in tiles_for_growth(0, checkpoint.size):
        if implying_sizes(tile)[0] > kept or not tree.has(tile):
            tree.add(tile.path, source.tile(tile))
    for bundle in bundles_for_growth(0, checkpoint.size):
        if implying_sizes(bundle)[0] > kept or not tree.has(bundle):
            tree.add(bundle.path, source.bundle(bundle))
        if on_progress:
            on_progress(bundle.index * TILE_WIDTH + bundle.width, checkpoint.size)
    for path, data in (documents or {}).items():
        tree.put(path, data)
    tree.put("checkpoint", note.encode())
    tree.clear()
    return ExportReport(checkpoint.size, tree.written)
