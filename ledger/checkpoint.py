"""Checkpoints: the signed root of the log at one size, and cosignatures of it.

The text of the note is

    <origin> LF
    <size, decimal> LF
    <base64 root> LF
    <extension line> LF          none by this log; tolerated in others', never interpreted

The log signs it twice under its origin's name, with Ed25519 (kind 01) and with ML-DSA-44 (kind 06). Kind 01 signs
the text. Kinds 04 and 06 carry a time in Unix seconds, ts, and sign

    04   "cosignature/v1" LF "time <ts>" LF ‖ the text with all its lines
    06   "subtree/v1" 0A 00 ‖ u8 length ‖ name ‖ u64 ts ‖ u8 length ‖ origin ‖ u64 start ‖ u64 end ‖ root

where a checkpoint is the subtree from 0 to its size. Kind 06 does not cover extension lines.

Source: https://c2sp.org/tlog-checkpoint; https://c2sp.org/tlog-cosignature.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.encoding import format_base64, parse_base64
from ledger.errors import FormatError, SignatureError
from ledger.keys import Algorithm, Signer, verify_signature
from ledger.merkle import HASH_BYTES
from ledger.note import (
    ALGORITHMS,
    ED25519,
    ED25519_COSIGNATURE,
    ML_DSA_44_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
    format_note,
    parse_note,
    verifier_key,
    verify_note,
    verify_text,
)

MAX_NUMBER = (1 << 63) - 1
"""The largest size, index and timestamp: implementations in other languages hold them in signed 64 bits."""

_TIME_BYTES = 8
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile("[\x00-\x1f\ud800-\udfff]")
_LOG_KINDS = {Algorithm.ED25519: ED25519, Algorithm.ML_DSA_44: ML_DSA_44_COSIGNATURE}


def parse_decimal(text: str) -> int:
    """The number from 0 to 2^63-1 that `text` is the only spelling of.

    Raises:
        FormatError: a sign, a leading zero, another character, or a larger number.
    """
    if not _DECIMAL.fullmatch(text) or (number := int(text)) > MAX_NUMBER:
        raise FormatError("not a decimal number from 0 to 2^63-1 without leading zeros")
    return number


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root of the log `origin` at `size` entries.

    Raises:
        FormatError: an empty or multi-line origin, a size outside 0..2^63-1, or a root that has not 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or _CONTROL.search(self.origin):
            raise FormatError("an origin is one line of text")
        if not 0 <= self.size <= MAX_NUMBER:
            raise FormatError("the size of a checkpoint lies between 0 and 2^63-1")
        if len(self.root) != HASH_BYTES:
            raise FormatError(f"a root has {HASH_BYTES} bytes, not {len(self.root)}")


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that the log signed, with every line by a known key verified.

    `note` is the whole note verbatim. `timestamps` has one item for each key of `signed_by`: Unix seconds, or None
    for kind 01, which carries no time. Times are what the signers say.
    """

    checkpoint: Checkpoint
    note: str
    signed_by: tuple[VerifierKey, ...]
    timestamps: tuple[int | None, ...]


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """The text that is signed, without extension lines."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{format_base64(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Inverse of `format_checkpoint`; extension lines are passed over, so keep the text to verify signatures.

    Raises:
        FormatError: another form.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise FormatError("a checkpoint has at least three lines, none of them empty")
    if any(_CONTROL.search(line) for line in lines):
        raise FormatError("a checkpoint has no control characters")
    return Checkpoint(lines[0], parse_decimal(lines[1]), parse_base64(lines[2]))


def subtree_message(name: str, timestamp: int, origin: str, root: bytes, *, start: int = 0, end: int) -> bytes:
    """What a signature of kind 06 by `name` signs: `root` stands over the entries [start, end) of `origin`.

    Raises:
        FormatError: a name or origin of more than 255 bytes, or a number that is out of range; only a subtree that
            starts at 0 has a timestamp.
    """
    if not 0 <= start <= end <= MAX_NUMBER or not 0 <= timestamp <= MAX_NUMBER or (start and timestamp):
        raise FormatError("start, end or timestamp of a subtree is out of range")
    parts = [b"subtree/v1\n\x00"]
    for text, number in ((name, timestamp), (origin, start)):
        encoded = text.encode()
        if len(encoded) > 255:
            raise FormatError("a name that ML-DSA-44 signs has at most 255 bytes")
        parts += [bytes([len(encoded)]), encoded, number.to_bytes(8, "big")]
    return b"".join([*parts, end.to_bytes(8, "big"), root])


def cosignature_message(text: str, timestamp: int) -> bytes:
    """What a signature of kind 04 signs: at that time this is the largest consistent tree the signer has seen."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def _timestamped(kind: int, name: str, signer: Signer, timestamp: int, message: bytes) -> Signature:
    key = verifier_key(name, kind, signer.public)
    return Signature(name, key.key_id, timestamp.to_bytes(_TIME_BYTES, "big") + signer.sign(message))


def _check_algorithm(signer: Signer, *algorithms: Algorithm) -> None:
    if signer.algorithm not in algorithms:
        raise SignatureError(f"a checkpoint is signed with {' or '.join(algorithms)}, not with {signer.algorithm}")


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer], timestamp: int) -> str:
    """The note with one line a signer, in their order, all under the origin's name.

    Ed25519 makes a line of kind 01, ML-DSA-44 one of kind 06 that says `timestamp` (Unix seconds; 0 says nothing
    about freshness). The caller has made sure that no other root of this size was ever signed.

    Raises:
        FormatError: no signer, an origin that cannot be a key name, or a timestamp that is out of range.
        SignatureError: a signer of another algorithm.
    """
    origin, text = checkpoint.origin, format_checkpoint(checkpoint)
    lines = []
    for signer in signers:
        _check_algorithm(signer, *_LOG_KINDS)
        if signer.algorithm is Algorithm.ED25519:
            key = verifier_key(origin, ED25519, signer.public)
            lines.append(Signature(origin, key.key_id, signer.sign(text.encode())))
        else:
            message = subtree_message(origin, timestamp, origin, checkpoint.root, end=checkpoint.size)
            lines.append(_timestamped(ML_DSA_44_COSIGNATURE, origin, signer, timestamp, message))
    return format_note(Note(text, tuple(lines)))


def log_verifier_keys(origin: str, signers: Sequence[Signer]) -> tuple[VerifierKey, ...]:
    """The keys with which the lines of `sign_checkpoint` verify, in the order of the signers.

    Raises:
        FormatError: an origin that cannot be a key name.
        SignatureError: a signer of another algorithm.
    """
    for signer in signers:
        _check_algorithm(signer, *_LOG_KINDS)
    return tuple(verifier_key(origin, _LOG_KINDS[signer.algorithm], signer.public) for signer in signers)


def cosign_ed25519(checkpoint_text: str, name: str, signer: Signer, timestamp: int) -> Signature:
    """The line of kind 04 by which `name` cosigns the text of a checkpoint (not the whole note) at Unix seconds.

    The name is not part of what is signed: the key must not serve another cosigner.

    Raises:
        FormatError: not the text of a checkpoint, or a name or timestamp that is out of range.
        SignatureError: a signer of another algorithm.
    """
    _check_algorithm(signer, Algorithm.ED25519)
    parse_checkpoint(checkpoint_text)
    if not 0 <= timestamp <= MAX_NUMBER:
        raise FormatError("a timestamp lies between 0 and 2^63-1")
    message = cosignature_message(checkpoint_text, timestamp)
    return _timestamped(ED25519_COSIGNATURE, name, signer, timestamp, message)


def _timestamp(key: VerifierKey, payload: bytes) -> int | None:
    return None if key.kind == ED25519 else int.from_bytes(payload[:_TIME_BYTES], "big")


def verify_checkpoint(note_text: str, keys: Sequence[VerifierKey]) -> VerifiedCheckpoint:
    """The checkpoint, signed by the log and by whichever other keys of `keys` have a line.

    The log has signed if a key of kind 01 or 06 has, whose name is the origin. Whether the cosigners are enough and
    their times fresh is for the caller's policy.

    Raises:
        FormatError: not the note of a checkpoint.
        SignatureError: a line by a key of `keys` does not verify, or the log has not signed.
    """
    note = parse_note(note_text)
    checkpoint = parse_checkpoint(note.text)

    def verify_line(text: str, key: VerifierKey, payload: bytes) -> None:
        timestamp = _timestamp(key, payload)
        if timestamp is None:
            verify_text(text, key, payload)
            return
        if timestamp > MAX_NUMBER:
            raise SignatureError("the timestamp of a cosignature is larger than 2^63-1")
        if key.kind == ED25519_COSIGNATURE:
            message = cosignature_message(text, timestamp)
        else:
            message = subtree_message(key.name, timestamp, checkpoint.origin, checkpoint.root, end=checkpoint.size)
        verify_signature(ALGORITHMS[key.kind], key.public, message, payload[_TIME_BYTES:])

    signed = verify_note(note, keys, verify_line)
    if not any(key.name == checkpoint.origin and key.kind in _LOG_KINDS.values() for key in signed):
        raise SignatureError(f"no key of {checkpoint.origin} has signed its checkpoint")
    timestamps = tuple(_timestamp(key, payload) for key, payload in signed.items())
    return VerifiedCheckpoint(checkpoint, note_text, tuple(signed), timestamps)


def only_ed25519_line(note_text: str, keys: Sequence[VerifierKey]) -> str:
    """The note with nothing but the lines by those of `keys` that are the log's keys of kind 01. Verifies nothing.

    Raises:
        FormatError: not the note of a checkpoint.
        SignatureError: there is no such line.
    """
    note = parse_note(note_text)
    origin = parse_checkpoint(note.text).origin
    kept = {(key.name, key.key_id) for key in keys if key.kind == ED25519 and key.name == origin}
    lines = tuple(line for line in note.signatures if (line.name, line.key_id) in kept)
    if not lines:
        raise SignatureError(f"no Ed25519 key of {origin} has signed its checkpoint")
    return format_note(Note(note.text, lines))
