"""What somebody kept from a log: checkpoints and receipts, which the log must still agree with.

An operator who rewrites everything and signs it again is inside without a flaw; only what others kept catches them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ledger.checkpoint import (
    MAX_NUMBER,
    Checkpoint,
    cosignature_message,
    parse_checkpoint,
    subtree_message,
    verify_checkpoint,
)
from ledger.encoding import parse_hex
from ledger.errors import FormatError, ProofError, SignatureError
from ledger.finding import Finding
from ledger.keys import verify_signature
from ledger.merkle import HASH_BYTES, verify_inclusion
from ledger.note import ALGORITHMS, ED25519, ED25519_COSIGNATURE, VerifierKey, parse_note, verify_note
from ledger.proof import HEADER, TlogProof, parse_proof
from ledger.strict_json import parse_strict

MAX_KNOWN_BYTES = 64 << 20
_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class KnownCheckpoint:
    """The note of a checkpoint that somebody kept."""

    note: str

    @property
    def checkpoint_note(self) -> str:
        return self.note


@dataclass(frozen=True, slots=True)
class KnownReceipt:
    """A tlog-proof that somebody kept, with the leaf hash and the position that came with it, if any did."""

    proof: TlogProof
    leaf: bytes | None = None
    seq: int | None = None

    @property
    def checkpoint_note(self) -> str:
        return self.proof.checkpoint


Known = KnownCheckpoint | KnownReceipt


def parse_known(data: bytes) -> list[Known]:
    """What a kept file holds: a tlog-proof, a checkpoint's note, a receipt in JSON, or one of these in JSON a line.

    In JSON a receipt is an object with at least `seq`, `leaf_hash` and `proof`, bare or as the member `receipt`.

    Raises:
        FormatError: none of these.
    """
    if len(data) > MAX_KNOWN_BYTES:
        raise FormatError(f"a file to compare with has at most {MAX_KNOWN_BYTES} bytes")
    if data.lstrip()[:1] == b"{":
        return _parse_json(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
    if text.startswith(HEADER):
        return [KnownReceipt(parse_proof(text))]
    parse_checkpoint(parse_note(text).text)
    return [KnownCheckpoint(text)]


def _parse_json(data: bytes) -> list[Known]:
    try:
        values = [parse_strict(data)]
    except FormatError:
        values = [parse_strict(line) for line in data.split(b"\n") if line.strip()]
    return [_receipt(value) for value in values]


def _receipt(value: Any) -> KnownReceipt:
    if isinstance(value, dict) and isinstance(value.get("receipt"), dict):
        value = value["receipt"]
    match value:
        case {"seq": int(seq), "leaf_hash": str(text), "proof": str(proof)}:
            leaf = parse_hex(text)
            if len(leaf) != HASH_BYTES:
                raise FormatError(f"a leaf hash has {HASH_BYTES} bytes", "/leaf_hash")
            return KnownReceipt(parse_proof(proof), leaf, seq)
        case _:
            raise FormatError("a receipt in JSON has the members `seq`, `leaf_hash` and `proof`")


def wanted_size(known: Known) -> int:
    """The size at which the log's root is to be compared.

    Raises:
        FormatError: the note is not that of a checkpoint.
    """
    return parse_checkpoint(parse_note(known.checkpoint_note).text).size


def check_known(
    known: Known,
    keys: Sequence[VerifierKey],
    origin: str,
    size: int,
    roots: Mapping[int, bytes],
    leaves: Mapping[int, bytes],
) -> Finding | None:
    """What is wrong, or None if the audited log of `size` entries agrees with what was kept.

    `keys` are the log's, and those of witnesses whose word counts without the log's signature. `roots` holds the root
    of the audited log at the size that was kept, `leaves` its leaf hash at a receipt's index.
    """
    try:
        kept = _verified(known.checkpoint_note, keys)
    except (FormatError, SignatureError) as error:
        return Finding(
            None,
            "known_signature",
            f"What was kept does not carry a checkpoint that the keys of this log have signed: {error}. It is another "
            "log's, or it was changed.",
            f"所存凭据上的检查点不能以本账本的密钥验证：{error}。它属于另一账本，或已被改动。",
        )
    if kept.origin != origin:
        return Finding(
            None,
            "origin_mismatch",
            f"What was kept is of the log {kept.origin!r}; this is {origin!r}.",
            f"所存凭据属于账本 {kept.origin!r}，而此处为 {origin!r}。",
        )
    return _check_receipt(known, kept) or _compare(known, kept, size, roots, leaves)


def _verified(note_text: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint, signed by a key of the log, or cosigned by one of a witness.

    Raises:
        FormatError: not the note of a checkpoint.
        SignatureError: signed by none of the keys, or a line by one of them does not verify.
    """
    try:
        return verify_checkpoint(note_text, keys).checkpoint
    except SignatureError:
        note = parse_note(note_text)
        checkpoint = parse_checkpoint(note.text)
        witnesses = [key for key in keys if key.name != checkpoint.origin and key.kind != ED25519]
        lines = {(line.name, line.key_id) for line in note.signatures}
        if any((key.name, key.key_id) in lines for key in keys if key.name == checkpoint.origin):
            raise
        verify_note(note, witnesses, partial(_verify_cosignature, checkpoint))
        return checkpoint


def _verify_cosignature(checkpoint: Checkpoint, text: str, key: VerifierKey, payload: bytes) -> None:
    timestamp, signature = int.from_bytes(payload[:_TIME_BYTES], "big"), payload[_TIME_BYTES:]
    if timestamp > MAX_NUMBER:
        raise SignatureError("the timestamp of a cosignature is larger than 2^63-1")
    if key.kind == ED25519_COSIGNATURE:
        message = cosignature_message(text, timestamp)
    else:
        message = subtree_message(key.name, timestamp, checkpoint.origin, checkpoint.root, end=checkpoint.size)
    verify_signature(ALGORITHMS[key.kind], key.public, message, signature)


def _check_receipt(known: Known, checkpoint: Checkpoint) -> Finding | None:
    """What is wrong with a receipt in itself."""
    if isinstance(known, KnownCheckpoint):
        return None
    index = known.proof.index
    if known.seq not in (None, index):
        return _invalid(index, f"it names entry {known.seq}")
    if known.leaf is None:
        return None
    try:
        verify_inclusion(known.leaf, index, checkpoint.size, known.proof.path, checkpoint.root)
    except ProofError as error:
        return _invalid(index, str(error))
    return None


def _invalid(index: int, reason: str) -> Finding:
    return Finding(
        index,
        "receipt_invalid",
        f"The kept receipt of entry {index} does not prove what it says: {reason}.",
        f"所存第 {index} 条的回执不能证明其所称内容：{reason}。",
    )


def _compare(
    known: Known, kept: Checkpoint, size: int, roots: Mapping[int, bytes], leaves: Mapping[int, bytes]
) -> Finding | None:
    if kept.size > size:
        return Finding(
            size,
            "entries_lost",
            f"The log has lost entries: it signed a checkpoint of {kept.size} entries that somebody kept, and shows "
            f"{size} now.",
            f"账本丢失分录：有人保存了其签署的 {kept.size} 条的检查点，而现在只有 {size} 条。",
        )
    receipt = known if isinstance(known, KnownReceipt) else None
    if roots[kept.size] != kept.root:
        is_other = receipt is not None and receipt.leaf not in (None, leaves.get(receipt.proof.index))
        position = receipt.proof.index if receipt and is_other else None
        entry_en = f" Entry {position} is not the one that the receipt was given for." if is_other else ""
        entry_zh = f"第 {position} 条已不是出具回执时的分录。" if is_other else ""
        return Finding(
            position,
            "history_rewritten",
            f"The log was rewritten and signed again: its first {kept.size} entries are not those that it signed in "
            f"what somebody kept.{entry_en} The two signed roots prove it to anybody.",
            f"账本被改写并重新签名：其前 {kept.size} 条与有人保存的、由它签署的凭据不符。{entry_zh}两个签名的根即为证据。",
        )
    if receipt and receipt.leaf is None:
        index = receipt.proof.index
        try:
            verify_inclusion(leaves.get(index, b""), index, kept.size, receipt.proof.path, kept.root)
        except ProofError as error:
            return _invalid(index, str(error))
    return None
