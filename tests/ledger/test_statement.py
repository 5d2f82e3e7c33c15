import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.errors import DuplicateMemberError, FormatError, TooLargeError, UnknownMemberError
from ledger.identifiers import key_identifier, party_identifier
from ledger.keys import Algorithm, verify_signature
from ledger.statement import (
    MAX_PAYLOAD_BYTES,
    PAYLOAD_TYPE,
    Envelope,
    EnvelopeSignature,
    format_envelope,
    parse_envelope,
    parse_statement,
    pre_authentication_encoding,
)
from tests.ledger.logs import ASSETS, AUTHOR, PARTY, make_envelope, sign
from tests.ledger.support import ORIGIN

KEY = key_identifier(AUTHOR.public)
ENVELOPE = make_envelope(7)
OTHERS = [party_identifier(bytes([number])) for number in range(40)]
ABSENT = object()


def changed(**members: Any) -> Envelope:
    found = json.loads(ENVELOPE.payload) | {name.rstrip("_"): value for name, value in members.items()}
    return Envelope(json.dumps({name: value for name, value in found.items() if value is not ABSENT}).encode(), ())


def test_signed_bytes_are_those_of_dsse() -> None:
    assert pre_authentication_encoding(b"hello") == b"DSSEv1 41 application/vnd.sanquan.statement.v1+json 5 hello"
    assert len(PAYLOAD_TYPE) == 41
    signature = ENVELOPE.signatures[0].value
    verify_signature(Algorithm.ED25519, AUTHOR.public, ENVELOPE.signed_bytes(), signature)


def test_envelope_is_written_in_the_order_of_dsse() -> None:
    text = format_envelope(Envelope(b"{}", (EnvelopeSignature(KEY, b"\0"),)))
    assert (
        text == f'{{"payload":"e30=","payloadType":"{PAYLOAD_TYPE}","signatures":[{{"keyid":"{KEY}","sig":"AA=="}}]}}'
    )


@given(
    st.binary(max_size=300),
    st.lists(st.builds(EnvelopeSignature, st.just(KEY), st.binary(max_size=80)), max_size=8).map(tuple),
)
def test_envelopes_round_trip(payload: bytes, signatures: tuple[EnvelopeSignature, ...]) -> None:
    envelope = Envelope(payload, signatures)
    assert parse_envelope(format_envelope(envelope).encode()) == envelope
    spaced = json.dumps(dict(reversed(json.loads(format_envelope(envelope)).items())), indent=1)
    assert parse_envelope(spaced.encode()) == envelope


@given(st.binary() | st.text(st.sampled_from('{}[]":,payldTsigntures0')).map(str.encode))
def test_arbitrary_bytes_are_no_envelope(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_envelope(data)
    with pytest.raises(FormatError):
        parse_statement(Envelope(data, ()))


@pytest.mark.parametrize(
    ("change", "error", "pointer"),
    [
        ({"payload": "e30"}, FormatError, "/payload"),
        ({"payload": "e31="}, FormatError, "/payload"),
        ({"payload": "é"}, FormatError, "/payload"),
        ({"payload": 1}, FormatError, "/payload"),
        ({"payload": ABSENT}, FormatError, "/payload"),
        ({"payload": "A" * 43_696}, TooLargeError, "/payload"),
        ({"payloadType": "application/json"}, FormatError, "/payloadType"),
        ({"signatures": {}}, FormatError, "/signatures"),
        ({"signatures": [{"keyid": KEY, "sig": "AA=="}] * 9}, TooLargeError, "/signatures"),
        ({"signatures": [{"keyid": KEY, "sig": "A" * 52_000}]}, TooLargeError, ""),
        ({"signatures": [{"keyid": KEY}]}, FormatError, "/signatures/0/sig"),
        ({"signatures": [{"keyid": KEY, "sig": "AA"}]}, FormatError, "/signatures/0"),
        ({"signatures": [{"keyid": PARTY, "sig": "AA=="}]}, FormatError, "/signatures/0"),
        ({"signatures": [{"keyid": KEY, "sig": "AA==", "cert": ""}]}, UnknownMemberError, "/signatures/0/cert"),
        ({"signatures": [1]}, FormatError, "/signatures/0"),
        ({"more": 1}, UnknownMemberError, "/more"),
    ],
)
def test_other_envelopes_are_refused(change: dict[str, Any], error: type[FormatError], pointer: str) -> None:
    members = json.loads(format_envelope(ENVELOPE)) | change
    data = json.dumps({name: value for name, value in members.items() if value is not ABSENT}).encode()
    with pytest.raises(error) as caught:
        parse_envelope(data)
    assert caught.value.pointer == pointer
    assert type(caught.value) is error


def test_payload_of_the_largest_size() -> None:
    envelope = Envelope(bytes(MAX_PAYLOAD_BYTES), ())
    assert parse_envelope(format_envelope(envelope).encode()) == envelope
    with pytest.raises(TooLargeError):
        parse_envelope(format_envelope(Envelope(bytes(MAX_PAYLOAD_BYTES + 1), ())).encode())


def test_statement_says_what_its_payload_says() -> None:
    members = {"for_": OTHERS[0], "with": OTHERS[:2], "expect": {ASSETS[0]: 7}}
    statement = parse_statement(changed(**members))
    assert (statement.act, statement.log, statement.by) == ("case.supplement", ORIGIN, PARTY)
    assert (statement.for_, statement.with_, statement.expect) == (OTHERS[0], tuple(OTHERS[:2]), {ASSETS[0]: 7})
    plain = parse_statement(ENVELOPE)
    assert (plain.for_, plain.with_, plain.expect) == (None, (), {})
    assert plain.digest == sha256(ENVELOPE.payload).digest() == bytes.fromhex(plain.identifier)
    assert plain.body == {"number": 7, "salt": ""}
    assert len(plain.nonce) == 16


def test_objects_are_named_after_the_payload() -> None:
    """The contract's example of an identifier; the payload alone is not a statement."""
    payload = b'{"at":"2026-11-24T05:49:29Z"}'
    with pytest.raises(FormatError):
        parse_statement(Envelope(payload, ()))
    statement = replace(parse_statement(changed(at="2026-11-24T05:49:29Z")), digest=sha256(payload).digest())
    assert statement.objects().identifier("ast", 1) == "ast_01m861m8h8ed7jf9427vqqa0k3_1"


@pytest.mark.parametrize(
    ("members", "error", "pointer"),
    [
        ({"act": "grant"}, FormatError, "/act"),
        ({"act": "Right.grant"}, FormatError, "/act"),
        ({"act": 1}, FormatError, "/act"),
        ({"log": None}, FormatError, "/log"),
        ({"by": KEY}, FormatError, "/by"),
        ({"for": None}, FormatError, "/for"),
        ({"with": [PARTY]}, FormatError, "/with"),
        ({"with": [OTHERS[0], OTHERS[0]]}, FormatError, "/with"),
        ({"with": OTHERS[:32]}, TooLargeError, "/with"),
        ({"with": "x"}, FormatError, "/with"),
        ({"at": "2026-11-24 05:49:29"}, FormatError, "/at"),
        ({"at": 1}, FormatError, "/at"),
        ({"nonce": "AA"}, FormatError, "/nonce"),
        ({"nonce": "+" * 22}, FormatError, "/nonce"),
        ({"expect": {KEY: 1}}, FormatError, "/expect"),
        ({"expect": {PARTY: -1}}, FormatError, f"/expect/{PARTY}"),
        ({"expect": {PARTY: True}}, FormatError, f"/expect/{PARTY}"),
        ({"body": []}, FormatError, "/body"),
        ({"body": ABSENT}, FormatError, "/body"),
        ({"more": 1}, UnknownMemberError, "/more"),
    ],
)
def test_other_statements_are_refused(members: dict[str, Any], error: type[FormatError], pointer: str) -> None:
    with pytest.raises(error) as caught:
        parse_statement(changed(**members))
    assert caught.value.pointer == pointer
    assert type(caught.value) is error


def test_member_that_stands_twice() -> None:
    with pytest.raises(DuplicateMemberError):
        parse_statement(sign(ENVELOPE.payload.replace(b'"number":7', b'"number":7,"number":8')))


def test_31_parties_may_join() -> None:
    assert len(parse_statement(changed(**{"with": OTHERS[:31]})).with_) == 31
