"""Entries and statements in their usual form, read fast: the strict parsers stay the judges.

Almost every entry is written as this software writes it. So its bytes are decoded into typed values by compiled code,
written again by compiled code, and compared: what comes back equal holds no member twice, no escape, no other spelling
of a number, no second form of base64. What is left is checked here. None means "ask the strict parser", which alone
refuses; whatever is answered here, `parse_entry` and `parse_statement` answer as well (a property test compares them).
"""

import re
from binascii import a2b_base64
from functools import lru_cache
from hashlib import sha256
from typing import Any, NoReturn

import msgspec

from ledger.entry import MAX_FOLIOS, Entry, FolioLine, parse_entry
from ledger.errors import FormatError
from ledger.identifiers import is_identifier
from ledger.instants import format_instant, parse_instant
from ledger.statement import (
    MAX_ENVELOPE_BYTES,
    MAX_PARTIES,
    MAX_PAYLOAD_BYTES,
    MAX_SIGNATURES,
    PAYLOAD_TYPE,
    Envelope,
    EnvelopeSignature,
    Statement,
)
from ledger.strict_json import MAX_DEPTH

_MAX_INTEGER = 2**53
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 16
"""As many digits as 2^53 has."""
_HEX_HASH = re.compile(r"[0-9a-f]{64}").fullmatch
_NONCE = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]").fullmatch
"""Sixteen bytes in base64url: the last character carries two bits."""
_PLAIN_INSTANT = re.compile(
    r"(?:19[7-9][0-9]|[2-8][0-9]{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3})?Z"
).fullmatch
"""An instant that needs no calendar."""
_ACT = re.compile(r"[a-z]{1,32}\.[a-z]{1,32}").fullmatch


class WireSignature(msgspec.Struct, gc=False):
    """A signature as it stands in an envelope."""

    keyid: str
    sig: bytes


class WireEnvelope(msgspec.Struct, gc=False):
    """An envelope as it stands in an entry."""

    payload: bytes
    payloadType: str  # noqa: N815  the member's name
    signatures: list[WireSignature]


class WireLine(msgspec.Struct, gc=False):
    """A folio line as it stands in an entry."""

    id: str
    n: int
    prev: int | None


class WireEntry(msgspec.Struct, gc=False):
    """The members of an entry, in their order."""

    v: int
    seq: int
    prev: str
    time: str
    folios: list[WireLine]
    statement: WireEnvelope


class WireStatement(msgspec.Struct, gc=False, rename={"for_": "for", "with_": "with"}):
    """The members of a payload in the order of the contract, as clients write them."""

    act: str
    log: str
    by: str
    for_: str | msgspec.UnsetType = msgspec.UNSET
    with_: list[str] | msgspec.UnsetType = msgspec.UNSET
    at: str = ""
    nonce: str = ""
    expect: dict[str, int] | msgspec.UnsetType = msgspec.UNSET
    body: dict[str, Any] = {}


def _no_float(text: str) -> NoReturn:
    raise ValueError(text)


_decode_entry = msgspec.json.Decoder(WireEntry).decode
_decode_statement = msgspec.json.Decoder(WireStatement, float_hook=_no_float).decode
_encode = msgspec.json.Encoder().encode

_is_folio = lru_cache(maxsize=8192)(lambda text: is_identifier(text, "ast", "pty"))
_is_party = lru_cache(maxsize=8192)(lambda text: is_identifier(text, "pty"))
_is_key = lru_cache(maxsize=8192)(lambda text: is_identifier(text, "key"))
_is_act = lru_cache(maxsize=1024)(lambda text: _ACT(text) is not None)


@lru_cache(maxsize=1024)
def _is_time(text: str) -> bool:
    """Whether this is how an entry writes a time."""
    try:
        return format_instant(parse_instant(text)) == text
    except FormatError:
        return False


def _is_instant(text: str) -> bool:
    """Whether `parse_instant` takes it; statements of one batch rarely share a time."""
    if _PLAIN_INSTANT(text):
        return True
    try:
        parse_instant(text)
    except FormatError:
        return False
    return True


def quick_entry(data: bytes) -> WireEntry | None:
    """The members of an entry that `parse_entry` would accept; None says nothing."""
    try:
        wire = _decode_entry(data)
        if _encode(wire) != data:
            return None
    except (ValueError, RecursionError):
        return None
    envelope = wire.statement
    fits = (
        wire.v == 1
        and 0 <= wire.seq < _MAX_INTEGER
        and _HEX_HASH(wire.prev)
        and _is_time(wire.time)
        and envelope.payloadType == PAYLOAD_TYPE
        and len(data) <= MAX_ENVELOPE_BYTES
        and len(envelope.payload) <= MAX_PAYLOAD_BYTES
        and len(envelope.signatures) <= MAX_SIGNATURES
    )
    if not fits or not _are_folios(wire.folios):
        return None
    for signature in envelope.signatures:
        if not _is_key(signature.keyid):
            return None
    return wire


def _are_folios(lines: list[WireLine]) -> bool:
    if not 1 <= len(lines) <= MAX_FOLIOS:
        return False
    before = ""
    for line in lines:
        if line.id <= before or not _is_folio(line.id) or not 1 <= line.n < _MAX_INTEGER:
            return False
        if line.prev is None:
            if line.n != 1:
                return False
        elif line.n == 1 or not 0 <= line.prev < _MAX_INTEGER:
            return False
        before = line.id
    return True


def envelope_of(wire: WireEntry) -> Envelope:
    """The envelope with the types of `ledger.statement`."""
    found = wire.statement
    return Envelope(found.payload, tuple([EnvelopeSignature(each.keyid, each.sig) for each in found.signatures]))


def wire_of(entry: Entry) -> WireEntry:
    """The members of an entry that `parse_entry` read."""
    signatures = [WireSignature(each.key, each.value) for each in entry.envelope.signatures]
    return WireEntry(
        1,
        entry.position,
        entry.previous.hex(),
        format_instant(entry.time),
        [WireLine(line.folio, line.number, line.previous) for line in entry.folios],
        WireEnvelope(entry.envelope.payload, PAYLOAD_TYPE, signatures),
    )


def read_entry(data: bytes) -> WireEntry:
    """The members of an entry.

    Raises:
        FormatError: see `parse_entry`.
    """
    return quick_entry(data) or wire_of(parse_entry(data))


def entry_of(data: bytes) -> Entry:
    """See `parse_entry`."""
    wire = quick_entry(data)
    if wire is None:
        return parse_entry(data)
    lines = tuple([FolioLine(line.id, line.n, line.prev) for line in wire.folios])
    return Entry(wire.seq, bytes.fromhex(wire.prev), parse_instant(wire.time), lines, envelope_of(wire))


def quick_wire_statement(payload: bytes) -> WireStatement | None:
    """The members of a payload that `parse_statement` would accept; None says nothing."""
    try:
        wire = _decode_statement(payload)
        if _encode(wire) != payload or _LONG in payload.translate(_DIGITS):
            return None
        if payload.count(b"{") + payload.count(b"[") > MAX_DEPTH:
            return None
    except (ValueError, RecursionError):
        return None
    fits = (
        _is_act(wire.act)
        and _is_party(wire.by)
        and (wire.for_ is msgspec.UNSET or _is_party(wire.for_))
        and (wire.with_ is msgspec.UNSET or _may_join(wire.with_, wire.by))
        and _is_instant(wire.at)
        and _NONCE(wire.nonce)
        and (wire.expect is msgspec.UNSET or _are_expected(wire.expect))
    )
    return wire if fits else None


def statement_of(wire: WireStatement, payload: bytes, digest: bytes | None = None) -> Statement:
    """The statement with the types of `ledger.statement`."""
    return Statement(
        digest or sha256(payload).digest(),
        wire.act,
        wire.log,
        wire.by,
        None if wire.for_ is msgspec.UNSET else wire.for_,
        () if wire.with_ is msgspec.UNSET else tuple(wire.with_),
        parse_instant(wire.at),
        a2b_base64(wire.nonce.replace("-", "+").replace("_", "/") + "=="),
        {} if wire.expect is msgspec.UNSET else wire.expect,
        wire.body,
    )


def quick_statement(payload: bytes) -> Statement | None:
    """The statement that `parse_statement` would make of the payload; None says nothing."""
    wire = quick_wire_statement(payload)
    return None if wire is None else statement_of(wire, payload)


def _may_join(parties: list[str], by: str) -> bool:
    return (
        len(parties) < MAX_PARTIES
        and len({by, *parties}) == len(parties) + 1
        and all(_is_party(each) for each in parties)
    )


def _are_expected(members: dict[str, int]) -> bool:
    return all(number >= 0 and _is_folio(folio) for folio, number in members.items())
