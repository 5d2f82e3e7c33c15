"""Envelopes are those of DSSE: what is signed here verifies with securesystemslib, and the other way round."""

import json

import pytest
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from ledger.encoding import format_base64
from ledger.errors import SignatureError
from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner, verify_signature
from ledger.statement import PAYLOAD_TYPE, format_envelope, parse_envelope, parse_statement
from registry.drafting import sign_payload
from tests.ledger.logs import make_envelope

PAYLOAD = make_envelope(1).payload


def their_key(public: bytes) -> SSlibKey:
    """Our raw Ed25519 key as they write it."""
    return SSlibKey(key_identifier(public), "ed25519", "ed25519", {"public": public.hex()})


def test_what_we_sign_verifies_there() -> None:
    signers = [KeySigner.from_seed(bytes([number]) * 32) for number in (1, 2)]
    text = format_envelope(sign_payload(PAYLOAD, signers))
    found = TheirEnvelope.from_dict(json.loads(text))
    assert (found.payload, found.payload_type) == (PAYLOAD, PAYLOAD_TYPE)
    keys = [their_key(signer.public) for signer in signers]
    assert set(found.verify(keys, 2)) == {key_identifier(signer.public) for signer in signers}
    assert json.dumps(found.to_dict(), separators=(",", ":")).replace(" ", "") == text
    with pytest.raises(VerificationError):
        found.verify([their_key(KeySigner.generate().public)], 1)
    changed = json.loads(text) | {"payload": format_base64(PAYLOAD + b" ")}
    with pytest.raises(VerificationError):
        TheirEnvelope.from_dict(changed).verify(keys, 1)


def test_what_they_sign_verifies_here() -> None:
    made = CryptoSigner.generate_ed25519()
    public = bytes.fromhex(made.public_key.keyval["public"])
    theirs = TheirEnvelope(PAYLOAD, PAYLOAD_TYPE, {})
    theirs.sign(CryptoSigner(made._private_key, their_key(public)))
    found = parse_envelope(json.dumps(theirs.to_dict()).encode())
    assert parse_statement(found).identifier == make_envelope(1).digest().hex()
    assert found.signed_bytes() == theirs.pae()
    assert found.signatures[0].key == key_identifier(public)
    verify_signature(Algorithm.ED25519, public, found.signed_bytes(), found.signatures[0].value)
    with pytest.raises(SignatureError):
        verify_signature(Algorithm.ED25519, public, found.signed_bytes() + b" ", found.signatures[0].value)
