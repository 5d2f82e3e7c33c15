"""What can be said of a bundle without the entries before it, and what its reader keeps to verify signatures later.

This is where an audit spends its time, so it runs in worker processes (`ledger.audit.workers`). It answers a summary,
from which `ledger.audit.chain` goes on: nothing in it grows with the length of the log.
"""

from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET

from ledger.errors import FormatError, SignatureError
from ledger.finding import BrokenError, Finding
from ledger.instants import format_instant, parse_instant
from ledger.keys import Algorithm, verify_signature
from ledger.merkle import HASH_BYTES, leaf_hash, root
from ledger.note import parse_verifier_key
from ledger.reading.quick import WireEntry, WireStatement, envelope_of, quick_wire_statement, read_entry, statement_of
from ledger.reading.words import (
    bundle_cut_off,
    bundle_too_long,
    chain_broken,
    entry_changed,
    entry_form,
    entry_missing,
    folio_gap,
    foreign_statement,
    key_form,
    log_key_form,
    other_position,
    signature_invalid,
    statement_form,
    time_backwards,
    wrong_tile,
)
from ledger.signing import KEY_ACTS, Signing, signing_of
from ledger.statement import Envelope, Statement, parse_statement, pre_authentication_encoding
from ledger.tiles import TILE_WIDTH, Bundle, Tile, decode_bundle

LogKey = tuple[int, str, bool]
"""Position, verifier key as text (of a key that ends: as the statement names it), whether it is added."""


class FolioRun(msgspec.Struct, array_like=True, gc=False):
    """The lines of a folio within a bundle, which follow one another."""

    folio: str
    number: int
    """Of the first line, as `previous` and `position` are."""
    previous: int | None
    position: int
    last_number: int
    last_position: int


class SignedEntry(msgspec.Struct, frozen=True, array_like=True):
    """Who has to sign an entry; equal for most entries of a bundle. `own` are the signing parties' folios among its own."""

    signing: Signing
    own: tuple[str, ...]

    @property
    def changes_keys(self) -> bool:
        """Whether it adds or ends keys, or names some that count for this entry alone."""
        signing = self.signing
        return bool(signing.added or signing.ended or signing.proofs or signing.founding)


class Summary(msgspec.Struct, array_like=True):
    """What the entries of a bundle that hold add up to, and the first that does not, if there is one."""

    index: int
    finding: Finding | None = None
    previous: str = ""
    """The hash that the first entry continues."""
    times: list[str] = []
    """Of each entry, as it is written."""
    leaves: bytes = b""
    root: bytes = b""
    """Over all 256 entries; empty where there are fewer."""
    digests: bytes = b""
    folios: list[FolioRun] = []
    log_keys: list[LogKey] = []
    signers: list[SignedEntry] = []
    signed: list[int] = []
    """For each entry the place of its signers in `signers`."""

    @property
    def held(self) -> int:
        """How many entries hold."""
        return len(self.leaves) // HASH_BYTES


class Reading(msgspec.Struct, array_like=True):
    """A bundle to be read."""

    index: int
    width: int
    origin: str
    data: bytes
    tile: bytes
    with_signatures: bool


class PublicKeys(msgspec.Struct, array_like=True):
    """The keys that must have signed the entries of a bundle: `wanted` holds for each entry their places in `keys`."""

    index: int
    keys: list[tuple[Algorithm, bytes]]
    wanted: list[tuple[int, ...]]


Kept = list[tuple[bytes, list[bytes]]]
"""Payload and signatures of each entry."""


class _Reader:
    """A bundle being read."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._start = reading.index * TILE_WIDTH
        self._previous = ""
        self._changed = -1
        self._times: list[str] = []
        self._signers: list[SignedEntry] = []
        self._signed: list[int] = []
        self._leaves: list[bytes] = []
        self._digests: list[bytes] = []
        self._folios: dict[str, FolioRun] = {}
        self._places: dict[Any, int] = {}
        self.summary = Summary(reading.index)
        self.kept: Kept = []

    def read(self) -> None:
        """`summary` and `kept` are complete."""
        reading, summary = self._reading, self.summary
        try:
            datas = self._decode()
            leaves = [leaf_hash(data) for data in datas[: reading.width]]
            self._check_leaves(leaves)
            for number, (data, leaf) in enumerate(zip(datas, leaves, strict=False), self._start):
                self._check(number, data, leaf)
            self._check_end(datas)
        except BrokenError as error:
            summary.finding = error.finding
        summary.times, summary.signers, summary.signed = self._times, self._signers, self._signed
        summary.leaves, summary.digests = b"".join(self._leaves), b"".join(self._digests)
        summary.folios = list(self._folios.values())
        if len(self._leaves) == TILE_WIDTH:
            summary.root = root(self._leaves)

    def _decode(self) -> list[bytes]:
        bundle = Bundle(self._reading.index, self._reading.width)
        try:
            return decode_bundle(self._reading.data)
        except FormatError as error:
            raise bundle_cut_off(bundle, self._start, error) from error

    def _check_leaves(self, leaves: list[bytes]) -> None:
        """`_changed` is the first entry whose hash is not the one in the tile."""
        tile = self._reading.tile
        if tile[: len(leaves) * HASH_BYTES] != b"".join(leaves):
            starts = range(0, len(leaves) * HASH_BYTES, HASH_BYTES)
            same = (tile[at : at + HASH_BYTES] == leaf for at, leaf in zip(starts, leaves, strict=True))
            self._changed = self._start + list(same).index(False)

    def _check(self, position: int, data: bytes, leaf: bytes) -> None:
        if position == self._changed:
            raise entry_changed(position)
        try:
            wire = read_entry(data)
        except FormatError as error:
            raise entry_form(position, error) from error
        self._check_place(position, wire)
        payload = wire.statement.payload
        digest = sha256(payload).digest()
        members = quick_wire_statement(payload)
        if members is None or members.act in KEY_ACTS:
            self._check_statement(position, wire, members, digest)
        elif members.log != self._reading.origin:
            raise foreign_statement(position, members.log, self._reading.origin)
        elif self._reading.with_signatures:
            joining = () if members.with_ is UNSET else tuple(members.with_)
            self._keep_plain(wire, members.by, joining, members.at)
        self._add_folios(position, wire)
        self._times.append(wire.time)
        self._leaves.append(leaf)
        self._digests.append(digest)
        self._previous = leaf.hex()

    def _check_statement(self, position: int, wire: WireEntry, members: WireStatement | None, digest: bytes) -> None:
        """The statement is one, is made for this log, and what it says of keys is in its form."""
        payload = wire.statement.payload
        try:
            if members is None:
                statement = parse_statement(Envelope(payload, ()), digest)
            else:
                statement = statement_of(members, payload, digest)
        except FormatError as error:
            raise statement_form(position, error) from error
        if statement.log != self._reading.origin:
            raise foreign_statement(position, statement.log, self._reading.origin)
        self._list_log_key(position, statement)
        if self._reading.with_signatures:
            self._keep_signers(position, wire, statement)

    def _check_place(self, position: int, wire: WireEntry) -> None:
        if wire.seq != position:
            raise other_position(position, wire.seq)
        if not self._previous:
            self.summary.previous = wire.prev
        elif wire.prev != self._previous:
            raise chain_broken(position)
        times = self._times
        if times and wire.time < times[-1]:
            raise time_backwards(position, wire.time, times[-1])

    def _add_folios(self, position: int, wire: WireEntry) -> None:
        for line in wire.folios:
            run = self._folios.get(line.id)
            if run is None:
                self._folios[line.id] = FolioRun(line.id, line.n, line.prev, position, line.n, position)
                continue
            if line.n != run.last_number + 1 or line.prev != run.last_position:
                raise folio_gap(position, line.id, (line.n, line.prev), (run.last_number, run.last_position))
            run.last_number, run.last_position = line.n, position

    def _list_log_key(self, position: int, statement: Statement) -> None:
        for text, added in log_keys_of(statement):
            try:
                if added:
                    parse_verifier_key(text)
            except (FormatError, SignatureError) as error:
                raise log_key_form(position, error) from error
            self.summary.log_keys.append((position, text, added))

    def _keep_signers(self, position: int, wire: WireEntry, statement: Statement) -> None:
        if statement.act not in KEY_ACTS:
            self._keep_plain(wire, statement.by, statement.with_, format_instant(statement.at))
            return
        try:
            signing = signing_of(envelope_of(wire), statement)
        except (FormatError, SignatureError) as error:
            raise key_form(position, error) from error
        parties = (signing.by, *signing.with_)
        own = tuple([line.id for line in wire.folios if line.id in parties])
        self._signed.append(len(self._signers))
        self._signers.append(SignedEntry(signing, own))
        self.kept.append((wire.statement.payload, [each.sig for each in wire.statement.signatures]))

    def _keep_plain(self, wire: WireEntry, by: str, joining: tuple[str, ...], at: str) -> None:
        """Who signs a statement that changes no keys; most entries of a bundle have few signers."""
        signatures = wire.statement.signatures
        keys = tuple([each.keyid for each in signatures])
        own = tuple([line.id for line in wire.folios if line.id == by or line.id in joining])
        same = (by, joining, keys, own)
        place = self._places.get(same)
        if place is None:
            place = self._places[same] = len(self._signers)
            self._signers.append(SignedEntry(Signing(by, joining, parse_instant(at), keys), own))
        self._signed.append(place)
        self.kept.append((wire.statement.payload, [each.sig for each in signatures]))

    def _check_end(self, datas: list[bytes]) -> None:
        reading = self._reading
        bundle = Bundle(reading.index, reading.width)
        if len(datas) > reading.width:
            raise bundle_too_long(bundle, self._start, len(datas))
        if len(datas) < reading.width:
            raise entry_missing(bundle, self._start + len(datas))
        if len(reading.tile) != reading.width * HASH_BYTES:
            raise wrong_tile(Tile(0, reading.index, reading.width))


def log_keys_of(statement: Statement) -> list[tuple[str, bool]]:
    """What `log.open` and `log.key` say of the log's own keys: the key, and whether it is added. Unverified."""
    match statement.act, statement.body:
        case "log.open", {"log_keys": list(keys)}:
            return [(key, True) for key in keys if isinstance(key, str)]
        case "log.key", {"use": "log"} as body:
            changes = ((body.get("add"), True), (body.get("retire"), False))
            return [(key, added) for key, added in changes if isinstance(key, str)]
        case _:
            return []


def read_bundle(reading: Reading) -> tuple[Summary, Kept]:
    """The summary, and what `verify_bundle` needs."""
    reader = _Reader(reading)
    reader.read()
    return reader.summary, reader.kept


def verify_bundle(keys: PublicKeys, kept: Kept) -> Finding | None:
    """The first signature that does not hold; None if all do."""
    start = keys.index * TILE_WIDTH
    for number, (places, (payload, signatures)) in enumerate(zip(keys.wanted, kept, strict=False)):
        message = pre_authentication_encoding(payload)
        for count, (place, signature) in enumerate(zip(places, signatures, strict=True)):
            algorithm, public = keys.keys[place]
            try:
                verify_signature(algorithm, public, message, signature)
            except SignatureError as error:
                return signature_invalid(start + number, count, error)
    return None
