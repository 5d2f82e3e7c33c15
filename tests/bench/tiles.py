"""python -m tests.bench.tiles [--entries N]

How fast the log's files are read, directly and over HTTP, beside a route of the same framework that answers constant
bytes of the same length, in the same run.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from api.publishing import LogFiles
from ledger.export import export_log
from ledger.identifiers import party_identifier
from ledger.keys import KeySigner
from ledger.storage.sql import SqlLogStorage
from ledger.tiles import TILE_WIDTH, Bundle, Tile
from registry.auditing import open_subject
from registry.store.database import open_database, sqlite_url
from tests.bench.__main__ import Server
from tests.bench.load import filings, hammer, registration, request, send

_REQUESTS = 3_000
_SECONDS = 2.0
_CONNECTIONS = 16
_CHECKPOINT_BYTES = 3_500
_CONSTANT = """
import sys, uvicorn, anyio.to_thread
from fastapi import FastAPI
from fastapi.responses import Response
app = FastAPI()
DATA = {n: bytes(n) for n in map(int, sys.argv[2:])}
@app.get("/constant/{length}")
def read(length: int) -> Response:
    return Response(DATA[length], media_type="application/octet-stream")
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", http="httptools", ws="none")
"""


def _show(what: str, rate: float, limit: float | None = None) -> None:
    ratio = f"   {rate / limit:6.2f} of constant bytes" if limit else ""
    print(f"{what:<52}{rate:>12,.0f} /s{ratio}", flush=True)


def _rate(read: Callable[[int], object]) -> float:
    done, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < _SECONDS:
        for _ in range(20):
            read(done)
            done += 1
    return done / spent


@contextmanager
def _constant(lengths: list[int]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", _CONSTANT, *map(str, (port, *lengths))])
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                send(port, request("GET", f"/constant/{lengths[0]}"))
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def _over_http(port: int, path: str, **headers: str) -> float:
    data = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    data += b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items()) + b"\r\n"
    hammer(port, [data] * 200, _CONNECTIONS)
    found = hammer(port, [data] * _REQUESTS, _CONNECTIONS)
    assert found["statuses"] == {200}, found
    return float(found["rate"])


def _directly(data: Path, entries: int) -> int:
    """Reads without HTTP; answers the length of the first bundle."""
    engine = open_database(sqlite_url(data / "registry.db"))
    full = entries // TILE_WIDTH
    kept, fresh = (LogFiles(engine, SqlLogStorage(), room) for room in (64 << 20, 0))
    for what, files in (("composed each time", fresh), ("kept in memory", kept)):
        _show(f"hash tile, directly, {what}", _rate(lambda n, f=files: f.read(Tile(0, n % full).path)))
        _show(f"bundle, directly, {what}", _rate(lambda n, f=files: f.read(Bundle(n % full).path)))
        _show(f"bundle in gzip, directly, {what}", _rate(lambda n, f=files: f.read(Bundle(n % full).path, packs=True)))
    length = len(kept.read(Bundle(0).path).data)
    print(f"a bundle has {length:,} bytes, {len(kept.read(Bundle(0).path, packs=True).data):,} in gzip")
    engine.dispose()
    return length


def _export(data: Path, tree: Path) -> None:
    for what in ("first export", "export again", "export again, comparing all"):
        with open_subject(data) as subject:
            begun = time.perf_counter()
            report = export_log(subject.source, tree, verifies="all" in what)
            spent = time.perf_counter() - begun
        print(f"{what:<52}{spent:>12.3f} s   {report.files_written} of {report.size:,} entries' files written")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000)
    entries = parser.parse_args().entries
    seed = bytes(range(32))
    signer = KeySigner.from_seed(seed)
    party = party_identifier(signer.public)
    with tempfile.TemporaryDirectory(prefix="sanquan-bench-") as folder:
        data = Path(folder) / "data"
        server = Server(data)
        try:
            send(server.port, request("POST", "/v1/statements", registration(server.origin, signer, party)))
            lines = filings(server.origin, seed, party, 0, entries)
            send(server.port, request("POST", "/v1/statements", b"\n".join(lines), "application/x-ndjson"))
            length = _directly(data, entries)
            with _constant([_CHECKPOINT_BYTES, 8_192, length]) as port:
                for what, size, path, headers in (
                    ("checkpoint", _CHECKPOINT_BYTES, "/checkpoint", {}),
                    ("hash tile", 8_192, "/tile/0/000", {}),
                    ("bundle", length, "/tile/entries/000", {}),
                    ("bundle in gzip", length, "/tile/entries/000", {"Accept-Encoding": "gzip"}),
                ):
                    limit = _over_http(port, f"/constant/{size}")
                    _show(f"{what} over HTTP", _over_http(server.port, path, **headers), limit)
                    _show(f"  constant {size:,} bytes", limit)
        finally:
            server.stop()
        _export(data, Path(folder) / "tree")


if __name__ == "__main__":
    main()
