"""Witnesses from fixed seeds, and policies made of them."""

from collections.abc import Sequence
from functools import cache

from ledger.checkpoint import Checkpoint, cosign_ed25519, format_checkpoint, log_verifier_keys, sign_checkpoint
from ledger.keys import Algorithm, KeySigner
from ledger.note import (
    ED25519_COSIGNATURE,
    ML_DSA_44_COSIGNATURE,
    Note,
    VerifierKey,
    format_note,
    format_verifier_key,
    parse_note,
    verifier_key,
)
from ledger.policy import Policy, parse_policy
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, ORIGIN

LOG_KEYS = log_verifier_keys(ORIGIN, (LOG_SIGNER, ML_DSA_SIGNER))
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))
TIME = 1_790_000_000


@cache
def witness(number: int) -> tuple[KeySigner, VerifierKey]:
    """Witness `number` with Ed25519."""
    signer = KeySigner.from_seed(bytes([number]) * 32)
    return signer, verifier_key(f"witness.example/w{number}", ED25519_COSIGNATURE, signer.public)


@cache
def quantum_witness() -> tuple[KeySigner, VerifierKey]:
    """A witness with ML-DSA-44."""
    signer = KeySigner.from_seed(bytes(range(7, 39)), Algorithm.ML_DSA_44)
    return signer, verifier_key("witness.example/pq", ML_DSA_44_COSIGNATURE, signer.public)


def line_of(number: int, name: str | None = None, url: str = "") -> str:
    return f"witness {name or f'w{number}'} {format_verifier_key(witness(number)[1])} {url}\n"


LOG_LINES = "".join(f"log {format_verifier_key(key)}\n" for key in LOG_KEYS)


def policy_of(rules: str, count: int) -> Policy:
    """Both keys of the log, witnesses w0, w1 … and the lines `rules`."""
    return parse_policy((LOG_LINES + "".join(map(line_of, range(count))) + rules).encode())


@cache
def signed(checkpoint: Checkpoint = CHECKPOINT) -> str:
    return sign_checkpoint(checkpoint, (LOG_SIGNER, ML_DSA_SIGNER), TIME)


def cosigned(numbers: Sequence[int], checkpoint: Checkpoint = CHECKPOINT, time: int = TIME) -> str:
    """The log's note with lines of these witnesses."""
    note = parse_note(signed(checkpoint))
    text = format_checkpoint(checkpoint)
    lines = [cosign_ed25519(text, witness(n)[1].name, witness(n)[0], time) for n in numbers]
    return format_note(Note(note.text, (*note.signatures, *lines)))
