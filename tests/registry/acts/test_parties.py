"""`party.register`, `party.update`, `party.verify`. Contract sections 1, 4 and 8."""

import hashlib
from typing import Any

import pytest

from ledger.keys import Algorithm, KeySigner
from registry.drafting import sign_payload
from tests.registry.desk import Actor, Desk, key_shape, sd
from tests.registry.made import of_key

USCC = {"scheme": "uscc", "value": "91350100M000100Y43"}
DIGEST = "a" * 64


def newcomer(*algorithms: Algorithm) -> Actor:
    return Actor("新主体", [KeySigner.generate(a) for a in algorithms or (Algorithm.ED25519,)])


def registration(actor: Actor, **members: Any) -> dict[str, Any]:
    body = {"name": actor.name, "kind": "legal_person", "keys": [key_shape(key) for key in actor.signers]}
    return body | members


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_party_registers_itself_with_its_key(desk: Desk, algorithm: Algorithm) -> None:
    actor = newcomer(algorithm)
    payload = desk.payload("party.register", actor, registration(actor, subkind="enterprise", identifier=USCC))
    receipt = desk.deliver(payload, actor.signers).receipt
    assert receipt is not None
    assert receipt["statement"] == hashlib.sha256(payload).hexdigest()
    assert receipt["ids"] == [{"id": of_key("pty", actor.signers[0].public)}]
    assert receipt["folios"] == [{"id": actor.id, "n": 1, "prev": None}]
    assert receipt["warnings"] == []
    view = desk.view(actor.id)
    assert (view["name"], view["kind"], view["subkind"]) == ("新主体", "legal_person", "enterprise")
    assert (view["identifier"], view["level"], view["roles"]) == (USCC, "self_declared", [])
    (key,) = view["keys"]
    assert key["key"] == of_key("key", actor.signers[0].public)
    assert (key["alg"], key["custody"], "revoked" in key) == (algorithm.value, "self", False)


def test_all_its_keys_sign_and_count_from_then_on(desk: Desk) -> None:
    actor = newcomer(Algorithm.ED25519, Algorithm.ES256, Algorithm.ML_DSA_44)
    desk.ok("party.register", actor, registration(actor), extra=actor.signers[1:])
    second = Actor("second key", [actor.signers[1]])
    payload = desk.payload("party.update", actor, {"contact": "010-1"})
    assert desk.deliver(payload, second.signers).receipt


@pytest.mark.parametrize(
    ("extra", "refusal"),
    [
        ([], ("SIGNATURE_MISSING", 403, "/signatures")),
        ([1, 2, 2], ("SIGNATURE_SURPLUS", 403, "/signatures/3")),
        ([2, 1], ("KEY_UNKNOWN", 403, "/signatures/1")),
    ],
)
def test_every_listed_key_proves_itself_in_order(desk: Desk, extra: list[int], refusal: tuple[str, int, str]) -> None:
    actor = newcomer(Algorithm.ED25519, Algorithm.ES256, Algorithm.ED25519)
    desk.expect(refusal, "party.register", actor, registration(actor), extra=[actor.signers[i] for i in extra])


def test_a_forged_proof_of_possession(desk: Desk) -> None:
    actor = newcomer(Algorithm.ED25519, Algorithm.ED25519)
    payload = desk.payload("party.register", actor, registration(actor))
    good = sign_payload(payload, actor.signers)
    other = sign_payload(desk.payload("party.register", actor, registration(actor)), actor.signers)
    mixed = type(good)(payload, (good.signatures[0], other.signatures[1]))
    refusal = desk.post(mixed).refusal
    assert refusal is not None
    assert (refusal.code, refusal.status, refusal.reasons[0].pointer) == ("SIGNATURE_INVALID", 403, "/signatures/1")


def test_keys_belong_to_one_party_for_ever(desk: Desk) -> None:
    taken = desk.party("先来者")
    actor = newcomer(Algorithm.ED25519)
    actor.signers.append(taken.signers[0])
    desk.expect(
        ("KEY_TAKEN", 409, "/body/keys/1"), "party.register", actor, registration(actor), extra=[taken.signers[0]]
    )
    spare = KeySigner.generate(Algorithm.ED25519)
    desk.ok("key.add", taken, key_shape(spare), extra=[spare])
    named_by_it = Actor("后来者", [spare])
    desk.expect(("KEY_TAKEN", 409, "/body/keys/0"), "party.register", named_by_it, registration(named_by_it))


def test_a_party_registers_once(desk: Desk) -> None:
    actor = desk.party("先来者")
    desk.expect(("ID_TAKEN", 409, "/by"), "party.register", actor, registration(actor, name="改名"))


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        ({"kind": "animal"}, ("INVALID_VALUE", 422, "/body/kind")),
        ({"subkind": "guild"}, ("INVALID_VALUE", 422, "/body/subkind")),
        ({"name": ""}, ("INVALID_VALUE", 422, "/body/name")),
        ({"name": 3}, ("MALFORMED", 400, "/body/name")),
        ({"name": None}, ("MALFORMED", 400, "/body/name")),
        ({"keys": []}, ("INVALID_VALUE", 422, "/body/keys")),
        ({"motto": "x"}, ("UNKNOWN_MEMBER", 400, "/body/motto")),
        ({"evidence": [{"kind": "identity", "sha256": DIGEST}]}, ("UNKNOWN_MEMBER", 400, "/body/evidence")),
        ({"contact": "x" * 2001}, ("INVALID_VALUE", 422, "/body/contact")),
        ({"identifier": {"scheme": "uscc"}}, ("MALFORMED", 400, "/body/identifier")),
        (
            {"identifier": {"scheme": "uscc", "value": "91350100M000100Y44"}},
            ("INVALID_VALUE", 422, "/body/identifier/value"),
        ),
    ],
)
def test_what_a_registration_may_not_say(desk: Desk, members: dict[str, Any], refusal: tuple[str, int, str]) -> None:
    actor = newcomer()
    desk.expect(refusal, "party.register", actor, registration(actor, **members))


def test_keys_that_are_none(desk: Desk) -> None:
    actor = newcomer()
    for change, pointer in (
        ({"alg": "RS256"}, "/body/keys/0/alg"),
        ({"custody": "bank"}, "/body/keys/0/custody"),
        ({"public": "AAAA"}, "/body/keys/0/public"),
        ({"public": "!!"}, "/body/keys/0/public"),
    ):
        body = registration(actor, keys=[key_shape(actor.signers[0]) | change])
        desk.expect(("INVALID_VALUE", 422, pointer), "party.register", actor, body)
    twice = registration(actor, keys=[key_shape(actor.signers[0])] * 2)
    desk.expect(("INVALID_VALUE", 422, "/body/keys"), "party.register", actor, twice, extra=actor.signers)
    incomplete = registration(actor)
    del incomplete["keys"]
    desk.expect(("MALFORMED", 400, "/body/keys"), "party.register", actor, incomplete)


def test_the_party_is_named_by_its_first_key(desk: Desk) -> None:
    actor, other = newcomer(), newcomer()
    desk.expect(("INVALID_VALUE", 422, "/by"), "party.register", other, registration(actor))


def person(desk: Desk, **members: Any) -> tuple[Actor, dict[str, Any], list[str]]:
    actor = newcomer()
    name, disclosure = sd("name", "张三")
    return actor, registration(actor, kind="natural_person", name=name) | members, [disclosure]


def test_a_natural_person_is_named_by_a_digest(desk: Desk) -> None:
    actor, body, disclosures = person(desk)
    identifier, second = sd("identifier", {"scheme": "cn_id", "value": "110101199001011234"})
    body["identifier"] = identifier
    desk.ok("party.register", actor, body, disclosures=[*disclosures, second])
    view = desk.view(actor.id)
    assert (view["name"], view["identifier"]) == (body["name"], identifier)
    assert "张三" not in desk.registry.reader.entry(1).data.decode()


@pytest.mark.parametrize("member", ["name", "contact", "status", "identifier"])
def test_a_natural_person_says_nothing_in_plain(desk: Desk, member: str) -> None:
    value: Any = {"scheme": "cn_id", "value": "1"} if member == "identifier" else "明文"
    actor, body, disclosures = person(desk, **{member: value})
    desk.expect(
        ("INVALID_VALUE", 422, f"/body/{member}"), "party.register", actor, body,
        disclosures=[] if member == "name" else disclosures,
    )  # fmt: skip


def test_nor_in_an_update(desk: Desk) -> None:
    actor, body, disclosures = person(desk)
    desk.ok("party.register", actor, body, disclosures=disclosures)
    desk.expect(("INVALID_VALUE", 422, "/body/contact"), "party.update", actor, {"contact": "13800000000"})
    contact, disclosure = sd("contact", "13800000000")
    receipt = desk.ok("party.update", actor, {"contact": contact}, disclosures=[disclosure])
    assert receipt["folios"] == [{"id": actor.id, "n": 2, "prev": 1}]
    assert desk.view(actor.id)["contact"] == contact


def test_titles_of_documents_about_a_natural_person_are_digests(desk: Desk) -> None:
    actor, body, disclosures = person(desk)
    desk.ok("party.register", actor, body, disclosures=disclosures)
    item = {"kind": "identity", "sha256": DIGEST, "title": "张三身份证"}
    verify = {"party": actor.id, "level": "documented", "evidence": [item]}
    desk.expect(("INVALID_VALUE", 422, "/body/evidence/0/title"), "party.verify", desk.registrar, verify)
    item["title"], disclosure = sd("title", "张三身份证")
    desk.ok("party.verify", desk.registrar, verify, disclosures=[disclosure])


def test_update_changes_what_it_names(desk: Desk) -> None:
    actor = desk.party("旧名", subkind="enterprise", contact="010-1")
    receipt = desk.ok("party.update", actor, {"name": "新名"})
    assert receipt["ids"] == []
    assert receipt["folios"] == [{"id": actor.id, "n": 2, "prev": 1}]
    view = desk.view(actor.id)
    assert (view["name"], view["subkind"], view["contact"]) == ("新名", "enterprise", "010-1")
    assert desk.view(actor.id, size=2)["name"] == "旧名"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, ("INVALID_VALUE", 422, "/body")),
        ({"kind": "legal_person"}, ("UNKNOWN_MEMBER", 400, "/body/kind")),
        ({"identifier": {"scheme": "uscc", "value": "x"}}, ("INVALID_VALUE", 422, "/body/identifier/value")),
    ],
)
def test_what_an_update_may_not_say(desk: Desk, body: dict[str, Any], refusal: tuple[str, int, str]) -> None:
    desk.expect(refusal, "party.update", desk.party("甲"), body)


def test_verify_sets_the_level(desk: Desk) -> None:
    actor = desk.party("甲", identifier=USCC)
    receipt = desk.ok("party.verify", desk.registrar, {"party": actor.id, "level": "qualified"})
    assert receipt["folios"] == [{"id": actor.id, "n": 2, "prev": 1}]
    assert desk.view(actor.id)["level"] == "qualified"
    assert desk.view(actor.id, size=2)["level"] == "self_declared"


@pytest.mark.parametrize("change", [{"name": "改名"}, {"identifier": {"scheme": "duns", "value": "1"}}])
def test_a_new_name_or_identifier_resets_the_level(desk: Desk, change: dict[str, Any]) -> None:
    actor = desk.party("甲", identifier=USCC)
    desk.ok("party.verify", desk.registrar, {"party": actor.id, "level": "documented"})
    desk.ok("party.update", actor, {"contact": "010-1", "name": "甲"})
    assert desk.view(actor.id)["level"] == "documented"
    desk.ok("party.update", actor, change)
    assert desk.view(actor.id)["level"] == "self_declared"


def test_one_verified_party_per_identifier(desk: Desk) -> None:
    first, second = desk.party("甲", identifier=USCC), desk.party("乙", identifier=USCC)
    desk.ok("party.verify", desk.registrar, {"party": first.id, "level": "documented"})
    verify = {"party": second.id, "level": "documented"}
    desk.expect(("IDENTIFIER_TAKEN", 409, "/body/party"), "party.verify", desk.registrar, verify)
    desk.ok("party.verify", desk.registrar, {"party": first.id, "level": "self_declared"})
    desk.ok("party.verify", desk.registrar, verify)
    desk.expect(
        ("IDENTIFIER_TAKEN", 409, "/body/party"), "party.verify", desk.registrar,
        {"party": first.id, "level": "qualified"},
    )  # fmt: skip


@pytest.mark.parametrize("how", ["party.register", "party.update"])
def test_an_identifier_that_came_in_the_same_batch_is_compared_with_all_verified_ones(desk: Desk, how: str) -> None:
    first = desk.party("甲", identifier=USCC)
    desk.ok("party.verify", desk.registrar, {"party": first.id, "level": "documented"})
    if how == "party.register":
        second = newcomer()
        line = desk.envelope("party.register", second, registration(second, identifier=USCC))
    else:
        second = desk.party("乙")
        line = desk.envelope("party.update", second, {"identifier": USCC})
    verify = desk.envelope("party.verify", desk.registrar, {"party": second.id, "level": "documented"})
    answers = desk.registry.office.submit([line, verify])
    assert answers[0].receipt is not None
    assert answers[1].refusal is not None
    assert answers[1].refusal.code == "IDENTIFIER_TAKEN"
    third = desk.party("丙", identifier=USCC)
    desk.expect(
        ("IDENTIFIER_TAKEN", 409, "/body/party"), "party.verify", desk.registrar,
        {"party": third.id, "level": "documented"},
    )  # fmt: skip


def test_only_the_registrar_verifies(desk: Desk) -> None:
    actor = desk.party("甲")
    desk.expect(("NOT_ENTITLED", 403, "/by"), "party.verify", actor, {"party": actor.id, "level": "qualified"})


def test_what_a_verification_may_not_say(desk: Desk) -> None:
    actor, stranger = desk.party("甲"), newcomer()
    for body, refusal in (
        ({"party": stranger.id, "level": "documented"}, ("NOT_FOUND", 404, "/body/party")),
        ({"party": actor.id, "level": "best"}, ("INVALID_VALUE", 422, "/body/level")),
        ({"party": "pty_x", "level": "documented"}, ("INVALID_VALUE", 422, "/body/party")),
        (
            {"party": actor.id, "level": "documented", "evidence": [{"kind": "rumour", "sha256": DIGEST}]},
            ("INVALID_VALUE", 422, "/body/evidence/0/kind"),
        ),
        (
            {"party": actor.id, "level": "documented", "evidence": [{"kind": "identity", "sha256": "A" * 64}]},
            ("INVALID_VALUE", 422, "/body/evidence/0/sha256"),
        ),
    ):
        desk.expect(refusal, "party.verify", desk.registrar, body)
