"""The rules of a witness: it cosigns a checkpoint only if that continues what it cosigned last for the log.

    FormatError          not a request, more than 63 hashes, or an old size above the checkpoint's
    UnknownOriginError   a log that it does not know
    SignatureError       no line by a key of the log, or one that does not verify
    OldSizeError         the request does not start from what was cosigned last
    ProofError           another root for the same size, a root of nothing that is not that of nothing, or a wrong proof
    UnavailableError     neither kept nor cosigned

are judged in this order. Source: https://c2sp.org/tlog-witness.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger.checkpoint import Checkpoint, VerifiedCheckpoint, cosign_ed25519, parse_checkpoint, verify_checkpoint
from ledger.errors import ProofError
from ledger.keys import Signer
from ledger.merkle import EMPTY_ROOT, verify_consistency
from ledger.note import ED25519_COSIGNATURE, Note, Signature, VerifierKey, format_note, parse_note, verifier_key
from ledger.witness.errors import OldSizeError, UnavailableError, UnknownOriginError
from ledger.witness.protocol import AddCheckpoint, origin_path, parse_add_checkpoint
from ledger.witness.store import Contradiction, Cosigned, Kind, Records, WitnessStore

CLOCK_SLACK_S = 60
"""By so much a clock may go back: the witness states its last time again. Further, and it does not know the time."""

_SHOWN_CHARACTERS = 100
"""Of a name that a stranger made up."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The line by which a checkpoint was cosigned."""

    checkpoint: Checkpoint
    line: Signature


class Witness:
    """Cosigns as `name` for the logs whose keys it was given. May be used from any thread."""

    def __init__(
        self,
        name: str,
        signer: Signer,
        store: WitnessStore,
        logs: Mapping[str, tuple[VerifierKey, ...]],
        *,
        clock: Callable[[], float] = time.time,
        on_contradiction: Callable[[Contradiction], None] = lambda _: None,
    ) -> None:
        """`logs` by origin. `clock` tells Unix seconds. `on_contradiction` is told of each that is new."""
        self.name = name
        self.key = verifier_key(name, ED25519_COSIGNATURE, signer.public)
        self._signer = signer
        self._store = store
        self._logs = dict(logs)
        self._clock = clock
        self._on_contradiction = on_contradiction
        self._origins = {origin_path(origin): origin for origin in logs}

    def add_checkpoint(self, body: bytes) -> Cosignature:
        """The cosignature. That it was given is on disk, and no other root of this size, nor a smaller size, will be.

        Raises:
            LedgerError: see above. What the log signed and contradicts itself by is kept.
        """
        request = parse_add_checkpoint(body)
        origin = parse_checkpoint(parse_note(request.note).text).origin
        if origin not in self._logs:
            raise UnknownOriginError(f"the log {origin[:_SHOWN_CHARACTERS]} is not known here")
        verified = verify_checkpoint(request.note, self._logs[origin])
        refusal: OldSizeError | ProofError | None = None
        with self._store.writing() as records:
            last = records.last(origin)
            try:
                _must_continue(last, request, verified.checkpoint)
            except (OldSizeError, ProofError) as error:
                refusal = error
                contradictions = self._contradictions(records, last, verified, is_proof=isinstance(error, ProofError))
            else:
                line, contradictions = self._cosign(records, verified)
        for each in contradictions:
            self._on_contradiction(each)
        if refusal is not None:
            raise refusal
        return Cosignature(verified.checkpoint, line)

    def checkpoint(self, path: str) -> str:
        """The note that was cosigned last for the log with this `origin_path`: the log's lines and the witness's own.

        Raises:
            UnknownOriginError: there is none.
            UnavailableError: the store cannot be read.
        """
        origin = self._origin(path)
        with self._store.reading() as records:
            last = records.last(origin)
        if last is None:
            raise UnknownOriginError(f"nothing was cosigned for {origin} yet")
        return last.note

    def contradictions(self, path: str) -> list[Contradiction]:
        """Everything kept against the log with this `origin_path`, oldest first.

        Raises:
            UnknownOriginError: the log is not known.
            UnavailableError: the store cannot be read.
        """
        origin = self._origin(path)
        with self._store.reading() as records:
            return records.contradictions(origin)

    def close(self) -> None:
        """Releases the store."""
        self._store.close()

    def _origin(self, path: str) -> str:
        if path not in self._origins:
            raise UnknownOriginError(f"no log with the path {path[:_SHOWN_CHARACTERS]} is known here")
        return self._origins[path]

    def _cosign(self, records: Records, verified: VerifiedCheckpoint) -> tuple[Signature, list[Contradiction]]:
        checkpoint, note = verified.checkpoint, parse_note(verified.note)
        timestamp = self._time(records)
        line = cosign_ed25519(note.text, self.name, self._signer, timestamp)
        trusted = {(key.name, key.key_id) for key in verified.signed_by}
        own = tuple(each for each in note.signatures if (each.name, each.key_id) in trusted)
        cosigned = Cosigned(checkpoint.size, checkpoint.root, format_note(Note(note.text, (*own, line))))
        records.put(checkpoint.origin, cosigned, timestamp)
        return line, records.settle(checkpoint.origin, cosigned)

    def _time(self, records: Records) -> int:
        """A time that is not 0 and not before one that was stated."""
        now, last = int(self._clock()), records.time()
        if now <= 0 or now < last - CLOCK_SLACK_S:
            raise UnavailableError(f"the clock says {now}, and {last} was stated in a cosignature")
        return max(now, last)

    def _contradictions(
        self, records: Records, last: Cosigned | None, verified: VerifiedCheckpoint, *, is_proof: bool
    ) -> list[Contradiction]:
        """What is kept now against the log of a checkpoint that was not cosigned; nothing if it may be an honest one."""
        checkpoint = verified.checkpoint
        kind, known = Kind.TWO_ROOTS, records.other_root(checkpoint.origin, checkpoint.size, checkpoint.root)
        if known is None and not (checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT):
            if not is_proof or last is None or last.size in (0, checkpoint.size):
                return []
            kind, known = Kind.UNPROVEN, last.note
        found = Contradiction(
            checkpoint.origin, checkpoint.size, checkpoint.root, kind, known, verified.note, int(self._clock())
        )
        return [found] if records.keep(found) else []


def _must_continue(last: Cosigned | None, request: AddCheckpoint, checkpoint: Checkpoint) -> None:
    """Returns if the checkpoint is that of a tree which begins with the tree cosigned last.

    Raises:
        OldSizeError: the request starts from elsewhere.
        ProofError: it is not, or the proof does not show it.
    """
    old = last.size if last else 0
    if request.old_size != old:
        raise OldSizeError(old)
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise ProofError("this is not the root of an empty tree")
    if last is None or old == 0:
        if request.path:
            raise ProofError("that any tree begins with the empty one needs no proof")
        return
    verify_consistency(old, checkpoint.size, last.root, checkpoint.root, request.path)
