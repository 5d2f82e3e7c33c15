"""Whether the hash tiles of a log are what its entries add up to. The memory of an audit beside `ledger.chain`.

Bundles are opened in order; every tile of every level is read once and compared with the hashes computed from the
entries. At most 255 hashes a level are held.
"""

from collections.abc import Iterable, Sequence

from ledger.errors import FormatError
from ledger.finding import BrokenError, broken
from ledger.merkle import HASH_BYTES, RightEdge, leaf_hash, root
from ledger.sources import LogSource
from ledger.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, decode_bundle


class TreeChecker:
    """The tree over the bundles closed so far.

    `roots` holds the root at each of the sizes asked for, `kept` the leaf hash at each of the indexes asked for, as far
    as the log has been read. `leaves` are those of the open bundle.
    """

    def __init__(self, source: LogSource, sizes: Iterable[int], indexes: Iterable[int]) -> None:
        self.edge = RightEdge()
        self.roots = dict.fromkeys(sizes, self.edge.root())
        self.kept = dict.fromkeys(indexes, b"")
        self.leaves: Sequence[bytes] = ()
        self._source = source
        self._open_tiles: list[list[bytes]] = []
        self._bundle = Bundle(0)
        self._tile = b""

    def open_bundle(self, bundle: Bundle) -> list[bytes]:
        """The entries of the bundle; `leaves` are their hashes.

        Raises:
            BrokenError: it is none, or holds more than it may.
            BrokenLogError: it or its tile is missing.
        """
        start = bundle.index * TILE_WIDTH
        datas = _decode(self._source.bundle(bundle), bundle, start)
        self._bundle = bundle
        self._tile = self._source.tile(Tile(0, bundle.index, bundle.width))
        self.leaves = [leaf_hash(data) for data in datas]
        return datas

    def check_leaf(self, number: int) -> None:
        """Returns if the tile holds the hash of the entry that is `number` in the open bundle.

        Raises:
            BrokenError: it does not.
        """
        if self._tile[number * HASH_BYTES : (number + 1) * HASH_BYTES] != self.leaves[number]:
            position = self._bundle.index * TILE_WIDTH + number
            raise broken(
                position,
                "entry_changed",
                f"The bytes of entry {position} were changed: their hash is not the one that the tree holds for it.",
                f"第 {position} 条的字节被改动：其哈希与树中所存不符。",
            )

    def close_bundle(self) -> None:
        """The tree has grown by the open bundle; tiles that became full were compared.

        Raises:
            BrokenError: the bundle is shorter than it should be, or a tile is another one.
        """
        bundle = self._bundle
        if len(self.leaves) != bundle.width:
            raise _truncated(bundle, bundle.index * TILE_WIDTH + len(self.leaves))
        if self._tile != b"".join(self.leaves):
            raise _wrong_tile(Tile(0, bundle.index, bundle.width))
        for leaf in self.leaves:
            if self.edge.size in self.kept:
                self.kept[self.edge.size] = leaf
            self.edge.append(leaf)
            if self.edge.size in self.roots:
                self.roots[self.edge.size] = self.edge.root()
        self._add_hashes(0, self.leaves)

    def finish(self) -> None:
        """The partial tiles of the higher levels were compared as well. To be called after the last bundle.

        Raises:
            BrokenError: one of them is another one.
            BrokenLogError: one is missing.
        """
        for level, hashes in enumerate(self._open_tiles):
            if level and hashes:
                self._compare(Tile(level, self.edge.size // TILE_WIDTH ** (level + 1), len(hashes)), hashes)

    def _add_hashes(self, level: int, hashes: Sequence[bytes]) -> None:
        if level == len(self._open_tiles):
            self._open_tiles.append([])
        opened = self._open_tiles[level]
        opened += hashes
        if len(opened) < TILE_WIDTH:
            return
        self._open_tiles[level] = []
        if level:
            self._compare(Tile(level, self.edge.size // TILE_WIDTH ** (level + 1) - 1), opened)
        self._add_hashes(level + 1, [root(opened)])

    def _compare(self, tile: Tile, hashes: Sequence[bytes]) -> None:
        if self._source.tile(tile) != b"".join(hashes):
            raise _wrong_tile(tile)


def _decode(data: bytes, bundle: Bundle, start: int) -> list[bytes]:
    try:
        datas = decode_bundle(data)
    except FormatError as error:
        raise broken(
            start,
            "bundle_truncated",
            f"The bundle {bundle.path}, from entry {start} on, is cut off or no bundle: {error}.",
            f"自第 {start} 条起的分录包 {bundle.path} 被截断或已损坏：{error}。",
        ) from error
    if len(datas) > bundle.width:
        raise broken(
            start + bundle.width,
            "bundle_too_long",
            f"The bundle {bundle.path} has {len(datas)} entries, {len(datas) - bundle.width} more than the log.",
            f"分录包 {bundle.path} 有 {len(datas)} 条，比账本多 {len(datas) - bundle.width} 条。",
        )
    return datas


def _truncated(bundle: Bundle, position: int) -> BrokenError:
    return broken(
        position,
        "bundle_truncated",
        f"Entry {position} is missing: the bundle {bundle.path} ends before it, the signed checkpoint counts it.",
        f"缺少第 {position} 条：分录包 {bundle.path} 在其之前结束，而签名的检查点将其计入。",
    )


def _wrong_tile(tile: Tile) -> BrokenError:
    position = (tile.index * TILE_WIDTH) << (TILE_HEIGHT * tile.level)
    return broken(
        position,
        "tile_changed",
        f"The hash tile {tile.path} was changed: it is not what the entries below it, from entry {position} on, add up "
        "to.",
        f"哈希瓦片 {tile.path} 被改动：与其下自第 {position} 条起的分录计算所得不符。",
    )
