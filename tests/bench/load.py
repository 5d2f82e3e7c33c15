"""The load: signed filings made beforehand, and a bare HTTP client that costs the machine little."""

import asyncio
import hashlib
import multiprocessing
import os
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ledger.encoding import format_base64url
from ledger.keys import KeySigner
from ledger.statement import format_envelope
from registry.drafting import make_payload, sign_payload
from tests.registry.desk import ALL, FORM, OWN

CONNECTIONS = 64


def registration(origin: str, signer: KeySigner, party: str) -> bytes:
    """`party.register` of the load's party."""
    key = {"alg": signer.algorithm.value, "public": format_base64url(signer.public)}
    body = {"name": "压测公司", "kind": "legal_person", "keys": [key]}
    payload = make_payload("party.register", origin, party, datetime.now(UTC), body)
    return format_envelope(sign_payload(payload, [signer])).encode()


def _filings(job: tuple[str, bytes, str, int, int]) -> list[bytes]:
    origin, seed, party, start, count = job
    signer = KeySigner.from_seed(seed)
    lines = []
    for number in range(start, start + count):
        value = hashlib.sha256(f"{party}{number}".encode()).hexdigest()
        form = FORM | {"fingerprints": [{"alg": "sha-256", "value": value}]}
        claims = [{"party": party, "rights": ALL}]
        body = {"kind": "initial", "asset": form, "sources": [OWN], "claims": claims}
        payload = make_payload("case.file", origin, party, datetime.now(UTC), body)
        lines.append(format_envelope(sign_payload(payload, [signer])).encode())
    return lines


def filings(origin: str, seed: bytes, party: str, start: int, count: int) -> list[bytes]:
    """Signed first registrations: one asset with three rights and a fingerprint each."""
    step = 2_000
    jobs = [(origin, seed, party, at, min(step, start + count - at)) for at in range(start, start + count, step)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        return [line for chunk in pool.map(_filings, jobs) for line in chunk]


def request(method: str, path: str, body: bytes = b"", media_type: str = "application/json") -> bytes:
    """The bytes of an HTTP/1.1 request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    status = int(lines[0].split()[1])
    for line in lines:
        if line.startswith(b"content-length:"):
            return status, await reader.readexactly(int(line.split(b":")[1]))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return status, body


async def _worker(port: int, requests: "asyncio.Queue[bytes]", times: list[float], statuses: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not requests.empty():
        data = requests.get_nowait()
        start = time.perf_counter()
        writer.write(data)
        status, _ = await _read(reader)
        times.append(time.perf_counter() - start)
        statuses.append(status)
    writer.close()


async def _hammer(port: int, requests: Sequence[bytes], connections: int) -> tuple[float, list[float], list[int]]:
    waiting: asyncio.Queue[bytes] = asyncio.Queue()
    for data in requests:
        waiting.put_nowait(data)
    times: list[float] = []
    statuses: list[int] = []
    start = time.perf_counter()
    await asyncio.gather(*(_worker(port, waiting, times, statuses) for _ in range(connections)))
    return time.perf_counter() - start, times, statuses


def hammer(port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> dict[str, Any]:
    """Sends all requests over so many connections: rate, p50 and p99 in milliseconds, and statuses seen."""
    seconds, times, statuses = asyncio.run(_hammer(port, requests, connections))
    times.sort()
    return {
        "rate": len(times) / seconds,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[len(times) * 99 // 100] * 1e3,
        "statuses": set(statuses),
    }


def send(port: int, data: bytes) -> tuple[int, bytes]:
    """One request over a connection of its own."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(data)
        file = connection.makefile("rb")
        status, length = int(file.readline().split()[1]), None
        while (line := file.readline().lower()) != b"\r\n":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if length is not None:
            return status, file.read(length)
        body = []
        while size := int(file.readline(), 16):
            body.append(file.read(size))
            file.readline()
        file.readline()
        return status, b"".join(body)
