"""`key.recover`. Contract section 4: 72 hours, cancelled by an entry of the party's own, `RECOVERED_KEY` for ever."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from ledger.statement import Envelope, format_envelope
from registry.drafting import sign_payload
from registry.writer import Answer
from tests.registry.desk import Actor, Desk, ids, key_shape, party_body, refusal, sd
from tests.registry.made import of_key

DOCUMENT = "d" * 64


def recovery(party: Actor, key: KeySigner, **more: Any) -> dict[str, Any]:
    return {"party": party.id, **key_shape(key), "document": DOCUMENT, **more}


def recover(desk: Desk, party: Actor, algorithm: Algorithm = Algorithm.ED25519) -> Actor:
    """The party with its new key, which does not count yet."""
    key = KeySigner.generate(algorithm)
    desk.ok("key.recover", desk.registrar, recovery(party, key), extra=[key])
    return Actor(party.name, [party.signers[0], key])


def signed_with_new(desk: Desk, party: Actor, act: str = "party.update", body: Any = None, **more: Any) -> Answer:
    return desk.deliver(desk.payload(act, party, body or {"contact": "1"}, **more), [party.signers[1]])


def key_of(desk: Desk, party: Actor, **when: Any) -> dict[str, Any]:
    """What the view says of the new key."""
    name = of_key("key", party.signers[1].public)
    return next(key for key in desk.view(party.id, **when)["keys"] if key["key"] == name)


@pytest.fixture
def a(desk: Desk) -> Actor:
    return desk.party("甲")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_lost_key_is_regained_after_72_hours(desk: Desk, a: Actor, algorithm: Algorithm) -> None:
    recorded = desk.clock.now()
    key = KeySigner.generate(algorithm)
    receipt = desk.ok("key.recover", desk.registrar, recovery(a, key), extra=[key])
    assert (receipt["ids"], [folio["id"] for folio in receipt["folios"]]) == ([], [a.id])
    found = Actor("甲", [a.signers[0], key])
    shown = key_of(desk, found)
    assert shown["effective"] == format_instant(recorded + timedelta(hours=72))
    assert (shown["recovered"], shown["custody"], "revoked" in shown) == (True, "self", False)
    desk.pass_time(hours=71, minutes=59, seconds=59, milliseconds=999)
    assert refusal(signed_with_new(desk, found)) == ("KEY_INACTIVE", 403, "/signatures/0")
    desk.pass_time(milliseconds=1)
    answer = signed_with_new(desk, found)
    assert answer.receipt is not None
    assert answer.receipt["warnings"] == [{"code": "RECOVERED_KEY", "key": of_key("key", key.public)}]
    assert key_of(desk, found)["recovered"]


def test_the_old_key_still_says_nothing_of_it(desk: Desk, a: Actor) -> None:
    found = recover(desk, a)
    desk.pass_time(hours=72)
    assert desk.ok("party.update", a, {"contact": "1"})["warnings"] == []
    assert "recovered" not in desk.view(found.id)["keys"][0]


def test_the_owner_stops_whoever_persuaded_the_registrar(desk: Desk, a: Actor) -> None:
    thief = recover(desk, a)
    desk.pass_time(hours=71)
    size = desk.size()
    desk.ok("party.update", a, {"contact": "I am here"})
    assert key_of(desk, thief)["revoked"] == format_instant(desk.clock.now())
    assert "revoked" not in key_of(desk, thief, size=size)
    for hours in (1, 1000):
        desk.pass_time(hours=hours)
        assert refusal(signed_with_new(desk, thief)) == ("KEY_INACTIVE", 403, "/signatures/0")
    desk.expect(
        ("KEY_TAKEN", 409, "/body/public"), "key.recover", desk.registrar, recovery(a, thief.signers[1]),
        extra=[thief.signers[1]],
    )  # fmt: skip


def test_only_an_entry_on_the_own_folio_by_a_live_key_stops_it(desk: Desk, a: Actor) -> None:
    found, b = recover(desk, a), desk.party("乙")
    desk.register(a)  # on the asset's folio
    desk.ok("party.verify", desk.registrar, {"party": a.id, "level": "documented"})  # signed by somebody else
    desk.ok("agency.give", b, {"agent": a.id, "acts": ["case.file"], "until": "2026-12-01T00:00:00Z"})
    desk.pass_time(hours=72)
    assert signed_with_new(desk, found).receipt


def test_a_stolen_key_is_revoked_first_and_then_stops_nothing(desk: Desk, a: Actor) -> None:
    stolen = of_key("key", a.signers[0].public)
    desk.ok("key.revoke", desk.registrar, {"key": stolen, "reason": "stolen"})
    found = recover(desk, a)
    desk.expect(("KEY_INACTIVE", 403, "/signatures/0"), "party.update", a, {"contact": "1"})
    desk.pass_time(hours=72)
    assert signed_with_new(desk, found).receipt


def test_a_key_that_revokes_itself_says_that_it_was_there(desk: Desk, a: Actor) -> None:
    found = recover(desk, a)
    desk.ok("key.revoke", a, {"key": of_key("key", a.signers[0].public), "reason": "old"})
    assert "revoked" in key_of(desk, found)


def test_a_second_recovery_stands_beside_the_first(desk: Desk, a: Actor) -> None:
    first = recover(desk, a)
    desk.pass_time(hours=1)
    second = recover(desk, a)
    desk.pass_time(hours=71)
    assert "revoked" not in key_of(desk, second)
    assert signed_with_new(desk, first, "case.file", desk.filing([{"party": a.id, "rights": ["holding"]}])).receipt
    assert "revoked" not in key_of(desk, second)
    assert signed_with_new(desk, first).receipt  # now on its own folio, with a key that counts
    assert "revoked" in key_of(desk, second)


def test_a_recovered_key_is_revoked_before_it_counts(desk: Desk, a: Actor) -> None:
    found = recover(desk, a)
    desk.ok("key.revoke", desk.registrar, {"key": of_key("key", found.signers[1].public), "reason": "mistake"})
    desk.pass_time(hours=72)
    assert refusal(signed_with_new(desk, found)) == ("KEY_INACTIVE", 403, "/signatures/0")


def test_a_recovery_that_counts_is_no_longer_stopped(desk: Desk, a: Actor) -> None:
    found = recover(desk, a)
    desk.pass_time(hours=72)
    desk.ok("party.update", a, {"contact": "late"})
    assert signed_with_new(desk, found).receipt


def test_the_entry_that_recovers_does_not_stop_itself(desk: Desk) -> None:
    """The registrar has a live key and its own folio: only entries after it count."""
    found = recover(desk, desk.registrar)
    assert "revoked" not in key_of(desk, found)
    role = {"party": desk.party("甲").id, "role": "auditor"}
    desk.ok("role.grant", desk.registrar, role)
    assert "revoked" not in key_of(desk, found)
    second = recover(desk, desk.registrar)  # an entry on its own folio, signed by its live key
    assert "revoked" in key_of(desk, found)
    assert "revoked" not in key_of(desk, second)


def test_the_new_key_proves_itself(desk: Desk, a: Actor) -> None:
    key = KeySigner.generate()
    body = recovery(a, key)
    desk.expect(("SIGNATURE_MISSING", 403, "/signatures"), "key.recover", desk.registrar, body)
    desk.expect(("KEY_UNKNOWN", 403, "/signatures/1"), "key.recover", desk.registrar, body, extra=[a.signers[0]])
    good = sign_payload(desk.payload("key.recover", desk.registrar, body), [desk.registrar.signers[0], key])
    other = sign_payload(desk.payload("key.recover", desk.registrar, body), [key])
    wrong = Envelope(good.payload, (good.signatures[0], other.signatures[0]))
    assert refusal(desk.answer(format_envelope(wrong).encode())) == ("SIGNATURE_INVALID", 403, "/signatures/1")


def test_only_the_registrar_recovers(desk: Desk, a: Actor) -> None:
    key = KeySigner.generate()
    for by in (a, desk.party("乙")):
        desk.expect(("NOT_ENTITLED", 403, "/by"), "key.recover", by, recovery(a, key), extra=[key])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"party": "pty_" + "0" * 26}, ("NOT_FOUND", 404, "/body/party")),
        ({"party": "x"}, ("INVALID_VALUE", 422, "/body/party")),
        ({"alg": "RS256"}, ("INVALID_VALUE", 422, "/body/alg")),
        ({"public": "AAAA"}, ("INVALID_VALUE", 422, "/body/public")),
        ({"document": "D" * 64}, ("INVALID_VALUE", 422, "/body/document")),
        ({"document": None}, ("MALFORMED", 400, "/body/document")),
        ({"reason": "张三丢了手机"}, ("UNKNOWN_MEMBER", 400, "/body/reason")),
        ({"custody": "registry"}, ("UNKNOWN_MEMBER", 400, "/body/custody")),
        ({"effective": "2026-01-01T00:00:00Z"}, ("UNKNOWN_MEMBER", 400, "/body/effective")),
    ],
)
def test_what_a_recovery_may_not_say(
    desk: Desk, a: Actor, change: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    key = KeySigner.generate()
    desk.expect(expected, "key.recover", desk.registrar, recovery(a, key) | change, extra=[key])


def test_a_key_of_anybody_is_taken(desk: Desk, a: Actor) -> None:
    b = desk.party("乙")
    for key in (a.signers[0], b.signers[0], desk.registrar.signers[0]):
        expected = ("KEY_TAKEN", 409, "/body/public")
        desk.expect(expected, "key.recover", desk.registrar, recovery(a, key), extra=[key])


def test_a_natural_person_regains_its_key(desk: Desk) -> None:
    name, disclosure = sd("name", "张三")
    person = Actor("person", [KeySigner.generate()])
    desk.ok("party.register", person, party_body(person, name=name, kind="natural_person"), disclosures=[disclosure])
    found = recover(desk, person)
    desk.pass_time(hours=72)
    contact, disclosure = sd("contact", "13800000000")
    payload = desk.payload("party.update", found, {"contact": contact})
    data = format_envelope(sign_payload(payload, [found.signers[1]])).encode()
    assert desk.answer(b'{"envelope":' + data + b',"disclosures":["' + disclosure.encode() + b'"]}').receipt


def test_a_title_made_with_a_recovered_key_is_marked_wherever_it_leads(desk: Desk, a: Actor) -> None:
    before = desk.register(a)
    found, b = recover(desk, a), desk.party("乙")
    grant = desk.grant(a, ids(before, "rgt")[2], b, ["processing"])
    desk.pass_time(hours=71)
    assert "RECOVERED_KEY" not in desk.check(a, ids(before, "ast")[0]).warnings
    desk.pass_time(hours=1)
    # who asks may be somebody new; who got its right before is not concerned
    assert "RECOVERED_KEY" in desk.check(a, ids(before, "ast")[0]).warnings
    assert "RECOVERED_KEY" not in desk.check(b, ids(before, "ast")[0]).warnings
    filing = desk.filing([{"party": a.id, "rights": ["holding", "processing", "operating"]}], name="另一数据集")
    title = signed_with_new(desk, found, "case.file", filing).receipt
    assert title is not None
    assert [w["code"] for w in title["warnings"]][-1] == "RECOVERED_KEY"
    later = desk.grant(a, ids(title, "rgt")[2], b, ["processing"])  # with the old key, on a marked title
    assert later["warnings"] == []
    assert "RECOVERED_KEY" in desk.check(b, ids(title, "ast")[0]).warnings
    assert grant["warnings"] == []


def test_what_was_answered_stays(desk: Desk, a: Actor) -> None:
    """At a size before the recovery, and at one where it was pending, the register says what it said."""
    asset = ids(desk.register(a), "ast")[0]
    size = desk.size()
    found = recover(desk, a)
    desk.pass_time(hours=72)
    at = desk.clock.now()
    assert "RECOVERED_KEY" in desk.check(a, asset, at=at).warnings
    assert "RECOVERED_KEY" not in desk.check(a, asset, at=at, size=size).warnings
    assert len(desk.view(found.id, size=size)["keys"]) == 1
