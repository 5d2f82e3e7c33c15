"""Statements: what a party signs, and the envelope that carries it.

The envelope is DSSE v1 (secure-systems-lab/dsse, `protocol.md`) with canonical standard base64:

    {"payload":"<base64 P>","payloadType":"application/vnd.sanquan.statement.v1+json",
     "signatures":[{"keyid":"key_…","sig":"<base64 S>"},…]}

S signs `DSSEv1 <len type> <type> <len P> <P>`. P is strict JSON:

    {"act":…,"log":…,"by":…,"for":…?,"with":[…]?,"at":…,"nonce":…,"expect":{…}?,"body":{…}}

Source: contract section 2.
"""

import hashlib
import re
from binascii import a2b_base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from ledger.encoding import format_base64, parse_base64, parse_base64url
from ledger.errors import FormatError, TooLargeError, UnknownMemberError
from ledger.identifiers import ObjectIdentifiers, check_identifier, is_identifier
from ledger.instants import parse_instant, to_milliseconds
from ledger.strict_json import parse_strict

PAYLOAD_TYPE = "application/vnd.sanquan.statement.v1+json"
MAX_PAYLOAD_BYTES = 32_768
MAX_ENVELOPE_BYTES = 52_000
MAX_SIGNATURES = 8
MAX_PARTIES = 32
NONCE_BYTES = 16

_PREFIX = b"DSSEv1 %d %s " % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode())
_ACT = re.compile(r"[a-z]{1,32}\.[a-z]{1,32}")


class EnvelopeSignature(msgspec.Struct, frozen=True):
    """One signature and the key that claims to have made it."""

    key: str
    value: bytes


class Envelope(msgspec.Struct, frozen=True):
    """A signed payload. The payload's bytes are kept verbatim."""

    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]

    def signed_bytes(self) -> bytes:
        """What every signature signs: DSSE's pre-authentication encoding."""
        return pre_authentication_encoding(self.payload)

    def digest(self) -> bytes:
        """SHA-256 of the payload; in hex the statement's own identifier."""
        return hashlib.sha256(self.payload).digest()


class Statement(msgspec.Struct, frozen=True):
    """A decoded payload. Who signed it, and whether it may take effect, is not judged here."""

    digest: bytes
    act: str
    log: str
    by: str
    for_: str | None
    with_: tuple[str, ...]
    at: datetime
    nonce: bytes
    expect: Mapping[str, int]
    body: Mapping[str, Any]

    @property
    def identifier(self) -> str:
        """The hex SHA-256 of the payload."""
        return self.digest.hex()

    def objects(self) -> ObjectIdentifiers:
        """The identifiers of what the statement makes."""
        return ObjectIdentifiers.of_statement(to_milliseconds(self.at), self.digest)


def pre_authentication_encoding(payload: bytes) -> bytes:
    """`DSSEv1 <len type> <type> <len payload> <payload>`."""
    return _PREFIX + b"%d " % len(payload) + payload


def _members(value: Any, required: tuple[str, ...], optional: tuple[str, ...], pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError("not a JSON object", pointer)
    for name in value:
        if name not in required and name not in optional:
            raise UnknownMemberError(f"the member {name!r} is not known here", f"{pointer}/{name}")
    for name in required:
        if name not in value:
            raise FormatError(f"the member {name!r} is missing", f"{pointer}/{name}")
    return value


def _at(pointer: str, value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise FormatError(f"not a {kind.__name__}", pointer)
    return value


def envelope_from_json(value: Any, pointer: str = "") -> Envelope:
    """The envelope that a decoded JSON value spells.

    Raises:
        UnknownMemberError: a member that DSSE does not name.
        TooLargeError: payload, envelope or number of signatures over the limits.
        FormatError: any other breach of the form.
    """
    members = _members(value, ("payload", "payloadType", "signatures"), (), pointer)
    if members["payloadType"] != PAYLOAD_TYPE:
        raise FormatError(f"payloadType must be {PAYLOAD_TYPE}", f"{pointer}/payloadType")
    text = _at(f"{pointer}/payload", members["payload"], str)
    if len(text) * 3 > (MAX_PAYLOAD_BYTES + 2) * 4:
        raise TooLargeError(f"the payload is over {MAX_PAYLOAD_BYTES} bytes", f"{pointer}/payload")
    signatures = _at(f"{pointer}/signatures", members["signatures"], list)
    if len(signatures) > MAX_SIGNATURES:
        raise TooLargeError(f"more than {MAX_SIGNATURES} signatures", f"{pointer}/signatures")
    try:
        payload = parse_base64(text)
    except FormatError as error:
        raise FormatError(str(error), f"{pointer}/payload") from error
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise TooLargeError(f"the payload is over {MAX_PAYLOAD_BYTES} bytes", f"{pointer}/payload")
    envelope = Envelope(payload, tuple(_signature(s, f"{pointer}/signatures/{i}") for i, s in enumerate(signatures)))
    if _formatted_length(envelope) > MAX_ENVELOPE_BYTES:
        raise TooLargeError(f"the envelope is over {MAX_ENVELOPE_BYTES} bytes", pointer)
    return envelope


def _signature(value: Any, pointer: str) -> EnvelopeSignature:
    members = _members(value, ("keyid", "sig"), (), pointer)
    try:
        key = check_identifier(members["keyid"], "key")
        return EnvelopeSignature(key, parse_base64(_at(f"{pointer}/sig", members["sig"], str)))
    except FormatError as error:
        raise FormatError(str(error), error.pointer or pointer) from error


def parse_envelope(data: bytes) -> Envelope:
    """Inverse of `format_envelope`; the order of members and spaces are free.

    Raises:
        FormatError: see `envelope_from_json`.
    """
    found = read_canonical(data)
    return found[0] if found else envelope_from_json(parse_strict(data))


def read_canonical(data: bytes) -> tuple[Envelope, str] | None:
    """The envelope and its text, if `data` is just what `format_envelope` writes, within the limits; None says nothing.

    Most envelopes come so, and comparing the text takes the place of checking its parts.
    """
    try:
        wire = _decode_wire(data)
        payload = a2b_base64(wire.payload)
        signatures = tuple([EnvelopeSignature(s.keyid, a2b_base64(s.sig)) for s in wire.signatures])
    except (ValueError, RecursionError):
        return None
    if len(data) > MAX_ENVELOPE_BYTES or len(payload) > MAX_PAYLOAD_BYTES or len(signatures) > MAX_SIGNATURES:
        return None
    envelope = Envelope(payload, signatures)
    named = all(is_identifier(signature.key, "key") for signature in signatures)
    text = format_envelope(envelope)
    return (envelope, text) if named and text.encode() == data else None


class _WireSignature(msgspec.Struct):
    keyid: str
    sig: str


class _Wire(msgspec.Struct):
    payload: str
    signatures: list[_WireSignature]


_decode_wire = msgspec.json.Decoder(_Wire).decode


def format_envelope(envelope: Envelope) -> str:
    """The envelope as it stands in an entry: members in DSSE's order, no spaces, ASCII."""
    signatures = ",".join(f'{{"keyid":"{s.key}","sig":"{format_base64(s.value)}"}}' for s in envelope.signatures)
    payload = format_base64(envelope.payload)
    return f'{{"payload":"{payload}","payloadType":"{PAYLOAD_TYPE}","signatures":[{signatures}]}}'


def _formatted_length(envelope: Envelope) -> int:
    """How long `format_envelope` is."""
    signatures = sum(len(s.key) + (len(s.value) + 2) // 3 * 4 + _SIGNATURE_FRAME for s in envelope.signatures)
    commas = max(0, len(envelope.signatures) - 1)
    return _ENVELOPE_FRAME + (len(envelope.payload) + 2) // 3 * 4 + signatures + commas


_ENVELOPE_FRAME = len(format_envelope(Envelope(b"", ())))
_SIGNATURE_FRAME = len('{"keyid":"","sig":""}')


def parse_statement(envelope: Envelope, digest: bytes | None = None) -> Statement:
    """The statement that the payload spells. The body is an object; its members are the act's business.

    `digest` is that of the envelope, where the caller has it already.

    Raises:
        UnknownMemberError, DuplicateMemberError, TooLargeError, FormatError: see the module.
    """
    members = _members(parse_strict(envelope.payload), _REQUIRED, _OPTIONAL, "")
    pointer = ""
    try:
        pointer = "/act"
        act = _act(_at(pointer, members["act"], str))
        pointer = "/log"
        log = _at(pointer, members["log"], str)
        pointer = "/by"
        by = check_identifier(members["by"], "pty")
        pointer = "/for"
        for_ = check_identifier(members["for"], "pty") if "for" in members else None
        pointer = "/with"
        with_ = _joining(_at(pointer, members.get("with", []), list), by)
        pointer = "/at"
        at = parse_instant(_at(pointer, members["at"], str))
        pointer = "/nonce"
        nonce = _nonce(_at(pointer, members["nonce"], str))
        pointer = "/expect"
        expect = _expectations(_at(pointer, members.get("expect", {}), dict))
        pointer = "/body"
        body = _at(pointer, members["body"], dict)
    except TooLargeError:
        raise
    except FormatError as error:
        raise FormatError(str(error), error.pointer or pointer) from error
    return Statement(digest or envelope.digest(), act, log, by, for_, with_, at, nonce, expect, body)


_REQUIRED = ("act", "log", "by", "at", "nonce", "body")
_OPTIONAL = ("for", "with", "expect")


def _act(text: str) -> str:
    if not _ACT.fullmatch(text):
        raise FormatError("an act is named by two words with a dot between them")
    return text


def _joining(parties: list[Any], by: str) -> tuple[str, ...]:
    if len(parties) >= MAX_PARTIES:
        raise TooLargeError(f"more than {MAX_PARTIES} parties", "/with")
    found = tuple(check_identifier(party, "pty") for party in parties)
    if len({by, *found}) != len(found) + 1:
        raise FormatError("a party is named twice among those who sign")
    return found


def _nonce(text: str) -> bytes:
    nonce = parse_base64url(text)
    if len(nonce) != NONCE_BYTES:
        raise FormatError(f"a nonce has {NONCE_BYTES} bytes")
    return nonce


def _expectations(members: dict[str, Any]) -> dict[str, int]:
    for folio, number in members.items():
        check_identifier(folio, "ast", "pty")
        if type(number) is not int or number < 0:
            raise FormatError("the number of entries expected on a folio is a whole number", f"/expect/{folio}")
    return members
