"""`role.grant`, `role.revoke`. Contract section 4."""

import pytest

from ledger.keys import Algorithm, KeySigner
from tests.registry.desk import Actor, Desk, key_shape

ROLES = ["reviewer", "approver", "authority", "regulator", "auditor", "trustee"]
STAFF = ["reviewer", "approver"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_given_and_taken(desk: Desk, role: str) -> None:
    actor = desk.party("某人")
    body = {"party": actor.id, "role": role}
    granted = desk.ok("role.grant", desk.registrar, body)
    assert (granted["ids"], granted["folios"]) == ([], [{"id": actor.id, "n": 2, "prev": 1}])
    assert desk.view(actor.id)["roles"] == [role]
    revoked = desk.ok("role.revoke", desk.registrar, body)
    assert revoked["folios"] == [{"id": actor.id, "n": 3, "prev": 2}]
    assert [desk.view(actor.id, size=size)["roles"] for size in (2, 3, 4)] == [[], [role], []]
    desk.ok("role.grant", desk.registrar, body)
    assert desk.view(actor.id)["roles"] == [role]


def test_a_role_is_held_once(desk: Desk) -> None:
    body = {"party": desk.party("某人").id, "role": "auditor"}
    desk.expect(("ALREADY_ENDED", 409, "/body/role"), "role.revoke", desk.registrar, body)
    desk.ok("role.grant", desk.registrar, body)
    desk.expect(("INVALID_VALUE", 422, "/body/role"), "role.grant", desk.registrar, body)
    desk.ok("role.revoke", desk.registrar, body)
    desk.expect(("ALREADY_ENDED", 409, "/body/role"), "role.revoke", desk.registrar, body)


@pytest.mark.parametrize("act", ["role.grant", "role.revoke"])
def test_only_by_the_registrar_to_a_party_that_exists(desk: Desk, act: str) -> None:
    actor = desk.party("某人")
    stranger = Actor("stranger", [KeySigner.generate(Algorithm.ED25519)])
    desk.expect(("NOT_ENTITLED", 403, "/by"), act, actor, {"party": actor.id, "role": "auditor"})
    desk.expect(("NOT_FOUND", 404, "/body/party"), act, desk.registrar, {"party": stranger.id, "role": "auditor"})
    desk.expect(("INVALID_VALUE", 422, "/body/role"), act, desk.registrar, {"party": actor.id, "role": "king"})
    desk.expect(("MALFORMED", 400, "/body/role"), act, desk.registrar, {"party": actor.id})


@pytest.mark.parametrize("role", ROLES)
def test_staff_hold_their_keys_themselves(desk: Desk, role: str) -> None:
    key = KeySigner.generate(Algorithm.ED25519)
    actor = Actor("某人", [key])
    body = {"name": "某人", "kind": "legal_person", "keys": [key_shape(key) | {"custody": "registry"}]}
    desk.ok("party.register", actor, body)
    grant = {"party": actor.id, "role": role}
    if role in STAFF:
        desk.expect(("INVALID_VALUE", 422, "/body/party"), "role.grant", desk.registrar, grant)
        own = KeySigner.generate(Algorithm.ED25519)
        desk.ok("key.add", actor, key_shape(own), extra=[own])
        desk.ok("key.revoke", desk.registrar, {"key": desk.view(actor.id)["keys"][0]["key"], "reason": "custody"})
    desk.ok("role.grant", desk.registrar, grant)
