"""`key.add`, `key.revoke`. Contract section 2, "Keys", and section 4."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from registry.drafting import sign_payload
from tests.registry.desk import Actor, Desk, key_shape, sd
from tests.registry.made import of_key


def new_key(algorithm: Algorithm = Algorithm.ED25519) -> KeySigner:
    return KeySigner.generate(algorithm)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_added_counts_from_the_next_entry(desk: Desk, algorithm: Algorithm) -> None:
    actor, key = desk.party("甲"), new_key(algorithm)
    receipt = desk.ok("key.add", actor, key_shape(key) | {"custody": "self"}, extra=[key])
    assert receipt["ids"] == []
    assert receipt["folios"] == [{"id": actor.id, "n": 2, "prev": 1}]
    shown = desk.view(actor.id)["keys"]
    assert [k["key"] for k in shown] == [of_key("key", k.public) for k in (actor.signers[0], key)]
    assert shown[1]["added"] == shown[1]["effective"] == format_instant(desk.clock.now())
    assert desk.deliver(desk.payload("party.update", actor, {"contact": "1"}), [key]).receipt
    assert len(desk.view(actor.id, size=2)["keys"]) == 1


def test_the_new_key_proves_itself(desk: Desk) -> None:
    actor, key = desk.party("甲"), new_key()
    desk.expect(("SIGNATURE_MISSING", 403, "/signatures"), "key.add", actor, key_shape(key))
    desk.expect(("KEY_UNKNOWN", 403, "/signatures/1"), "key.add", actor, key_shape(key), extra=[new_key()])
    payload = desk.payload("key.add", actor, key_shape(key))
    good, other = (
        sign_payload(p, [actor.signers[0], key]) for p in (payload, desk.payload("key.add", actor, key_shape(key)))
    )
    refusal = desk.post(type(good)(payload, (good.signatures[0], other.signatures[1]))).refusal
    assert refusal is not None
    assert (refusal.code, refusal.reasons[0].pointer) == ("SIGNATURE_INVALID", "/signatures/1")


def test_a_key_is_added_once(desk: Desk) -> None:
    actor, other = desk.party("甲"), desk.party("乙")
    for key in (actor.signers[0], other.signers[0]):
        desk.expect(("KEY_TAKEN", 409, "/body/public"), "key.add", actor, key_shape(key), extra=[key])
    key = new_key()
    desk.ok("key.add", actor, key_shape(key), extra=[key])
    desk.ok("key.revoke", actor, {"key": of_key("key", key.public), "reason": "lost"})
    for party in (actor, other):
        desk.expect(("KEY_TAKEN", 409, "/body/public"), "key.add", party, key_shape(key), extra=[key])


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"alg": "RS256"}, ("INVALID_VALUE", 422, "/body/alg")),
        ({"public": "AAAA"}, ("INVALID_VALUE", 422, "/body/public")),
        ({"custody": "bank"}, ("INVALID_VALUE", 422, "/body/custody")),
        ({"label": "x"}, ("UNKNOWN_MEMBER", 400, "/body/label")),
        ({"alg": 1}, ("MALFORMED", 400, "/body/alg")),
    ],
)
def test_what_an_added_key_may_not_say(desk: Desk, change: dict[str, Any], refusal: tuple[str, int, str]) -> None:
    key = new_key()
    desk.expect(refusal, "key.add", desk.party("甲"), key_shape(key) | change, extra=[key])


def test_staff_take_no_key_into_custody(desk: Desk) -> None:
    actor, key = desk.party("甲"), new_key()
    role = {"party": actor.id, "role": "reviewer"}
    desk.ok("role.grant", desk.registrar, role)
    custody = key_shape(key) | {"custody": "registry"}
    desk.expect(("INVALID_VALUE", 422, "/body/custody"), "key.add", actor, custody, extra=[key])
    desk.ok("role.revoke", desk.registrar, role)
    desk.ok("role.grant", desk.registrar, role | {"role": "auditor"})
    desk.ok("key.add", actor, custody, extra=[key])
    desk.expect(("INVALID_VALUE", 422, "/body/party"), "role.grant", desk.registrar, role)


@pytest.fixture
def pair(desk: Desk) -> tuple[Actor, KeySigner, str]:
    """A party with two keys, and the identifier of the second."""
    actor, key = desk.party("甲"), new_key()
    desk.ok("key.add", actor, key_shape(key), extra=[key])
    return actor, key, of_key("key", key.public)


def test_a_revoked_key_does_not_count(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    actor, key, name = pair
    receipt = desk.ok("key.revoke", actor, {"key": name, "reason": "lost"})
    assert receipt["folios"] == [{"id": actor.id, "n": 3, "prev": 2}]
    assert desk.view(actor.id)["keys"][1]["revoked"] == format_instant(desk.clock.now())
    assert "revoked" not in desk.view(actor.id, size=3)["keys"][1]
    refusal = desk.deliver(desk.payload("party.update", actor, {"contact": "1"}), [key]).refusal
    assert refusal is not None
    assert (refusal.code, refusal.status, refusal.reasons[0].pointer) == ("KEY_INACTIVE", 403, "/signatures/0")


def test_a_key_may_revoke_itself_and_the_registrar_any(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    actor, key, name = pair
    first = of_key("key", actor.signers[0].public)
    assert desk.deliver(desk.payload("key.revoke", actor, {"key": first, "reason": "old"}), actor.signers).receipt
    receipt = desk.ok("key.revoke", desk.registrar, {"key": name, "reason": "court order"})
    assert [folio["id"] for folio in receipt["folios"]] == [actor.id]
    assert desk.deliver(desk.payload("party.update", actor, {"contact": "1"}), [key]).refusal


def test_a_revocation_takes_effect_when_it_says(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    actor, key, name = pair
    later = desk.clock.now() + timedelta(hours=1)
    desk.ok("key.revoke", actor, {"key": name, "reason": "handover", "effective": format_instant(later)})
    desk.pass_time(minutes=59, seconds=59, milliseconds=999)
    assert desk.deliver(desk.payload("party.update", actor, {"contact": "1"}), [key]).receipt
    desk.pass_time(milliseconds=1)
    refusal = desk.deliver(desk.payload("party.update", actor, {"contact": "2"}), [key]).refusal
    assert refusal is not None
    assert refusal.code == "KEY_INACTIVE"


def test_it_may_be_brought_forward_but_not_put_off(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    actor, _, name = pair

    def body(hours: int) -> dict[str, Any]:
        return {"key": name, "reason": "x", "effective": format_instant(desk.clock.now() + timedelta(hours=hours))}

    desk.ok("key.revoke", actor, body(4))
    for hours in (4, 5):
        desk.expect(("ALREADY_ENDED", 409, "/body/key"), "key.revoke", actor, body(hours))
    desk.ok("key.revoke", actor, body(2))
    assert desk.view(actor.id)["keys"][1]["revoked"] == format_instant(desk.clock.now() + timedelta(hours=2))
    desk.ok("key.revoke", actor, {"key": name, "reason": "now"})
    desk.expect(("ALREADY_ENDED", 409, "/body/key"), "key.revoke", actor, {"key": name, "reason": "again"})


def test_what_lies_between_at_and_the_entry_is_now(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    actor, _, name = pair
    signed_at = desk.clock.now()
    desk.pass_time(hours=1)
    body = {"key": name, "reason": "x", "effective": format_instant(signed_at)}
    desk.ok("key.revoke", actor, body, at=signed_at)
    assert desk.view(actor.id)["keys"][1]["revoked"] == format_instant(desk.clock.now())


def test_what_is_earlier_than_at_is_refused(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    actor, _, name = pair
    early = format_instant(desk.clock.now() - timedelta(milliseconds=1))
    body = {"key": name, "reason": "x", "effective": early}
    desk.expect(("INVALID_VALUE", 422, "/body/effective"), "key.revoke", actor, body)


def test_others_may_not_revoke(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    body = {"key": pair[2], "reason": "spite"}
    desk.expect(("NOT_ENTITLED", 403, "/by"), "key.revoke", desk.party("乙"), body)


def test_what_a_revocation_may_not_say(desk: Desk, pair: tuple[Actor, KeySigner, str]) -> None:
    actor, _, name = pair
    for body, refusal in (
        ({"key": of_key("key", new_key().public), "reason": "x"}, ("NOT_FOUND", 404, "/body/key")),
        ({"key": "key_x", "reason": "x"}, ("INVALID_VALUE", 422, "/body/key")),
        ({"key": name}, ("MALFORMED", 400, "/body/reason")),
        ({"key": name, "reason": "x" * 2001}, ("INVALID_VALUE", 422, "/body/reason")),
        ({"key": name, "reason": "x", "effective": "2026-01-01"}, ("INVALID_VALUE", 422, "/body/effective")),
    ):
        desk.expect(refusal, "key.revoke", actor, body)


def test_why_a_natural_person_lost_a_key_is_confidential(desk: Desk) -> None:
    name, disclosure = sd("name", "张三")
    keys = [new_key(), new_key()]
    actor = Actor("person", keys)
    body = {"name": name, "kind": "natural_person", "keys": [key_shape(key) for key in keys]}
    desk.ok("party.register", actor, body, extra=keys[1:], disclosures=[disclosure])
    revoke: dict[str, Any] = {"key": of_key("key", keys[1].public), "reason": "手机被盗"}
    for by in (actor, desk.registrar):
        desk.expect(("INVALID_VALUE", 422, "/body/reason"), "key.revoke", by, revoke)
    revoke["reason"], disclosure = sd("reason", "手机被盗")
    desk.ok("key.revoke", actor, revoke, disclosures=[disclosure])
    assert desk.view(actor.id)["keys"][1]["revoked"]
