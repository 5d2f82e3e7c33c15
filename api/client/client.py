"""The client of one registry. Contract sections 1, 2, 6."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from api.client.answers import check_history, check_moment
from api.client.documents import Documents
from api.client.drafts import Drafts
from api.client.errors import ClientError, ProblemError, TransportError, TrustError
from api.client.evidence import Asked, Bundle, verified_bundle
from api.client.files import LineResult, Receipt, answers_of, conceal, files
from api.client.pins import Pins
from api.client.private import NONE
from api.client.profile import Profile
from api.client.reads import View
from api.client.receipts import verified_entry, verify_receipt
from api.client.rotation import followed, shown_keys
from api.client.signing import SignedRequest
from api.client.transport import Transport
from api.client.trusted import TrustedKeys
from ledger.encoding import format_base64url
from ledger.entry import Entry
from ledger.identifiers import party_identifier
from ledger.instants import parse_instant
from ledger.keys import Signer
from ledger.note import VerifierKey
from ledger.statement import Envelope, format_envelope
from registry.admission import format_submission
from registry.drafting import make_payload, sign_payload

_TIMEOUT_S = 120.0
T = TypeVar("T")


class Client(Drafts, Documents):
    """Talks to one registry. `keys` pins its log keys; without, those it shows first are pinned."""

    def __init__(
        self, url: str, profile: Profile | None = None, *, pins: Pins | None = None, keys: Sequence[str] | None = None,
        language: str = "zh", transport: httpx.BaseTransport | None = None, timeout_s: float = _TIMEOUT_S,
    ) -> None:  # fmt: skip
        super().__init__(Transport(url.rstrip("/"), language, transport, timeout_s))
        self.url = url.rstrip("/")
        self.profile = profile
        self._simulated: bool | None = None
        self._for_members = False
        self._pins = pins or Pins()
        self._seen: str | None = None
        self._newest = 0
        self._given = keys
        try:
            facts = self.well_known()
            self.origin = self._origin(facts)
            if self._for_members and self.profile is not None:
                self._transport.say_who_asks(SignedRequest(self.profile.signer))
            self._trusted = self._pinned(facts)
            published = self._with_newest_keys(
                lambda trusted: self._pins.see_published(self.origin, self.checkpoint, trusted, self._proven)
            )
            self._pins.keep_address(self.url, self.origin)
            newest = self._pins.checkpoint(self.origin, self._trusted) or published
            self._newest = max(newest.size, published.size)
        except BaseException:
            self.close()
            raise

    def _origin(self, facts: Mapping[str, Any]) -> str:
        try:
            origin = str(facts["origin"])
        except (KeyError, TypeError) as error:
            raise TransportError(f"{self.url} does not answer as a registry does") from error
        self._for_members = facts.get("visibility") == "members"
        if self._given is None:
            self._pins.check_address(self.url, origin)
        return origin

    def _pinned(self, facts: Mapping[str, Any]) -> TrustedKeys:
        """The keys to trust now: those pinned, and what the registry proves to whoever trusts them."""
        shown = shown_keys(facts)

        def follow(trusted: TrustedKeys) -> TrustedKeys:
            return followed(
                self.origin, trusted, shown.changes, lambda seq, size: self.inclusion(seq, size=size), self.entry_bytes,
                lambda note, keys: self._pins.see(self.origin, note, keys, self._proven),
            )  # fmt: skip

        return self._pins.pin(self.origin, shown, self._given, follow)

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of the log that are trusted and live."""
        return self._trusted.live

    def _with_newest_keys(self, verify: Callable[[TrustedKeys], T]) -> T:
        """What `verify` answers; asked again if it fails and the keys of the log have changed meanwhile."""
        try:
            return verify(self._trusted)
        except TrustError:
            newest = self._pinned(self.well_known())
            if newest == self._trusted:
                raise
            self._trusted = newest
        return verify(self._trusted)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def see(self, note: str) -> int:
        """The size of a checkpoint that is signed and consistent with everything seen before.

        Raises:
            TrustError: it is not.
        """
        size = self._with_newest_keys(lambda trusted: self._pins.see(self.origin, note, trusted, self._proven)).size
        self._seen, self._newest = note, max(size, self._newest)
        return size

    def history(self, asset: str, *, size: int | None = None) -> list[View]:
        """The entries of an asset's folio, without a hole between the first and the last that is shown.

        Whether they are in the log is for `verify_entry`, whether they may be there for an audit.

        Raises:
            TrustError: one is missing, or is not what it says.
        """
        found = super().history(asset, size=size)
        check_history(asset, found)
        return found

    def check(self, party: str, asset: str, purpose: str, **more: Any) -> View:
        """See `Reads.check`.

        Raises:
            TrustError: the answer is of another log, for another time or size than asked, or older than what was seen.
        """
        found = super().check(party, asset, purpose, **more)
        check_moment(found, self.origin, self._newest, at=more.get("at"), size=more.get("size"))
        return found

    def checks(self, questions: Sequence[Mapping[str, Any]], **moment: Any) -> list[View]:
        """See `Reads.checks`.

        Raises:
            TrustError: as for `check`, or there is not one answer to each question.
        """
        found = super().checks(questions, **moment)
        if len(found) != len(questions):
            raise TrustError(f"{len(found)} answers to {len(questions)} questions", "answer_changed")
        for answer in found:
            check_moment(answer, self.origin, self._newest, at=moment.get("at"), size=moment.get("size"))
        return found

    def verify_entry(self, seq: int) -> Entry:
        """The entry at a position, which the newest signed root commits to and whose envelope is for this log.

        Whether its signatures and act hold is what an audit finds out.

        Raises:
            TrustError: it is not.
        """
        data, proof = self.entry_bytes(seq), self.inclusion(seq)
        entry, checkpoint = self._with_newest_keys(
            lambda trusted: verified_entry(seq, data, proof, self.origin, trusted)
        )
        self.see(checkpoint)
        return entry

    def evidence(self, identifier: str, *, size: int | None = None) -> Bundle:
        """The evidence of an asset, right or case at a signed size (default the newest), verified and to be kept.

        Raises:
            TrustError: it does not hold, is about something else, or is older than what was seen before.
        """
        asked = Asked(identifier, self.origin, size, self._newest)
        data = self.evidence_bytes(identifier, size=size)
        bundle = self._with_newest_keys(lambda trusted: verified_bundle(data, asked, trusted))
        self.see(bundle.evidence.checkpoint)
        return bundle

    def _proven(self, old: int, new: int) -> list[bytes]:
        try:
            return self.consistency(old, new)
        except ProblemError as problem:
            if problem.code not in ("BEHIND", "NOT_FOUND", "INVALID_VALUE"):
                raise
            raise TrustError(
                f"{self.url} does not prove that its history of {old} entries goes on to {new}; it has lost entries or "
                "is another log. Ask its registrar; what you keep is evidence",
                "entries_lost",
            ) from problem

    @property
    def party_id(self) -> str:
        """The party of the profile."""
        return self._profile().party_id

    def _profile(self) -> Profile:
        if self.profile is None:
            raise ClientError("this needs a profile with a key")
        return self.profile

    def _signer(self) -> Signer:
        return self._profile().signer

    def _party_id(self) -> str:
        return self.party_id

    def now(self) -> datetime:
        """The registry's simulated clock where it has one, else this machine's time.

        Only an origin in `.test` may have one: no other registry says what time its parties sign.
        """
        if self._simulated is not False and self.origin.endswith(".test"):
            try:
                now = parse_instant(self.clock())
            except ProblemError as problem:
                if problem.code != "NOT_FOUND":
                    raise
                self._simulated = False
            else:
                self._simulated = True
                return now
        return datetime.now(UTC)

    def payload(
        self, act: str, body: Mapping[str, Any], *, for_: str | None = None, with_: Sequence[str] = (),
        expect: Mapping[str, int] | None = None, at: datetime | None = None, by: str | None = None,
    ) -> bytes:  # fmt: skip
        """The payload of a statement by the profile's party."""
        author = by or self.party_id
        return make_payload(act, self.origin, author, at or self.now(), body, for_=for_, with_=with_, expect=expect)

    def act(
        self, act: str, body: Mapping[str, Any], *, joining: Sequence[Signer] = (), adding: Sequence[Signer] = (),
        for_: str | None = None, with_: Sequence[str] | None = None, expect: Mapping[str, int] | None = None,
        confidential: Sequence[str] = (),
    ) -> Receipt:  # fmt: skip
        """Builds, signs and submits a statement.

        `joining` sign as parties of `with` (named by their first keys unless `with_` names them), `adding` as keys that
        the statement adds. `confidential`: pointers to members of the body that go onto the ledger as digests only.
        """
        names = with_ if with_ is not None else [party_identifier(signer.public) for signer in joining]
        told, disclosures = conceal(act, body, confidential)
        payload = self.payload(act, told, for_=for_, with_=names, expect=expect)
        return self.submit(sign_payload(payload, [self._profile().signer, *joining, *adding]), disclosures)

    def submit(self, envelope: Envelope, disclosures: Sequence[str] = ()) -> Receipt:
        """The verified receipt of a statement; the same payload again gets the first receipt's facts."""
        facts = self._transport.json("POST", "/v1/statements", content=format_submission(envelope, disclosures))
        return self._verified(envelope, facts)

    def try_out(self, envelope: Envelope) -> Mapping[str, Any]:
        """What would become of a statement: nothing is written."""
        content = format_envelope(envelope).encode()
        facts: Mapping[str, Any] = self._transport.json(
            "POST", "/v1/statements", params=[("dry_run", "true")], content=content
        )
        return facts

    def try_many(self, envelopes: Iterable[Envelope]) -> Iterator[LineResult]:
        """What would become of each statement by itself, in order: nothing is written, so nothing is proven."""
        for chunk in files(envelopes):
            lines = b"\n".join(format_envelope(envelope).encode() for envelope in chunk)
            response = self._transport.send(
                "POST", "/v1/statements", content=lines, media_type="application/x-ndjson",
                accept="application/x-ndjson", params=[("dry_run", "true")],
            )  # fmt: skip
            for answer in answers_of(response.content, len(chunk)):
                if "receipt" in answer:
                    yield LineResult(answer["status"], Receipt(answer["receipt"]), None)
                else:
                    yield LineResult(answer["status"], None, ProblemError(answer["problem"]))

    def submit_many(
        self,
        envelopes: Iterable[Envelope],
        *,
        atomic: bool = False,
        disclosures: Mapping[Envelope, Sequence[str]] = NONE,
    ) -> Iterator[LineResult]:
        """One result an envelope, in order; receipts are verified. Files of at most 1,000 lines are sent.

        `atomic`: all in one file, all or none. `disclosures`: of the envelopes that have any.
        """
        for chunk in [list(envelopes)] if atomic else files(envelopes):
            lines = b"\n".join(format_submission(envelope, disclosures.get(envelope, ())) for envelope in chunk)
            response = self._transport.send(
                "POST", "/v1/statements", content=lines, media_type="application/x-ndjson",
                accept="application/x-ndjson", params=[("atomic", "true")] if atomic else [],
            )  # fmt: skip
            answers = answers_of(response.content, len(chunk))
            before: Receipt | None = None
            for envelope, answer in zip(chunk, answers, strict=True):
                result = self._line(envelope, answer, before)
                before = result.receipt or before
                yield result

    def _line(self, envelope: Envelope, answer: dict[str, Any], before: Receipt | None) -> LineResult:
        if "receipt" in answer:
            receipt = self._verified(envelope, answer["receipt"], before)
            return LineResult(answer["status"], receipt, None)
        return LineResult(answer["status"], None, ProblemError(answer["problem"]))

    def _verified(self, envelope: Envelope, facts: Mapping[str, Any], before: Receipt | None = None) -> Receipt:
        """The receipt, if it proves what it says of this very payload. `before`: the receipt verified before it.

        Raises:
            TrustError: it does not.
        """
        last = before.facts if before else None
        checkpoint = self._with_newest_keys(
            lambda trusted: verify_receipt(envelope, facts, trusted, last, self.entry_bytes)
        )
        if checkpoint != self._seen:
            self.see(checkpoint)
        return Receipt(facts)

    def is_registered(self) -> bool:
        """Whether the profile's party is in the register."""
        try:
            self.party(self.party_id)
        except ProblemError as problem:
            if problem.code == "NOT_FOUND":
                return False
            raise
        return True

    def ensure_registered(self, **details: Any) -> None:
        """The profile's party is in the register, registered now if it was not. `details`: identifier, subkind, …"""
        if not self.is_registered():
            self.register_party(**details)

    def register_party(self, kind: str = "legal_person", **details: Any) -> Receipt:
        """Registers the profile's party with its key."""
        profile = self._profile()
        key = {"alg": profile.signer.algorithm.value, "public": format_base64url(profile.signer.public)}
        return self.act("party.register", {"name": profile.name, "kind": kind, "keys": [key], **details})

    def file(
        self, asset: Mapping[str, Any] | str, sources: Sequence[Mapping[str, Any]], claims: Sequence[Mapping[str, Any]],
        *, joining: Sequence[Signer] = (), **more: Any,
    ) -> Receipt:  # fmt: skip
        """Files a first registration (`case.file` initial)."""
        body = {"kind": "initial", "asset": asset, "sources": list(sources), "claims": list(claims), **more}
        return self.act("case.file", body, joining=joining)

    def grant(
        self, from_right: str, to: str, rights: Sequence[str], scope: Mapping[str, Any], *,
        joining: Sequence[Signer] = (), **more: Any,
    ) -> Receipt:  # fmt: skip
        """Grants rights from an operating right."""
        body = {"from_right": from_right, "to": to, "rights": list(rights), "scope": dict(scope), **more}
        return self.act("right.grant", body, joining=joining)

    def revoke(self, rights: Sequence[str], ground: str, **more: Any) -> Receipt:
        """Revokes grants."""
        return self.act("right.revoke", {"rights": list(rights), "ground": ground, **more})

    @classmethod
    def as_registrar(cls, url: str, data: Path, **more: Any) -> "Client":
        """A client that signs as the registrar, with the key in the data folder."""
        return cls(url, Profile.of_key(data / "keys" / "registrar.pem"), **more)
