"""What `pymerkle` does with so many entries, in a process of its own; prints one JSON object. Nothing imports this file."""

import json
import random
import statistics
import sys
import time

from pymerkle import InmemoryTree


def main(count: int) -> dict[str, object]:
    tree = InmemoryTree(algorithm="sha256")
    start = time.perf_counter()
    for number in range(count):
        tree.append_entry(b"entry-%d" % number)
    appends = count / (time.perf_counter() - start)
    start = time.perf_counter()
    root = tree.get_root()
    root_ms = (time.perf_counter() - start) * 1000
    chance, spent = random.Random(1), []
    for _ in range(300):
        index = chance.randrange(count) + 1
        start = time.perf_counter()
        tree.prove_inclusion(index, count)
        spent.append((time.perf_counter() - start) * 1000)
    return {
        "appends": appends, "root": root.hex(), "root_ms": root_ms, "proofs": 1000 * len(spent) / sum(spent),
        "proof_ms": statistics.median(spent),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
