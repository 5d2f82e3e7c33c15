"""Logs that ask for cosignatures: honest ones, and ones that show two histories."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.checkpoint import Checkpoint, log_verifier_keys, parse_checkpoint, sign_checkpoint
from ledger.keys import KeySigner, Signer
from ledger.merkle import consistency_path, leaf_hash, root
from ledger.note import Note, VerifierKey, format_note, parse_note
from ledger.witness.protocol import AddCheckpoint, format_add_checkpoint
from tests.ledger.support import LEAVES, LOG_SIGNER, ML_DSA_SIGNER, ORIGIN, Nodes, flip

TIME = 1_790_000_000


@dataclass(frozen=True)
class SomeLog:
    """A log over `leaves` that signs any size it is asked for."""

    origin: str = ORIGIN
    signers: tuple[Signer, ...] = (LOG_SIGNER,)
    leaves: tuple[bytes, ...] = tuple(LEAVES[:40])

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        return log_verifier_keys(self.origin, self.signers)

    def forked(self, at: int) -> "SomeLog":
        """The same log with another history from `at` on."""
        others = tuple(leaf_hash(b"other-%d" % each) for each in range(at, len(self.leaves)))
        return SomeLog(self.origin, self.signers, self.leaves[:at] + others)

    def root(self, size: int) -> bytes:
        return root(self.leaves[:size])

    def note(self, size: int, extension: str = "") -> str:
        """The checkpoint, signed; with an extension line it is signed by Ed25519 alone."""
        checkpoint = Checkpoint(self.origin, size, self.root(size))
        if not extension:
            return sign_checkpoint(checkpoint, self.signers, TIME)
        text = parse_note(sign_checkpoint(checkpoint, [LOG_SIGNER], TIME)).text + extension + "\n"
        line = parse_note(sign_checkpoint(checkpoint, [LOG_SIGNER], TIME)).signatures[0]
        signed = type(line)(line.name, line.key_id, LOG_SIGNER.sign(text.encode()))
        return format_note(Note(text, (signed,)))

    def path(self, old: int, new: int) -> tuple[bytes, ...]:
        return tuple(consistency_path(old, new, Nodes(list(self.leaves[:new])))) if old else ()

    def body(self, old: int, new: int, note: str | None = None, path: Sequence[bytes] | None = None) -> bytes:
        """The request to follow from `old` to `new`."""
        proof = self.path(old, new) if path is None else tuple(path)
        return format_add_checkpoint(AddCheckpoint(old, proof, note or self.note(new)))


LOG = SomeLog()
FORK = LOG.forked(4)
HYBRID = SomeLog("registry.example/hybrid", (LOG_SIGNER, ML_DSA_SIGNER))
STRANGER = SomeLog("elsewhere.example/log", (KeySigner.from_seed(bytes(32)),))


def spoiled(note: str, line: int = 0) -> str:
    """The note with one bit of one signature turned."""
    found = parse_note(note)
    lines = list(found.signatures)
    lines[line] = type(lines[line])(lines[line].name, lines[line].key_id, flip(lines[line].payload, 70))
    return format_note(Note(found.text, tuple(lines)))


def with_lines(note: str, *others: str, keep: bool = True) -> str:
    """The note with the lines of other notes behind its own, or instead of them."""
    found = parse_note(note)
    lines = [line for other in others for line in parse_note(other).signatures]
    return format_note(Note(found.text, (*(found.signatures if keep else ()), *lines)))


def head_of(note: str) -> tuple[int, bytes]:
    """Size and root."""
    checkpoint = parse_checkpoint(parse_note(note).text)
    return checkpoint.size, checkpoint.root
