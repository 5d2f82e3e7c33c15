"""Receipts that anybody can check offline: an inclusion proof together with the checkpoint it leads to.

    c2sp.org/tlog-proof@v1 LF
    extra <base64> LF                        optional; signed by nobody
    index <decimal> LF
    <base64 hash> LF                         none or more, from the leaf's sibling to the root's child
    LF
    <the note of the checkpoint, verbatim>

Source: https://c2sp.org/tlog-proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.checkpoint import MAX_NUMBER, VerifiedCheckpoint, parse_checkpoint, parse_decimal, verify_checkpoint
from ledger.encoding import format_base64, parse_base64
from ledger.errors import FormatError
from ledger.merkle import HASH_BYTES, InclusionPaths, verify_inclusion
from ledger.note import VerifierKey, parse_note

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63
"""How many hashes a path has at most: that of a leaf in a tree of 2^63 entries."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Claims that an entry stands at `index` in the tree of `checkpoint`, the verbatim note of a checkpoint.

    Raises:
        FormatError: an index, a path or extra bytes that are not in the form above. The note is looked at when it is
            parsed or verified.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_NUMBER:
            raise FormatError("an index lies between 0 and 2^63-1")
        if len(self.path) > MAX_PATH or any(len(each) != HASH_BYTES for each in self.path):
            raise FormatError(f"a path is at most {MAX_PATH} hashes of {HASH_BYTES} bytes")
        if self.extra == b"":
            raise FormatError("extra bytes are left out where there are none")


class ProofTexts:
    """The texts of proofs under one checkpoint: what neighbours share is computed and written once."""

    def __init__(self, paths: InclusionPaths, checkpoint: str) -> None:
        self._paths = paths
        self._written: dict[bytes, str] = {}
        self._tail = "\n\n" + checkpoint

    def text(self, index: int) -> str:
        """`format_proof` of the proof for the entry at `index`.

        Raises:
            ProofError: the checkpoint's tree has no such entry.
        """
        lines = [HEADER, f"index {index}"]
        written = self._written
        for each in self._paths.path(index):
            line = written.get(each)
            if line is None:
                line = written[each] = format_base64(each)
            lines.append(line)
        return "\n".join(lines) + self._tail


def format_proof(proof: TlogProof) -> str:
    """The text of a `.tlog-proof` file."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append(f"extra {format_base64(proof.extra)}")
    lines.append(f"index {proof.index}")
    lines += map(format_base64, proof.path)
    return "\n".join([*lines, "", proof.checkpoint])


def parse_proof(text: str) -> TlogProof:
    """Inverse of `format_proof`, also for the note, of which no signature is verified.

    Raises:
        FormatError: another form, or what follows is not the note of a checkpoint.
    """
    head, _, checkpoint = text.partition("\n\n")
    lines = head.split("\n", MAX_PATH + 3)
    if lines.pop(0) != HEADER:
        raise FormatError(f"a proof begins with the line {HEADER}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = parse_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise FormatError("the proof does not say the index of the entry")
    index = parse_decimal(lines.pop(0).removeprefix("index "))
    proof = TlogProof(index, tuple(map(parse_base64, lines)), checkpoint, extra)
    parse_checkpoint(parse_note(checkpoint).text)
    return proof


def verify_proof(proof: TlogProof, leaf: bytes, keys: Sequence[VerifierKey]) -> VerifiedCheckpoint:
    """The checkpoint under which the entry with the leaf hash `leaf` stands at `proof.index`.

    The caller derives `leaf` from the entry itself and decides whether origin, cosigners and times are acceptable.

    Raises:
        FormatError: the proof does not carry the note of a checkpoint.
        SignatureError: a line by a key of `keys` does not verify, or the log has not signed.
        ProofError: the path does not lead from the leaf to the root.

    Source: RFC 9162 section 2.1.3.2.
    """
    verified = verify_checkpoint(proof.checkpoint, keys)
    verify_inclusion(leaf, proof.index, verified.checkpoint.size, proof.path, verified.checkpoint.root)
    return verified
