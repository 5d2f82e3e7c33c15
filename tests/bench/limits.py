"""What the machine can do at best: the limits that figures are compared with."""

import hashlib
import multiprocessing
import os
import sqlite3
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SECONDS = 2.0
_MESSAGE = bytes(1_300)


def _verify_for(seconds: float) -> float:
    signer = Ed25519PrivateKey.generate()
    public, signature = signer.public_key(), signer.sign(_MESSAGE)
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        for _ in range(100):
            public.verify(signature, _MESSAGE)
        done += 100
    return done / spent


def verifications() -> float:
    """Ed25519 signatures of 1,300 bytes that `cryptography` verifies per second on all cores."""
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        pool.map(_verify_for, [0.1] * cores)
        return sum(pool.map(_verify_for, [_SECONDS] * cores))


def hashes() -> float:
    """SHA-256 of 2,000 bytes per second on one core."""
    data, done, start = bytes(2_000), 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < _SECONDS / 2:
        for _ in range(1_000):
            hashlib.sha256(data).digest()
        done += 1_000
    return done / spent


def inserts(folder: Path) -> float:
    """Rows of 2,000 bytes per second into SQLite in durable batches of 256."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA page_size=8192")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)")
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < _SECONDS:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(done + i, os.urandom(2_000)) for i in range(256)])
        connection.execute("COMMIT")
        done += 256
    connection.close()
    return done / spent
