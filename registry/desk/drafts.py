"""Collects the signatures of a statement, and submits it when all are there. Contract section 6; ADR 0028.

Nothing here makes a statement count: a complete draft goes to the office like any other submission, and is judged
there as if it had come at once. A statement that reached the ledger another way ends its draft too.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog
from sqlalchemy import Connection, Engine

from ledger.entry import parse_entry
from ledger.log import Log
from ledger.statement import Envelope
from registry.admission import Admitted, Opened, admit, format_submission, open_submission
from registry.clock import Clock
from registry.desk.draft import Draft, Refusal, expires, readers
from registry.desk.vetting import Shown, Signatures, Vetting, opener_of, signatures_in
from registry.judging import Rules, must_be_of_now, must_not_be_erased
from registry.office import Office
from registry.reading import not_found
from registry.receipts import Receipt, receipts_of
from registry.refusals.refusal import RefusedError, refused
from registry.register.register import Register
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
from registry.store.loading import load_withheld

logger = structlog.get_logger("sanquan.registry")
_HOPELESS = frozenset({"AT_STALE", "ID_TAKEN", "KEY_TAKEN"})
"""Refusals of a complete statement after which its draft is of no use."""
_AT_ONCE = 500


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
        self._vetting = Vetting(engine, log, rules)

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
        given = self._vetting.verified(item, item.envelope.signatures, now)
        self._vetting.must_not_be_hopeless(item, now)
        opener = opener_of(item, given)
        charge(opener)
        self._vetting.must_admit(item, opener)
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
        item = self._vetting.admitted(draft)
        given = self._vetting.verified(item, signatures_in(data, draft.payload), now)
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
        shown = self._vetting.shown(draft, now)
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
                shown = self._vetting.standing(tx, draft, now)
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
            complete = self._vetting.stands(tx, draft, item, now).is_complete
            insert_draft(tx, identifier, draft, expires(item), readers(item), is_complete=complete)
            for digest in item.cited.documents if item.cited else ():
                renew_document(tx, digest, now)  # what is cited here must still be there when the last has signed
        return True

    def _update(self, tx: Connection, identifier: str, draft: Draft, item: Admitted, now: datetime) -> None:
        update_draft(tx, identifier, draft, is_complete=self._vetting.stands(tx, draft, item, now).is_complete)

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
        shown = self._vetting.shown(draft, now)
        if not shown.standing.is_complete:
            return Result(is_new, shown)
        (answer,) = self._office.submit([format_submission(draft.envelope, draft.disclosures)])
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
            self._vetting.verified(item, signatures_in(data, envelope.payload), now)
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
            receipt = receipts_of(self._log.storage, tx, self._log.verifier_keys(), [digest]).get(digest)
            if receipt is None:
                return None
            has_draft = find_draft(tx, digest.hex(), self._clock.now()) is not None
        if has_draft:
            self._remove(digest.hex())
        return Result(is_new=False, receipt=receipt)

    def _remove_expired(self) -> None:
        with self._engine.connect() as tx:
            over = expired_drafts(tx, self._clock.now())
        for identifier in over:
            self._remove(identifier)

    def _remove(self, identifier: str) -> None:
        with writing(self._engine) as tx, overwriting(tx):
            delete_draft(tx, identifier)


def _no_draft(identifier: str) -> RefusedError:
    return not_found(f"draft {identifier}", f"草稿 {identifier}")
