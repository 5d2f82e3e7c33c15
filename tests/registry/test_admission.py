"""Contract section 2: what the counter looks at, in which order, and up to which size."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.encoding import format_base64url
from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner
from ledger.statement import MAX_PAYLOAD_BYTES, PAYLOAD_TYPE, format_envelope
from ledger.strict_json import format_compact
from registry.drafting import sign_payload
from tests.registry.desk import ALL, Actor, Desk, beside, disclosure, ids, key_shape, newcomer, open_desk, party_body

CONTACT = {"contact": "电话"}


def seal(payload: bytes, *signers: KeySigner) -> bytes:
    return format_envelope(sign_payload(payload, signers)).encode()


def unsigned(data: bytes) -> bytes:
    return json.dumps(json.loads(data) | {"signatures": []}).encode()


def padded(desk: Desk, actor: Actor, size: int) -> bytes:
    """A payload of exactly `size` bytes, whose form is right but for a member too long."""
    start = desk.payload("party.update", actor, {"contact": ""})
    return start.replace(b'"contact":""', b'"contact":"' + b"x" * (size - len(start)) + b'"')


def code(desk: Desk, payload: bytes, *signers: KeySigner) -> str | None:
    return desk.code(seal(payload, *signers))


def test_of_two_faults_the_earlier_check_answers(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    s = a.signers[0]
    known = desk.envelope("party.update", a, CONTACT)
    assert desk.code(known) is None
    # size before all
    assert desk.code(b"{" + b" " * 200_000) == "TOO_LARGE"
    assert desk.code(beside(known, *["x" * 2_000] * 33)) == "TOO_LARGE"
    assert desk.code(beside(known, *["x"] * 65)) == "TOO_LARGE"
    # envelope before known payload
    assert desk.code(json.dumps(json.loads(known) | {"x": 1}).encode()) == "UNKNOWN_MEMBER"
    # payload form before log, log before signatures
    elsewhere = {"log": "other.test"}
    assert desk.code(unsigned(desk.envelope("party.update", a, {"contact": 1}, **elsewhere))) == "MALFORMED"
    assert desk.code(unsigned(desk.envelope("no.act", a, {}, **elsewhere))) == "UNKNOWN_ACT"
    assert desk.code(unsigned(desk.envelope("party.update", a, CONTACT, **elsewhere))) == "WRONG_LOG"
    # signatures before `at`, `at` before `expect`, `expect` before the act
    old = {"at": desk.clock.now() - timedelta(days=2)}
    assert desk.code(unsigned(desk.envelope("party.update", a, CONTACT, **old))) == "SIGNATURE_MISSING"
    assert code(desk, desk.payload("party.update", a, CONTACT, **old), b.signers[0]) == "KEY_UNKNOWN"
    assert code(desk, desk.payload("party.update", a, CONTACT, **old, expect={a.id: 9}), s) == "AT_STALE"
    revoke = {"key": key_identifier(b.signers[0].public), "reason": "not mine"}
    assert code(desk, desk.payload("key.revoke", a, revoke, expect={a.id: 9}), s) == "STALE"
    assert code(desk, desk.payload("key.revoke", a, revoke), s) == "NOT_ENTITLED"


def test_a_payload_has_at_most_32768_bytes(desk: Desk) -> None:
    a = desk.party("甲")
    assert MAX_PAYLOAD_BYTES == 32_768
    for size, wanted in ((32_768, "INVALID_VALUE"), (32_769, "TOO_LARGE"), (33_500, "TOO_LARGE")):
        payload = padded(desk, a, size)
        assert len(payload) == size
        assert code(desk, payload, *a.signers) == wanted


def test_a_payload_of_full_size_takes_effect(desk: Desk) -> None:
    a = desk.party("甲")
    evidence = [{"kind": "contract", "sha256": "0" * 64, "title": "t" * 400} for _ in range(62)]
    body = desk.filing([{"party": a.id, "rights": ALL}]) | {"evidence": evidence}
    spare = 32_768 - len(desk.payload("case.file", a, body))
    assert 0 < spare < 10_000
    for item in evidence:
        step = min(spare, 1_500)
        item["title"] += "x" * step
        spare -= step
    payload = desk.payload("case.file", a, body)
    assert len(payload) == 32_768
    assert code(desk, payload, *a.signers) is None


def test_an_envelope_has_at_most_8_signatures_and_52000_bytes(desk: Desk) -> None:
    actor = Actor("many keys", [KeySigner.generate() for _ in range(8)])
    payload = desk.payload("party.register", actor, party_body(actor))
    nine = [*actor.signers, KeySigner.generate()]
    assert code(desk, payload, *nine) == "TOO_LARGE"
    assert code(desk, payload, *actor.signers) is None
    big = [KeySigner.generate(Algorithm.ML_DSA_44) for _ in range(3)]
    assert code(desk, padded(desk, actor, 32_768), *big[:2]) == "INVALID_VALUE"
    assert code(desk, padded(desk, actor, 32_768), *big) == "TOO_LARGE"


def test_a_statement_names_at_most_32_parties(desk: Desk) -> None:
    a = desk.party("甲")
    for count, wanted in ((31, "SIGNATURE_MISSING"), (32, "TOO_LARGE")):
        payload = desk.payload("party.update", a, CONTACT, with_=[newcomer() for _ in range(count)])
        assert code(desk, payload, *a.signers) == wanted


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (b"{", b"[", "MALFORMED"),
        (b'"act":', b'"act":"x.y","act":', "DUPLICATE_MEMBER"),
        (b'"contact":', b'"contact":"x","contact":', "DUPLICATE_MEMBER"),
        (b'{"act"', b'{"more":1,"act"', "UNKNOWN_MEMBER"),
        (b'{"contact"', b'{"more":1,"contact"', "UNKNOWN_MEMBER"),
        (b"party.update", b"party.advance", "UNKNOWN_ACT"),
        (b"party.update", b"right.suspend", "UNKNOWN_ACT"),
        (b"desk.test", b"desk.tesa", "WRONG_LOG"),
        (b'"nonce":"', b'"nonce":"=', "MALFORMED"),
        (b'"by":"pty_', b'"by":"key_', "MALFORMED"),
        (b"{", b"\xef\xbb\xbf{", "MALFORMED"),
        (b'"contact":"', b'"contact":"\\ud800', "MALFORMED"),
        (b'{"contact"', b'{"more":1e3,"contact"', "MALFORMED"),
        (b'{"contact"', b'{"more":-0,"contact"', "MALFORMED"),
        (b'{"contact"', b'{"more":9007199254740992,"contact"', "MALFORMED"),
        (b'{"contact"', b'{"more":' + b"[" * 15 + b"]" * 15 + b',"contact"', "MALFORMED"),
        (b'{"contact"', b'{"more":' + b"[" * 14 + b"]" * 14 + b',"contact"', "UNKNOWN_MEMBER"),
    ],
    ids=range(17),
)
def test_the_form_of_a_payload(tmp_path: Path, old: bytes, new: bytes, wanted: str) -> None:
    with open_desk(tmp_path) as desk:
        payload = desk.payload("party.update", desk.registrar, CONTACT).replace(old, new, 1)
        assert code(desk, payload, *desk.registrar.signers) == wanted


def test_the_form_of_a_submission(desk: Desk) -> None:
    good = desk.envelope("party.update", desk.party("甲"), CONTACT)
    decoded = json.loads(good)

    def changed(**members: Any) -> bytes:
        return json.dumps(decoded | members).encode()

    assert desk.code(changed(payloadType=PAYLOAD_TYPE + "x")) == "MALFORMED"
    assert desk.code(changed(payload=decoded["payload"].rstrip("=") + "A")) == "MALFORMED"
    assert desk.code(changed(signatures=[{"sig": decoded["signatures"][0]["sig"]}])) == "MALFORMED"
    assert desk.code(changed(signatures=[decoded["signatures"][0] | {"x": 1}])) == "UNKNOWN_MEMBER"
    assert desk.code(good[:-1] + b',"payload":""}') == "DUPLICATE_MEMBER"
    assert desk.code(b'{"envelope":' + good + b',"more":[]}') == "UNKNOWN_MEMBER"
    assert desk.code(b'{"envelope":' + good + b',"disclosures":{}}') == "MALFORMED"
    assert desk.code(beside(good, 1)) == "MALFORMED"
    reordered = dict(reversed(decoded.items()))
    assert desk.code(json.dumps(reordered, indent=2).encode()) is None


@pytest.mark.parametrize(
    ("delta", "joint", "wanted"),
    [
        (timedelta(hours=-24), False, None),
        (timedelta(hours=-24, milliseconds=-1), False, "AT_STALE"),
        (timedelta(hours=-24, milliseconds=-1), True, None),
        (timedelta(days=-14), True, None),
        (timedelta(days=-14, milliseconds=-1), True, "AT_STALE"),
        (timedelta(minutes=5), False, None),
        (timedelta(minutes=5, milliseconds=1), False, "AT_FUTURE"),
        (timedelta(minutes=5, milliseconds=1), True, "AT_FUTURE"),
    ],
    ids=range(8),
)
def test_at_lies_in_its_window(desk: Desk, delta: timedelta, joint: bool, wanted: str | None) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    desk.pass_time(days=20)
    more = {"with_": [b]} if joint else {}
    assert desk.code(desk.envelope("party.update", a, CONTACT, at=desk.clock.now() + delta, **more)) == wanted


def test_expect_counts_the_entries_that_the_author_saw(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    assert desk.refused("party.update", a, CONTACT, expect={a.id: 0}) == "STALE"
    assert desk.refused("party.update", a, CONTACT, expect={a.id: 1, b.id: 2}) == "STALE"
    assert desk.refused("party.update", a, CONTACT, expect={newcomer().id: 1}) == "STALE"
    desk.ok("party.update", a, CONTACT, expect={a.id: 1, b.id: 1, newcomer().id: 0})
    lines = [desk.envelope("party.update", a, {"contact": str(n)}, expect={a.id: 2}) for n in range(2)]
    first, second = desk.submit(*lines)
    assert first.refusal is None
    assert second.refusal is not None
    assert second.refusal.code == "STALE"
    assert second.refusal.reasons[0].pointer == f"/expect/{a.id}"


def test_an_identifier_is_taken_once(desk: Desk) -> None:
    a = desk.party("甲")
    assert desk.refused("party.register", a, party_body(a)) == "ID_TAKEN"


def test_the_same_payload_again_answers_the_first_facts(desk: Desk) -> None:
    a = desk.party("甲")
    name, opened = disclosure("contact", "电话")
    data = beside(desk.envelope("party.update", a, {"contact": name}), opened)
    (first,) = desk.submit(data)
    assert first.receipt is not None
    assert not first.known
    spare = KeySigner.generate()
    desk.ok("key.add", a, key_shape(spare), extra=[spare])
    desk.ok("key.revoke", a, {"key": key_identifier(a.signers[0].public), "reason": "lost"})
    desk.pass_time(days=1_000)
    envelope = json.loads(data)["envelope"]
    garbage = [{"keyid": key_identifier(spare.public), "sig": base64.b64encode(b"x").decode()}]
    facts = {name: value for name, value in first.receipt.items() if name != "proof"}
    for again in (
        data,
        json.dumps(envelope | {"signatures": garbage}).encode(),
        unsigned(json.dumps(envelope).encode()),
    ):
        (answer,) = desk.submit(again)
        assert answer.known
        assert answer.receipt is not None
        assert {name: value for name, value in answer.receipt.items() if name != "proof"} == facts
    twice = desk.envelope("party.update", Actor("甲", [spare]), CONTACT)
    assert desk.code(twice) == "KEY_UNKNOWN"  # the party is named by its first key


def test_who_signs_and_in_which_order(desk: Desk) -> None:
    a, b, c = desk.party("甲"), desk.party("乙"), desk.party("丙", Algorithm.ES256)
    stranger = KeySigner.generate()
    s, t, u = (actor.signers[0] for actor in (a, b, c))
    payload = desk.payload("party.update", a, CONTACT, with_=[b, c])
    assert code(desk, payload, s, t) == "SIGNATURE_MISSING"
    assert code(desk, payload, s, u, t) == "KEY_UNKNOWN"
    assert code(desk, payload, t, s, u) == "KEY_UNKNOWN"
    assert code(desk, payload, s, t, stranger) == "KEY_UNKNOWN"
    assert code(desk, payload, s, t, u, stranger) == "SIGNATURE_SURPLUS"
    assert code(desk, payload, s, t, u, u) == "SIGNATURE_SURPLUS"
    for place in range(3):
        envelope = json.loads(seal(payload, s, t, u))
        other = json.loads(seal(payload + b" ", s, t, u))
        envelope["signatures"][place] = other["signatures"][place]
        assert desk.code(json.dumps(envelope).encode()) == "SIGNATURE_INVALID"
    assert code(desk, payload, s, t, u) is None
    assert desk.code(desk.envelope("party.update", newcomer(), CONTACT)) == "KEY_UNKNOWN"


def test_a_key_counts_from_its_entry_to_its_revocation(desk: Desk) -> None:
    a, second = desk.party("甲"), KeySigner.generate(Algorithm.ML_DSA_44)
    desk.ok("key.add", a, key_shape(second), extra=[second])
    until = desk.clock.now() + timedelta(hours=1)
    revoke = {"key": key_identifier(second.public), "reason": "old", "effective": until.isoformat()}
    desk.ok("key.revoke", a, revoke)
    for wanted in (None, "KEY_INACTIVE"):
        assert code(desk, desk.payload("party.update", a, CONTACT), second) == wanted
        desk.pass_time(hours=1)
    gone = newcomer()
    desk.ok("party.register", gone, party_body(gone))
    lines = [
        desk.envelope("key.revoke", gone, {"key": key_identifier(gone.signers[0].public), "reason": "lost"}),
        desk.envelope("party.update", gone, CONTACT),
    ]
    assert [r.refusal and r.refusal.code for r in desk.submit(*lines)] == [None, "KEY_INACTIVE"]


def test_keys_that_a_statement_adds_prove_themselves(desk: Desk) -> None:
    a, new = desk.party("甲"), KeySigner.generate(Algorithm.ES256)
    payload = desk.payload("key.add", a, key_shape(new))
    assert code(desk, payload, *a.signers) == "SIGNATURE_MISSING"
    assert code(desk, payload, *a.signers, KeySigner.generate()) == "KEY_UNKNOWN"
    assert code(desk, payload, new, *a.signers) == "KEY_UNKNOWN"
    assert code(desk, payload, *a.signers, new) is None
    assert desk.refused("key.add", desk.party("乙"), key_shape(new), extra=[new]) == "KEY_TAKEN"
    two = Actor("two keys", [KeySigner.generate(), KeySigner.generate(Algorithm.ML_DSA_44)])
    payload = desk.payload("party.register", two, party_body(two))
    assert code(desk, payload, two.signers[0]) == "SIGNATURE_MISSING"
    assert code(desk, payload, *reversed(two.signers)) == "KEY_UNKNOWN"
    assert code(desk, payload, *two.signers) is None


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.ML_DSA_44])
def test_parties_of_other_algorithms_act(desk: Desk, algorithm: Algorithm) -> None:
    a = desk.party("甲", algorithm)
    right = ids(desk.register(a), "rgt_")[2]
    assert desk.registry.reader.right(right, None, None)[0]["holder"] == a.id


def test_a_registry_for_verified_parties(tmp_path: Path) -> None:
    with open_desk(tmp_path, verified_only=True) as desk:
        a, spare = desk.party("甲"), KeySigner.generate()
        desk.ok("party.update", a, CONTACT)
        desk.ok("key.add", a, key_shape(spare), extra=[spare])
        desk.ok("key.revoke", a, {"key": key_identifier(spare.public), "reason": "spare"})
        filing = desk.filing([{"party": a.id, "rights": ALL}])
        assert desk.refused("case.file", a, filing) == "NOT_ADMITTED"
        desk.ok("party.verify", desk.registrar, {"party": a.id, "level": "documented"})
        desk.ok("case.file", a, filing)
        desk.ok("party.update", a, {"name": "新名"})  # a new name resets the level
        assert desk.refused("case.file", a, filing) == "NOT_ADMITTED"


def test_disclosures_belong_to_members(desk: Desk) -> None:
    a = desk.party("甲")
    one, opened = disclosure("contact", "电话")
    other, other_opened = disclosure("status", "存续")
    misnamed, misnamed_opened = disclosure("name", "电话")

    def answer(body: dict[str, Any], *texts: str) -> str | None:
        return desk.code(beside(desk.envelope("party.update", a, body), *texts))

    assert desk.code(desk.envelope("party.update", a, {"contact": one})) == "INVALID_VALUE"
    assert answer({"contact": one}) == "INVALID_VALUE"
    assert answer({"contact": one}, other_opened) == "INVALID_VALUE"
    assert answer({"contact": one}, opened, other_opened) == "INVALID_VALUE"
    assert answer({"contact": misnamed}, misnamed_opened) == "INVALID_VALUE"
    assert answer({"contact": other, "status": other}, other_opened) == "INVALID_VALUE"
    assert answer({"contact": "电话"}, opened) == "INVALID_VALUE"
    assert answer({"contact": one, "status": other}, other_opened, opened) is None


@pytest.mark.parametrize(
    "value",
    [["salt", "contact", "x"], [format_base64url(bytes(15)), "contact", "x"], [format_base64url(bytes(16)), "contact"],
     {"a": 1, "b": 2, "c": 3}, "text", [format_base64url(bytes(16)), 1, "x"]],
    ids=range(6),
)  # fmt: skip
def test_a_disclosure_is_salt_name_and_value(desk: Desk, value: Any) -> None:
    text = format_base64url(format_compact(value) if not isinstance(value, str) else b'"text"')
    from registry.documents.disclosures import disclosure_digest

    body = {"contact": {"sd": disclosure_digest(text)}}
    assert desk.code(beside(desk.envelope("party.update", desk.registrar, body), text)) == "INVALID_VALUE"


def test_natural_persons_keep_their_texts_confidential(desk: Desk) -> None:
    person = newcomer("张三")
    name, opened = disclosure("name", "张三")
    body = party_body(person, kind="natural_person", name=name)
    for more in ({"name": "张三"}, CONTACT, {"identifier": {"scheme": "id", "value": "1"}}):
        assert desk.code(beside(desk.envelope("party.register", person, body | more), opened)) == "INVALID_VALUE"
    assert desk.code(beside(desk.envelope("party.register", person, body), opened)) is None
    assert desk.refused("party.update", person, CONTACT) == "INVALID_VALUE"
    filing = desk.filing([{"party": person.id, "rights": ALL}])
    titled = filing | {"evidence": [{"kind": "contract", "sha256": "0" * 64, "title": "张三的合同"}]}
    assert desk.refused("case.file", person, titled) == "INVALID_VALUE"
    assert desk.ok("case.file", person, filing)["seq"] == 2
