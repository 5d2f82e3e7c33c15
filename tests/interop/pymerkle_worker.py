"""Trees of `pymerkle`, in a process of its own: one JSON question a line on stdin, one JSON answer a line on stdout.

    {"entries": [hex, …], "inclusion": [[index from 0, size], …], "consistency": [[old, new], …]}
    {"roots": [hex of size 0, 1, …], "inclusion": [[hex, …], …], "consistent": [true, …]}

Nothing else of this project is imported here, and this file by nothing: the library's licence is the GPL.
"""

import json
import sys
from typing import Any

from pymerkle import InmemoryTree, verify_consistency, verify_inclusion


def answer(question: dict[str, Any]) -> dict[str, Any]:
    tree = InmemoryTree(algorithm="sha256")
    for entry in question["entries"]:
        tree.append_entry(bytes.fromhex(entry))
    return {
        "roots": [tree.get_root(size).hex() for size in range(tree.get_size() + 1)],
        "inclusion": [inclusion(tree, index + 1, size) for index, size in question["inclusion"]],
        "consistent": [consistency(tree, old, new) for old, new in question["consistency"]],
    }


def inclusion(tree: InmemoryTree, index: int, size: int) -> list[str]:
    """The siblings, of a proof that the library itself accepts. Its first hash is the leaf's own."""
    proof = tree.prove_inclusion(index, size)
    verify_inclusion(tree.get_leaf(index), tree.get_root(size), proof, index=index, size=size)
    return proof.serialize()["path"][1:]


def consistency(tree: InmemoryTree, old: int, new: int) -> bool:
    """The library accepts its own proof; an exception ends the process otherwise."""
    proof = tree.prove_consistency(old, new)
    verify_consistency(tree.get_root(old), tree.get_root(new), proof, prior_size=old, later_size=new)
    return True


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
