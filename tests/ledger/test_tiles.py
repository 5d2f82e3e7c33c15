from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.errors import FormatError
from ledger.tiles import (
    MAX_ENTRY_BYTES,
    Bundle,
    Tile,
    bundles_for_growth,
    decode_bundle,
    encode_bundle,
    implying_sizes,
    node_in_tile,
    parse_tile_path,
    split_hashes,
    tile_width,
    tiles_for_growth,
)
from tests.ledger.support import ENTRIES, LEAVES, Nodes, load

TILES = load("tiles")
MAX_INDEX = 2**55 - 1


def test_tiles_match_vectors() -> None:
    assert sha256(b"".join(LEAVES[:256])).hexdigest() == TILES["tile0_000_sha256"]
    assert sha256(b"".join(LEAVES[256:])).hexdigest() == TILES["tile0_001p44_sha256"]
    assert sha256(encode_bundle(ENTRIES[:256])).hexdigest() == TILES["entries000_sha256"]
    assert sha256(encode_bundle(ENTRIES[256:])).hexdigest() == TILES["entries001p44_sha256"]


def test_hash_of_a_full_tile_stands_in_the_level_above() -> None:
    root = load("tree")["roots"]["256"]
    assert node_in_tile(b"".join(LEAVES[:256]), 8, 0).hex() == root


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 5), "tile/0/005"),
        (Tile(1, 0, 1), "tile/1/000.p/1"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(0, 1234, 56), "tile/0/x001/234.p/56"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Bundle(0), "tile/entries/000"),
        (Bundle(1234067, 7), "tile/entries/x001/x234/067.p/7"),
        (Tile(0, MAX_INDEX), "tile/0/x036/x028/x797/x018/x963/967"),
    ],
)
def test_paths(tile: Tile | Bundle, path: str) -> None:
    assert tile.path == path
    assert parse_tile_path(path) == tile


@given(st.integers(0, 63), st.integers(0, MAX_INDEX), st.integers(1, 256))
def test_paths_round_trip(level: int, index: int, width: int) -> None:
    for tile in (Tile(level, index, width), Bundle(index, width)):
        assert parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile/0/000\n", "tile/0/0", "tile/0/00",
        "tile/0/0000", "tile/00/000", "tile/01/000", "tile/64/000", "tile/-1/000", "tile/8/0/000", "tile/0/x000/001",
        "tile/0/001/234", "tile/0/x001", "tile/0/X001/234", "tile/0/x001/x234", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p/999", "tile/0/000.p/1/", "tile/0/٠٠٠", "tile/0/+00",
        "tile/data/000", "tile/entries/0", "tile/0/x036/x028/x797/x018/x963/968", "checkpoint",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
    ],
)  # fmt: skip
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(FormatError):
        parse_tile_path(path)


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_tiles_that_cannot_be(level: int, index: int, width: int) -> None:
    with pytest.raises(FormatError):
        Tile(level, index, width)


def implied(size: int) -> set[Tile]:
    return {
        Tile(level, index, min(256, (size >> 8 * level) - 256 * index))
        for level in range(3)
        for index in range(-(-(size >> 8 * level) // 256))
    }


def test_tiles_of_seventy_thousand_entries() -> None:
    tiles = tiles_for_growth(0, 70_000)
    assert tiles == [
        *(Tile(0, index) for index in range(273)), Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1),
    ]  # fmt: skip
    assert set(tiles) == implied(70_000)
    assert bundles_for_growth(0, 70_000) == [*(Bundle(index) for index in range(273)), Bundle(273, 112)]


@given(st.integers(0, 70_000), st.integers(0, 1000))
def test_growth_gives_what_the_old_size_does_not_imply(old: int, more: int) -> None:
    tiles = tiles_for_growth(old, old + more)
    assert len(tiles) == len(set(tiles))
    assert set(tiles) == implied(old + more) - implied(old)
    assert bundles_for_growth(old, old + more) == [Bundle(tile.index, tile.width) for tile in tiles if not tile.level]
    assert all(tile_width(tile.level, tile.index, old + more) == tile.width for tile in tiles)


@given(st.integers(0, 140_000), st.integers(0, 2), st.data())
def test_a_file_is_implied_by_the_sizes_that_have_it(size: int, level: int, data: st.DataObject) -> None:
    hashes = size >> 8 * level
    index = data.draw(st.integers(max(0, hashes // 256 - 1), hashes // 256))
    width = data.draw(st.sampled_from([256, hashes % 256 or 1]) | st.integers(1, 256))
    start, stop = implying_sizes(Tile(level, index, width))
    assert (Tile(level, index, width) in implied(size)) == (start <= size < stop)
    for edge in (start - 1, start, stop - 1, stop):
        if 0 <= edge < 70_000_000:
            assert (tile_width(level, index, edge) == width) == (start <= edge < stop)


def test_a_bundle_is_implied_with_its_tile() -> None:
    for width in (1, 255, 256):
        assert implying_sizes(Bundle(7, width)) == implying_sizes(Tile(0, 7, width))
    assert implying_sizes(Tile(63, 0, 1)) == (1 << 63, 1 << 63), "no log is so large"


def test_logs_do_not_shrink() -> None:
    for grow in (tiles_for_growth, bundles_for_growth):
        with pytest.raises(ValueError):
            grow(2, 1)


@pytest.mark.parametrize(
    ("level", "index", "size", "width"),
    [
        (0, 0, 0, 0), (0, 0, 1, 1), (0, 0, 256, 256), (0, 1, 256, 0), (0, 1, 300, 44), (1, 0, 255, 0), (1, 0, 300, 1),
        (0, 5, 300, 0), (63, 0, 2**62, 0), (7, 0, 2**62, 64),
    ],
)  # fmt: skip
def test_widths(level: int, index: int, size: int, width: int) -> None:
    assert tile_width(level, index, size) == width


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=9), st.data())
def test_cut_bundles_never_yield_all_entries(entries: list[bytes], data: st.DataObject) -> None:
    encoded = encode_bundle(entries)
    cut = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    try:
        found = decode_bundle(cut)
    except FormatError:
        return
    assert found == entries[: len(found)]
    assert encode_bundle(found) == cut


def test_bounds_of_bundles() -> None:
    longest = bytes(MAX_ENTRY_BYTES)
    assert decode_bundle(encode_bundle([longest] * 256)) == [longest] * 256
    for entries in ([], [longest + b"\x00"], [b""] * 257):
        with pytest.raises(FormatError):
            encode_bundle(entries)
    for data in (b"", b"\x00", b"\x00\x01", b"\x00\x00\x00", b"\x00\x00" * 257):
        with pytest.raises(FormatError):
            decode_bundle(data)


@pytest.mark.parametrize("width", [1, 2, 44, 255, 256])
def test_every_node_in_a_tile(width: int) -> None:
    data = b"".join(LEAVES[:width])
    assert split_hashes(data) == LEAVES[:width]
    nodes = Nodes(LEAVES[:256])
    for level in range(9):
        for index in range(width >> level):
            assert node_in_tile(data, level, index) == nodes(level, index)
        with pytest.raises(FormatError):
            node_in_tile(data, level, width >> level)


@pytest.mark.parametrize(("level", "index"), [(-1, 0), (9, 0), (0, -1)])
def test_nodes_outside_a_tile(level: int, index: int) -> None:
    with pytest.raises(FormatError):
        node_in_tile(b"".join(LEAVES[:256]), level, index)


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), bytes(257 * 32)])
def test_what_is_no_tile(data: bytes) -> None:
    with pytest.raises(FormatError):
        split_hashes(data)


@given(st.integers(1, 300), st.data())
def test_tiles_serve_every_proof(size: int, data: st.DataObject) -> None:
    """A node reader that knows nothing but level-0 and level-1 tiles."""
    stored = {(0, index): b"".join(LEAVES[index * 256 : min(size, index * 256 + 256)]) for index in range(2)}
    if size >= 256:
        stored[1, 0] = node_in_tile(stored[0, 0], 8, 0)

    def node(level: int, index: int) -> bytes:
        tile_level, rest = divmod(level, 8)
        per_tile = 256 >> rest
        return node_in_tile(stored[tile_level, index // per_tile], rest, index % per_tile)

    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(index, size, node)
    merkle.verify_inclusion(LEAVES[index], index, size, path, merkle.root(LEAVES[:size]))
