"""ML-DSA-44 against an implementation in plain Python, both ways: lines of kind 06 under checkpoints, and statements."""

import pytest
from dilithium_py.ml_dsa import ML_DSA_44

from ledger.checkpoint import Checkpoint, sign_checkpoint, subtree_message, verify_checkpoint
from ledger.errors import SignatureError
from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner, verify_signature
from ledger.note import ML_DSA_44_COSIGNATURE, Note, Signature, format_note, parse_note, verifier_key
from ledger.statement import Envelope, EnvelopeSignature, format_envelope, parse_envelope
from tests.ledger.logs import make_envelope
from tests.ledger.support import flip

ORIGIN = "registry.example/log1"
SEEDS = [bytes([number]) * 32 for number in range(2)]
CHECKPOINTS = [Checkpoint(ORIGIN, 7, bytes(range(32))), Checkpoint(ORIGIN, 2**63 - 1, bytes(32))]


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_of_a_seed_are_the_same(seed: bytes) -> None:
    assert ML_DSA_44.key_derive(seed)[0] == KeySigner.from_seed(seed, Algorithm.ML_DSA_44).public


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_lines_of_ours_hold_there(checkpoint: Checkpoint) -> None:
    signer = KeySigner.from_seed(SEEDS[0], Algorithm.ML_DSA_44)
    (line,) = parse_note(sign_checkpoint(checkpoint, [signer], 1_790_000_000)).signatures
    message = subtree_message(ORIGIN, 1_790_000_000, ORIGIN, checkpoint.root, end=checkpoint.size)
    assert line.payload[:8] == (1_790_000_000).to_bytes(8, "big")
    assert ML_DSA_44.verify(signer.public, message, line.payload[8:])
    assert not ML_DSA_44.verify(signer.public, message + b"\x00", line.payload[8:])


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_lines_from_there_hold_here(checkpoint: Checkpoint) -> None:
    public, secret = ML_DSA_44.key_derive(SEEDS[1])
    key = verifier_key(ORIGIN, ML_DSA_44_COSIGNATURE, public)
    message = subtree_message(ORIGIN, 7, ORIGIN, checkpoint.root, end=checkpoint.size)
    text = f"{ORIGIN}\n{checkpoint.size}\n{parse_note(sign_checkpoint(checkpoint, [KeySigner.generate()], 0)).text.splitlines()[2]}\n"
    payload = (7).to_bytes(8, "big") + ML_DSA_44.sign(secret, message)
    for line, is_good in ((payload, True), (flip(payload, 8 * 900), False), (flip(payload, 8 * 7), False)):
        note = format_note(Note(text, (Signature(ORIGIN, key.key_id, line),)))
        if is_good:
            assert verify_checkpoint(note, [key]).timestamps == (7,)
            continue
        with pytest.raises(SignatureError):
            verify_checkpoint(note, [key])


def test_statements_both_ways() -> None:
    payload = make_envelope(1).payload
    ours, (public, secret) = KeySigner.from_seed(SEEDS[0], Algorithm.ML_DSA_44), ML_DSA_44.key_derive(SEEDS[1])
    message = Envelope(payload, ()).signed_bytes()
    assert ML_DSA_44.verify(ours.public, message, ours.sign(message))
    signature = EnvelopeSignature(key_identifier(public), ML_DSA_44.sign(secret, message))
    found = parse_envelope(format_envelope(Envelope(payload, (signature,))).encode())
    verify_signature(Algorithm.ML_DSA_44, public, found.signed_bytes(), found.signatures[0].value)
    with pytest.raises(SignatureError):
        verify_signature(Algorithm.ML_DSA_44, public, message, ML_DSA_44.sign(secret, message, ctx=b"another context"))
