"""Tiles and entry bundles: the immutable files through which anybody reads the log. Pure.

    tile/<L>/<N>[.p/<W>]         256 (or W) hashes of 32 bytes, concatenated: hash i of tile (L, N) is the root over
                                 the entries [(N·256+i)·256^L, (N·256+i+1)·256^L)
    tile/entries/<N>[.p/<W>]     up to 256 times u16 length ‖ entry, each entry hashing to its slot of tile (0, N)

N stands in groups of three digits, all but the last with an `x` in front: 1234067 is `x001/x234/067`. `.p/<W>` marks
a partial file of W = 1..255 items, which a later size replaces by the full one.

Source: https://c2sp.org/tlog-tiles.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ledger.errors import FormatError
from ledger.merkle import HASH_BYTES, root

TILE_HEIGHT = 8
TILE_WIDTH = 256
MAX_ENTRY_BYTES = 65_535

_MAX_LEVEL = 63
_MAX_INDEX = (1 << 63) // TILE_WIDTH  # a log has fewer than 2^63 entries
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")


def _check_place(index: int, width: int) -> None:
    if not 0 <= index < _MAX_INDEX:
        raise FormatError(f"{index} is not the index of a tile")
    if not 1 <= width <= TILE_WIDTH:
        raise FormatError(f"a tile has 1 to {TILE_WIDTH} items, not {width}")


def _format_place(index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """`width` hashes that stand side by side; 256 for a full tile.

    Raises:
        FormatError: level outside 0..63, width outside 1..256, or an index that no log reaches.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= _MAX_LEVEL:
            raise FormatError(f"tiles have levels 0 to {_MAX_LEVEL}, not {self.level}")
        _check_place(self.index, self.width)

    @property
    def path(self) -> str:
        """Where the tile is served, below the log's address. Inverse of `parse_tile_path`."""
        return f"tile/{self.level}/{_format_place(self.index, self.width)}"


@dataclass(frozen=True, slots=True, order=True)
class Bundle:
    """`width` entries that stand side by side; 256 for a full bundle.

    Raises:
        FormatError: width outside 1..256, or an index that no log reaches.
    """

    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _check_place(self.index, self.width)

    @property
    def path(self) -> str:
        """Where the bundle is served, below the log's address. Inverse of `parse_tile_path`."""
        return f"tile/entries/{_format_place(self.index, self.width)}"


def parse_tile_path(path: str) -> Tile | Bundle:
    """Inverse of `Tile.path` and `Bundle.path`.

    Raises:
        FormatError: any other text, including other spellings of a number.
    """
    if not (match := _PATH.fullmatch(path)):
        raise FormatError("not the path of a tile")
    kind, place, partial = match.groups()
    index = int(place.replace("x", "").replace("/", ""))
    width = int(partial) if partial else TILE_WIDTH
    found = Bundle(index, width) if kind == "entries" else Tile(int(kind), index, width)
    if found.path != path:
        raise FormatError("the path of a tile is not in its canonical form")
    return found


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes tile (level, index) has in a log of `size` entries; 0 if there is no such tile."""
    hashes = size >> (TILE_HEIGHT * level)
    return min(TILE_WIDTH, max(0, hashes - index * TILE_WIDTH))


def implying_sizes(file: Tile | Bundle) -> tuple[int, int]:
    """The sizes [start, stop) of a log that imply the file: any of them has it among its files.

    A full file is implied from the size on that fills it; a partial one by those sizes only at which it is the last of
    its level and has just this width.
    """
    level = file.level if isinstance(file, Tile) else 0
    start = (file.index * TILE_WIDTH + file.width) << (TILE_HEIGHT * level)
    stop = 1 << 63 if file.width == TILE_WIDTH else start + (1 << (TILE_HEIGHT * level))
    return min(start, 1 << 63), min(stop, 1 << 63)


def _grown(level: int, old_size: int, new_size: int) -> Iterable[tuple[int, int]]:
    """(index, width) of the tiles at this level that differ between the sizes."""
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a log does not grow from {old_size} to {new_size}")
    old, new = old_size >> (TILE_HEIGHT * level), new_size >> (TILE_HEIGHT * level)
    if old == new:
        return
    for index in range(old // TILE_WIDTH, new // TILE_WIDTH):
        yield index, TILE_WIDTH
    if new % TILE_WIDTH:
        yield new // TILE_WIDTH, new % TILE_WIDTH


def tiles_for_growth(old_size: int, new_size: int) -> list[Tile]:
    """The tiles that a log of `new_size` implies and one of `old_size` does not, lowest level first."""
    found = []
    level = 0
    while new_size >> (TILE_HEIGHT * level) > 0:
        found += [Tile(level, index, width) for index, width in _grown(level, old_size, new_size)]
        level += 1
    return found


def bundles_for_growth(old_size: int, new_size: int) -> list[Bundle]:
    """The bundles that a log of `new_size` implies and one of `old_size` does not."""
    return [Bundle(index, width) for index, width in _grown(0, old_size, new_size)]


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """The bytes of a bundle with these entries.

    Raises:
        FormatError: no entry, more than 256, or one of more than 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise FormatError(f"an entry has at most {MAX_ENTRY_BYTES} bytes, not {len(entry)}")
        parts += (len(entry).to_bytes(2, "big"), entry)
    if not 1 <= len(parts) // 2 <= TILE_WIDTH:
        raise FormatError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(parts) // 2}")
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """Inverse of `encode_bundle`.

    Raises:
        FormatError: the bytes end inside an entry, or there is none, or more than 256.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise FormatError("the bundle ends inside an entry")
        entries.append(data[start:at])
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise FormatError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(entries)}")
    return entries


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile.

    Raises:
        FormatError: not 1 to 256 hashes of 32 bytes.
    """
    if not data or len(data) % HASH_BYTES or len(data) > TILE_WIDTH * HASH_BYTES:
        raise FormatError(f"a tile is 1 to {TILE_WIDTH} hashes of {HASH_BYTES} bytes, not {len(data)} bytes")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def node_in_tile(data: bytes, level_in_tile: int, index_in_level: int) -> bytes:
    """The root over the tile's hashes [index·2^level, (index+1)·2^level), with level 0 to 8 and 0 being the hashes.

    In a tile of level L this is the node (8·L + level, (256·N >> level) + index) of the whole tree.

    Raises:
        FormatError: the bytes are not a tile, or the tile has not all of these hashes.
    """
    if not 0 <= level_in_tile <= TILE_HEIGHT or index_in_level < 0:
        raise FormatError(f"a tile has no node ({level_in_tile}, {index_in_level})")
    start, end = index_in_level << level_in_tile, (index_in_level + 1) << level_in_tile
    hashes = split_hashes(data)
    if end > len(hashes):
        raise FormatError(f"a tile of {len(hashes)} hashes has no node ({level_in_tile}, {index_in_level})")
    return root(hashes[start:end])
