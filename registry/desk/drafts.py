"""Collects the signatures of a statement, and submits it when all are there. Contract section 6; ADR 0028.

Nothing here makes a statement count: a complete draft goes to the office like any other submission, and is judged
there as if it had come at once. A statement that reached the ledger another way ends its draft too.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import Connection, Engine

from ledger.encoding import format_base64
from ledger.entry import parse_entry
from ledger.errors import FormatError
from ledger.log import Log
from ledger.statement import PAYLOAD_TYPE, Envelope, EnvelopeSignature, envelope_from_json, format_envelope
from ledger.strict_json import format_compact, parse_strict
from registry.acts.shapes import invalid
from registry.admission import Admitted, Opened, admit, open_submission, refusal_of
from registry.clock import Clock
from registry.desk.draft import Draft, Refusal, Standing, expires, readers, standing
from registry.judging import OPEN_FAMILIES, Bench, Rules, must_be_of_now, must_not_be_erased
from registry.office import Office
from registry.reading import not_found
from registry.receipts import Receipt, receipt_maker, stored_facts
from registry.refusals.refusal import RefusedError, refused
from registry.register.party import UNVERIFIED
from registry.register.register import Register
from registry.signatures import placed_verifications
from registry.store.database import overwriting, writing
from registry.store.documents import renew_document
from registry.store.drafts import (
    delete_draft,
    draft_identifiers,
    drafts_of,
    expired_drafts,
    find_draft,
    insert_draft,
    open_drafts,
    update_draft,
)
from registry.store.loading import load, load_signers, load_withheld, stems

logger = structlog.get_logger("sanquan.registry")
_CERTAIN = frozenset(
    {"NOT_FOUND", "NOT_ADMITTED", "INVALID_VALUE", "MALFORMED", "UNKNOWN_MEMBER", "TOO_LARGE", "ID_TAKEN", "KEY_TAKEN"}
)
"""What no signature and no time will mend."""
_HOPELESS = frozenset({"AT_STALE", "ID_TAKEN", "KEY_TAKEN"})
"""Refusals of a complete statement after which its draft is of no use."""
_AT_ONCE = 500
Signatures = Mapping[int, EnvelopeSignature]


class Shown(msgspec.Struct, frozen=True):
    """A draft as those concerned see it. `foreseen`: why it would be refused as the register stands now."""

    item: Admitted
    draft: Draft
    standing: Standing
    expires: datetime
    foreseen: Refusal | None = None


class Result(msgspec.Struct, frozen=True):
    """What became of a draft: it waits, or its statement is on the ledger. `is_new`: by this very call."""

    is_new: bool
    shown: Shown | None = None
    receipt: Receipt | None = None


class Drafts:
    """The drafts of one registry. May be used from any thread."""

    def __init__(self, engine: Engine, log: Log[Connection], office: Office, clock: Clock, rules: Rules) -> None:
        self._engine = engine
        self._log = log
        self._office = office
        self._clock = clock
        self._rules = rules

    def open(self, data: bytes, charge: Callable[[str], None], most: int) -> Result:
        """The draft is kept, with the signatures it came with beside those it had; complete, it is submitted.

        `charge` is called with the party that opens it; at most `most` drafts of one party are open.

        Raises:
            RefusedError: the form or a signature is wrong, what is certain to be refused, or what the office refuses.
        """
        self._office.must_be_writable()
        opened = open_submission(data)
        if (known := self._known(opened.digest)) is not None:
            return known
        item = admit(opened, self._log.origin)
        now = self._clock.now()
        must_be_of_now(item, now)
        given = self._verified(item, item.envelope.signatures, now)
        foreseen = self._foreseen(item, now)
        if foreseen is not None and foreseen.code in _CERTAIN:
            raise foreseen
        opener = _opener(item, given)
        charge(opener)
        self._must_admit(item, opener)
        is_new = self._put(item, given, opener, now, most)
        return self._settled(item.statement.identifier, is_new=is_new)

    def payload(self, identifier: str, party: str) -> tuple[str, bytes]:
        """The act and the payload of a draft that the party may see.

        Raises:
            RefusedError: NOT_FOUND.
        """
        shown = self.read(identifier, party)
        return shown.item.statement.act, shown.draft.payload

    def sign(self, identifier: str, data: bytes) -> Result:
        """The signatures in `data` stand in the draft; complete, it is submitted. Answers a statement that is on the ledger.

        Raises:
            RefusedError: NOT_FOUND, the form or a signature is wrong, or what the office refuses.
        """
        self._office.must_be_writable()
        now = self._clock.now()
        with self._engine.connect() as tx:
            draft = find_draft(tx, identifier, now)
        if draft is None:
            return self._signed_before(identifier, data, now)
        item = self._admitted(draft)
        given = self._verified(item, _signatures_in(data, draft.payload), now)
        with writing(self._engine) as tx:
            if (newest := find_draft(tx, identifier, now)) is not None:
                self._update(tx, identifier, newest.signed(given), item, now)
        return self._settled(identifier)

    def read(self, identifier: str, party: str) -> Shown:
        """A draft that the party may see.

        Raises:
            RefusedError: NOT_FOUND.
        """
        self._remove_expired()
        now = self._clock.now()
        with self._engine.connect() as tx:
            draft = find_draft(tx, identifier, now)
        if draft is None or self._known(bytes.fromhex(identifier)) is not None:
            raise _no_draft(identifier)
        shown = self._shown(draft, now)
        if party not in readers(shown.item):
            raise _no_draft(identifier)
        return shown

    def page(self, party: str, *, waiting: bool, after: int, limit: int) -> tuple[list[Shown], int | None]:
        """Drafts that the party may see, oldest first, and where the next page starts. `waiting`: those for it to sign."""
        self._remove_expired()
        now = self._clock.now()
        found: list[Shown] = []
        last = after
        with self._engine.connect() as tx:
            for number, identifier, draft in drafts_of(tx, party, after, now):
                if self._log.storage.positions(tx, [bytes.fromhex(identifier)]):
                    continue
                shown = self._standing(tx, draft, now)
                if waiting and party not in shown.standing.waiting:
                    continue
                if len(found) == limit:
                    return found, last
                found.append(shown)
                last = number
        return found, None

    def withdraw(self, identifier: str, party: str) -> None:
        """The draft is gone. By its author, or by who opened it.

        Raises:
            RefusedError: NOT_FOUND or NOT_ENTITLED.
        """
        shown = self.read(identifier, party)
        if party not in (shown.item.statement.by, shown.draft.opened_by):
            raise refused(
                "NOT_ENTITLED", "A draft is withdrawn by its author or by who opened it.",
                "草稿只能由声明人或最先提交者撤回。",
            )  # fmt: skip
        self._remove(identifier)

    def sweep(self) -> None:
        """Drafts that are over, or whose statements are on the ledger, are gone; complete ones have been tried again."""
        self._remove_expired()
        with self._engine.connect() as tx:
            every = draft_identifiers(tx)
            for start in range(0, len(every), _AT_ONCE):
                known = self._log.storage.positions(tx, [bytes.fromhex(i) for i in every[start : start + _AT_ONCE]])
                for digest in known:
                    self._remove(digest.hex())
            complete = draft_identifiers(tx, only_complete=True)
        for identifier in complete:
            try:
                self._settled(identifier)
            except RefusedError as refusal:
                logger.info("a complete draft waits", draft=identifier, code=refusal.code)

    def _put(self, item: Admitted, given: Signatures, opener: str, now: datetime, most: int) -> bool:
        """Whether the draft is new; the signatures stand in it."""
        identifier = item.statement.identifier
        with writing(self._engine) as tx:
            must_not_be_erased(item, Register(load_withheld(tx, item.names.confidential)))  # since it was foreseen
            if (before := find_draft(tx, identifier, now)) is not None:
                self._update(tx, identifier, before.signed(given), item, now)
                return False
            if open_drafts(tx, opener, now) >= most:
                raise refused(
                    "DRAFTS_FULL",
                    f"{opener} has {most} open drafts, as many as one party may have; complete or withdraw some.",
                    f"{opener} 已有 {most} 份未完成的草稿，达到上限；请先完成或撤回其中一部分。",
                )
            empty = (None,) * (1 + len(item.signers.with_) + len(item.signers.proofs))
            draft = Draft(item.envelope.payload, empty, opener, item.opened.disclosures).signed(given)
            complete = self._stands(tx, draft, item, now).is_complete
            insert_draft(tx, identifier, draft, expires(item), readers(item), is_complete=complete)
            for digest in item.cited.documents if item.cited else ():
                renew_document(tx, digest, now)  # what is cited here must still be there when the last has signed
        return True

    def _update(self, tx: Connection, identifier: str, draft: Draft, item: Admitted, now: datetime) -> None:
        update_draft(tx, identifier, draft, is_complete=self._stands(tx, draft, item, now).is_complete)

    def _settled(self, identifier: str, *, is_new: bool = False) -> Result:
        """The draft as it is now, submitted if it is complete.

        Raises:
            RefusedError: what the office refuses.
        """
        now = self._clock.now()
        with self._engine.connect() as tx:
            draft = find_draft(tx, identifier, now)
        if draft is None:
            return self._gone(identifier)
        shown = self._shown(draft, now)
        if not shown.standing.is_complete:
            return Result(is_new, shown)
        text = format_envelope(draft.envelope)
        data = f'{{"envelope":{text},"disclosures":{format_compact(list(draft.disclosures)).decode()}}}'
        (answer,) = self._office.submit([data.encode()])
        if answer.refusal is None:
            self._remove(identifier)
            return Result(not answer.known, receipt=answer.receipt)
        if answer.refusal.code in _HOPELESS:
            self._remove(identifier)
        else:
            self._remember(identifier, answer.refusal, now)
        raise answer.refusal

    def _remember(self, identifier: str, refusal: RefusedError, now: datetime) -> None:
        """Nothing that was signed is lost: the draft stays and says why it was refused."""
        with writing(self._engine) as tx:
            if (draft := find_draft(tx, identifier, now)) is not None:
                kept = msgspec.structs.replace(draft, refused=Refusal.of(refusal))
                update_draft(tx, identifier, kept, is_complete=True)

    def _gone(self, identifier: str) -> Result:
        """The receipt of a statement that is on the ledger.

        Raises:
            RefusedError: NOT_FOUND.
        """
        try:
            known = self._known(bytes.fromhex(identifier))
        except ValueError:
            known = None
        if known is None:
            raise _no_draft(identifier)
        return known

    def _signed_before(self, identifier: str, data: bytes, now: datetime) -> Result:
        """The receipt of a statement that is on the ledger, for who shows that it may sign it.

        Raises:
            RefusedError: NOT_FOUND.
        """
        known = self._gone(identifier)
        with self._engine.connect() as tx:
            envelope = self._envelope(tx, bytes.fromhex(identifier))
        try:
            item = admit(Opened(envelope, envelope.digest()), self._log.origin, disclosed=False)
            self._verified(item, _signatures_in(data, envelope.payload), now)
        except RefusedError as refusal:
            raise _no_draft(identifier) from refusal
        return known

    def _envelope(self, tx: Connection, digest: bytes) -> Envelope:
        position = self._log.storage.positions(tx, [digest])[digest]
        (row,) = self._log.storage.entries(tx, position, position + 1)
        return parse_entry(row.data).envelope

    def _known(self, digest: bytes) -> Result | None:
        """The receipt of the statement, if it is on the ledger; its draft, if there is one, is then gone."""
        with self._engine.connect() as tx:
            storage = self._log.storage
            position = storage.positions(tx, [digest]).get(digest)
            maker = receipt_maker(storage, tx, self._log.verifier_keys())
            if position is None or maker is None or position >= maker.size:
                return None
            receipt = maker.make(stored_facts(storage, tx, [position])[position])
            has_draft = find_draft(tx, digest.hex(), self._clock.now()) is not None
        if has_draft:
            self._remove(digest.hex())
        return Result(is_new=False, receipt=receipt)

    def _verified(self, item: Admitted, signatures: tuple[EnvelopeSignature, ...], now: datetime) -> Signatures:
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
        if statement.for_ is not None and not item.signers.founding and register.party(statement.for_) is None:
            raise _unknown_party(statement.for_, "/for")
        for number, party in enumerate(statement.with_):
            if register.party(party) is None:
                raise _unknown_party(party, f"/with/{number}")
        return {place: verification.signature for place, verification in found.items()}

    def _must_admit(self, item: Admitted, opener: str) -> None:
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

    def _foreseen(self, item: Admitted, now: datetime) -> RefusedError | None:
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

    def _shown(self, draft: Draft, now: datetime) -> Shown:
        with self._engine.connect() as tx:
            shown = self._standing(tx, draft, now)
        foreseen = self._foreseen(shown.item, now)
        return msgspec.structs.replace(shown, foreseen=Refusal.of(foreseen) if foreseen else None)

    def _standing(self, tx: Connection, draft: Draft, now: datetime) -> Shown:
        item = self._admitted(draft)
        return Shown(item, draft, self._stands(tx, draft, item, now), expires(item))

    def _stands(self, tx: Connection, draft: Draft, item: Admitted, now: datetime) -> Standing:
        return standing(draft, item, Register(load_signers(tx, readers(item), ())), now)

    def _admitted(self, draft: Draft) -> Admitted:
        envelope = draft.envelope
        return admit(Opened(envelope, envelope.digest(), draft.disclosures), self._log.origin)

    def _remove_expired(self) -> None:
        with self._engine.connect() as tx:
            over = expired_drafts(tx, self._clock.now())
        for identifier in over:
            self._remove(identifier)

    def _remove(self, identifier: str) -> None:
        with writing(self._engine) as tx, overwriting(tx):
            delete_draft(tx, identifier)


def _opener(item: Admitted, given: Signatures) -> str:
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


def _signatures_in(data: bytes, payload: bytes) -> tuple[EnvelopeSignature, ...]:
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


def _unknown_party(party: str, pointer: str) -> RefusedError:
    return refused(
        "NOT_FOUND", f"There is no party {party} in this register.", f"本登记簿中没有主体 {party}。", pointer
    )


def _no_draft(identifier: str) -> RefusedError:
    return not_found(f"draft {identifier}", f"草稿 {identifier}")
