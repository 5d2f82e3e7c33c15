from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.errors import FormatError, ProofError
from tests.ledger.support import LEAVES, Nodes, flip, load

TREE = load("tree")
HASHES = st.binary(min_size=32, max_size=32)
LEAF_LISTS = st.lists(HASHES, min_size=1, max_size=300)
SMALL = 64
NODES = Nodes(LEAVES)


@cache
def recursive_root(start: int, end: int) -> bytes:
    """The definition of RFC 9162, word for word."""
    if start == end:
        return merkle.EMPTY_ROOT
    if end - start == 1:
        return LEAVES[start]
    k = 1
    while k * 2 < end - start:
        k *= 2
    return merkle.node_hash(recursive_root(start, start + k), recursive_root(start + k, end))


def recursive_inclusion(m: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    k = 1
    while k * 2 < end - start:
        k *= 2
    if m < k:
        return [*recursive_inclusion(m, start, start + k), recursive_root(start + k, end)]
    return [*recursive_inclusion(m - k, start + k, end), recursive_root(start, start + k)]


def recursive_consistency(m: int, start: int, end: int, known: bool) -> list[bytes]:
    if m == end - start:
        return [] if known else [recursive_root(start, end)]
    k = 1
    while k * 2 < end - start:
        k *= 2
    if m <= k:
        return [*recursive_consistency(m, start, start + k, known), recursive_root(start + k, end)]
    return [*recursive_consistency(m - k, start + k, end, False), recursive_root(start, start + k)]


def pair(text: str) -> tuple[int, int]:
    first, second = text.split("/")
    return int(first), int(second)


@pytest.mark.parametrize(("size", "expected"), [(int(size), found) for size, found in TREE["roots"].items()])
def test_root_matches_vectors(size: int, expected: str) -> None:
    assert merkle.root(LEAVES[:size]).hex() == expected
    assert merkle.root_at(size, Nodes(LEAVES[:size])).hex() == expected
    assert merkle.RightEdge.at(size, Nodes(LEAVES[:size])).root().hex() == expected


@pytest.mark.parametrize(("place", "expected"), TREE["incl"].items())
def test_inclusion_path_matches_vectors(place: str, expected: list[str]) -> None:
    index, size = pair(place)
    path = merkle.inclusion_path(index, size, NODES)
    assert [each.hex() for each in path] == expected
    merkle.verify_inclusion(LEAVES[index], index, size, path, merkle.root(LEAVES[:size]))


@pytest.mark.parametrize(("sizes", "expected"), TREE["cons"].items())
def test_consistency_path_matches_vectors(sizes: str, expected: list[str]) -> None:
    old, new = pair(sizes)
    path = merkle.consistency_path(old, new, NODES)
    assert [each.hex() for each in path] == expected
    merkle.verify_consistency(old, new, merkle.root(LEAVES[:old]), merkle.root(LEAVES[:new]), path)


def test_hashes_are_separated_by_kind() -> None:
    left, right = LEAVES[:2]
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def holds(verify: Callable[..., None], *claim: Any) -> bool:
    try:
        verify(*claim)
    except ProofError:
        return False
    return True


def damages(path: list[bytes]) -> Iterator[list[bytes]]:
    """Every path that has a hash less, more, changed, cut, longer or in another place."""
    for at in range(len(path) + 1):
        yield [*path[:at], LEAVES[-1], *path[at:]]
    for at, each in enumerate(path):
        yield path[:at] + path[at + 1 :]
        for other in (flip(each, at), flip(each, 255), each[:31], each + b"\x00", b"", bytes(32)):
            yield [*path[:at], other, *path[at + 1 :]]
        yield [*path[:at], each, each, *path[at + 1 :]]
    for at in range(len(path) - 1):
        yield [*path[:at], path[at + 1], path[at], *path[at + 2 :]]
        yield [*path[:at], path[at] + path[at + 1], *path[at + 2 :]]


@pytest.mark.parametrize("size", range(SMALL + 1))
def test_every_leaf_of_every_small_tree(size: int) -> None:
    root = merkle.root(LEAVES[:size])
    assert root == merkle.root_at(size, NODES) == recursive_root(0, size)
    for index in range(size):
        path = merkle.inclusion_path(index, size, NODES)
        assert path == recursive_inclusion(index, 0, size)
        merkle.verify_inclusion(LEAVES[index], index, size, path, root)
        for other in range(-1, size + 2):
            assert other == index or not holds(merkle.verify_inclusion, LEAVES[index], other, size, path, root)
        for damaged in damages(path):
            assert not holds(merkle.verify_inclusion, LEAVES[index], index, size, damaged, root)
        for leaf, head in ((flip(LEAVES[index]), root), (LEAVES[index], flip(root)), (LEAVES[index], root[:31])):
            assert not holds(merkle.verify_inclusion, leaf, index, size, path, head)


@pytest.mark.parametrize("size", range(1, SMALL + 1))
def test_a_path_in_a_tree_of_another_size(size: int) -> None:
    """What holds under another size has the same shape there, and then the size is bound by the checkpoint alone."""
    root = merkle.root(LEAVES[:size])
    for index in range(size):
        path = merkle.inclusion_path(index, size, NODES)
        for other in range(SMALL + 1):
            if holds(merkle.verify_inclusion, LEAVES[index], index, other, path, root):
                assert steps(index, other) == steps(index, size)


def steps(index: int, size: int) -> list[bool]:
    """On which side the sibling stands, from the leaf up: the recursion of RFC 9162 without its hashes."""
    if not 0 <= index < size or size == 1:
        return []
    k = 1 << ((size - 1).bit_length() - 1)
    return [*steps(index, k), False] if index < k else [*steps(index - k, size - k), True]


@pytest.mark.parametrize("new", range(1, SMALL + 1))
def test_every_growth_of_small_trees(new: int) -> None:
    new_root = recursive_root(0, new)
    for old in range(1, new + 1):
        old_root = recursive_root(0, old)
        path = merkle.consistency_path(old, new, NODES)
        assert path == recursive_consistency(old, 0, new, True)
        merkle.verify_consistency(old, new, old_root, new_root, path)
        for other in range(-1, new + 2):
            assert other == old or not holds(merkle.verify_consistency, other, new, old_root, new_root, path)
        for damaged in damages(path):
            assert not holds(merkle.verify_consistency, old, new, old_root, new_root, damaged)
        for one, two in ((flip(old_root), new_root), (old_root, flip(new_root)), (old_root[:31], new_root)):
            assert not holds(merkle.verify_consistency, old, new, one, two, path)
        if old < new:
            assert not holds(merkle.verify_consistency, new, old, new_root, old_root, path)
            assert not holds(merkle.verify_consistency, old, new, old_root, new_root, [])


class MarkedTree:
    """A tree of up to 2^63 - 1 equal leaves but one, which need not be held: a node without that leaf is known by its level."""

    def __init__(self, marked: int) -> None:
        self._marked = marked
        self._plain = [LEAVES[0]]
        self._path = [LEAVES[1]]
        for level in range(63):
            below = self._plain[level]
            is_right = marked >> level & 1
            self._path.append(
                merkle.node_hash(*((below, self._path[level]) if is_right else (self._path[level], below)))
            )
            self._plain.append(merkle.node_hash(below, below))

    def __call__(self, level: int, index: int) -> bytes:
        return (self._path if index == self._marked >> level else self._plain)[level]


BIG = st.one_of(
    st.integers(1, 2**63 - 1),
    st.integers(0, 62).map(lambda bit: 1 << bit),
    st.integers(1, 63).map(lambda bit: (1 << bit) - 1),
)


@given(BIG, st.data())
def test_inclusion_in_trees_of_any_size(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    node = MarkedTree(index)
    root, path = merkle.root_at(size, node), merkle.inclusion_path(index, size, node)
    assert len(path) == len(steps(index, size)) <= 63
    assert root == merkle.RightEdge.at(size, node).root()
    merkle.verify_inclusion(LEAVES[1], index, size, path, root)
    found = LEAVES[1]
    for sibling, is_left in zip(path, steps(index, size), strict=True):
        found = merkle.node_hash(*((sibling, found) if is_left else (found, sibling)))
    assert found == root
    other = data.draw(st.integers(0, size - 1))
    assert other == index or not holds(merkle.verify_inclusion, LEAVES[1], other, size, path, root)
    assert not holds(merkle.verify_inclusion, LEAVES[1], index, size, path[:-1] or [root], root)
    assert not holds(merkle.verify_inclusion, LEAVES[1], index, size, [*path, root], root)


@given(BIG, st.data())
def test_consistency_of_trees_of_any_size(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    node = MarkedTree(data.draw(st.integers(0, new - 1)))
    roots, path = (merkle.root_at(old, node), merkle.root_at(new, node)), merkle.consistency_path(old, new, node)
    assert len(path) <= 64
    merkle.verify_consistency(old, new, *roots, path)
    assert not holds(merkle.verify_consistency, old, new, flip(roots[0]), roots[1], path)
    assert not holds(merkle.verify_consistency, old, new, roots[0], flip(roots[1]), path)
    assert not holds(merkle.verify_consistency, old, new, *roots, [*path, roots[0]])
    if path:
        assert not holds(merkle.verify_consistency, old, new, *roots, path[:-1])


@pytest.mark.parametrize("size", range(SMALL + 1))
def test_nodes_outside_the_tree_are_never_read(size: int) -> None:
    nodes = Nodes(LEAVES)
    merkle.root_at(size, nodes)
    for index in range(size):
        merkle.inclusion_path(index, size, nodes)
        merkle.consistency_path(index + 1, size, nodes)
    assert all((index + 1) << level <= size for level, index in nodes.reads)


@given(LEAF_LISTS, st.data())
def test_inclusion_in_random_trees(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.inclusion_path(index, len(leaves), Nodes(leaves))
    merkle.verify_inclusion(leaves[index], index, len(leaves), path, merkle.root(leaves))


@given(LEAF_LISTS, st.data())
def test_consistency_of_random_trees(leaves: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(leaves)))
    path = merkle.consistency_path(old, len(leaves), Nodes(leaves))
    merkle.verify_consistency(old, len(leaves), merkle.root(leaves[:old]), merkle.root(leaves), path)


def damage(path: list[bytes], data: st.DataObject) -> list[bytes]:
    """A path that is surely another one."""
    at = data.draw(st.integers(0, max(len(path) - 1, 0)))
    ways: list[Callable[[], list[bytes]]] = [lambda: [*path[:at], data.draw(HASHES), *path[at:]]]
    if path:
        ways += [
            lambda: path[:at] + path[at + 1 :],
            lambda: [*path[:at], flip(path[at], data.draw(st.integers(0, 255))), *path[at + 1 :]],
            lambda: [*path[:at], path[at][:31], *path[at + 1 :]],
            lambda: [*path[:at], path[at] + b"\x00", *path[at + 1 :]],
            lambda: path[::-1] if path[::-1] != path else [],
        ]
    return data.draw(st.sampled_from(ways))()


@given(st.integers(1, 300), st.data())
def test_damaged_inclusion_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root(LEAVES[:size])
    path = merkle.inclusion_path(index, size, NODES)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(LEAVES[index], index, size, damage(path, data), root)
    for leaf, head in ((flip(LEAVES[index]), root), (LEAVES[index], flip(root)), (LEAVES[index][:31], root)):
        with pytest.raises(ProofError):
            merkle.verify_inclusion(leaf, index, size, path, head)


@given(st.integers(1, 300), st.data())
def test_damaged_consistency_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    roots = recursive_root(0, old), recursive_root(0, new)
    path = merkle.consistency_path(old, new, NODES)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, *roots, damage(path, data))
    for old_root, new_root in ((flip(roots[0]), roots[1]), (roots[0], flip(roots[1])), (roots[0], roots[1][:31])):
        with pytest.raises(ProofError):
            merkle.verify_consistency(old, new, old_root, new_root, path)


def test_bytes_do_not_move_between_hashes() -> None:
    """The concatenation under a node is the same, so nothing but the length betrays these proofs."""
    first, second, third, fourth = LEAVES[:4]
    head = merkle.node_hash(first, second)
    with pytest.raises(ProofError, match="32 bytes"):
        merkle.verify_inclusion(first + second[:1], 0, 2, [second[1:]], head)
    with pytest.raises(ProofError, match="32 bytes"):
        merkle.verify_inclusion(b"short", 0, 1, [], b"short")
    right = merkle.node_hash(third, fourth)
    with pytest.raises(ProofError, match="32 bytes"):
        merkle.verify_consistency(2, 4, head + right[:1], merkle.node_hash(head, right), [right[1:]])
    with pytest.raises(ProofError, match="32 bytes"):
        merkle.verify_consistency(1, 1, b"short", b"short", [])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (4, 3)])
def test_leaves_outside_the_tree_have_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.inclusion_path(index, size, NODES)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5), (-1, 5)])
def test_sizes_that_no_proof_joins(old: int, new: int) -> None:
    with pytest.raises(ProofError):
        merkle.consistency_path(old, new, NODES)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old, new, merkle.EMPTY_ROOT, recursive_root(0, max(new, 0)), [])


def test_same_size_needs_the_same_root_and_no_path() -> None:
    root = recursive_root(0, 5)
    merkle.verify_consistency(5, 5, root, root, [])
    with pytest.raises(ProofError):
        merkle.verify_consistency(5, 5, root, flip(root), [])
    with pytest.raises(ProofError):
        merkle.verify_consistency(5, 5, root, root, [root])


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 3), (3, 2), (-2, 0), (1, 3), (2, 5), (4, 9)])
def test_ranges_that_are_no_subtree(start: int, end: int) -> None:
    with pytest.raises(ValueError):
        merkle.subtree_root(start, end, NODES)


@given(st.integers(0, 8), st.integers(0, 299), st.integers(1, 256))
def test_subtree_roots(level: int, place: int, width: int) -> None:
    start = (place >> level) << level
    end = min(start + min(width, 1 << level), 300)
    if start < end:
        assert merkle.subtree_root(start, end, NODES) == recursive_root(start, end)


@given(LEAF_LISTS)
def test_right_edge_grows_like_the_tree(leaves: list[bytes]) -> None:
    edge = merkle.RightEdge()
    assert edge.root() == merkle.EMPTY_ROOT
    nodes = Nodes(leaves)
    completed = [each for leaf in leaves for each in edge.append(leaf)]
    assert edge.size == len(leaves)
    assert edge.root() == merkle.root(leaves)
    assert edge.nodes == merkle.RightEdge.at(len(leaves), nodes).nodes
    assert all(found == nodes(level, index) for level, index, found in completed)
    places = [(level, index) for level, index, _ in completed]
    assert len(set(places)) == len(places)
    assert set(places) == {(level, index) for level in range(1, 9) for index in range(len(leaves) >> level)}


def test_right_edge_copies_grow_alone() -> None:
    edge = merkle.RightEdge.at(7, NODES)
    twin = edge.copy()
    twin.append(LEAVES[7])
    assert (edge.size, edge.root()) == (7, recursive_root(0, 7))
    assert (twin.size, twin.root()) == (8, recursive_root(0, 8))
    assert merkle.RightEdge(edge.size, edge.nodes).root() == edge.root()


@pytest.mark.parametrize(
    ("size", "nodes"), [(1, []), (0, LEAVES[:1]), (2, LEAVES[:2]), (-1, LEAVES[:1]), (1, [b"short"])]
)
def test_what_is_no_right_edge(size: int, nodes: list[bytes]) -> None:
    with pytest.raises(FormatError):
        merkle.RightEdge(size, nodes)


def test_right_edge_takes_hashes_only() -> None:
    edge = merkle.RightEdge()
    with pytest.raises(FormatError):
        edge.append(b"entry-0")
    assert edge.size == 0
