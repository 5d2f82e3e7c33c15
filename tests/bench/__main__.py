"""`make bench`: python -m tests.bench [--entries N]

Serves a registry by the command itself (one process, SQLite) and measures it over HTTP on loopback.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ledger.identifiers import party_identifier
from ledger.keys import KeySigner
from ledger.note import parse_verifier_key
from registry.auditing import audit, open_subject
from tests.bench import limits
from tests.bench.load import filings, hammer, registration, request, send

_FILE_LINES = 20000
_WINDOW = 20_000


def _show(what: str, value: float, unit: str, limit: float | None = None, name: str = "") -> None:
    ratio = f"   {value / limit:6.3f} of {name}" if limit else ""
    print(f"{what:<44}{value:>12,.1f} {unit:<6}{ratio}", flush=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class Server:
    """`sanquan serve` as a process."""

    def __init__(self, data: Path) -> None:
        code = "from api.cli.main import app; app()"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SANQUAN_")}
        self.port = _free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", "--data", str(data), "--port", str(self.port)],
            env=environment, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stderr is not None
        first = self._process.stderr.readline()
        match = re.search(r"sanquan: (\S+) ", first)
        assert match, first
        self.origin = match[1]
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if send(self.port, request("GET", "/healthz"))[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the server did not come up")

    def peak_mib(self) -> float:
        """Peak resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def stop(self) -> None:
        """The server has ended."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)


def _bulk(server: Server, lines: list[bytes]) -> list[float]:
    """Seconds for each file of lines; every line must be recorded."""
    seconds = []
    for start in range(0, len(lines), _FILE_LINES):
        chunk = lines[start : start + _FILE_LINES]
        data = request("POST", "/v1/statements", b"\n".join(chunk), "application/x-ndjson")
        begun = time.perf_counter()
        status, body = send(server.port, data)
        seconds.append(time.perf_counter() - begun)
        assert status == 200 and body.count(b'"status":201') == len(chunk), body[:500]
    return seconds


def _checks(server: Server, party: str, verify: float) -> None:
    _, body = send(server.port, request("GET", f"/v1/assets?applicant={party}&limit=500"))
    assets = [item["id"] for item in json.loads(body)["items"]]
    paths = [f"/v1/check?party={party}&asset={assets[i % len(assets)]}&purpose=research" for i in range(4_000)]
    single = hammer(server.port, [request("GET", path) for path in paths])
    assert single["statuses"] == {200}
    _show("check, single, 64 connections", single["rate"], "/s", verify, "verification")
    _show("  p50 / p99", single["p50_ms"], "ms")
    _show("", single["p99_ms"], "ms")
    questions = [{"party": party, "asset": assets[i % len(assets)], "purpose": "research"} for i in range(10_000)]
    data = request("POST", "/v1/checks", json.dumps({"checks": questions}).encode())
    begun = time.perf_counter()
    status, body = send(server.port, data)
    assert status == 200 and body.count(b'"decision":true') == 10_000
    _show("check, 10,000 in one request", 10_000 / (time.perf_counter() - begun), "/s", verify, "verification")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=40_000, help="registrations of the bulk load")
    entries = parser.parse_args().entries
    seed = bytes(range(32))
    signer = KeySigner.from_seed(seed)
    party = party_identifier(signer.public)
    with tempfile.TemporaryDirectory(prefix="sanquan-bench-") as folder:
        verify = limits.verifications()
        _show("limit: Ed25519 verification, all cores", verify, "/s")
        _show("limit: SHA-256 of 2,000 bytes, one core", limits.hashes(), "/s")
        _show("limit: raw SQLite inserts of 2,000 bytes", limits.inserts(Path(folder)), "/s")
        data = Path(folder) / "data"
        server = Server(data)
        try:
            assert (
                send(server.port, request("POST", "/v1/statements", registration(server.origin, signer, party)))[0]
                == 201
            )
            warm = filings(server.origin, seed, party, 10_000_000, 1_000)
            _bulk(server, warm)
            seconds: list[float] = []
            for start in range(0, entries, _WINDOW):
                seconds += _bulk(server, filings(server.origin, seed, party, start, min(_WINDOW, entries - start)))
            _show(f"bulk registrations, {entries:,}", entries / sum(seconds), "/s", verify, "verification")
            per_window = _WINDOW // _FILE_LINES
            if len(seconds) > per_window:
                first, last = sum(seconds[:per_window]), sum(seconds[-per_window:])
                _show("  cost per entry, last window / first", last / first, "")
            single = [
                request("POST", "/v1/statements", line)
                for line in filings(server.origin, seed, party, 20_000_000, 4_000)
            ]
            posted = hammer(server.port, single)
            assert posted["statuses"] == {201}
            _show("single POST, 64 connections", posted["rate"], "/s", verify, "verification")
            _show("  p50", posted["p50_ms"], "ms")
            _show("  p99", posted["p99_ms"], "ms")
            _checks(server, party, verify)
            _show("peak memory of the server", server.peak_mib(), "MiB")
        finally:
            server.stop()
        with open_subject(data) as subject:
            keys = [parse_verifier_key(key) for key in _log_keys(data)]
            report = audit(subject, keys)
        assert report.holds and report.pinned, report.findings
        _show(
            f"audit, both levels, {report.entries:,} entries",
            report.entries / report.seconds,
            "/s",
            verify,
            "verification",
        )


def _log_keys(data: Path) -> list[str]:
    from registry.store.database import open_database, sqlite_url
    from registry.store.loading import load_registry

    engine = open_database(sqlite_url(data / "registry.db"))
    with engine.connect() as tx:
        registry = load_registry(tx)
    engine.dispose()
    assert registry is not None
    return list(registry.log_keys)


if __name__ == "__main__":
    main()
