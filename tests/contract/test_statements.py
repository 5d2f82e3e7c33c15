"""Contract sections 1 and 2: identifiers, envelopes, who signs, keys, time, and the order of checks."""

import base64
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import verify_checkpoint
from ledger.encoding import parse_hex
from ledger.identifiers import key_identifier
from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from ledger.proof import parse_proof, verify_proof
from ledger.statement import format_envelope
from registry.drafting import sign_payload
from registry.writer import Answer
from tests.registry.desk import ALL, Actor, Desk, ids, key_shape, open_desk, scope, sd

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def stem_of(payload: bytes, at_ms: int) -> str:
    """Section 1, computed with nothing of ours."""
    value = int.from_bytes(at_ms.to_bytes(6, "big") + hashlib.sha256(payload).digest()[:10], "big")
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def code(desk: Desk, data: bytes, **more: Any) -> str:
    answer = desk.answer(data, **more)
    assert answer.refusal is not None, answer.receipt
    return answer.refusal.code


def party_body(signers: list[KeySigner], **more: Any) -> dict[str, Any]:
    return {"name": "甲", "kind": "legal_person", "keys": [key_shape(s) for s in signers], **more}


def test_identifiers_are_known_before_submission_and_listed_in_order(desk: Desk) -> None:
    a = desk.party("甲")
    payload = desk.payload("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]))
    stem = stem_of(payload, 1_767_225_600_000)
    receipt = desk.answer(format_envelope(sign_payload(payload, a.signers)).encode()).receipt
    assert receipt is not None
    assert receipt["statement"] == hashlib.sha256(payload).hexdigest()
    assert receipt["ids"] == [
        {"id": f"ast_{stem}"},
        {"id": f"cas_{stem}"},
        {"id": f"rgt_{stem}", "kind": "holding"},
        {"id": f"rgt_{stem}_1", "kind": "processing"},
        {"id": f"rgt_{stem}_2", "kind": "operating"},
    ]
    assert receipt["folios"] == [{"id": f"ast_{stem}", "n": 1, "prev": None}]


def test_a_receipt_proves_inclusion_under_both_keys(desk: Desk) -> None:
    receipt = desk.register(desk.party("甲"))
    proof = parse_proof(receipt["proof"])
    keys = desk.registry.log.verifier_keys()
    verified = verify_proof(proof, parse_hex(receipt["leaf_hash"]), keys)
    assert {key.kind for key in verified.signed_by} == {1, 6}
    assert verify_checkpoint(proof.checkpoint, keys).checkpoint.size == receipt["seq"] + 1


def test_the_same_payload_again_gets_the_first_facts_whatever_has_happened_to_its_key(desk: Desk) -> None:
    a = desk.party("甲")
    data = desk.envelope("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]))
    first = desk.answer(data)
    desk.ok("key.revoke", a, {"key": key_identifier(a.signers[0].public), "reason": "lost"})
    desk.pass_time(days=400)
    spoiled = json.loads(data)
    spoiled["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    for again in (data, json.dumps(spoiled).encode()):
        answer = desk.answer(again)
        assert answer.known
        assert {k: v for k, v in answer.receipt.items() if k != "proof"} == {
            k: v for k, v in first.receipt.items() if k != "proof"
        }


def damaged(data: bytes, **members: Any) -> bytes:
    return json.dumps(json.loads(data) | members).encode()


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda e: b"{", "MALFORMED"),
        (lambda e: b"\xff", "MALFORMED"),
        (lambda e: b"[]", "MALFORMED"),
        (lambda e: e.replace(b'{"payload"', b'{"payload":"","payload"'), "DUPLICATE_MEMBER"),
        (lambda e: damaged(e, extra=1), "UNKNOWN_MEMBER"),
        (lambda e: damaged(e, payloadType="text/plain"), "MALFORMED"),
        (lambda e: damaged(e, payload=json.loads(e)["payload"] + "\n"), "MALFORMED"),
        (lambda e: damaged(e, signatures=json.loads(e)["signatures"] * 9), "TOO_LARGE"),
        (lambda e: damaged(e, signatures=[]), "SIGNATURE_MISSING"),
        (lambda e: damaged(e, signatures=json.loads(e)["signatures"] * 2), "SIGNATURE_SURPLUS"),
        (lambda e: e + b" " * 200_000, "TOO_LARGE"),
    ],
    ids=range(11),
)
def test_envelopes_that_are_none(desk: Desk, change: Any, wanted: str) -> None:
    a = desk.party("甲")
    assert code(desk, change(desk.envelope("party.update", a, {"contact": "电话"}))) == wanted


@pytest.mark.parametrize(
    ("change", "wanted", "pointer"),
    [
        ({"extra": 1}, "UNKNOWN_MEMBER", "/extra"),
        ({"act": "no.such"}, "UNKNOWN_ACT", "/act"),
        ({"act": 7}, "MALFORMED", "/act"),
        ({"log": "other.test"}, "WRONG_LOG", "/log"),
        ({"by": "pty_x"}, "MALFORMED", "/by"),
        ({"nonce": "AAAA"}, "MALFORMED", "/nonce"),
        ({"at": "2026-01-01 00:00:00Z"}, "MALFORMED", "/at"),
        ({"at": "2026-01-01T00:00:00.0001Z"}, "MALFORMED", "/at"),
        ({"expect": {"ast_0": 1}}, "MALFORMED", None),
        ({"for": None}, "MALFORMED", "/for"),
        ({"body": []}, "MALFORMED", "/body"),
        ({"body": {"contact": 1.5}}, "MALFORMED", None),
        ({"body": {"contact": "x" * 2001}}, "INVALID_VALUE", "/body/contact"),
        ({"body": {"contact": None}}, "MALFORMED", "/body/contact"),
        ({"body": {"unknown": "x"}}, "UNKNOWN_MEMBER", "/body/unknown"),
        ({"body": {"contact": "x" * 33_000}}, "TOO_LARGE", None),
    ],
    ids=range(16),
)
def test_payloads_that_are_none(desk: Desk, change: dict[str, Any], wanted: str, pointer: str | None) -> None:
    a = desk.party("甲")
    members = json.loads(desk.payload("party.update", a, {"contact": "电话"})) | change
    answer = desk.answer(format_envelope(sign_payload(json.dumps(members).encode(), a.signers)).encode())
    assert answer.refusal is not None
    assert answer.refusal.code == wanted
    if pointer:
        assert answer.refusal.reasons[0].pointer == pointer


def test_the_earlier_check_answers(desk: Desk) -> None:
    a = desk.party("甲")
    wrong_log_and_unsigned = desk.envelope("party.update", a, {"contact": "x"}, log="other.test")
    assert code(desk, damaged(wrong_log_and_unsigned, signatures=[])) == "WRONG_LOG"
    wrong_form_and_log = desk.envelope("party.update", a, {"contact": 1}, log="other.test")
    assert code(desk, wrong_form_and_log) == "MALFORMED"
    old = desk.clock.now() - timedelta(days=2)
    stale_and_unsigned = desk.envelope("party.update", a, {"contact": "x"}, at=old)
    assert code(desk, damaged(stale_and_unsigned, signatures=[])) == "SIGNATURE_MISSING"
    stale_twice = desk.envelope("party.update", a, {"contact": "x"}, at=old, expect={a.id: 9})
    assert code(desk, stale_twice) == "AT_STALE"


@pytest.mark.parametrize(
    ("delta", "joint", "wanted"),
    [
        (timedelta(hours=-24), False, None),
        (timedelta(hours=-24, milliseconds=-1), False, "AT_STALE"),
        (timedelta(days=-14), True, None),
        (timedelta(days=-14, milliseconds=-1), True, "AT_STALE"),
        (timedelta(minutes=5), False, None),
        (timedelta(minutes=5, milliseconds=1), False, "AT_FUTURE"),
    ],
    ids=range(6),
)
def test_at_lies_within_its_window(desk: Desk, delta: timedelta, joint: bool, wanted: str | None) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    desk.pass_time(days=30)
    more: dict[str, Any] = {"with_": [b]} if joint else {}
    answer = desk.send("party.update", a, {"contact": "电话"}, at=desk.clock.now() + delta, **more)
    assert (answer.refusal.code if answer.refusal else None) == wanted


def test_expect_is_the_number_of_entries_that_the_author_saw(desk: Desk) -> None:
    a = desk.party("甲")
    assert desk.refused("party.update", a, {"contact": "x"}, expect={a.id: 2}) == "STALE"
    assert desk.ok("party.update", a, {"contact": "x"}, expect={a.id: 1})["folios"][0] == {
        "id": a.id,
        "n": 2,
        "prev": 1,
    }


def test_who_signs(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    stranger = KeySigner.generate()
    payload = desk.payload("party.update", a, {"contact": "x"}, with_=[b])

    def signed(*signers: KeySigner) -> str:
        return code(desk, format_envelope(sign_payload(payload, signers)).encode())

    assert signed(a.signers[0]) == "SIGNATURE_MISSING"
    assert signed(b.signers[0], a.signers[0]) == "KEY_UNKNOWN"
    assert signed(a.signers[0], stranger) == "KEY_UNKNOWN"
    assert signed(a.signers[0], b.signers[0], stranger) == "SIGNATURE_SURPLUS"
    good = json.loads(format_envelope(sign_payload(payload, [a.signers[0], b.signers[0]])))
    good["signatures"][1]["sig"] = base64.b64encode(b.signers[0].sign(b"something else")).decode()
    assert code(desk, json.dumps(good).encode()) == "SIGNATURE_INVALID"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_parties_sign_with_every_algorithm(desk: Desk, algorithm: Algorithm) -> None:
    a = desk.party("甲", algorithm)
    desk.register(a)


def test_keys_prove_themselves_and_count_from_their_entry_to_their_revocation(desk: Desk) -> None:
    a, second = desk.party("甲"), KeySigner.generate(Algorithm.ES256)
    assert desk.refused("key.add", a, key_shape(second)) == "SIGNATURE_MISSING"
    assert desk.refused("key.add", a, key_shape(second), extra=[KeySigner.generate()]) == "KEY_UNKNOWN"
    desk.ok("key.add", a, key_shape(second), extra=[second])
    assert desk.refused("key.add", desk.party("乙"), key_shape(second), extra=[second]) == "KEY_TAKEN"
    other_key = Actor("甲", [second])
    payload = desk.payload("party.update", a, {"contact": "x"})
    assert desk.answer(format_envelope(sign_payload(payload, other_key.signers)).encode()).refusal is None
    later = desk.clock.now() + timedelta(days=2)
    revoke = {"key": key_identifier(second.public), "reason": "turned in", "effective": format_instant(later)}
    desk.ok("key.revoke", a, revoke)
    desk.pass_time(days=1)
    payload = desk.payload("party.update", a, {"contact": "y"})
    assert desk.answer(format_envelope(sign_payload(payload, [second])).encode()).refusal is None
    desk.pass_time(days=1)
    payload = desk.payload("party.update", a, {"contact": "z"})
    assert code(desk, format_envelope(sign_payload(payload, [second])).encode()) == "KEY_INACTIVE"
    past = revoke | {"key": key_identifier(a.signers[0].public), "effective": "2025-12-31T00:00:00Z"}
    assert desk.refused("key.revoke", a, past) == "INVALID_VALUE"
    assert desk.refused("key.revoke", a, revoke | {"effective": format_instant(later)}) in (
        "INVALID_VALUE",
        "ALREADY_ENDED",
    )


def test_a_key_of_an_earlier_line_signs_a_later_one(desk: Desk) -> None:
    a = Actor("甲", [KeySigner.generate()])
    lines = [
        desk.envelope("party.register", a, party_body(a.signers)),
        desk.envelope("case.file", a, desk.filing([{"party": a.id, "rights": ALL}])),
    ]
    assert [answer.refusal for answer in desk.registry.office.submit(lines)] == [None, None]


def test_confidential_members_travel_with_their_disclosures(desk: Desk) -> None:
    person = Actor("人", [KeySigner.generate()])
    name, opened = sd("name", "张三")
    body = party_body(person.signers, kind="natural_person", name=name)
    assert desk.refused("party.register", person, body | {"name": "张三"}) == "INVALID_VALUE"

    def send(*disclosures: str) -> Answer:
        envelope = json.loads(desk.envelope("party.register", person, body))
        return desk.answer(json.dumps({"envelope": envelope, "disclosures": disclosures}).encode())

    for wrong in ((), (opened, opened + "A"), (sd("contact", "张三")[1],), ("???",)):
        answer = send(*wrong)
        assert answer.refusal is not None
        assert answer.refusal.code == "INVALID_VALUE"
    assert send(opened).refusal is None


def test_admission_of_verified_parties_only(tmp_path: Path) -> None:
    with open_desk(tmp_path, verified_only=True) as desk:
        a = desk.party("甲")
        desk.ok("party.update", a, {"contact": "电话"})
        assert desk.refused("case.file", a, desk.filing([{"party": a.id, "rights": ALL}])) == "NOT_ADMITTED"
        desk.ok("party.verify", desk.registrar, {"party": a.id, "level": "documented"})
        desk.register(a)


def test_an_agent_acts_for_a_principal_who_joins(desk: Desk) -> None:
    agent, principal = desk.party("代理"), desk.party("本人")
    body = desk.filing([{"party": principal.id, "rights": ALL}])
    assert desk.refused("case.file", agent, body, for_=principal.id) == "NOT_ENTITLED"
    receipt = desk.ok("case.file", agent, body, for_=principal.id, with_=[principal])
    asset, _ = desk.registry.reader.asset(ids(receipt, "ast")[0], None, None)
    assert asset["applicant"] == principal.id
    assert {right["holder"] for right in asset["rights"]} == {principal.id}
    grant = {"from_right": ids(receipt, "rgt")[2], "to": agent.id, "rights": ["processing"], "scope": scope()}
    assert desk.refused("right.grant", agent, grant) == "NOT_ENTITLED"
