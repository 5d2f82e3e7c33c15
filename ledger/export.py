"""The log as a tree of static files, which any web server can serve and any verifier of tlog-tiles can read.

    tile/<L>/<N>[.p/<W>]         hash tiles
    tile/entries/<N>[.p/<W>]     entry bundles
    <path>                       documents that belong to the log, such as the rulebooks that it names
    checkpoint                   written last: whatever it implies is there already

A file appears whole or not at all. Tiles, bundles and their partial forms never change once they exist; a later export
into the same directory adds to them.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.checkpoint import Checkpoint, parse_checkpoint
from ledger.errors import BrokenLogError, FormatError
from ledger.note import parse_note
from ledger.sources import DirectorySource, LogSource
from ledger.tiles import TILE_WIDTH, bundles_for_growth, tiles_for_growth

_FILE_MODE = 0o644


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did. `files_written` counts those that were new or changed."""

    size: int
    files_written: int


def _write(path: Path, data: bytes) -> None:
    """`path` holds `data`; who reads it meanwhile sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
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
        self.written = 0

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
        _write(target, data)
        self.written += 1
        return True


def _parse(note: str) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def _check_growth(directory: Path, new: Checkpoint) -> None:
    if not (directory / "checkpoint").is_file():
        return
    old = _parse(DirectorySource(directory).checkpoint())
    if old.origin != new.origin:
        raise BrokenLogError(f"the directory holds the log {old.origin}, not {new.origin}")
    if old.size > new.size:
        raise BrokenLogError(
            f"the directory holds {old.size} entries, the log only {new.size}: the log has lost entries"
        )
    if old.size == new.size and old.root != new.root:
        raise BrokenLogError(f"the directory holds another root of size {old.size}: the log was rewritten")


def export_log(
    source: LogSource,
    directory: Path,
    documents: Mapping[str, bytes] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ExportReport:
    """The directory holds the log up to the source's checkpoint, and `documents` by their paths.

    `on_progress` is called with the number of entries written and to be written. Nothing is verified but that what is
    in the directory already stays true; see `ledger.audit`.

    Raises:
        BrokenLogError: the source lacks a part of the log, or contradicts what was exported before.
        OSError: the directory cannot be written.
    """
    note = source.checkpoint()
    try:
        checkpoint = _parse(note)
        _check_growth(directory, checkpoint)
    except FormatError as error:
        raise BrokenLogError(f"the checkpoint is not a checkpoint: {error}") from error
    tree = _Tree(directory)
    for tile in tiles_for_growth(0, checkpoint.size):
        tree.add(tile.path, source.tile(tile))
    for bundle in bundles_for_growth(0, checkpoint.size):
        tree.add(bundle.path, source.bundle(bundle))
        if on_progress:
            on_progress(bundle.index * TILE_WIDTH + bundle.width, checkpoint.size)
    for path, data in (documents or {}).items():
        tree.put(path, data)
    tree.put("checkpoint", note.encode())
    return ExportReport(checkpoint.size, tree.written)
