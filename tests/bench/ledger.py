"""python -m tests.bench.ledger [--entries N]: the ledger by itself, beside what the machine can do and beside `pymerkle`.

Appending is measured on SQLite with durable commits and in memory, proofs and tiles in a stored tree of N entries (10^6
unless said otherwise) of which only what they need is made. Machines are noisy: read the ratios.
"""

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign_open
from sqlalchemy import Connection, Engine

from ledger.identifiers import ObjectIdentifiers, key_identifier
from ledger.journal import SigningJournal
from ledger.keys import Algorithm, KeySigner
from ledger.log import Log, node_reader
from ledger.merkle import (
    EMPTY_ROOT,
    RightEdge,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from ledger.sources import StorageSource
from ledger.statement import Envelope, EnvelopeSignature
from ledger.storage import EntryRow, Head, TileRow
from ledger.storage.memory import MemoryLogStorage, MemoryTransaction
from ledger.storage.sql import SqlLogStorage
from ledger.strict_json import format_compact
from ledger.tiles import TILE_WIDTH, Tile
from registry.store.database import open_database, sqlite_url, writing

SECONDS = 1.0
BATCHES = (1, 16, 256)
PROOFS = 3_000
THEIR_ENTRIES = 20_000
NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = key_identifier(bytes(32))


def show(what: str, value: float, unit: str, limit: float | None = None, name: str = "") -> None:
    """One line of the table, with its ratio to a limit of the same run."""
    ratio = f"   {value / limit:8.3f} of {name}" if limit else ""
    print(f"{what:<52}{value:>14,.3f} {unit:<4}{ratio}", flush=True)


def rate(act: Callable[[], Any], each: int = 1) -> float:
    """How many a second, over about a second; an act counts for `each`."""
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS:
        act()
        done += each
    return done / spent


def statements(number: int, count: int) -> list[tuple[Envelope, bytes, str]]:
    """Envelopes as a filing makes them, about 1,400 bytes in the entry, with their digests and folios. Not signed."""
    made = []
    for at in range(number, number + count):
        body = {"number": at, "text": "停车数据" * 60}
        payload = format_compact({"act": "case.file", "log": "bench.test", "nonce": str(at), "body": body})
        envelope = Envelope(payload, (EnvelopeSignature(KEY, bytes(64)),))
        folio = ObjectIdentifiers.of_statement(at, envelope.digest()).identifier("ast")
        made.append((envelope, envelope.digest(), folio))
    return made


class Appender:
    """Appends batches of new statements to one log; only that is timed."""

    def __init__(self, storage: Any, begin: Callable[[], Any], journal: SigningJournal, *, signs: bool) -> None:
        signers = [KeySigner.generate(), KeySigner.generate(Algorithm.ML_DSA_44)]
        self._log: Log[Any] = Log(storage, "bench.test", signers, journal)
        self._storage, self._begin, self._signs = storage, begin, signs
        self._made = 0

    def rate(self, batch: int) -> float:
        """Entries a second in batches of this size."""
        done, spent = 0, 0.0
        while spent < SECONDS:
            items = statements(self._made, batch)
            self._made += batch
            start = time.perf_counter()
            self._append(items)
            spent += time.perf_counter() - start
            done += batch
        return done / spent

    def _append(self, items: list[tuple[Envelope, bytes, str]]) -> None:
        with self._begin() as tx:
            batch = self._log.open_batch(tx, NOW)
            for envelope, digest, folio in items:
                batch.add(envelope, digest, [folio], new=[folio])
            appended = batch.write(tx)
        assert appended is not None
        self._log.adopt(appended)
        if self._signs:
            row = self._log.sign(appended.head)
            with self._begin() as tx:
                self._storage.put_checkpoint(tx, row)


@contextmanager
def database(path: Path) -> Iterator[Engine]:
    """A database with the ledger's tables, as the registry opens it."""
    engine = open_database(sqlite_url(path), connections=1)
    with writing(engine) as tx:
        SqlLogStorage().create(tx)
    try:
        yield engine
    finally:
        engine.dispose()


def raw_inserts(path: Path, batch: int, size: int) -> float:
    """Rows of `size` bytes a second into SQLite, a durable transaction a batch."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("page_size=8192", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)")
    done = iter(range(sys.maxsize))

    def act() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(next(done), os.urandom(size)) for _ in range(batch)])
        connection.execute("COMMIT")

    try:
        return rate(act, batch)
    finally:
        connection.close()


def raw_writes(path: Path, batch: int, size: int) -> float:
    """Records of `size` bytes a second appended to a file that is synchronised after each batch."""
    with path.open("wb", buffering=0) as file:

        def act() -> None:
            file.write(os.urandom(size * batch))
            os.fdatasync(file.fileno())

        return rate(act, batch)


def appending(folder: Path) -> None:
    """The table of appends."""
    entry = len(statements(0, 1)[0][0].payload) * 4 // 3 + 450
    for batch in BATCHES:
        inserts = raw_inserts(folder / f"raw-{batch}.db", batch, entry)
        show(f"limit: raw durable inserts, batches of {batch}", inserts, "/s")
        show("limit: raw writes with fdatasync", raw_writes(folder / f"raw-{batch}", batch, entry), "/s")
        for signs in (False, True):
            name = f"{batch}-{signs}"
            with database(folder / f"{name}.db") as engine:
                journal = SigningJournal(folder / f"journal-{name}.db")
                begin = lambda engine=engine: writing(engine)  # noqa: E731
                found = Appender(SqlLogStorage(), begin, journal, signs=signs).rate(batch)
                journal.close()
            what = "append, sign, keep the checkpoint" if signs else "append, SQLite"
            show(f"{what}, batches of {batch}", found, "/s", inserts, "raw inserts")
        tx = MemoryTransaction()

        @contextmanager
        def begin_in_memory(tx: MemoryTransaction = tx) -> Iterator[MemoryTransaction]:
            yield tx

        memory = Appender(MemoryLogStorage(), begin_in_memory, SigningJournal(), signs=False)
        show(f"append, memory, batches of {batch}", memory.rate(batch), "/s", inserts, "raw inserts")


def store_tree(engine: Engine, size: int) -> bytes:
    """A stored tree of `size` entries: all tiles, and rows only of the entries of the last tile. Answers the root."""
    leaves = [sha256(number.to_bytes(8, "big")).digest() for number in range(size)]
    edge, level, hashes, tiles = RightEdge(), 0, leaves, []
    for leaf in leaves:
        edge.append(leaf)
    while hashes:
        full = len(hashes) // TILE_WIDTH
        kept = full if level == 0 else -(-len(hashes) // TILE_WIDTH)
        tiles += [TileRow(level, at, b"".join(hashes[at * TILE_WIDTH : (at + 1) * TILE_WIDTH])) for at in range(kept)]
        for _ in range(8):
            hashes = [node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes) // 2 * 2, 2)]
        level, hashes = level + 1, hashes[:full]
    rows = [EntryRow(at, b"", leaves[at], leaves[at]) for at in range(size // TILE_WIDTH * TILE_WIDTH, size)]
    with writing(engine) as tx:
        SqlLogStorage().append(tx, Head(0, EMPTY_ROOT), Head(size, edge.root()), rows, [], tiles)
    return edge.root()


def timed(acts: list[Callable[[], Any]]) -> tuple[float, float, float]:
    """Rate, median and 99th percentile in milliseconds."""
    spent = []
    for act in acts:
        start = time.perf_counter()
        act()
        spent.append((time.perf_counter() - start) * 1000)
    return 1000 * len(spent) / sum(spent), statistics.median(spent), statistics.quantiles(spent, n=100)[98]


def proving(engine: Engine, size: int, root: bytes) -> None:
    """The table of proofs and tiles. Each proof starts with an empty memory, as a request does."""
    chance, storage = random.Random(1), SqlLogStorage()
    places = [chance.randrange(size) for _ in range(PROOFS)]
    with engine.connect() as tx:
        index = places[0]
        leaf = sha256(index.to_bytes(8, "big")).digest()
        verify_inclusion(leaf, index, size, inclusion_path(index, size, node_reader(storage, tx)), root)
        old = places[1] + 1
        path = consistency_path(old, size, node_reader(storage, tx))
        verify_consistency(old, size, _root_of(storage, tx, old), root, path)
        hashes = rate(lambda: node_hash(root, root))
        show("limit: node hashes in Python, one core", hashes, "/s")
        for what, prove in (
            ("inclusion proofs", lambda at: inclusion_path(at, size, node_reader(storage, tx))),
            ("consistency proofs", lambda at: consistency_path(at + 1, size, node_reader(storage, tx))),
        ):
            found, median, slow = timed([lambda at=at, prove=prove: prove(at) for at in places])
            show(f"{what} of {size:,} entries", found, "/s", hashes, "node hashes")
            show("  p50", median, "ms")
            show("  p99", slow, "ms")
        source = StorageSource(storage, tx)
        tiles = [Tile(1, at // TILE_WIDTH) for at in range(size // TILE_WIDTH // TILE_WIDTH * TILE_WIDTH)] or [
            Tile(1, 0, 1)
        ]
        reads = rate(lambda: storage.tile(tx, 0, chance.randrange(max(1, size // TILE_WIDTH))))
        show("full tiles read, level 0, 8 KiB", reads, "/s")
        show(
            "tiles composed as they are served, level 1",
            rate(lambda: source.tile(chance.choice(tiles))),
            "/s",
            reads,
            "reads",
        )


def _root_of(storage: SqlLogStorage, tx: Connection, size: int) -> bytes:
    return RightEdge.at(size, node_reader(storage, tx)).root()


class PlainTree:
    """A tree in two dictionaries of this process, doing what `pymerkle` does in the same memory."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.edge = RightEdge()

    def append(self, entry: bytes) -> None:
        leaf = leaf_hash(entry)
        self.nodes[0, self.edge.size] = leaf
        self.nodes.update(((level, index), found) for level, index, found in self.edge.append(leaf))


def beside_pymerkle() -> None:
    """The same tree in memory, here and there: appends, root, inclusion proofs."""
    worker = Path(__file__).with_name("pymerkle_bench.py")
    command = [sys.executable, str(worker), str(THEIR_ENTRIES)]
    theirs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    tree, start = PlainTree(), time.perf_counter()
    for number in range(THEIR_ENTRIES):
        tree.append(b"entry-%d" % number)
    ours = THEIR_ENTRIES / (time.perf_counter() - start)
    assert tree.edge.root().hex() == theirs["root"]
    show(f"pymerkle 7: appends in memory, {THEIR_ENTRIES:,}", theirs["appends"], "/s")
    show("the same here", ours, "/s", theirs["appends"], "pymerkle")
    show("pymerkle 7: root of all", theirs["root_ms"], "ms")
    start = time.perf_counter()
    tree.edge.root()
    show("the same here", (time.perf_counter() - start) * 1000, "ms", theirs["root_ms"], "pymerkle")
    chance, read = random.Random(1), lambda level, index: tree.nodes[level, index]
    places = [chance.randrange(THEIR_ENTRIES) for _ in range(300)]
    found, median, _ = timed([lambda at=at: inclusion_path(at, THEIR_ENTRIES, read) for at in places])
    show("pymerkle 7: inclusion proofs", theirs["proofs"], "/s")
    show("  p50", theirs["proof_ms"], "ms")
    show("the same here", found, "/s", theirs["proofs"], "pymerkle")
    show("  p50", median, "ms")


def limits() -> None:
    """Hashing and verifying at best, on one core."""
    data, message = bytes(2_000), bytes(1_300)
    show("limit: SHA-256 of 2,000 bytes", rate(lambda: sha256(data).digest()), "/s")
    signer = Ed25519PrivateKey.generate()
    public, signature = signer.public_key(), signer.sign(message)
    show("limit: Ed25519 verified by cryptography", rate(lambda: public.verify(signature, message)), "/s")
    raw = public.public_bytes_raw()
    show("limit: Ed25519 verified by PyNaCl", rate(lambda: crypto_sign_open(signature + message, raw)), "/s")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="entries of the tree in which is proven")
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory(prefix="sanquan-bench-") as name:
        folder = Path(name)
        limits()
        appending(folder)
        with database(folder / "tree.db") as engine:
            proving(engine, entries, store_tree(engine, entries))
        beside_pymerkle()


if __name__ == "__main__":
    main()
