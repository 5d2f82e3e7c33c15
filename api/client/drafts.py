"""Drafts: statements that several sign, one after the other, through the registry."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api.client.errors import TrustError
from api.client.files import Receipt, conceal
from api.client.private import Private
from ledger.encoding import format_base64, parse_base64url
from ledger.errors import LedgerError
from ledger.keys import Signer
from ledger.statement import Envelope, Statement, envelope_from_json, parse_statement
from ledger.strict_json import format_compact, parse_strict
from registry.admission import format_submission
from registry.documents.disclosures import confidential_members, disclosure_digest, match_disclosures
from registry.drafting import sign_payload
from registry.refusals.refusal import RefusedError

_PATH = "/v1/drafts"


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement that waits for signatures. `statement` is what is signed, decoded from `envelope` itself."""

    facts: Mapping[str, Any]
    envelope: Envelope
    statement: Statement

    @property
    def id(self) -> str:
        """The statement's own identifier."""
        return self.statement.identifier

    @property
    def disclosed(self) -> dict[str, Any]:
        """The values of confidential members, by their pointers, where the registry showed the disclosures."""
        texts = {disclosure_digest(text): text for text in self.facts.get("disclosures", ())}
        members = confidential_members(self.statement.body, pointer="/body")
        return {
            pointer: parse_strict(parse_base64url(texts[digest]))[2]
            for pointer, _, digest in members
            if digest in texts
        }

    @property
    def waiting(self) -> list[str]:
        """Who has to sign yet: parties, and keys that the statement adds."""
        return [name for each in self.facts["waiting"] for name in each.values()]


class Drafts(Private):
    """Opens, signs and withdraws drafts."""

    origin: str

    @abstractmethod
    def payload(
        self, act: str, body: Mapping[str, Any], *, for_: str | None = None, with_: Sequence[str] = (),
        expect: Mapping[str, int] | None = None,
    ) -> bytes:  # fmt: skip
        """The payload of a statement by the profile's party."""

    @abstractmethod
    def _verified(self, envelope: Envelope, facts: Mapping[str, Any]) -> Receipt:
        """The receipt, if it proves what it says of this very payload."""

    def draft(
        self, act: str, body: Mapping[str, Any], *, with_: Sequence[str] = (), for_: str | None = None,
        expect: Mapping[str, int] | None = None, confidential: Sequence[str] = (),
    ) -> Draft | Receipt:  # fmt: skip
        """Builds and signs a statement that others sign too; the receipt if nobody's signature is missing."""
        told, disclosures = conceal(act, body, confidential)
        payload = self.payload(act, told, for_=for_, with_=with_, expect=expect)
        return self.open_draft(sign_payload(payload, [self._signer()]), disclosures)

    def open_draft(self, envelope: Envelope, disclosures: Sequence[str] = ()) -> Draft | Receipt:
        """The draft of an envelope that lacks signatures; the receipt if it lacks none."""
        return self._result(
            envelope, self._transport.json("POST", _PATH, content=format_submission(envelope, disclosures))
        )

    def drafts(self, *, waiting_for_me: bool = False) -> Iterator[Draft]:
        """The drafts that concern the profile's party, oldest first; with `waiting_for_me` those that it has to sign."""
        members = {"waiting_for": "me"} if waiting_for_me else {}
        while True:
            page = self._private("GET", _PATH, members)
            for facts in page["items"]:
                yield draft_of(facts, self.origin)
            if "next" not in page:
                return
            members = members | {"cursor": page["next"]}

    def read_draft(self, identifier: str) -> Draft:
        """A draft, with its disclosures among its facts."""
        found = draft_of(self._private("GET", _path(identifier)), self.origin)
        if found.id != identifier:
            raise TrustError("the registry shows another draft than the one asked for", "draft_changed")
        return found

    def sign_draft(self, draft: Draft | str, *, signer: Signer | None = None) -> Draft | Receipt:
        """Signs what the draft says, by the profile's key unless another is given; the receipt if that completes it."""
        found = self.read_draft(draft) if isinstance(draft, str) else draft
        payload = found.envelope.payload
        (signature,) = sign_payload(payload, [signer or self._signer()]).signatures
        content = format_compact({"keyid": signature.key, "sig": format_base64(signature.value)})
        facts = self._transport.json("POST", _path(found.id) + "/signatures", content=content)
        return self._result(found.envelope, facts)

    def withdraw_draft(self, identifier: str) -> None:
        """The draft is gone."""
        self._private("DELETE", _path(identifier))

    def _result(self, envelope: Envelope, facts: Mapping[str, Any]) -> Draft | Receipt:
        if "waiting" not in facts:
            return self._verified(envelope, facts)
        found = draft_of(facts, self.origin)
        if found.envelope.payload != envelope.payload:
            raise TrustError("the registry keeps another statement than the one that was signed", "draft_changed")
        return found


def draft_of(facts: Mapping[str, Any], origin: str) -> Draft:
    """A draft as the registry shows it, if it says of its statement what the statement itself says.

    Raises:
        TrustError: it does not, or the statement is for another log.
    """
    try:
        envelope = envelope_from_json(facts["envelope"])
        statement = parse_statement(envelope)
        if "disclosures" in facts:
            match_disclosures(statement.body, facts["disclosures"])
        shown = (facts["id"], facts["act"], facts["by"], facts.get("for"), tuple(facts["with"]))
    except (LedgerError, RefusedError, KeyError, TypeError) as error:
        raise TrustError(f"the draft cannot be read: {error}", "draft_changed") from error
    says = (statement.identifier, statement.act, statement.by, statement.for_, statement.with_)
    if shown != says or statement.log != origin:
        raise TrustError("the registry says something else of a draft than its statement says", "draft_changed")
    return Draft(facts, envelope, statement)


def _path(identifier: str) -> str:
    return f"{_PATH}/{quote(identifier, safe='')}"
