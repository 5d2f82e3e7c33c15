"""Whether the higher hash tiles of a log are what its entries add up to, and the roots at the sizes of what was kept.

Bundles are added in order; their leaf hashes were compared with the tiles of level 0 already. Every tile of a higher
level is read once and compared. At most 255 hashes a level are held.
"""

from collections.abc import Iterable, Sequence

from ledger.audit.resuming import Carried
from ledger.merkle import RightEdge, node_hash, root
from ledger.reading.words import wrong_tile
from ledger.sources import LogSource
from ledger.tiles import TILE_WIDTH, Tile, split_hashes


class TreeChecker:
    """The tree over the bundles added so far.

    `roots` holds the root at each of the sizes asked for, `kept` the leaf hash at each of the indexes asked for, as far
    as the log has been read.
    """

    def __init__(
        self, source: LogSource, sizes: Iterable[int], indexes: Iterable[int], carried: Carried | None = None
    ) -> None:
        self.size = carried.size if carried else 0
        self.roots = dict.fromkeys(sizes, RightEdge().root())
        self.kept = dict.fromkeys(indexes, b"")
        self._sizes, self._indexes = _by_bundle(self.roots, 1), _by_bundle(self.kept, 0)
        self._source = source
        self._bundles = RightEdge(self.size // TILE_WIDTH, carried.bundles) if carried else RightEdge()
        """Over the roots of full bundles: a tree of 256 leaves each is one of these."""
        self._open: list[bytes] = []
        """Leaf hashes behind the last full bundle."""
        self._hashes = [list(each) for each in carried.hashes] if carried else []
        """Of the open tile of each level from 1 on."""

    @property
    def edge(self) -> tuple[tuple[bytes, ...], tuple[tuple[bytes, ...], ...]]:
        """What has to be carried over behind a full bundle: see `Carried`."""
        return self._bundles.nodes, tuple(tuple(each) for each in self._hashes)

    def root(self) -> bytes:
        """The root over all entries so far."""
        return self._root(self._open)

    def add(self, leaves: bytes, bundle_root: bytes) -> None:
        """The tree has grown by the leaf hashes of a bundle, whose root is given if it is full.

        Raises:
            BrokenError: a tile of a higher level that became full is another one.
            BrokenLogError: it is missing.
        """
        start, hashes = self.size, split_hashes(leaves)
        self.size += len(hashes)
        for size in self._sizes.get(start // TILE_WIDTH, ()):
            if size <= self.size and size < start + TILE_WIDTH:
                self.roots[size] = self._root(hashes[: size - start])
        for index in self._indexes.get(start // TILE_WIDTH, ()):
            if index < self.size:
                self.kept[index] = hashes[index - start]
        if len(hashes) < TILE_WIDTH:
            self._open = hashes
            return
        self._bundles.append(bundle_root)
        if self.size in self.roots:
            self.roots[self.size] = self._root([])
        self._add_hash(1, bundle_root)

    def finish(self) -> None:
        """The partial tiles of the higher levels were compared as well. To be called after the last bundle.

        Raises:
            BrokenError: one of them is another one.
            BrokenLogError: one is missing.
        """
        for level, hashes in enumerate(self._hashes, 1):
            if hashes:
                self._compare(Tile(level, self.size // TILE_WIDTH ** (level + 1), len(hashes)), hashes)

    def _root(self, open_leaves: Sequence[bytes]) -> bytes:
        """Over the full bundles and these leaves behind them."""
        if not open_leaves:
            return self._bundles.root()
        found = root(open_leaves)
        for each in reversed(self._bundles.nodes):
            found = node_hash(each, found)
        return found

    def _add_hash(self, level: int, found: bytes) -> None:
        if level > len(self._hashes):
            self._hashes.append([])
        opened = self._hashes[level - 1]
        opened.append(found)
        if len(opened) < TILE_WIDTH:
            return
        self._hashes[level - 1] = []
        self._compare(Tile(level, self.size // TILE_WIDTH ** (level + 1) - 1), opened)
        self._add_hash(level + 1, root(opened))

    def _compare(self, tile: Tile, hashes: Sequence[bytes]) -> None:
        if self._source.tile(tile) != b"".join(hashes):
            raise wrong_tile(tile)


def _by_bundle(numbers: Iterable[int], first: int) -> dict[int, list[int]]:
    """Numbers by the bundle that they lie in; those of the first entry of a bundle begin with `first`."""
    found: dict[int, list[int]] = {}
    for number in numbers:
        found.setdefault((number - first) // TILE_WIDTH, []).append(number)
    return found
