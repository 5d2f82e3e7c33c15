"""How fast a log is audited, beside hashing its bytes and verifying its signatures and nothing else.

    python -m tests.bench.audit [--entries N] [--jobs N] [--tree DIR]

Builds an exported tree of N entries: one opening, 64 parties, then grants of about a kilobyte, each signed by one of
the parties and written into the folio of one of N/4 assets. Each audit and each limit runs in a process of its own.
"""

import argparse
import hashlib
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from nacl.bindings import crypto_sign_open

from ledger.audit import audit_log, cores
from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.encoding import format_base64url
from ledger.entry import FIRST_PREVIOUS, Entry, FolioLine, format_entry
from ledger.identifiers import ObjectIdentifiers, key_identifier, party_identifier
from ledger.instants import format_instant, to_milliseconds
from ledger.keys import Algorithm, KeySigner
from ledger.merkle import RightEdge, leaf_hash, root
from ledger.note import format_verifier_key
from ledger.sources import DirectorySource
from ledger.statement import Envelope, EnvelopeSignature, pre_authentication_encoding
from ledger.strict_json import format_compact
from ledger.tiles import TILE_WIDTH, Bundle, Tile, decode_bundle, encode_bundle

ORIGIN = "bench.local.test"
START = datetime(2026, 11, 24, tzinfo=UTC)
_PARTIES = 64
_CHUNK = 4_096
_SAMPLE = 4_096


@cache
def _signer(number: int) -> KeySigner:
    return KeySigner.from_seed(hashlib.sha256(b"bench %d" % number).digest())


@cache
def _party(number: int) -> str:
    return party_identifier(_signer(number).public)


@cache
def _key(number: int) -> str:
    return key_identifier(_signer(number).public)


def _shape(signer: KeySigner) -> dict[str, str]:
    return {"alg": signer.algorithm.value, "public": format_base64url(signer.public)}


def _log_signers() -> list[KeySigner]:
    return [_signer(-1), KeySigner.from_seed(bytes(32), Algorithm.ML_DSA_44)]


def _time(number: int) -> datetime:
    """Sixteen entries a batch."""
    return START + timedelta(milliseconds=50 * (number // 16))


def _asset(number: int) -> str:
    digest = hashlib.sha256(b"asset %d" % number).digest()
    return ObjectIdentifiers.of_statement(to_milliseconds(START) + number, digest).identifier("ast")


def _envelope(number: int, entries: int) -> tuple[Envelope, str]:
    """The statement in entry `number`, and the folio that it is written into."""
    author, signers = -2, [-2]
    body: dict[str, Any]
    if number == 0:
        act, folio = "log.open", _party(author)
        keys = [format_verifier_key(key) for key in log_verifier_keys(ORIGIN, _log_signers())]
        body = {
            "origin": ORIGIN, "registrar": {"name": "Office", "keys": [_shape(_signer(-2))]},
            "clerk": _shape(_signer(-3)), "log_keys": keys, "seal_keys": [_shape(_signer(-4))],
        }  # fmt: skip
        signers = [-2, -3, -4]
    elif number <= _PARTIES:
        author, signers, act, folio = number, [number], "party.register", _party(number)
        body = {"name": f"Party {number}", "kind": "legal_person", "keys": [_shape(_signer(number))]}
    else:
        author = 1 + number % _PARTIES
        place = int.from_bytes(hashlib.sha256(b"place %d" % number).digest()[:8], "big") % max(1, entries // 4)
        signers, act, folio = [author], "right.grant", _asset(place)
        to = _party(1 + number * 7 % _PARTIES)
        body = {
            "from_right": folio.replace("ast_", "rgt_"), "to": to, "rights": ["processing"],
            "scope": {"purposes": ["internal_operation", "research"], "territory": ["CN-37", "CN-31"],
                      "fields": ["*"], "until": "2027-11-24T00:00:00Z", "depth": 0},
            "exclusivity": "none", "subject_to": [], "for_value": True,
        }  # fmt: skip
    statement = {
        "act": act, "log": ORIGIN, "by": _party(author), "at": format_instant(_time(number)),
        "nonce": format_base64url(hashlib.sha256(b"nonce %d" % number).digest()[:16]), "body": body,
    }  # fmt: skip
    payload = format_compact(statement)
    message = pre_authentication_encoding(payload)
    signatures = [EnvelopeSignature(_key(each), _signer(each).sign(message)) for each in signers]
    return Envelope(payload, tuple(signatures)), folio


def _envelopes(part: tuple[int, int, int]) -> list[tuple[Envelope, str]]:
    start, stop, entries = part
    return [_envelope(number, entries) for number in range(start, stop)]


def _entries(entries: int) -> Iterator[bytes]:
    parts = [(at, min(entries, at + _CHUNK), entries) for at in range(0, entries, _CHUNK)]
    heads: dict[str, tuple[int, int]] = {}
    previous, number = FIRST_PREVIOUS, 0
    with multiprocessing.get_context("spawn").Pool(cores()) as pool:
        for found in pool.imap(_envelopes, parts):
            for envelope, folio in found:
                lines, last = heads.get(folio, (0, None))
                data = format_entry(
                    Entry(number, previous, _time(number), (FolioLine(folio, lines + 1, last),), envelope)
                )
                heads[folio] = (lines + 1, number)
                previous, number = leaf_hash(data), number + 1
                yield data


def build(directory: Path, entries: int) -> None:
    """The exported tree is there."""

    def write(path: str, data: bytes) -> None:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(data)

    hashes: list[list[bytes]] = [[]]
    edge, opened, size = RightEdge(), [], 0

    def add(level: int, found: bytes) -> None:
        if level == len(hashes):
            hashes.append([])
        hashes[level].append(found)
        if len(hashes[level]) == TILE_WIDTH:
            full, hashes[level] = hashes[level], []
            write(Tile(level, size // TILE_WIDTH ** (level + 1) - 1).path, b"".join(full))
            add(level + 1, root(full))

    for data in _entries(entries):
        opened.append(data)
        size += 1
        leaf = leaf_hash(data)
        edge.append(leaf)
        if len(opened) == TILE_WIDTH:
            write(Bundle(size // TILE_WIDTH - 1).path, encode_bundle(opened))
            opened.clear()
        add(0, leaf)
    if opened:
        write(Bundle(size // TILE_WIDTH, len(opened)).path, encode_bundle(opened))
    for level, rest in enumerate(hashes):
        if rest:
            write(Tile(level, size // TILE_WIDTH ** (level + 1), len(rest)).path, b"".join(rest))
    note = sign_checkpoint(Checkpoint(ORIGIN, size, edge.root()), _log_signers(), int(START.timestamp()))
    (directory / "checkpoint").write_text(note)


def _bundles(directory: Path) -> list[Path]:
    return sorted(path for path in (directory / "tile" / "entries").rglob("*") if path.is_file())


def _hash_all(paths: Sequence[str]) -> tuple[int, float]:
    """Entries hashed, and the processor time it took."""
    done, start = 0, time.process_time()
    for path in paths:
        for data in decode_bundle(Path(path).read_bytes()):
            hashlib.sha256(data).digest()
            done += 1
    return done, time.process_time() - start


def _verify_for(seconds: float) -> tuple[int, float, float]:
    """Signatures of statements like those of the log that libsodium verifies on one core; seconds, processor time."""
    work = []
    for number in range(_PARTIES + 1, _PARTIES + 1 + _SAMPLE):
        envelope, _ = _envelope(number, 1_000_000)
        public = _signer(1 + number % _PARTIES).public
        work.append((envelope.signatures[0].value + envelope.signed_bytes(), public))
    done, start, used = 0, time.perf_counter(), time.process_time()
    while (spent := time.perf_counter() - start) < seconds:
        for signed, public in work[:512]:
            crypto_sign_open(signed, public)
        done += min(512, len(work))
    return done, spent, time.process_time() - used


@dataclass
class Rate:
    """Things a second of all cores, and microseconds of processor time for each."""

    rate: float
    cpu: float


def _limits(directory: Path, jobs: int) -> tuple[Rate, Rate]:
    """Entries hashed and signatures verified on as many cores."""
    paths = [str(path) for path in _bundles(directory)]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        pool.map(_verify_for, [0.1] * jobs)
        start = time.perf_counter()
        hashed = pool.map(_hash_all, [paths[at :: 4 * jobs] for at in range(4 * jobs)], chunksize=1)
        spent = time.perf_counter() - start
        verified = pool.map(_verify_for, [3.0] * jobs)
    count = sum(done for done, _ in hashed)
    hashes = Rate(count / spent, sum(cpu for _, cpu in hashed) / count * 1e6)
    signatures = sum(done for done, _, _ in verified)
    rate = sum(done / seconds for done, seconds, _ in verified)
    return hashes, Rate(rate, sum(cpu for _, _, cpu in verified) / signatures * 1e6)


def _processor_time() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _audit(directory: Path, jobs: int, *, signatures: bool) -> dict[str, float]:
    """In this process: rate, seconds, processor time an entry, and the peak memory of all processes in MiB."""
    keys = log_verifier_keys(ORIGIN, _log_signers())
    used = _processor_time()
    report = audit_log(DirectorySource(directory), keys, signatures=signatures, jobs=jobs)
    assert report.holds and report.pinned, report.findings
    used = _processor_time() - used
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    memory = own + (child * report.workers if report.workers > 1 else 0)
    return {
        "rate": report.entries_per_second, "seconds": report.seconds, "memory": memory,
        "cpu": used / report.entries * 1e6,
    }  # fmt: skip


def _audit_elsewhere(directory: Path, jobs: int, *, signatures: bool) -> dict[str, float]:
    words = [sys.executable, "-m", "tests.bench.audit", "--tree", str(directory), "--jobs", str(jobs), "--only"]
    done = subprocess.run([*words, "with" if signatures else "without"], check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _show(what: str, figure: str, share: str = "") -> None:
    print(f"| {what:<46} | {figure:>16} | {share:<44} |", flush=True)


def _measure(directory: Path, jobs: int) -> None:
    size = sum(path.stat().st_size for path in _bundles(directory))
    hashes, verifications = _limits(directory, jobs)
    _show(
        f"limit: read and SHA-256 the same bytes, {jobs} cores", f"{hashes.rate:,.0f} entries/s",
        f"{hashes.cpu:.1f} us of processor, {size / 1e6:,.0f} MB in all",
    )  # fmt: skip
    _show(f"limit: libsodium verifies, {jobs} cores", f"{verifications.rate:,.0f} /s", f"{verifications.cpu:.1f} us")
    for which, limit, name in (("without", hashes, "hashing"), ("with", verifications, "libsodium")):
        found = _audit_elsewhere(directory, jobs, signatures=which == "with")
        _show(
            f"audit of the log {which} signatures", f"{found['rate']:,.0f} entries/s",
            f"{found['rate'] / limit.rate:.2f} of {name}; {found['seconds']:.1f} s",
        )  # fmt: skip
        _show(
            "  processor time of all processes", f"{found['cpu']:.1f} us an entry",
            f"{limit.cpu / found['cpu']:.2f} of {name}; {jobs * 1e6 / found['cpu']:,.0f} entries/s at most",
        )  # fmt: skip
        _show("  peak memory of all processes", f"{found['memory']:,.0f} MiB")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--jobs", type=int, default=cores(), help="processes; default: one a core")
    parser.add_argument("--tree", type=Path, help="keep the tree there, and use it if it is there already")
    parser.add_argument("--only", choices=["with", "without"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(_audit(options.tree, options.jobs, signatures=options.only == "with")))
        return
    with tempfile.TemporaryDirectory(prefix="sanquan-bench-") as folder:
        directory = options.tree or Path(folder) / "tree"
        if not (directory / "checkpoint").is_file():
            start = time.perf_counter()
            build(directory, options.entries)
            print(f"built {options.entries:,} entries in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        _measure(directory, options.jobs)


if __name__ == "__main__":
    main()
