"""The Merkle tree of RFC 9162: hashes, roots, inclusion and consistency proofs. Pure.

    root of no leaves   SHA-256("")
    leaf hash           SHA-256(0x00 ‖ entry)
    node hash           SHA-256(0x01 ‖ left ‖ right)
    root of n > 1       node(root of the first k, root of the rest), k the largest power of two below n

Level 0 are the leaf hashes; the node (level, index) is the root of the complete subtree over the leaves
[index·2^level, (index+1)·2^level). A proof is a list of hashes only: what each of them stands for follows from index
and size, which the verifier gets from elsewhere.

Source: RFC 9162 section 2.1.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Self

from ledger.errors import FormatError, ProofError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

_BLOCK = 8
"""All leaves of an aligned block of 2^8, also of a last incomplete one, have the same path from the block's root up."""

NodeReader = Callable[[int, int], bytes]
"""Called with (level, index), answers the hash of that complete subtree. Only asked for subtrees inside the tree."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash under which an entry stands in the tree."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over the hashes of its children."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree over these leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        above = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def _complete_subtrees(start: int, end: int) -> list[tuple[int, int]]:
    """The maximal complete subtrees that make up [start, end), as (level, index) from left to right."""
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def subtree_root(start: int, end: int, node: NodeReader) -> bytes:
    """The root over the leaves [start, end), with at most one read for each bit of `end - start`.

    Raises:
        ValueError: the range is empty, or `start` is not a multiple of the next power of two ≥ `end - start`: no
            hash in any tree stands for such a range.
    """
    if not 0 <= start < end or start % (1 << (end - start - 1).bit_length()):
        raise ValueError(f"[{start}, {end}) is not the range of a subtree")
    *others, last = _complete_subtrees(start, end)
    found = node(*last)
    for level, index in reversed(others):
        found = node_hash(node(level, index), found)
    return found


def root_at(size: int, node: NodeReader) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return subtree_root(0, size, node) if size else EMPTY_ROOT


def _left_width(width: int) -> int:
    """The largest power of two below `width`: how many leaves the left child of a node over `width` > 1 leaves has."""
    return 1 << ((width - 1).bit_length() - 1)


class InclusionPaths:
    """Inclusion proofs for many leaves of one tree: what neighbours share is computed once."""

    def __init__(self, size: int, node: NodeReader) -> None:
        self._size = size
        self._node = node
        self._edge: dict[int, bytes] = {}
        self._above: dict[int, tuple[int, int, list[bytes]]] = {}

    def path(self, index: int) -> list[bytes]:
        """See `inclusion_path`."""
        if not 0 <= index < self._size:
            raise ProofError(f"entry {index} is outside a tree of {self._size}")
        found = self._above.get(index >> _BLOCK)
        if found is None:
            found = self._above[index >> _BLOCK] = self._descend(index, 0, self._size, 1 << _BLOCK)
        start, end, above = found
        if end - start == 1 << _BLOCK:
            node = self._node
            return [node(level, (index >> level) ^ 1) for level in range(_BLOCK)] + above
        return self._descend(index, start, end, 1)[2] + above

    def _descend(self, index: int, start: int, end: int, width: int) -> tuple[int, int, list[bytes]]:
        """The first subtree over at most `width` leaves on the way down from [start, end) to a leaf, and what it passed."""
        path = []
        node = self._node
        while end - start > width:
            level = (end - start - 1).bit_length() - 1
            middle = start + (1 << level)
            if index >= middle:
                path.append(node(level, start >> level))
                start = middle
                continue
            if end - middle == 1 << level:
                path.append(node(level, middle >> level))
            else:
                path.append(self._right(middle))
            end = middle
        path.reverse()
        return start, end, path

    def _right(self, start: int) -> bytes:
        """The root over [start, size), an incomplete subtree."""
        found = self._edge.get(start)
        if found is None:
            found = self._edge[start] = subtree_root(start, self._size, self._node)
        return found


def inclusion_path(index: int, size: int, node: NodeReader) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves, from the leaf's sibling to the root's child.

    Raises:
        ProofError: there is no such leaf.

    Source: RFC 9162 section 2.1.3.1.
    """
    return InclusionPaths(size, node).path(index)


def consistency_path(old: int, new: int, node: NodeReader) -> list[bytes]:
    """The proof that the tree of `new` leaves begins with the tree of `old` leaves; empty if they are the same.

    Raises:
        ProofError: not 0 < `old` ≤ `new`. That any tree begins with the empty one needs no proof.

    Source: RFC 9162 section 2.1.4.1.
    """
    if not 0 < old <= new:
        raise ProofError(f"no proof leads from size {old} to size {new}")
    path = []
    start, end = 0, new
    while end != old:
        middle = start + _left_width(end - start)
        if old <= middle:
            path.append(subtree_root(middle, end, node))
            end = middle
        else:
            path.append(subtree_root(start, middle, node))
            start = middle
    if start:  # the walk stopped at a subtree that is not the old tree itself, whose root the verifier lacks
        path.append(subtree_root(start, end, node))
    return path[::-1]


def _check_hashes(*hashes: bytes) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofError("a hash in a proof has 32 bytes")


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Returns if `leaf` is the leaf hash at `index` in the tree of `size` leaves under `root`.

    Raises:
        ProofError: the path is too short or too long or leads elsewhere, or a hash has not 32 bytes.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofError(f"entry {index} is outside a tree of {size}")
    _check_hashes(leaf, root, *path)
    position, last, found = index, size - 1, leaf
    for sibling in path:
        if not last:
            raise ProofError(f"the path is longer than a tree of {size} is deep")
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    if last or found != root:
        raise ProofError(f"the path of entry {index} does not lead to the root of size {size}")


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Returns if the tree under `new_root` begins with the tree under `old_root`.

    Raises:
        ProofError: it does not, a hash has not 32 bytes, or `old_size` is 0: callers treat the empty tree themselves.

    Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 < old_size <= new_size:
        raise ProofError(f"no proof leads from size {old_size} to size {new_size}")
    _check_hashes(old_root, new_root, *path)
    if old_size == new_size:
        if path or old_root != new_root:
            raise ProofError(f"two roots for size {old_size}, or a path where none is needed")
        return
    hashes = list(path)
    if not hashes:
        raise ProofError("the path is empty")
    if old_size & (old_size - 1) == 0:  # the old tree is complete, so its root is the node the walk starts from
        hashes.insert(0, old_root)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_found = new_found = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            raise ProofError(f"the path is longer than a tree of {new_size} is deep")
        if position & 1 or position == last:
            old_found, new_found = node_hash(sibling, old_found), node_hash(sibling, new_found)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new_found = node_hash(new_found, sibling)
        position, last = position >> 1, last >> 1
    if last or old_found != old_root or new_found != new_root:
        raise ProofError(f"the tree of size {new_size} does not begin with the tree of size {old_size}")


class RightEdge:
    """What an appender has to remember of a tree: the roots of its maximal complete subtrees, from left to right.

    At most 64 hashes, one for each 1 in the binary form of the size, the widest subtree first. Mutable and not safe
    to share between threads while somebody appends; `copy` first to try something.
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        """The edge of a tree of `size` leaves.

        Raises:
            FormatError: not one 32-byte hash for each 1 in the binary form of `size`.
        """
        if size < 0 or len(nodes) != size.bit_count() or any(len(each) != HASH_BYTES for each in nodes):
            raise FormatError(f"these {len(nodes)} hashes are not the right edge of a tree of {size}")
        self._size = size
        self._nodes = list(nodes)

    @classmethod
    def at(cls, size: int, node: NodeReader) -> Self:
        """The edge of the tree of the first `size` leaves, read from stored nodes."""
        return cls(size, [node(level, index) for level, index in _complete_subtrees(0, size)])

    @property
    def size(self) -> int:
        return self._size

    @property
    def nodes(self) -> tuple[bytes, ...]:
        return tuple(self._nodes)

    def copy(self) -> "RightEdge":
        """An edge of the same tree that grows on its own."""
        return RightEdge(self._size, self._nodes)

    def root(self) -> bytes:
        """The root of the tree."""
        if not self._nodes:
            return EMPTY_ROOT
        *others, found = self._nodes
        for each in reversed(others):
            found = node_hash(each, found)
        return found

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """The tree has one leaf hash more; answers the nodes above level 0 that it completed as (level, index, hash).

        One node hash a leaf on average.

        Raises:
            FormatError: not a 32-byte hash.
        """
        if len(leaf) != HASH_BYTES:
            raise FormatError("a leaf hash has 32 bytes")
        completed = []
        level, index, found = 0, self._size, leaf
        while index & 1:
            found = node_hash(self._nodes.pop(), found)
            level, index = level + 1, index >> 1
            completed.append((level, index, found))
        self._nodes.append(found)
        self._size += 1
        return completed
