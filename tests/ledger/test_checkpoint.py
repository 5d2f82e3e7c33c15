from hashlib import sha256

import pytest
from dilithium_py.ml_dsa import ML_DSA_44
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import (
    MAX_NUMBER,
    Checkpoint,
    cosign_ed25519,
    cosignature_message,
    format_checkpoint,
    log_verifier_keys,
    only_ed25519_line,
    parse_checkpoint,
    parse_decimal,
    sign_checkpoint,
    subtree_message,
    verify_checkpoint,
)
from ledger.encoding import format_base64
from ledger.errors import FormatError, SignatureError
from ledger.keys import Algorithm, KeySigner, verify_signature
from ledger.merkle import EMPTY_ROOT, root
from ledger.note import (
    ED25519,
    ED25519_COSIGNATURE,
    ML_DSA_44_COSIGNATURE,
    Note,
    Signature,
    format_note,
    format_signature,
    format_verifier_key,
    parse_note,
    parse_signature,
    parse_verifier_key,
    verifier_key,
)
from tests.ledger.support import CHECKPOINT, LEAVES, LOG_SIGNER, ML_DSA_SIGNER, ORIGIN, WITNESS_SIGNER, flip, load

ML_DSA = load("mldsa")
NOTE = CHECKPOINT["note"]
TEXT = parse_note(NOTE).text
HEAD = Checkpoint(ORIGIN, 7, root(LEAVES[:7]))
LOG_KEY = parse_verifier_key(CHECKPOINT["log_vkey"])
WITNESS_KEY = parse_verifier_key(CHECKPOINT["witness_vkey"])
PQ_WITNESS_KEY = parse_verifier_key(ML_DSA["vkey"])
TIME = 1_790_000_000
SIGNERS = (LOG_SIGNER, ML_DSA_SIGNER)
KEYS = log_verifier_keys(ORIGIN, SIGNERS)

ORIGINS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
HEADS = st.builds(Checkpoint, ORIGINS, st.integers(0, MAX_NUMBER), st.binary(min_size=32, max_size=32))


def test_keys_match_vectors() -> None:
    assert LOG_SIGNER.public.hex() == CHECKPOINT["log_pk_hex"]
    assert WITNESS_SIGNER.public.hex() == CHECKPOINT["w_pk_hex"]
    assert log_verifier_keys(ORIGIN, [LOG_SIGNER]) == (LOG_KEY,)
    assert verifier_key("witness.example/w1", ED25519_COSIGNATURE, WITNESS_SIGNER.public) == WITNESS_KEY
    assert format_verifier_key(LOG_KEY) == CHECKPOINT["log_vkey"]
    assert format_verifier_key(WITNESS_KEY) == CHECKPOINT["witness_vkey"]


def test_note_matches_vector() -> None:
    """Both lines are deterministic, so the whole note is."""
    cosignature = cosign_ed25519(TEXT, "witness.example/w1", WITNESS_SIGNER, TIME)
    note = parse_note(sign_checkpoint(HEAD, [LOG_SIGNER], 0))
    assert format_note(Note(note.text, (*note.signatures, cosignature))) == NOTE
    verified = verify_checkpoint(NOTE, [LOG_KEY, WITNESS_KEY])
    assert verified.checkpoint == HEAD
    assert verified.note == NOTE
    assert verified.signed_by == (LOG_KEY, WITNESS_KEY)
    assert verified.timestamps == (None, TIME)


def test_ml_dsa_matches_vectors() -> None:
    public = ML_DSA_SIGNER.public
    assert (len(public), sha256(public).hexdigest()) == (ML_DSA["pk_len"], ML_DSA["pk_sha256"])
    assert format_base64(public) == ML_DSA["pk_b64"]
    key = verifier_key(ML_DSA["name"], ML_DSA_44_COSIGNATURE, public)
    assert key == PQ_WITNESS_KEY
    assert f"{key.key_id:08x}" == ML_DSA["keyid"]
    assert format_verifier_key(key) == ML_DSA["vkey"]
    assert len(ML_DSA["vkey"]) == ML_DSA["vkey_len"]
    message = subtree_message(ML_DSA["name"], ML_DSA["timestamp"], ORIGIN, HEAD.root, end=HEAD.size)
    assert message.hex() == ML_DSA["msg_hex"]


def test_ml_dsa_signature_of_another_implementation() -> None:
    public, private = ML_DSA_44.key_derive(bytes.fromhex(ML_DSA["seed_hex"]))
    message = bytes.fromhex(ML_DSA["msg_hex"])
    signature = ML_DSA_44.sign(private, message, deterministic=True)
    assert (len(signature), sha256(signature).hexdigest()) == (ML_DSA["sig_len"], ML_DSA["det_sig_sha256"])
    verify_signature(Algorithm.ML_DSA_44, public, message, signature)
    assert ML_DSA_44.verify(public, message, ML_DSA_SIGNER.sign(message))
    line = Signature(ML_DSA["name"], PQ_WITNESS_KEY.key_id, ML_DSA["timestamp"].to_bytes(8, "big") + signature)
    assert format_signature(line) == ML_DSA["note_line"]
    assert parse_signature(ML_DSA["note_line"]) == line
    assert len(ML_DSA["note_line"]) == ML_DSA["line_len"]


def test_ml_dsa_line_verifies_in_a_note() -> None:
    note = NOTE + ML_DSA["note_line"]
    verified = verify_checkpoint(note, [PQ_WITNESS_KEY, LOG_KEY])
    assert verified.signed_by == (LOG_KEY, PQ_WITNESS_KEY)
    assert verified.timestamps == (None, ML_DSA["timestamp"])


@given(HEADS)
def test_checkpoints_round_trip(head: Checkpoint) -> None:
    assert parse_checkpoint(format_checkpoint(head)) == head


@given(st.sampled_from([0, 1, 7, MAX_NUMBER]), st.integers(0, MAX_NUMBER), st.binary(min_size=32, max_size=32))
def test_what_the_log_signs_verifies(size: int, timestamp: int, head_root: bytes) -> None:
    head = Checkpoint(ORIGIN, size, head_root)
    verified = verify_checkpoint(sign_checkpoint(head, SIGNERS, timestamp), KEYS)
    assert verified.checkpoint == head
    assert verified.signed_by == KEYS
    assert verified.timestamps == (None, timestamp)


ROOT = format_base64(HEAD.root)


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", f"{ORIGIN}\n7\n", f"{ORIGIN}\n7\n{ROOT}", f"\n7\n{ROOT}\n", f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n07\n{ROOT}\n", f"{ORIGIN}\n+7\n{ROOT}\n", f"{ORIGIN}\n-7\n{ROOT}\n", f"{ORIGIN}\n7 \n{ROOT}\n",
        f"{ORIGIN}\n7_0\n{ROOT}\n", f"{ORIGIN}\n٧\n{ROOT}\n", f"{ORIGIN}\n7.0\n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n", f"{ORIGIN}\n7\n{ROOT[:-1]}\n", f"{ORIGIN}\n7\n{ROOT}=\n",
        f"{ORIGIN}\n7\n{ROOT[:40]}\n", f"{ORIGIN}\n7\n{ROOT} \n", f"{ORIGIN}\n7\n{HEAD.root.hex()}\n",
        f"{ORIGIN}\n7\n{ROOT}\n\n", f"{ORIGIN}\n7\n{ROOT}\n\nextension\n", f"{ORIGIN}\r\n7\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT}\nexten\x00sion\n", f"{ORIGIN}\n7\n{ROOT}\nextension", f"\ud800\n7\n{ROOT}\n",
    ],
)  # fmt: skip
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    ("origin", "size", "head_root"),
    [("", 0, EMPTY_ROOT), ("a\nb", 0, EMPTY_ROOT), ("a", -1, EMPTY_ROOT), ("a", 2**63, EMPTY_ROOT), ("a", 0, b"")],
)
def test_checkpoints_that_cannot_be(origin: str, size: int, head_root: bytes) -> None:
    with pytest.raises(FormatError):
        Checkpoint(origin, size, head_root)


@given(st.integers(0, MAX_NUMBER))
def test_decimals_round_trip(number: int) -> None:
    assert parse_decimal(str(number)) == number
    with pytest.raises(FormatError):
        parse_decimal(f"0{number}")
    with pytest.raises(FormatError):
        parse_decimal(str(MAX_NUMBER + 1 + number))


def note_of(text: str, *lines: Signature) -> str:
    return format_note(Note(text, lines))


def log_line(text: str) -> Signature:
    return Signature(ORIGIN, LOG_KEY.key_id, LOG_SIGNER.sign(text.encode()))


def test_extension_lines_are_signed_by_kinds_01_and_04() -> None:
    text = f"{TEXT}extension\n"
    assert parse_checkpoint(text) == HEAD
    cosignature = cosign_ed25519(text, "witness.example/w1", WITNESS_SIGNER, TIME)
    verified = verify_checkpoint(note_of(text, log_line(text), cosignature), [LOG_KEY, WITNESS_KEY])
    assert verified.checkpoint == HEAD
    assert "extension\n" in verified.note
    for line in (log_line(TEXT), cosign_ed25519(TEXT, "witness.example/w1", WITNESS_SIGNER, TIME)):
        others = () if line.name == ORIGIN else (log_line(text),)
        with pytest.raises(SignatureError):
            verify_checkpoint(note_of(text, *others, line), [LOG_KEY, WITNESS_KEY])


def test_one_key_of_the_log_is_enough_to_know() -> None:
    note = sign_checkpoint(HEAD, SIGNERS, TIME)
    for key, timestamp in zip(KEYS, (None, TIME), strict=True):
        verified = verify_checkpoint(note, [key])
        assert (verified.signed_by, verified.timestamps) == ((key,), (timestamp,))


@pytest.mark.parametrize("line", [0, 1])
@pytest.mark.parametrize("bit", [0, 63, 64, 200])
def test_forged_lines_of_the_log_are_refused(line: int, bit: int) -> None:
    note = parse_note(sign_checkpoint(HEAD, SIGNERS, TIME))
    lines = list(note.signatures)
    lines[line] = Signature(lines[line].name, lines[line].key_id, flip(lines[line].payload, bit))
    with pytest.raises(SignatureError):
        verify_checkpoint(note_of(note.text, *lines), KEYS)


@pytest.mark.parametrize("head", [
    pytest.param(Checkpoint(ORIGIN, 8, HEAD.root), id="size"),
    pytest.param(Checkpoint(ORIGIN, 7, flip(HEAD.root)), id="root"),
    pytest.param(Checkpoint(ORIGIN + "x", 7, HEAD.root), id="origin"),
])  # fmt: skip
@pytest.mark.parametrize("key", KEYS, ids=["Ed25519", "ML-DSA-44"])
def test_signatures_do_not_move_to_another_checkpoint(head: Checkpoint, key: object) -> None:
    note = parse_note(sign_checkpoint(HEAD, SIGNERS, TIME))
    with pytest.raises(SignatureError):
        verify_checkpoint(note_of(format_checkpoint(head), *note.signatures), [each for each in KEYS if each == key])


def test_witnesses_do_not_speak_for_the_log() -> None:
    with pytest.raises(SignatureError, match="no key of"):
        verify_checkpoint(NOTE, [WITNESS_KEY])
    with pytest.raises(SignatureError, match="no key of"):
        verify_checkpoint(NOTE + ML_DSA["note_line"], [WITNESS_KEY, PQ_WITNESS_KEY])
    with pytest.raises(SignatureError, match="not signed by any"):
        verify_checkpoint(NOTE, [])
    cosigner = verifier_key(ORIGIN, ED25519_COSIGNATURE, WITNESS_SIGNER.public)
    line = cosign_ed25519(TEXT, ORIGIN, WITNESS_SIGNER, TIME)
    with pytest.raises(SignatureError, match="no key of"):
        verify_checkpoint(note_of(TEXT, line), [cosigner])
    stranger = verifier_key("other.example", ED25519, LOG_SIGNER.public)
    signed = Signature(stranger.name, stranger.key_id, LOG_SIGNER.sign(TEXT.encode()))
    with pytest.raises(SignatureError, match="no key of"):
        verify_checkpoint(note_of(TEXT, signed), [stranger])


def test_bad_witness_line_spoils_the_note() -> None:
    line = cosign_ed25519(TEXT, "witness.example/w1", WITNESS_SIGNER, TIME)
    for payload in (flip(line.payload, 63), flip(line.payload, 64), line.payload[8:], line.payload[:7], b"\x00"):
        with pytest.raises(SignatureError):
            verify_checkpoint(note_of(TEXT, log_line(TEXT), Signature(line.name, line.key_id, payload)), [
                LOG_KEY, WITNESS_KEY,
            ])  # fmt: skip


def test_times_beyond_63_bits_are_refused() -> None:
    late = 2**63
    payload = late.to_bytes(8, "big") + WITNESS_SIGNER.sign(cosignature_message(TEXT, late))
    line = Signature(WITNESS_KEY.name, WITNESS_KEY.key_id, payload)
    with pytest.raises(SignatureError, match="timestamp"):
        verify_checkpoint(note_of(TEXT, log_line(TEXT), line), [LOG_KEY, WITNESS_KEY])
    for timestamp in (-1, late):
        with pytest.raises(FormatError):
            cosign_ed25519(TEXT, "witness.example/w1", WITNESS_SIGNER, timestamp)
        with pytest.raises(FormatError):
            sign_checkpoint(HEAD, SIGNERS, timestamp)


def test_who_may_sign() -> None:
    other = KeySigner.generate(Algorithm.ES256)
    with pytest.raises(SignatureError):
        sign_checkpoint(HEAD, [LOG_SIGNER, other], TIME)
    with pytest.raises(SignatureError):
        log_verifier_keys(ORIGIN, [other])
    with pytest.raises(SignatureError):
        cosign_ed25519(TEXT, "witness.example/w1", ML_DSA_SIGNER, TIME)
    with pytest.raises(FormatError):
        sign_checkpoint(HEAD, [], TIME)
    with pytest.raises(FormatError):
        sign_checkpoint(Checkpoint("with space", 0, EMPTY_ROOT), SIGNERS, TIME)
    with pytest.raises(FormatError):
        cosign_ed25519(NOTE, "witness.example/w1", WITNESS_SIGNER, TIME)


def test_bounds_of_subtree_messages() -> None:
    longest = "é" * 127 + "x"
    assert len(subtree_message(longest, 0, longest, HEAD.root, start=8, end=16)) == 12 + 2 * (1 + 255 + 8) + 8 + 32
    for name, timestamp, start, end in (
        (longest + "x", 0, 0, 1), ("a", -1, 0, 1), ("a", 2**63, 0, 1), ("a", 0, 2, 1), ("a", 0, -1, 1),
        ("a", 0, 0, 2**63), ("a", 1, 8, 16),
    ):  # fmt: skip
        with pytest.raises(FormatError):
            subtree_message(name, timestamp, ORIGIN, HEAD.root, start=start, end=end)
    with pytest.raises(FormatError):
        sign_checkpoint(Checkpoint(longest + "x", 0, EMPTY_ROOT), [ML_DSA_SIGNER], TIME)


def test_only_the_ed25519_line_of_the_log_is_kept() -> None:
    note = parse_note(sign_checkpoint(HEAD, SIGNERS, TIME))
    cosignature = cosign_ed25519(TEXT, "witness.example/w1", WITNESS_SIGNER, TIME)
    full = note_of(note.text, cosignature, *note.signatures)
    keys = [WITNESS_KEY, *KEYS]
    short = only_ed25519_line(full, keys)
    assert short == sign_checkpoint(HEAD, [LOG_SIGNER], TIME)
    assert verify_checkpoint(short, keys).signed_by == (LOG_KEY,)
    with pytest.raises(SignatureError):
        only_ed25519_line(full, [WITNESS_KEY, KEYS[1]])
    with pytest.raises(FormatError):
        only_ed25519_line(TEXT, keys)
