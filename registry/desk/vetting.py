"""What can be said of a draft before all have signed it: whose signatures hold, and what the office would answer.

Judged by the register as it stands; nothing is written.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Engine

from ledger.encoding import format_base64
from ledger.errors import FormatError
from ledger.log import Log
from ledger.statement import PAYLOAD_TYPE, EnvelopeSignature, envelope_from_json
from ledger.strict_json import parse_strict
from registry.acts.act import known_party
from registry.acts.shapes import invalid
from registry.admission import Admitted, Opened, admit, refusal_of
from registry.desk.draft import Draft, Refusal, Standing, expires, readers, standing
from registry.judging import OPEN_FAMILIES, Bench, Rules
from registry.refusals.refusal import RefusedError, refused
from registry.register.party import UNVERIFIED
from registry.register.register import Register
from registry.signatures import placed_verifications
from registry.store.loading import load, load_signers, stems

_CERTAIN = frozenset(
    {"NOT_FOUND", "NOT_ADMITTED", "INVALID_VALUE", "MALFORMED", "UNKNOWN_MEMBER", "TOO_LARGE", "ID_TAKEN", "KEY_TAKEN"}
)
"""What no signature and no time will mend."""
Signatures = Mapping[int, EnvelopeSignature]
"""By the places where they belong."""


class Shown(msgspec.Struct, frozen=True):
    """A draft as those concerned see it. `foreseen`: why it would be refused as the register stands now."""

    item: Admitted
    draft: Draft
    standing: Standing
    expires: datetime
    foreseen: Refusal | None = None


class Vetting:
    """Looks at drafts of one registry. May be used from any thread."""

    def __init__(self, engine: Engine, log: Log[Connection], rules: Rules) -> None:
        self._engine = engine
        self._log = log
        self._rules = rules

    def admitted(self, draft: Draft) -> Admitted:
        """The statement of a draft."""
        envelope = draft.envelope
        return admit(Opened(envelope, envelope.digest(), draft.disclosures), self._log.origin)

    def verified(self, item: Admitted, signatures: tuple[EnvelopeSignature, ...], now: datetime) -> Signatures:
        """The signatures by their places, all of which hold.

        Raises:
            RefusedError: one is not needed, not by a live key, or does not verify; NOT_FOUND for an unknown party.
        """
        if not signatures:
            raise refused("SIGNATURE_MISSING", "At least one signature is needed.", "至少须有一个签名。", "/signatures")
        statement = item.statement
        with self._engine.connect() as tx:
            register = Register(load_signers(tx, readers(item), item.names.keys))
        found = placed_verifications(register, item.signers, signatures, now)
        for verification in found.values():
            verification.run(item.envelope)
        if statement.for_ is not None and not item.signers.founding:
            known_party(register.party(statement.for_), statement.for_, "/for")
        for number, party in enumerate(statement.with_):
            known_party(register.party(party), party, f"/with/{number}")
        return {place: verification.signature for place, verification in found.items()}

    def must_admit(self, item: Admitted, opener: str) -> None:
        """Returns if statements are taken from who opens the draft; whether from its author the trial has said.

        Raises:
            RefusedError: NOT_ADMITTED.
        """
        if not self._rules.verified_only or item.statement.act.startswith(OPEN_FAMILIES):
            return
        with self._engine.connect() as tx:
            party = Register(load_signers(tx, [opener], ())).party(opener)
        if party is None or party.level == UNVERIFIED:
            raise refused(
                "NOT_ADMITTED",
                "This registry takes drafts of verified parties only; ask the registrar to verify you.",
                "本登记簿只受理经核验主体的草稿，请先向登记机构申请核验。",
            )

    def must_not_be_hopeless(self, item: Admitted, now: datetime) -> None:
        """Returns unless it is certain that the statement will be refused, whoever signs it.

        Raises:
            RefusedError: why.
        """
        foreseen = self.foreseen(item, now)
        if foreseen is not None and foreseen.code in _CERTAIN:
            raise foreseen

    def foreseen(self, item: Admitted, now: datetime) -> RefusedError | None:
        """Why the statement would be refused now if all had signed; None if it would not. Judged, never written."""
        with self._engine.connect() as tx:
            taken = set(stems(tx, [item.ids.stem]))
            bench = Bench(load(tx, [item.names]), self._rules, taken)
            lines = self._log.storage.folio_heads(tx, list(item.statement.expect))
            size = self._log.storage.head(tx).size
            try:
                bench.judge(item, size, now, lambda folio: lines[folio].number if folio in lines else 0, is_draft=True)
            except RefusedError as refusal:
                return refusal
        return None

    def shown(self, draft: Draft, now: datetime) -> Shown:
        """The draft with what would be answered now if all had signed."""
        with self._engine.connect() as tx:
            shown = self.standing(tx, draft, now)
        foreseen = self.foreseen(shown.item, now)
        return msgspec.structs.replace(shown, foreseen=Refusal.of(foreseen) if foreseen else None)

    def standing(self, tx: Connection, draft: Draft, now: datetime) -> Shown:
        """The draft with whose signatures are there."""
        item = self.admitted(draft)
        return Shown(item, draft, self.stands(tx, draft, item, now), expires(item))

    def stands(self, tx: Connection, draft: Draft, item: Admitted, now: datetime) -> Standing:
        """Whose signatures are there."""
        return standing(draft, item, Register(load_signers(tx, readers(item), ())), now)


def opener_of(item: Admitted, given: Signatures) -> str:
    """The first of the parties that signed.

    Raises:
        RefusedError: SIGNATURE_MISSING if only keys that the statement adds signed: anybody could have made them.
    """
    parties = (item.statement.by, *item.statement.with_)
    for place, party in enumerate(parties):
        if place in given:
            return party
    raise refused(
        "SIGNATURE_MISSING",
        "A draft is opened with the signature of its author or of a party that joins.",
        "草稿须至少有声明人或共同签署人一方的签名方可提交。",
        "/signatures",
    )


def signatures_in(data: bytes, payload: bytes) -> tuple[EnvelopeSignature, ...]:
    """The signatures sent for a payload: one, `{"signatures": […]}`, or an envelope of it.

    Raises:
        RefusedError: MALFORMED and the like, INVALID_VALUE for an envelope of another payload.
    """
    try:
        value = parse_strict(data)
        if isinstance(value, dict) and "payload" in value:
            envelope = envelope_from_json(value)
            if envelope.payload != payload:
                raise invalid("/payload", "it is the payload of another statement", "该内容属于另一份声明")
            return envelope.signatures
        members = value if isinstance(value, dict) and "signatures" in value else {"signatures": [value]}
        framed = {"payload": format_base64(payload), "payloadType": PAYLOAD_TYPE, **members}
        return envelope_from_json(framed).signatures
    except FormatError as error:
        raise refusal_of(error) from error
