"""What the tests of the ledger share: vectors, keys from fixed seeds, and trees held in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, AnyStr, TypeVar

from hypothesis import strategies as st

from ledger import merkle
from ledger.errors import FormatError
from ledger.keys import Algorithm, KeySigner

T = TypeVar("T")
VECTORS = Path(__file__).parent.parent / "vectors" / "ledger"
ORIGIN = "registry.example/log1"
ENTRIES = [b"entry-%d" % each for each in range(300)]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


CHECKPOINT = load("checkpoint")
LOG_SIGNER = KeySigner.from_seed(bytes.fromhex(CHECKPOINT["seeds"]["log_ed25519_seed_hex"]))
WITNESS_SIGNER = KeySigner.from_seed(bytes.fromhex(CHECKPOINT["seeds"]["witness_ed25519_seed_hex"]))
ML_DSA_SIGNER = KeySigner.from_seed(bytes.fromhex(load("mldsa")["seed_hex"]), Algorithm.ML_DSA_44)


class Nodes:
    """A node reader over leaf hashes that remembers what it was asked for."""

    def __init__(self, leaves: list[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(below := self._levels[-1]) > 1:
            self._levels.append([merkle.node_hash(*below[at : at + 2]) for at in range(0, len(below) - 1, 2)])
        self.reads: list[tuple[int, int]] = []

    def __call__(self, level: int, index: int) -> bytes:
        self.reads.append((level, index))
        return self._levels[level][index]


def must_be_canonical(data: AnyStr, parse: Callable[[AnyStr], T], write: Callable[[T], AnyStr]) -> None:
    """What parses at all is written again as it stood."""
    try:
        found = parse(data)
    except FormatError:
        return
    assert write(found) == data


def mutated(text: str, data: st.DataObject) -> str:
    """`text` with one character dropped or replaced by one that might pass unseen."""
    at = data.draw(st.integers(0, len(text) - 1))
    return text[:at] + data.draw(st.sampled_from(["", "\n", " ", "=", "0", "A", "—", "\r"])) + text[at + 1 :]


def flip(data: bytes, bit: int = 0) -> bytes:
    """`data` with one bit turned."""
    return bytes(each ^ (1 << bit % 8 if at == bit // 8 else 0) for at, each in enumerate(data))
