"""Opens an envelope: everything that can be judged before the queue, without a lock. Contract section 2, order of checks.

size → envelope → known payload → payload form → `log` → keys and signatures → queue → in the batch: the rest
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ledger.errors import DuplicateMemberError, FormatError, TooLargeError, UnknownMemberError
from ledger.identifiers import ObjectIdentifiers
from ledger.keys import Algorithm
from ledger.statement import (
    Envelope,
    Statement,
    envelope_from_json,
    format_envelope,
    parse_statement,
    read_canonical,
)
from ledger.strict_json import format_compact, parse_strict
from registry.acts import ACTS
from registry.acts.act import Act, Names
from registry.beside import Beside
from registry.documents.citing import cited_by
from registry.documents.disclosures import check_disclosure_sizes, match_disclosures
from registry.refusals.form_words import form_words
from registry.refusals.refusal import RefusedError, refused
from registry.register.citation import Cited
from registry.signatures import Signers, Verification
from registry.verifying import Job, Verifying, verify_jobs
from registry.workers import Workers

MAX_SUBMISSION_BYTES = 52_000 + 64 * 1024 + 8 * 1024
"""An envelope and its disclosures, with room for the JSON around them."""


class Opened(msgspec.Struct, frozen=True):
    """An envelope that has the form of one, with the disclosures that came beside it."""

    envelope: Envelope
    digest: bytes
    disclosures: tuple[str, ...] = ()
    text: str | None = None
    """The envelope as it will stand in the entry, if it came so."""


@dataclass(slots=True)
class Admitted:
    """A statement that may join a batch."""

    opened: Opened
    statement: Statement
    body: Any
    signers: Signers
    ids: ObjectIdentifiers
    names: Names
    """Everything of the register that judging the statement needs."""
    disclosures: Mapping[str, str]
    cited: Cited | None = None
    """What it cites of what is kept beside the ledger."""
    verified: set[tuple[int, str]] = field(default_factory=set)
    """Signatures that hold, by position and key; the batch verifies only what is not among them."""
    beside: Beside | None = None
    """What is kept with the statement once it is accepted."""

    @property
    def act(self) -> Act[Any]:
        return ACTS[self.statement.act]

    @property
    def envelope(self) -> Envelope:
        return self.opened.envelope

    @property
    def digest(self) -> bytes:
        return self.opened.digest


def refusal_of(error: FormatError) -> RefusedError:
    """The refusal that a breach of form means."""
    code = "MALFORMED"
    if isinstance(error, TooLargeError):
        code = "TOO_LARGE"
    elif isinstance(error, DuplicateMemberError):
        code = "DUPLICATE_MEMBER"
    elif isinstance(error, UnknownMemberError):
        code = "UNKNOWN_MEMBER"
    en, zh = (f"{error.pointer}: ", f"{error.pointer}：") if error.pointer else ("", "")
    return refused(code, f"{en}{error}.", f"{zh}{form_words(str(error))}。", error.pointer)


def open_submission(data: bytes) -> Opened:
    """The envelope in a request body or line: alone, or as `{"envelope": …, "disclosures": […]}`.

    Raises:
        RefusedError: TOO_LARGE, MALFORMED, DUPLICATE_MEMBER or UNKNOWN_MEMBER.
    """
    try:
        if len(data) > MAX_SUBMISSION_BYTES:
            raise TooLargeError(f"a submission has at most {MAX_SUBMISSION_BYTES} bytes")
        if (found := read_canonical(data)) is not None:
            return Opened(found[0], found[0].digest(), text=found[1])
        value = parse_strict(data)
        if isinstance(value, dict) and "envelope" in value:
            return _with_disclosures(value)
        envelope = envelope_from_json(value)
    except FormatError as error:
        raise refusal_of(error) from error
    return Opened(envelope, envelope.digest())


def format_submission(envelope: Envelope, disclosures: Sequence[str] = ()) -> bytes:
    """What `open_submission` opens: the envelope alone, or with its disclosures beside it."""
    text = format_envelope(envelope)
    if not disclosures:
        return text.encode()
    return b'{"envelope":' + text.encode() + b',"disclosures":' + format_compact(list(disclosures)) + b"}"


def _with_disclosures(value: dict[str, Any]) -> Opened:
    for name in value:
        if name not in ("envelope", "disclosures"):
            raise UnknownMemberError(f"the member {name!r} is not known here", f"/{name}")
    disclosures = value.get("disclosures", [])
    if not isinstance(disclosures, list) or not all(isinstance(text, str) for text in disclosures):
        raise FormatError("not a list of strings", "/disclosures")
    check_disclosure_sizes(disclosures)
    envelope = envelope_from_json(value["envelope"], "/envelope")
    return Opened(envelope, envelope.digest(), tuple(disclosures))


def admit(opened: Opened, origin: str, *, disclosed: bool = True) -> Admitted:
    """The statement in the envelope, if its form is right and it is meant for this log.

    `disclosed`: the plain values of confidential members must be beside it; a replay does without.

    Raises:
        RefusedError: MALFORMED, DUPLICATE_MEMBER, UNKNOWN_MEMBER, UNKNOWN_ACT, TOO_LARGE, INVALID_VALUE or WRONG_LOG.
    """
    try:
        statement = parse_statement(opened.envelope, opened.digest)
    except FormatError as error:
        raise refusal_of(error) from error
    act = ACTS.get(statement.act)
    if act is None:
        raise refused(
            "UNKNOWN_ACT",
            f"There is no act {statement.act!r} in this version.",
            f"本版本没有行为 {statement.act!r}。",
            "/act",
        )
    body = act.parse(statement)
    disclosures: Mapping[str, str] = {}
    if disclosed and (opened.disclosures or _may_be_confidential(opened.envelope.payload)):
        disclosures = match_disclosures(statement.body, opened.disclosures)
    if statement.log != origin:
        raise refused(
            "WRONG_LOG", f"The statement is for the log {statement.log}; this is {origin}.",
            f"该声明指向登记簿 {statement.log}，而本登记簿为 {origin}。", "/log",
        )  # fmt: skip
    founding = act.founding(body) if statement.for_ is None else ()
    signers = Signers(statement.by, statement.with_, statement.for_, statement.act, founding, act.proofs(body))
    cited = cited_by(statement, opened.envelope.payload)
    names = _names(statement, act.names(statement, body), cited)
    return Admitted(opened, statement, body, signers, statement.objects(), names, disclosures, cited)


def _may_be_confidential(payload: bytes) -> bool:
    """A payload without either has no confidential member; the second covers names written with escapes."""
    return b'"sd"' in payload or b"\\u" in payload


def _names(statement: Statement, named: Names, cited: Cited | None) -> Names:
    principals = (statement.for_,) if statement.for_ else ()
    parties = (statement.by, *statement.with_, *principals, *named.parties)
    confidential = cited.digests if cited else ()
    return msgspec.structs.replace(named, parties=tuple(dict.fromkeys(parties)), confidential=confidential)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that `party` signed with before."""

    party: str
    algorithm: Algorithm
    public: bytes


Taken = Admitted | RefusedError | None
"""What became of a submission; None where our own code failed."""


def take_in(submissions: Sequence[bytes], origin: str, keys: Mapping[str, PublicKey]) -> list[Taken]:
    """What `open_submission` and `admit` make of each; None where their code raised, which the caller will find out.

    Signatures by `keys`, named by their identifiers, are verified; what holds is marked in `verified`.
    """
    taken: list[Taken] = []
    for data in submissions:
        try:
            item = admit(open_submission(data), origin)
            _verify_known(item, keys)
            taken.append(item)
        except RefusedError as refusal:
            taken.append(refusal)
        except Exception:  # noqa: BLE001  looked at where it can be logged
            taken.append(None)
    return taken


def is_signed(item: Admitted, keys: Mapping[str, PublicKey]) -> bool:
    """Whether the one signature that the statement has holds, by a key that its author signed with before.

    Whether that key still counts is for the batch to say; statements of several signers are never taken for signed.
    """
    if len(item.envelope.signatures) != 1 or not item.verified:
        return False
    key = keys.get(item.envelope.signatures[0].key)
    return key is not None and key.party == item.statement.by


def _verify_known(item: Admitted, keys: Mapping[str, PublicKey]) -> None:
    for position, signature in enumerate(item.envelope.signatures):
        key = keys.get(signature.key)
        if key is None:
            continue
        job = Job(key.algorithm, key.public, item.envelope.signed_bytes(), signature.value)
        if verify_jobs([job]) == [None]:
            item.verified.add((position, signature.key))


class Signatures:
    """The signatures of some statements, being verified."""

    def __init__(self, workers: Workers, work: Sequence[tuple[Admitted, tuple[Verification, ...]]]) -> None:
        """Those that are known to hold are not verified again."""
        self._work = [
            (item, [v for v in verifications if (v.position, v.signature.key) not in item.verified])
            for item, verifications in work
        ]
        self._verifying = Verifying(
            workers, [verification.job(item.envelope) for item, missing in self._work for verification in missing]
        )

    @property
    def are_verified(self) -> bool:
        """Whether `refusals` answers without waiting."""
        return self._verifying.is_done

    def refusals(self) -> list[RefusedError | None]:
        """For each statement None if all its signatures hold, else the refusal; what holds is marked in `verified`."""
        wrongs = iter(self._verifying.results())
        refusals: list[RefusedError | None] = []
        for item, missing in self._work:
            refusal = None
            for verification in missing:
                if (wrong := next(wrongs)) is None:
                    item.verified.add((verification.position, verification.signature.key))
                else:
                    refusal = refusal or verification.refusal(wrong)
            refusals.append(refusal)
        return refusals
