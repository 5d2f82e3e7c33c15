"""The front desk: statements built here and signed with keys in custody, for callers with a token. Contract section 6.

It makes what any client makes and hands it to the office; it decides nothing. Where nothing else is said, what a
natural person must keep confidential is made confidential here.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from ledger.encoding import format_base64url
from ledger.identifiers import party_identifier
from ledger.instants import to_milliseconds
from ledger.keys import KeySigner
from ledger.log import Log
from ledger.statement import Envelope, EnvelopeSignature
from ledger.strict_json import format_compact
from registry.acts import ACTS
from registry.admission import format_submission
from registry.beside import Beside, Claim, Made
from registry.clock import Clock
from registry.counter import Gate
from registry.desk.custody import Custody
from registry.desk.hiding import chosen, hide, hideable
from registry.desk.requests import ActRequest
from registry.desk.sealing import Sealer
from registry.desk.tokens import (
    DEFAULT_LIFE,
    EVERYTHING,
    LONGEST_LIFE,
    NewToken,
    Token,
    identifier_in,
    is_same,
    must_be_scopes,
    new_token,
    token_of,
)
from registry.drafting import make_payload, sign_payload
from registry.office import Office
from registry.receipts import Receipt, receipt_at
from registry.refusals.refusal import refused
from registry.register.party import Party
from registry.store.claims import load_claims, must_be_same_request
from registry.store.database import writing
from registry.store.desk_tables import TOKEN
from registry.store.loading import load_parties
from registry.writer import Answer

ADMINISTRATOR = "administrator"
"""Who claims an idempotency key with the administrator's token."""
_PARTY = re.compile(r"pty_[0-9a-hjkmnp-tv-z]{26}")
_NO_DIGEST = "0" * 64


class FrontDesk:
    """Acts for callers. May be used from any thread."""

    def __init__(self, engine: Engine, log: Log[Connection], office: Office, clock: Clock, sealer: Sealer) -> None:
        self._engine = engine
        self._log = log
        self._office = office
        self._clock = clock
        self._sealer = sealer
        self._custody = Custody(sealer)

    def check(self) -> None:
        """Returns if the keys in custody open.

        Raises:
            SealError: the custody key is another one.
        """
        with self._engine.connect() as tx:
            self._custody.check(tx)

    def recognise(self, text: str) -> Token | None:
        """The live token that a caller showed; None for any other text."""
        identifier = identifier_in(text)
        with self._engine.connect() as tx:
            row = tx.execute(select(TOKEN).where(TOKEN.c.id == (identifier or ""))).mappings().first()
        same = is_same(text, row["digest"] if row else _NO_DIGEST)
        token = token_of(dict(row)) if row and same else None
        return token if token is not None and token.is_live(self._clock.now()) else None

    def act(
        self, token: Token, act: str, request: ActRequest, *, claim: Claim | None = None, gate: Gate | None = None
    ) -> Receipt:
        """The receipt of a statement by the token's party.

        Raises:
            RefusedError: NOT_ENTITLED if the token may not, or no key of the party is in custody; and whatever the
                office refuses.
        """
        self.must_allow(token, act)
        if (before := self._made_before(claim)) is not None:
            return self._receipt(before)
        ((envelope, disclosures),) = self._made(token, act, [request])
        return self._submit(envelope, disclosures, Beside(claim=claim), gate)

    def begin(self, token: Token, act: str, request: ActRequest) -> bytes:
        """A statement that others sign too, with the signature of the token's party: what a draft begins with.

        Raises:
            RefusedError: NOT_ENTITLED if the token may not, or no key of the party is in custody.
        """
        self.must_allow(token, act)
        (made,) = self._made(token, act, [request])
        return format_submission(*made)

    def _made(
        self, token: Token, act: str, requests: Sequence[ActRequest]
    ) -> list[tuple[Envelope, Sequence[str]]]:  # fmt: skip
        """The statements with the signature of the token's party, each with its disclosures."""
        now = self._clock.now()
        made: list[tuple[Envelope, Sequence[str]]] = []
        with self._engine.connect() as tx:
            signer = self._signer(tx, token.party)
            for request in requests:
                body, disclosures = self._concealed(tx, act, token.party, request)
                payload = make_payload(
                    act, self._log.origin, token.party, now, body, for_=request.for_, with_=request.with_,
                    expect=request.expect,
                )  # fmt: skip
                made.append((sign_payload(payload, [signer]), [*request.disclosures, *disclosures]))
        return made

    def sign(self, token: Token, act: str, payload: bytes) -> EnvelopeSignature:
        """The signature of the token's party under a statement that others sign too.

        Raises:
            RefusedError: NOT_ENTITLED if the token may not, or no key of the party is in custody.
        """
        self.must_allow(token, act)
        with self._engine.connect() as tx:
            signer = self._signer(tx, token.party)
        return sign_payload(payload, [signer]).signatures[0]

    def act_many(
        self, token: Token, act: str, requests: Sequence[ActRequest], *, trial: bool = False
    ) -> list[Answer]:  # fmt: skip
        """One answer a request, in order; the statements are written together. `trial`: judged, never written.

        Raises:
            RefusedError: NOT_ENTITLED if the token may not, or no key of the party is in custody.
        """
        self.must_allow(token, act)
        made = self._made(token, act, requests)
        return self._office.submit([format_submission(*each) for each in made], trial=trial)

    def make_party(
        self, request: ActRequest, *, claim: Claim | None = None, gate: Gate | None = None
    ) -> tuple[Receipt, str]:
        """A new party with a key in custody: the receipt of its registration, and its first token.

        Raises:
            RefusedError: INVALID_VALUE if the body lists keys, and whatever the office refuses.
        """
        if "keys" in request.body:
            raise refused(
                "INVALID_VALUE",
                "/keys: here the registry makes the key. A party with keys of its own signs its registration itself and "
                "sends it to POST /v1/statements.",
                "/keys：此处由登记系统生成并保管密钥。自持密钥的主体应自行签署，并提交至 POST /v1/statements。",
                "/keys",
            )
        if request.with_ or request.for_ or request.expect:
            raise refused(
                "INVALID_VALUE",
                "A party is made by itself alone: leave out `with`, `for` and `expect`.",
                "设立主体由其自身单独为之：请勿填写 with、for 与 expect。",
            )
        if (before := self._made_before(claim)) is not None:
            return self._receipt(before), self._sealer.open(before.claim.sealed, before.claim.key).decode()
        signer = KeySigner.generate()
        party = party_identifier(signer.public)
        now = self._clock.now()
        key = {"alg": signer.algorithm.value, "public": format_base64url(signer.public), "custody": "registry"}
        with self._engine.connect() as tx:
            body, disclosures = self._concealed(tx, "party.register", party, request)
        payload = make_payload("party.register", self._log.origin, party, now, {**body, "keys": [key]})
        token = new_token(party, EVERYTHING, "first", now, DEFAULT_LIFE)
        rows = (("sanquan_custody", self._custody.row(party, signer)), ("sanquan_token", token.row()))
        if claim is not None:
            claim = Claim(claim.key, claim.request, self._sealer.seal(token.text.encode(), claim.key))
        envelope = sign_payload(payload, [signer])
        receipt = self._submit(envelope, [*request.disclosures, *disclosures], Beside(rows, claim), gate)
        made = self._made_before(claim)
        text = token.text if made is None else self._sealer.open(made.claim.sealed, made.claim.key).decode()
        return receipt, text

    def make_token(self, party: str, scopes: Sequence[str], name: str, life: timedelta | None) -> NewToken:
        """A new token of a party, kept.

        Raises:
            RefusedError: NOT_FOUND or INVALID_VALUE.
        """
        must_be_scopes(scopes)
        if life is not None and not timedelta() < life <= LONGEST_LIFE:
            raise refused(
                "INVALID_VALUE", f"/expires: a token lives at most {LONGEST_LIFE.days} days, and ends in the future.",
                f"/expires：令牌的有效期须在将来，且不超过 {LONGEST_LIFE.days} 天。", "/expires",
            )  # fmt: skip
        token = new_token(party, tuple(dict.fromkeys(scopes)), name, self._clock.now(), life or DEFAULT_LIFE)
        with writing(self._engine) as tx:
            if not load_parties(tx, [party]):
                raise refused("NOT_FOUND", f"There is no party {party}.", f"没有主体 {party}。", "/party")
            tx.execute(TOKEN.insert().values(token.row()))
        return token

    def tokens(self, party: str | None) -> list[Token]:
        """The tokens of a party, or all, oldest first."""
        wanted = select(TOKEN).order_by(TOKEN.c.created, TOKEN.c.id)
        if party is not None:
            wanted = wanted.where(TOKEN.c.party == party)
        with self._engine.connect() as tx:
            return [token_of(dict(row)) for row in tx.execute(wanted).mappings()]

    def revoke_token(self, identifier: str, party: str | None) -> bool:
        """Whether there was such a token (of `party`, if one is given); from now on it does not count."""
        where = [TOKEN.c.id == identifier] + ([TOKEN.c.party == party] if party is not None else [])
        now = to_milliseconds(self._clock.now())
        with writing(self._engine) as tx:
            found = tx.execute(select(TOKEN.c.id).where(*where)).first()
            tx.execute(update(TOKEN).where(*where, TOKEN.c.revoked.is_(None)).values(revoked=now))
        return found is not None

    def claim(self, who: str, key: str, request: bytes) -> Claim:
        """The claim of an idempotency key for a request, by a party or the administrator."""
        return Claim(hashlib.sha256(f"{who}\n{key}".encode()).hexdigest(), self._sealer.digest(request))

    def _made_before(self, claim: Claim | None) -> Made | None:
        """What was made under the claim, once its root is signed; until then the office makes whoever asks wait."""
        if claim is None:
            return None
        with self._engine.connect() as tx:
            made = load_claims(tx, [claim.key], self._clock.now()).get(claim.key)
            if made is None:
                return None
            must_be_same_request(made, claim)
            return made if self._log.storage.checkpoint(tx, made.size) is not None else None

    def must_allow(self, token: Token, act: str) -> None:
        """Returns if the token may be used for the act.

        Raises:
            RefusedError: NOT_ENTITLED.
        """
        if not token.may_act(act):
            raise refused(
                "NOT_ENTITLED",
                f"This token may not be used for {act}; its scopes are: {', '.join(token.scopes)}.",
                f"该令牌不能用于 {act}；其权限范围为 {'、'.join(token.scopes)}。",
            )

    def _signer(self, tx: Connection, identifier: str) -> KeySigner:
        """The newest live key that is held for a party.

        Raises:
            RefusedError: NOT_ENTITLED.
        """
        party: Party | None = load_parties(tx, [identifier]).get(("party", identifier))
        held = self._custody.signers(tx, party) if party else {}
        now = self._clock.now()
        for key in reversed(party.keys if party else ()):
            if key.key in held and key.is_live(now):
                return held[key.key]
        raise refused(
            "NOT_ENTITLED",
            f"No live key of {identifier} is in custody here; sign the statement yourself and send it to POST /v1/statements.",
            f"此处未保管 {identifier} 的有效密钥；请自行签署声明并提交至 POST /v1/statements。",
        )

    def _concealed(
        self, tx: Connection, act: str, by: str, request: ActRequest
    ) -> tuple[Mapping[str, Any], Sequence[str]]:
        """The body with digests where the caller, or the protection of a natural person, wants them."""
        shape = ACTS[act].shape
        places = hideable(request.body, shape) if shape else []
        if isinstance(request.confidential, tuple):
            wanted = chosen(places, request.confidential)
            places = places if self._is_personal(tx, by, request) else wanted
        elif not request.confidential and not self._is_personal(tx, by, request):
            places = []
        return hide(request.body, places) if places else (request.body, ())

    def _is_personal(self, tx: Connection, by: str, request: ActRequest) -> bool:
        """Whether a natural person acts or is named."""
        if request.body.get("kind") == "natural_person":
            return True
        named = _PARTY.findall(format_compact(dict(request.body)).decode())
        parties = load_parties(tx, [by, *request.with_, *((request.for_,) if request.for_ else ()), *named[:256]])
        return any(party.is_natural_person() for party in parties.values())

    def _submit(self, envelope: Envelope, disclosures: Sequence[str], beside: Beside, gate: Gate | None) -> Receipt:
        answer = self._office.submit_with(format_submission(envelope, disclosures), beside, gate)
        if answer.refusal is not None:
            raise answer.refusal
        assert answer.receipt is not None
        if (made := self._made_before(beside.claim)) is not None:
            return self._receipt(made)
        return answer.receipt

    def _receipt(self, made: Made) -> Receipt:
        """The receipt as it was answered first, to the byte."""
        with self._engine.connect() as tx:
            return receipt_at(self._log.storage, tx, self._log.verifier_keys(), made.statement, made.size)
