"""Asking the witnesses of a policy to cosign what the log is about to publish: the log's side of tlog-witness.

All witnesses are asked at the same time, and each has one deadline for everything, an answer that drips included. The
size that a witness cosigned last is remembered; where it says another (409), it is asked once more from there. Nothing
that a witness answers is trusted: bodies are read up to 64 KiB and not unpacked, redirects are not followed, and only
lines by the witness's own key that verify and say a time are taken.

A witness may say that it has seen more of this log than there is (409 with a larger size), or another history (422).
Where it can show the log's own signature under that, nobody needs to trust it. Source: https://c2sp.org/tlog-witness.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import httpx

from ledger.checkpoint import Checkpoint, VerifiedCheckpoint, parse_checkpoint, verify_checkpoint
from ledger.errors import FormatError, LedgerError, SignatureError
from ledger.note import MAX_SIGNATURES, Note, Signature, VerifierKey, format_note, parse_note
from ledger.policy import Policy, PolicyWitness
from ledger.witness.protocol import (
    ADD_CHECKPOINT,
    CHECKPOINT,
    MAX_BODY_BYTES,
    TEXT_MEDIA_TYPE,
    AddCheckpoint,
    format_add_checkpoint,
    origin_path,
    parse_cosignatures,
    parse_size,
)

DEADLINE_S = 2.0
"""Contract section 10."""
_HEADERS = {"Content-Type": TEXT_MEDIA_TYPE, "Accept-Encoding": "identity"}


class History(Protocol):
    """What the log can say of itself up to the checkpoint that is to be cosigned."""

    def path(self, old: int) -> Sequence[bytes]:
        """The consistency proof from size `old`; none from 0."""
        ...

    def signed(self) -> int:
        """The newest size that is signed by now."""
        ...

    def root(self, size: int) -> bytes:
        """The root at a size that is not larger than that."""
        ...


@dataclass(frozen=True, slots=True)
class Dispute:
    """A witness says that this log signed something that it does not hold.

    `size` is what the witness says that it cosigned, None if it says only that the histories differ. `proof` is a note
    that this log's own keys have signed and that contradicts the log, where the witness showed one.
    """

    witness: str
    size: int | None = None
    proof: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking: good lines, and why there is none, by the witnesses' names in the policy."""

    lines: Mapping[str, Signature]
    silent: Mapping[str, str]
    disputes: tuple[Dispute, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What a witness says that it cosigned last. `note` bears the log's own signature; None: it only says so."""

    size: int
    note: str | None = None


class _SilentError(Exception):
    """There is no cosignature; in words, why."""


_Answer = Signature | Dispute | Witnessed | VerifiedCheckpoint | str
"""Of one witness; a text says why it gave none."""
_Ask = Callable[[PolicyWitness], Awaitable[_Answer]]


def own_lines(note: str, keys: Sequence[VerifierKey]) -> str:
    """The note with the lines of `keys` alone: what a witness is sent, who may read 16 KiB and no more."""
    parsed = parse_note(note)
    own = {(key.name, key.key_id) for key in keys}
    return format_note(Note(parsed.text, tuple(s for s in parsed.signatures if (s.name, s.key_id) in own)))


def add_lines(note: str, lines: Sequence[Signature]) -> str:
    """The note with these lines as well, each in the place of an older one by the same key. Verifies nothing."""
    parsed = parse_note(note)
    merged = {(line.name, line.key_id): line for line in (*parsed.signatures, *lines)}
    return format_note(Note(parsed.text, tuple(merged.values())[:MAX_SIGNATURES]))


class Witnesses:
    """The witnesses of a policy, at their addresses. May be used from any thread; to be closed at the end."""

    def __init__(
        self, policy: Policy, origin: str, log_keys: Sequence[VerifierKey], deadline: float = DEADLINE_S
    ) -> None:
        """`deadline`: seconds for one witness and one checkpoint, all together."""
        self._witnesses = policy.witnesses
        self._origin = origin
        self._log_keys = tuple(log_keys)
        self._deadline = deadline
        self._known: dict[str, int] = {}
        self._lock = threading.Lock()
        self._asking: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None

    def ask(self, note: str, history: History) -> Asked:
        """What the witnesses answer to the log's newest checkpoint.

        Takes no longer than the deadline, or twice as long where a witness disputes it and is asked what it knows.
        """
        sent = own_lines(note, self._log_keys)
        checkpoint = parse_checkpoint(parse_note(sent).text)
        answers = self._run(lambda witness: self._cosignature(witness, sent, checkpoint, history))
        answers |= self._looked_into([each for each in answers.values() if isinstance(each, Dispute)], history)
        return Asked(
            {name: answer for name, answer in answers.items() if isinstance(answer, Signature)},
            {name: answer for name, answer in answers.items() if isinstance(answer, str)},
            tuple(answer for answer in answers.values() if isinstance(answer, Dispute)),
        )

    def _looked_into(self, disputes: Sequence[Dispute], history: History) -> dict[str, _Answer]:
        """The disputes that are left, with what the witnesses can show for them.

        There is none where another process on this log has signed, and had cosigned, what the witness speaks of.
        """
        if not disputes:
            return {}
        shown = self._run(self._shown, [each.witness for each in disputes])
        signed = history.signed()
        found: dict[str, _Answer] = {}
        for dispute in disputes:
            seen = shown[dispute.witness]
            if isinstance(seen, VerifiedCheckpoint) and (
                seen.checkpoint.size > signed or history.root(seen.checkpoint.size) != seen.checkpoint.root
            ):
                found[dispute.witness] = Dispute(dispute.witness, seen.checkpoint.size, seen.note)
            elif dispute.size is not None and dispute.size <= signed:
                found[dispute.witness] = f"it has cosigned {dispute.size} entries meanwhile"
        return found

    def sizes(self, note: str | None = None) -> dict[str, Witnessed]:
        """What each witness that answers says it cosigned last; 0 if it never did.

        First it is asked for the checkpoint itself, below the address that checkpoints are submitted to. Where it shows
        none that holds, `note`, a checkpoint of this log, is submitted to it as the first: it either names what it has
        cosigned, or cosigns this.
        """
        answers = self._run(lambda witness: self._size(witness, note))
        return {name: answer for name, answer in answers.items() if isinstance(answer, Witnessed)}

    def close(self) -> None:
        """Connections are released."""
        with self._lock:
            if self._asking is not None:
                loop, client = self._asking
                loop.run_until_complete(client.aclose())
                loop.close()
                self._asking = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, ask: _Ask, names: Collection[str] | None = None) -> dict[str, _Answer]:
        """What each of the witnesses, or of those with these names, answers within the deadline."""
        asked = [witness for witness in self._witnesses if names is None or witness.name in names]

        async def all_of_them() -> list[_Answer]:
            return await asyncio.gather(*(self._within_deadline(ask, witness) for witness in asked))

        with self._lock:
            answers = self._loop_of_asking().run_until_complete(all_of_them())
        return {witness.name: answer for witness, answer in zip(asked, answers, strict=True)}

    def _loop_of_asking(self) -> asyncio.AbstractEventLoop:
        """One loop for all rounds, so that connections stay; a name that resolves slowly holds up nobody else."""
        if self._asking is None:
            client = httpx.AsyncClient(timeout=self._deadline, follow_redirects=False)
            self._asking = (asyncio.new_event_loop(), client)
        return self._asking[0]

    async def _within_deadline(self, ask: _Ask, witness: PolicyWitness) -> _Answer:
        try:
            async with asyncio.timeout(self._deadline):
                return await ask(witness)
        except TimeoutError:
            return f"no answer within {self._deadline:g} s"
        except _SilentError as error:
            return str(error)
        except (LedgerError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return str(error) or type(error).__name__

    async def _cosignature(
        self, witness: PolicyWitness, note: str, checkpoint: Checkpoint, history: History
    ) -> _Answer:
        old = min(self._known.get(witness.name, 0), checkpoint.size)
        for _ in range(2):
            request = AddCheckpoint(old, tuple(history.path(old)) if old else (), note)
            status, body = await self._fetch("POST", witness, ADD_CHECKPOINT, format_add_checkpoint(request))
            if status == httpx.codes.OK:
                line = self._good_line(witness, note, parse_cosignatures(body))
                self._known[witness.name] = checkpoint.size
                return line
            if status == httpx.codes.UNPROCESSABLE_ENTITY:
                return Dispute(witness.name)
            if status != httpx.codes.CONFLICT:
                raise _SilentError(f"it answers {status}")
            claimed = parse_size(body)
            if claimed > checkpoint.size:
                return Dispute(witness.name, claimed)
            if claimed == old == checkpoint.size:  # what 1.0.0 of the protocol answers where the roots differ
                return Dispute(witness.name)
            old = self._known[witness.name] = claimed
        raise _SilentError(f"it names another size each time, {old} at last")

    def _good_line(self, witness: PolicyWitness, note: str, lines: Sequence[Signature]) -> Signature:
        """The witness's own line, which holds. Others are passed over, whatever is wrong with them."""
        for line in lines:
            if (line.name, line.key_id) != (witness.key.name, witness.key.key_id):
                continue
            verified = verify_checkpoint(add_lines(note, [line]), [*self._log_keys, witness.key])
            if dict(zip(verified.signed_by, verified.timestamps, strict=True))[witness.key]:
                return line
            raise _SilentError("its cosignature says no time")
        raise _SilentError("its answer has no line by its key")

    async def _shown(self, witness: PolicyWitness) -> VerifiedCheckpoint:
        """What the witness shows to everybody as cosigned last, signed by this log.

        Raises:
            _SilentError, LedgerError, httpx.HTTPError: it shows nothing that holds.
        """
        status, body = await self._fetch("GET", witness, f"{origin_path(self._origin)}/{CHECKPOINT}")
        if status != httpx.codes.OK:
            raise FormatError(f"it answers {status}")
        verified = verify_checkpoint(body.decode(), self._log_keys)
        if verified.checkpoint.origin != self._origin:
            raise SignatureError(f"it is a checkpoint of {verified.checkpoint.origin}")
        return verified

    async def _size(self, witness: PolicyWitness, note: str | None) -> _Answer:
        try:
            shown = await self._shown(witness)
            return Witnessed(shown.checkpoint.size, shown.note)
        except (LedgerError, UnicodeDecodeError):
            if note is None:
                raise
        request = AddCheckpoint(0, (), own_lines(note, self._log_keys))
        status, body = await self._fetch("POST", witness, ADD_CHECKPOINT, format_add_checkpoint(request))
        if status == httpx.codes.OK:
            return Witnessed(parse_checkpoint(parse_note(note).text).size)
        if status == httpx.codes.CONFLICT:
            return Witnessed(parse_size(body))
        raise _SilentError(f"it answers {status}")

    async def _fetch(
        self, method: str, witness: PolicyWitness, path: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Status and body, as it came over the wire.

        Raises:
            FormatError: the body is larger than any that is worth reading.
            httpx.HTTPError, httpx.InvalidURL: there is no answer.
        """
        if witness.url is None:
            raise _SilentError("the policy gives no address of it")
        data = bytearray()
        url = f"{witness.url.rstrip('/')}/{path}"
        assert self._asking is not None
        async with self._asking[1].stream(method, url, content=body, headers=_HEADERS) as answer:
            async for part in answer.aiter_raw():
                data += part
                if len(data) > MAX_BODY_BYTES:
                    raise FormatError(f"it answers more than {MAX_BODY_BYTES} bytes")
        return answer.status_code, bytes(data)


def witnessed_sizes(
    policy: Policy, origin: str, log_keys: Sequence[VerifierKey], note: str | None = None, deadline: float = DEADLINE_S
) -> dict[str, Witnessed]:
    """See `Witnesses.sizes`: what is to be compared with journal and database before a log signs again."""
    with Witnesses(policy, origin, log_keys, deadline) as witnesses:
        return witnesses.sizes(note)
