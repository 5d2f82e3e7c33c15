"""Roots and proofs are those of an independent implementation of RFC 9162, which runs in a process of its own."""

import json
import random
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ledger import merkle
from tests.ledger.support import Nodes

WORKER = Path(__file__).with_name("pymerkle_worker.py")
SIZES = [1, 2, 3, 4, 5, 7, 8, 13, 21, 31, 32, 33, 50, 64, 65, 100, 127, 128, 129, 255, 256, 257, 300]
PROOFS = 40


def tree(size: int) -> dict[str, Any]:
    """A random tree, and which proofs in it are compared."""
    chance = random.Random(size)
    sizes = [chance.randint(1, size) for _ in range(PROOFS)]
    return {
        "entries": [chance.randbytes(chance.randint(0, 40)).hex() for _ in range(size)],
        "inclusion": [(chance.randrange(each), each) for each in sizes],
        "consistency": [(chance.randint(1, each), each) for each in sizes],
    }


@cache
def theirs() -> dict[int, Any]:
    questions = "".join(json.dumps(tree(size)) + "\n" for size in SIZES)
    done = subprocess.run(
        [sys.executable, str(WORKER)], input=questions, capture_output=True, text=True, check=True, timeout=120
    )
    return dict(zip(SIZES, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("size", SIZES)
def test_roots_and_proofs_agree(size: int) -> None:
    asked, found = tree(size), theirs()[size]
    leaves = [merkle.leaf_hash(bytes.fromhex(entry)) for entry in asked["entries"]]
    nodes = Nodes(leaves)
    assert found["roots"] == [merkle.root(leaves[:each]).hex() for each in range(size + 1)]
    for (index, each), path in zip(asked["inclusion"], found["inclusion"], strict=True):
        assert path == [one.hex() for one in merkle.inclusion_path(index, each, nodes)]
    roots = [bytes.fromhex(each) for each in found["roots"]]
    for old, new in asked[
        "consistency"
    ]:  # theirs are not in the form of RFC 9162; they verified them among these roots
        merkle.verify_consistency(old, new, roots[old], roots[new], merkle.consistency_path(old, new, nodes))
