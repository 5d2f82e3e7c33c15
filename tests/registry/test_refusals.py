"""Every code of a refusal is provoked here, or its absence has a reason. Contract section 6."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.encoding import format_base64
from ledger.identifiers import key_identifier
from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from ledger.statement import Envelope, EnvelopeSignature
from registry.acts import ACTS
from registry.refusals.catalogue import CATALOGUE
from registry.refusals.refusal import RefusedError
from tests.registry.desk import ALL, CRAWLED, OWN, Actor, Desk, ids, key_shape, open_desk, scope

TESTED_IN_API = {
    "TOKEN_MISSING", "TOKEN_INVALID", "METHOD_NOT_ALLOWED", "NOT_ACCEPTABLE", "MEDIA_TYPE", "RATE_LIMITED",
    "IDEMPOTENCY_REUSED", "DRAFTS_FULL", "REQUEST_TIMEOUT",
}  # fmt: skip
"""Given by HTTP alone; tested in tests/api."""

TESTED_IN_OFFICE = {"QUEUE_FULL", "CLOCK_BEHIND", "READ_ONLY"}
"""Given by the office as a whole, not by a statement; test_office.py."""

NOT_YET = {
    "PLEDGEE_CONSENT_REQUIRED": "pledges are not carried out yet",
    "LIVE_GRANTS": "cancellations are not carried out yet",
    "FROZEN": "freezes are not carried out yet",
    "BLANKET_CONSENT": "consents are not carried out yet",
    "WRONG_ORGAN": "freezes are not carried out yet",
    "RULEBOOK_CLOSED": "no rulebook with review can be adopted yet, so none closes another",
    "RENEWAL_TOO_EARLY": "renewals are not carried out yet",
    "RENEWAL_TOO_LATE": "renewals are not carried out yet",
    "NUMBERS_EXHAUSTED": "certificates are not carried out yet",
    "R_UNRESOLVED_DISPUTE": "objections are not carried out yet",
    "R_FALSE_STATEMENT": "a reviewer's finding; reviews are not carried out yet",
    "R_SELF_APPLICANT": "the constant self_application is off under `internal`",
}


@dataclass
class Scene:
    """A owns an asset with all rights; B and C are there."""

    desk: Desk
    a: Actor
    b: Actor
    c: Actor
    asset: str
    titles: list[str]
    monkeypatch: pytest.MonkeyPatch

    def grant(self, scope_: dict[str, Any] | None = None, *, by: Actor | None = None, **more: Any) -> str:
        body = {
            "from_right": self.titles[2], "to": self.b.id, "rights": ["processing"], "scope": scope_ or scope(),
        } | more  # fmt: skip
        joins = [party for party in (self.a, self.b, self.c) if party is not (by or self.a)]
        return self.desk.refused("right.grant", by or self.a, body, with_=joins)

    def sublicense(self, given: dict[str, Any], **more: Any) -> str:
        """B, who has an operating right of a narrow scope, grants C what is given."""
        duty = {"id": "delete", "when": "after"}
        narrow = scope(
            fields=["x"], until="2027-01-01T00:00:00Z", duties=[duty], rights=["processing"], depth=1,
        )  # fmt: skip
        held = self.desk.grant(self.a, self.titles[2], self.b, ["operating"], scope=narrow, with_=[self.b])
        inside = {"fields": ["x"], "until": "2026-06-01T00:00:00Z", "duties": [duty]}
        return self.grant(scope(**inside | given), by=self.b, from_right=ids(held, "rgt")[0], to=self.c.id, **more)

    def file(self, source: dict[str, Any] | None = None, rights: list[str] = ALL, **form: Any) -> str:
        body = self.desk.filing([{"party": self.a.id, "rights": rights}], source or OWN, **form)
        return self.desk.refused("case.file", self.a, body)

    def update(self, body: dict[str, Any] | None = None, **more: Any) -> str:
        return self.desk.refused("party.update", self.a, body or {"contact": "1"}, **more)


def source(basis: str, **facts: Any) -> dict[str, Any]:
    return {"origin": "agreement", "basis": basis, "facts": facts}


def raised(call: Callable[[], Any]) -> str:
    with pytest.raises(RefusedError) as refusal:
        call()
    return refusal.value.code


def answered(scene: Scene, data: bytes, **more: Any) -> str:
    answer = scene.desk.registry.office.submit([data], **more)[0]
    assert answer.refusal is not None
    return answer.refusal.code


def duplicate_member(s: Scene) -> str:
    payload = s.desk.payload("party.update", s.a, {"contact": "1"}).replace(b'{"contact"', b'{"contact":"0","contact"')
    answer = s.desk.deliver(payload, s.a.signers)
    assert answer.refusal is not None
    return answer.refusal.code


def key_inactive(s: Scene) -> str:
    s.desk.ok("key.revoke", s.a, {"key": key_identifier(s.a.signers[0].public), "reason": "x"})
    return s.update()


def key_unknown(s: Scene) -> str:
    return s.desk.refused("party.update", Actor("x", [KeySigner.generate(Algorithm.ED25519)]), {"contact": "1"})


def signature_invalid(s: Scene) -> str:
    payload = s.desk.payload("party.update", s.a, {"contact": "1"})
    signature = EnvelopeSignature(key_identifier(s.a.signers[0].public), bytes(64))
    answer = s.desk.post(Envelope(payload, (signature,)))
    assert answer.refusal is not None
    return answer.refusal.code


def not_admitted(_: Scene) -> str:
    with tempfile.TemporaryDirectory() as folder, open_desk(Path(folder), verified_only=True) as desk:
        a = desk.party("甲")
        code: str = desk.refused("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]))
        return code


def id_taken(s: Scene) -> str:
    body = {"name": "甲", "kind": "legal_person", "keys": [key_shape(s.a.signers[0])]}
    return s.desk.refused("party.register", s.a, body)


def key_taken(s: Scene) -> str:
    return s.desk.refused("key.add", s.a, key_shape(s.b.signers[0]), extra=s.b.signers)


def identifier_taken(s: Scene) -> str:
    same = {"scheme": "duns", "value": "1"}
    one, two = s.desk.party("一", identifier=same), s.desk.party("二", identifier=same)
    s.desk.ok("party.verify", s.desk.registrar, {"party": one.id, "level": "documented"})
    return s.desk.refused("party.verify", s.desk.registrar, {"party": two.id, "level": "documented"})


def right_state(s: Scene) -> str:
    given = scope(rights=["processing"], depth=1)
    held = ids(s.desk.grant(s.a, s.titles[2], s.b, ["operating"], scope=given, with_=[s.b]), "rgt")
    s.desk.ok("right.revoke", s.a, {"rights": held, "ground": "breach"})
    return s.grant(by=s.b, from_right=held[0], to=s.c.id)


def already_ended(s: Scene) -> str:
    held = ids(s.desk.grant(s.a, s.titles[2], s.b, ["processing"]), "rgt")
    s.desk.ok("right.revoke", s.a, {"rights": held, "ground": "breach"})
    return s.desk.refused("right.revoke", s.a, {"rights": held, "ground": "breach"})


def batch_refused(s: Scene) -> str:
    good = s.desk.envelope("party.update", s.a, {"contact": "1"})
    answers = s.desk.registry.office.submit([good, b"{"], atomic=True)
    assert answers[0].refusal is not None
    return answers[0].refusal.code


def duplicate_registration(s: Scene) -> str:
    prints = [{"alg": "sha-256", "value": "1" * 64}]
    s.desk.register(s.a, fingerprints=prints)
    return s.file(fingerprints=prints)


def already_registered(s: Scene) -> str:
    claims = [{"party": s.a.id, "rights": ["holding"]}] * 2
    return s.desk.refused("case.file", s.a, s.desk.filing(claims))


def exclusivity_conflict(s: Scene) -> str:
    s.desk.grant(s.a, s.titles[2], s.b, ["processing"], exclusivity="exclusive", with_=[s.b])
    return s.grant(to=s.c.id)


def prior_grants_not_listed(s: Scene) -> str:
    s.desk.grant(s.a, s.titles[2], s.b, ["processing"])
    return s.grant(to=s.c.id, exclusivity="exclusive")


def internal(s: Scene) -> str:
    def fault(*_: Any) -> Any:
        raise ZeroDivisionError

    s.monkeypatch.setitem(ACTS, "party.update", replace(ACTS["party.update"], decide=fault))
    return s.update()


def derived(s: Scene, asset: str, right: str) -> dict[str, Any]:
    time = format_instant(s.desk.clock.now())
    facts = {"change": "derivative", "activity_time": time, "value_increase": True}
    return {"origin": "derived", "basis": "derived", "facts": facts, "inputs": [{"asset": asset, "right": right}]}


def derivation_cycle(s: Scene) -> str:
    body = {
        "kind": "initial", "asset": s.asset, "sources": [derived(s, s.asset, s.titles[1])],
        "claims": [{"party": s.b.id, "rights": ["holding"]}],
    }  # fmt: skip
    return s.desk.refused("case.file", s.a, body, with_=[s.b])


def no_consent(s: Scene) -> str:
    return s.file(source("fusion", participants=[s.a.id, s.b.id]))


OPERATED = source("authorised_operation", agreement_from="2026-01-01", agreement_until="2027-01-01",
                  clause_rights=["operating"], public_platform_code="none")  # fmt: skip
TOO_LONG = source("authorised_operation", agreement_from="2026-01-01", agreement_until="2035-01-01",
                  clause_rights=["operating"], public_platform_code="1")  # fmt: skip

PROVOKED: dict[str, Callable[[Scene], str]] = {
    "MALFORMED": lambda s: answered(s, b"{"),
    "DUPLICATE_MEMBER": duplicate_member,
    "UNKNOWN_MEMBER": lambda s: s.update({"motto": "x"}),
    "UNKNOWN_ACT": lambda s: s.desk.refused("party.dance", s.a, {}),
    "WRONG_LOG": lambda s: s.update(log="other.test"),
    "AT_STALE": lambda s: s.update(at=s.desk.clock.now() - timedelta(days=2)),
    "AT_FUTURE": lambda s: s.update(at=s.desk.clock.now() + timedelta(hours=1)),
    "KEY_UNKNOWN": key_unknown,
    "KEY_INACTIVE": key_inactive,
    "SIGNATURE_INVALID": signature_invalid,
    "SIGNATURE_MISSING": lambda s: s.desk.refused("key.add", s.a, key_shape(KeySigner.generate(Algorithm.ED25519))),
    "SIGNATURE_SURPLUS": lambda s: s.update(extra=s.a.signers),
    "NOT_ENTITLED": lambda s: s.desk.refused("role.grant", s.a, {"party": s.a.id, "role": "auditor"}),
    "NOT_ADMITTED": not_admitted,
    "NOT_FOUND": lambda s: s.grant(to="pty_" + "0" * 26),
    "SIZE_NOT_SIGNED": lambda s: raised(lambda: s.desk.registry.reader.inclusion(0, 99)),
    "STALE": lambda s: s.update(expect={s.a.id: 9}),
    "ID_TAKEN": id_taken,
    "KEY_TAKEN": key_taken,
    "IDENTIFIER_TAKEN": identifier_taken,
    "RIGHT_STATE": right_state,
    "ALREADY_ENDED": already_ended,
    "BATCH_REFUSED": batch_refused,
    "CLOCK_BACKWARDS": lambda s: raised(lambda: s.desk.pass_time(seconds=-1)),
    "ALREADY_REGISTERED": already_registered,
    "DUPLICATE_REGISTRATION": duplicate_registration,
    "CASE_STATE": lambda s: s.desk.refused("case.withdraw", s.a, {"case": s.asset.replace("ast_", "cas_")}),
    "EXCLUSIVITY_CONFLICT": exclusivity_conflict,
    "PRIOR_GRANTS_NOT_LISTED": prior_grants_not_listed,
    "INTERNAL": internal,
    "TOO_LARGE": lambda s: answered(s, b" " * 200_000),
    "INVALID_VALUE": lambda s: s.update({"identifier": {"scheme": "uscc", "value": "1"}}),
    "DISPOSITION_NEEDS_OPERATE": lambda s: s.grant(from_right=s.titles[1]),
    "NOT_DELEGABLE": lambda s: s.grant(
        by=s.b, to=s.c.id,
        from_right=ids(s.desk.grant(s.a, s.titles[2], s.b, ["operating"], scope=scope(rights=["processing"]),
                                    with_=[s.b]), "rgt")[0],
    ),
    "PURPOSE_EXCEEDS_PARENT": lambda s: s.sublicense({"purposes": ["marketing"]}),
    "TERRITORY_EXCEEDS_PARENT": lambda s: s.sublicense({"territory": ["*"]}),
    "FIELDS_EXCEED_PARENT": lambda s: s.sublicense({"fields": ["*"]}),
    "TERM_EXCEEDS_PARENT": lambda s: s.sublicense({"until": None}),
    "DEPTH_EXCEEDS_PARENT": lambda s: s.sublicense({"depth": 1}),
    "DUTY_DROPPED": lambda s: s.sublicense({"duties": []}),
    "RIGHT_NOT_IN_PARENT": lambda s: s.sublicense({}, rights=["holding"]),
    "EXCLUSIVITY_EXCEEDS_PARENT": lambda s: s.sublicense({}, exclusivity="sole"),
    "INPUT_USE_RIGHT_MISSING": lambda s: s.file(derived(s, s.asset, s.titles[2]), form="derived"),
    "DERIVATION_CYCLE": derivation_cycle,
    "R_NATIONAL_SECURITY": lambda s: s.file(grade="core"),
    "R_UNLAWFUL_SOURCE": lambda s: s.file(CRAWLED | {"facts": CRAWLED["facts"] | {"harm": True}}, ["holding"]),
    "R_OTHER_LAW": lambda s: s.file(TOO_LONG, ["operating"]),
    "R_PUBLIC_ORGAN_DATA": lambda s: s.file(source("government_duty")),
    "R_PUBLIC_NOT_REGISTERED": lambda s: s.file(OPERATED, ["operating"]),
    "R_ENTRUSTED_PROCESSOR": lambda s: s.file(source("entrusted")),
    "R_RIGHT_NOT_ENTITLED": lambda s: s.file(source("agreement", clause_rights=["holding"])),
    "R_NO_CONSENT_CO_PARTY": no_consent,
    "BEHIND": lambda s: raised(lambda: s.desk.registry.reader.moment(None, 99)),
}  # fmt: skip


@pytest.mark.parametrize("code", PROVOKED)
def test_provoked(desk: Desk, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    a, b, c = (desk.party(name) for name in "甲乙丙")
    title = desk.register(a)
    scene = Scene(desk, a, b, c, ids(title, "ast")[0], ids(title, "rgt"), monkeypatch)
    assert PROVOKED[code](scene) == code


def test_no_code_is_forgotten() -> None:
    groups = [set(PROVOKED), TESTED_IN_API, TESTED_IN_OFFICE, set(NOT_YET)]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert set().union(*groups) == {code for code, entry in CATALOGUE.items() if entry.status is not None}


def test_statuses_are_the_contracts() -> None:
    by_status = {
        400: "MALFORMED DUPLICATE_MEMBER UNKNOWN_MEMBER UNKNOWN_ACT WRONG_LOG AT_STALE AT_FUTURE",
        403: "KEY_UNKNOWN KEY_INACTIVE SIGNATURE_INVALID SIGNATURE_MISSING SIGNATURE_SURPLUS NOT_ENTITLED NOT_ADMITTED",
        404: "NOT_FOUND SIZE_NOT_SIGNED",
        409: "STALE ID_TAKEN KEY_TAKEN IDENTIFIER_TAKEN RIGHT_STATE ALREADY_ENDED BATCH_REFUSED CLOCK_BACKWARDS "
        "ALREADY_REGISTERED DUPLICATE_REGISTRATION CASE_STATE EXCLUSIVITY_CONFLICT PRIOR_GRANTS_NOT_LISTED",
        500: "INTERNAL",
        413: "TOO_LARGE",
        503: "BEHIND",
    }
    found = {code: status for status, codes in by_status.items() for code in codes.split()}
    for code in PROVOKED:
        assert CATALOGUE[code].status == found.get(code, 422)


def test_base64_of_payloads_is_canonical(desk: Desk) -> None:
    """The last character of a payload may not hide bits: the entry repeats the payload byte for byte."""
    a = desk.party("甲")
    payload = desk.payload("party.update", a, {"contact": "1"})
    payload = payload.ljust(len(payload) + (1 - len(payload)) % 3)
    text = format_base64(payload)
    assert text.endswith("==")
    envelope = desk.envelope("party.update", a, {"contact": "1"})
    start = envelope.index(b'"payload":"') + len(b'"payload":"')
    end = envelope.index(b'"', start)
    twisted = text[:-3] + chr(ord(text[-3]) + 1) + "=="
    answer = desk.registry.office.submit([envelope[:start] + twisted.encode() + envelope[end:]])[0]
    assert answer.refusal is not None
    assert answer.refusal.code == "MALFORMED"
