"""Small real logs with signed statements, and ways to damage them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger import merkle
from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.encoding import format_base64url
from ledger.entry import FIRST_PREVIOUS, Entry, FolioLine, format_entry, parse_entry
from ledger.identifiers import ObjectIdentifiers, key_identifier, party_identifier
from ledger.instants import format_instant
from ledger.journal import SigningJournal
from ledger.keys import KeySigner
from ledger.log import Log, node_reader
from ledger.merkle import inclusion_path, leaf_hash
from ledger.note import format_verifier_key
from ledger.proof import TlogProof, format_proof
from ledger.statement import Envelope, EnvelopeSignature, pre_authentication_encoding
from ledger.storage import CheckpointRow
from ledger.storage.memory import MemoryLogStorage
from ledger.strict_json import format_compact
from ledger.tiles import Tile, encode_bundle
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, ORIGIN

LOG_SIGNERS = (LOG_SIGNER, ML_DSA_SIGNER)
KEYS = log_verifier_keys(ORIGIN, LOG_SIGNERS)
AUTHOR = KeySigner.from_seed(bytes(range(100, 132)))
CLERK = KeySigner.from_seed(bytes(range(101, 133)))
SEAL = KeySigner.from_seed(bytes(range(102, 134)))
PARTY = party_identifier(AUTHOR.public)
START = datetime(2026, 11, 24, 5, 49, 29, tzinfo=UTC)
ASSETS = [ObjectIdentifiers.of_statement(number, bytes(32)).identifier("ast") for number in range(5)]


def sign(payload: bytes, *signers: KeySigner) -> Envelope:
    """The payload signed by the author, or by these."""
    message = pre_authentication_encoding(payload)
    return Envelope(
        payload,
        tuple(EnvelopeSignature(key_identifier(each.public), each.sign(message)) for each in signers or (AUTHOR,)),
    )


def shape(signer: KeySigner) -> dict[str, str]:
    """A key as bodies give it."""
    return {"alg": signer.algorithm.value, "public": format_base64url(signer.public)}


def make_envelope(number: int, salt: str = "", **changes: Any) -> Envelope:
    """A signed statement; number 0 opens the log."""
    body: Mapping[str, Any] = {"number": number, "salt": salt}
    if number == 0:
        body = {
            "origin": ORIGIN,
            "registrar": {"name": "Office", "keys": [shape(AUTHOR)]},
            "clerk": shape(CLERK),
            "log_keys": [format_verifier_key(key) for key in KEYS],
            "seal_keys": [shape(SEAL)],
            "salt": salt,
        }
    members: dict[str, Any] = {
        "act": "case.supplement" if number else "log.open",
        "log": ORIGIN,
        "by": PARTY,
        "at": format_instant(START + timedelta(seconds=number)),
        "nonce": format_base64url(sha256(f"{salt}{number}".encode()).digest()[:16]),
        "body": body,
    }
    return sign(format_compact(members | changes), *(() if number else (AUTHOR, CLERK, SEAL)))


def folios_of(number: int) -> list[str]:
    return [PARTY] if number == 0 else [ASSETS[number % 5], ASSETS[number % 3]]


def append(log: Log[Any], storage: Any, numbers: Sequence[int], salt: str = "") -> CheckpointRow:
    """One batch, committed and signed."""
    with storage.transaction() as tx:
        batch = log.open_batch(tx, START + timedelta(seconds=numbers[-1]))
        for number in numbers:
            envelope = make_envelope(number, salt)
            batch.add(envelope, envelope.digest(), folios_of(number))
        appended = batch.write(tx)
    assert appended
    log.adopt(appended)
    row = log.sign(appended.head)
    with storage.transaction() as tx:
        storage.put_checkpoint(tx, row)
    return row


@dataclass(frozen=True)
class BuiltLog:
    """A log in memory. Shared between tests: not to be changed."""

    storage: MemoryLogStorage
    datas: list[bytes]
    note: str

    @property
    def leaves(self) -> list[bytes]:
        return [leaf_hash(data) for data in self.datas]

    def receipt(self, index: int, size: int | None = None) -> str:
        size = size or len(self.datas)
        with self.storage.transaction() as tx:
            path = inclusion_path(index, size, node_reader(self.storage, tx))
        return format_proof(TlogProof(index, tuple(path), sign_root(self.datas[:size])))


@cache
def build_log(size: int, salt: str = "") -> BuiltLog:
    storage = MemoryLogStorage()
    log = Log(storage, ORIGIN, LOG_SIGNERS, SigningJournal())
    row = append(log, storage, range(size), salt)
    with storage.transaction() as tx:
        return BuiltLog(storage, [row.data for row in storage.entries(tx, 0, size)], row.note)


def sign_root(datas: Sequence[bytes], origin: str = ORIGIN) -> str:
    """The checkpoint of these entries, as whoever has the log's keys can sign it."""
    root = merkle.root([leaf_hash(data) for data in datas])
    return sign_checkpoint(Checkpoint(origin, len(datas), root), LOG_SIGNERS, 1_790_000_000)


def files_of(datas: Sequence[bytes], note: str) -> dict[str, bytes]:
    """The tree of files that a log of these entries is, computed from scratch."""
    files = {"checkpoint": note.encode()}
    for at in range(0, len(datas), 256):
        part = datas[at : at + 256]
        files[Tile(0, at // 256, len(part)).path.replace("tile/0/", "tile/entries/")] = encode_bundle(part)
    level, hashes = 0, [leaf_hash(data) for data in datas]
    while hashes:
        for at in range(0, len(hashes), 256):
            part = hashes[at : at + 256]
            files[Tile(level, at // 256, len(part)).path] = b"".join(part)
        full = len(hashes) // 256
        hashes = [merkle.root(hashes[at * 256 : at * 256 + 256]) for at in range(full)]
        level += 1
    return files


def write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(data)


def read_files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def rewrite(
    datas: Sequence[bytes], position: int, change: Callable[[Entry], Entry], *, chain: bool = True
) -> list[bytes]:
    """The entries with one of them changed and, with `chain`, those behind it chained to it again."""
    found: list[bytes] = []
    previous = FIRST_PREVIOUS
    for data in datas:
        entry = parse_entry(data)
        if chain:
            entry = replace(entry, previous=previous)
        if entry.position == position:
            entry = change(entry)
        found.append(format_entry(entry))
        previous = leaf_hash(found[-1])
    return found


def renumber(entry: Entry, number_by: int = 0, previous_by: int = 0) -> Entry:
    """The entry with its folio lines numbered otherwise; not for first lines."""
    lines = (FolioLine(f.folio, f.number + number_by, (f.previous or 0) + previous_by) for f in entry.folios)
    return replace(entry, folios=tuple(lines))
