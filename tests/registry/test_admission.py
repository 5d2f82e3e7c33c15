"""What is judged before an act is looked at. Contract, "Strict JSON", sections 2, 8 and 10."""

import json
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest

from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner
from ledger.statement import PAYLOAD_TYPE, format_envelope
from registry.admission import admit, open_submission
from registry.drafting import make_payload, sign_payload
from registry.judging import Bench, Rules
from registry.refusals.refusal import RefusedError
from registry.store.loading import load
from tests.registry.desk import ALL, Actor, Desk, ids, key_shape, open_desk, refusal, update

KIB = 1024


# ---- the order of checks ---------------------------------------------------------------------------------------------

ORDER = {
    "size": "TOO_LARGE",
    "envelope": "MALFORMED",
    "form": "UNKNOWN_MEMBER",
    "log": "WRONG_LOG",
    "key": "KEY_UNKNOWN",
    "at": "AT_STALE",
    "expect": "STALE",
    "act": "NOT_ENTITLED",
}


def faulty(desk: Desk, by: Actor, faults: set[str]) -> bytes:
    """A grant of a role by somebody who may not, with more faults before it."""
    body = {"party": by.id, "role": "auditor"} | ({"surprise": 1} if "form" in faults else {})
    by_ = by if "act" in faults else desk.registrar
    payload = desk.payload(
        "role.grant", by_, body,
        log="other.test" if "log" in faults else desk.registry.origin,
        at=desk.clock.now() - timedelta(hours=25 if "at" in faults else 0),
        expect={by.id: 9} if "expect" in faults else None,
    )  # fmt: skip
    signer = KeySigner.generate(Algorithm.ED25519) if "key" in faults else by_.signers[0]
    text = format_envelope(sign_payload(payload, [signer]))
    if "envelope" in faults:
        text = text.replace(PAYLOAD_TYPE, "text/plain")
    return text.encode() + b" " * (200 * KIB if "size" in faults else 0)


@pytest.mark.parametrize("faults", [*combinations(ORDER, 1), *combinations(ORDER, 2), tuple(ORDER)], ids="-".join)
def test_the_earlier_fault_is_the_answer(desk: Desk, a: Actor, faults: tuple[str, ...]) -> None:
    code, _, _ = refusal(desk.answer(faulty(desk, a, set(faults))))
    assert code == ORDER[faults[0]]


def test_without_faults_it_is_accepted(desk: Desk, a: Actor) -> None:
    assert desk.answer(faulty(desk, a, set())).receipt


# ---- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "fits"), [(32_768, True), (32_769, False)])
def test_payload_size(desk: Desk, a: Actor, size: int, fits: bool) -> None:
    payload = update(desk, a).ljust(size)
    answer = desk.deliver(payload, a.signers)
    if fits:
        assert answer.receipt
    else:
        assert refusal(answer) == ("TOO_LARGE", 413, "/payload")


@pytest.mark.parametrize(("signatures", "fits"), [(8, True), (9, False)])
def test_number_of_signatures(desk: Desk, signatures: int, fits: bool) -> None:
    signers = [KeySigner.generate(Algorithm.ED25519) for _ in range(signatures)]
    actor = Actor("many", signers)
    body = {"name": "many", "kind": "legal_person", "keys": [key_shape(s) for s in signers[:8]]}
    answer = desk.deliver(desk.payload("party.register", actor, body), signers)
    if fits:
        assert answer.receipt
    else:
        assert refusal(answer) == ("TOO_LARGE", 413, "/signatures")


def test_envelope_size(desk: Desk) -> None:
    actor = Actor("quantum", [KeySigner.generate(Algorithm.ML_DSA_44) for _ in range(3)])
    body = {"name": "quantum", "kind": "legal_person", "keys": [key_shape(s) for s in actor.signers]}
    payload = desk.payload("party.register", actor, body).ljust(32_768)
    assert refusal(desk.deliver(payload, actor.signers)) == ("TOO_LARGE", 413, "")
    assert desk.deliver(payload.strip().ljust(30_000), actor.signers).receipt


@pytest.mark.parametrize(("joining", "code"), [(31, "SIGNATURE_MISSING"), (32, "TOO_LARGE")])
def test_number_of_parties(desk: Desk, a: Actor, joining: int, code: str) -> None:
    others = [f"pty_{n:026d}" for n in range(joining)]
    payload = make_payload("party.update", desk.registry.origin, a.id, desk.clock.now(), {"contact": "1"}, with_=others)
    assert refusal(desk.deliver(payload, a.signers))[0] == code


# ---- form ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "MALFORMED"),
        (b"null", "MALFORMED"),
        (b"[]", "MALFORMED"),
        (b"\xff", "MALFORMED"),
        (b"{}", "MALFORMED"),
        (b'\xef\xbb\xbf{"envelope":{}}', "MALFORMED"),
        (b'{"envelope":{}}', "MALFORMED"),
        (b'{"envelope":{},"envelope":{}}', "DUPLICATE_MEMBER"),
        (b'{"envelope":{},"note":1}', "UNKNOWN_MEMBER"),
        (b'{"envelope":{},"disclosures":{}}', "MALFORMED"),
        (b'{"envelope":{},"disclosures":[1]}', "MALFORMED"),
        (b'{"envelope":{},"disclosures":null}', "MALFORMED"),
    ],
)
def test_what_is_no_submission(desk: Desk, data: bytes, code: str) -> None:
    assert refusal(desk.answer(data))[:2] == (code, 400)


def test_what_is_no_envelope(desk: Desk, a: Actor) -> None:
    good = json.loads(format_envelope(sign_payload(update(desk, a), a.signers)))
    signature = good["signatures"][0]
    for change, code, pointer in (
        ({"payloadType": "text/plain"}, "MALFORMED", "/payloadType"),
        ({"payload": good["payload"].rstrip("=") + "*"}, "MALFORMED", "/payload"),
        ({"payload": 1}, "MALFORMED", "/payload"),
        ({"signatures": {}}, "MALFORMED", "/signatures"),
        ({"signatures": [signature | {"keyid": "key_x"}]}, "MALFORMED", "/signatures/0"),
        ({"signatures": [signature | {"sig": 1}]}, "MALFORMED", "/signatures/0/sig"),
        ({"signatures": [signature | {"cert": ""}]}, "UNKNOWN_MEMBER", "/signatures/0/cert"),
        ({"note": 1}, "UNKNOWN_MEMBER", "/note"),
    ):
        assert refusal(desk.answer(json.dumps(good | change).encode())) == (code, 400, pointer)
    for missing in good:
        rest = {name: value for name, value in good.items() if name != missing}
        assert refusal(desk.answer(json.dumps(rest).encode())) == ("MALFORMED", 400, f"/{missing}")


def test_what_is_no_statement(desk: Desk, a: Actor) -> None:
    good = json.loads(update(desk, a))
    for change, code, pointer in (
        ({"act": "party.dance"}, "UNKNOWN_ACT", "/act"),
        ({"act": "Party Update"}, "MALFORMED", "/act"),
        ({"act": 1}, "MALFORMED", "/act"),
        ({"log": "other.test"}, "WRONG_LOG", "/log"),
        ({"by": "pty_x"}, "MALFORMED", "/by"),
        ({"for": None}, "MALFORMED", "/for"),
        ({"with": [a.id]}, "MALFORMED", "/with"),
        ({"with": ["key_" + "0" * 26]}, "MALFORMED", "/with"),
        ({"at": "2026-01-01T00:00:00"}, "MALFORMED", "/at"),
        ({"at": "2026-01-01T00:00:00.0001Z"}, "MALFORMED", "/at"),
        ({"nonce": "AAAA"}, "MALFORMED", "/nonce"),
        ({"expect": {a.id: -1}}, "MALFORMED", f"/expect/{a.id}"),
        ({"expect": {"rgt_" + "0" * 26: 1}}, "MALFORMED", "/expect"),
        ({"body": []}, "MALFORMED", "/body"),
        ({"mood": "good"}, "UNKNOWN_MEMBER", "/mood"),
    ):
        payload = json.dumps(good | change).encode()
        assert refusal(desk.deliver(payload, a.signers)) == (code, 400, pointer), change
    for missing in good:
        rest = {name: value for name, value in good.items() if name != missing}
        answer = desk.deliver(json.dumps(rest).encode(), a.signers)
        assert refusal(answer) == ("MALFORMED", 400, f"/{missing}")


@pytest.mark.parametrize(
    ("contact", "code"),
    [
        (b"1.5", "MALFORMED"),
        (b"1e3", "MALFORMED"),
        (b"-0", "MALFORMED"),
        (b"01", "MALFORMED"),
        (b"NaN", "MALFORMED"),
        (b"9007199254740992", "MALFORMED"),
        (b'"\\ud800"', "MALFORMED"),
        (b"[" * 15 + b"]" * 15, "MALFORMED"),
        (b'"1","contact":"2"', "DUPLICATE_MEMBER"),
        (b'"1","\\u0063ontact":"2"', "DUPLICATE_MEMBER"),
    ],
)
def test_strict_json_in_payloads(desk: Desk, a: Actor, contact: bytes, code: str) -> None:
    payload = update(desk, a).replace(b'"contact":"1"', b'"contact":' + contact)
    assert refusal(desk.deliver(payload, a.signers))[:2] == (code, 400)


# ---- time, expect, identifiers ---------------------------------------------------------------------------------------

JUST = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("shift", "joined", "wanted"),
    [
        (-timedelta(hours=24), False, None),
        (-timedelta(hours=24) - JUST, False, ("AT_STALE", 400, "/at")),
        (-timedelta(days=14), True, None),
        (-timedelta(days=14) - JUST, True, ("AT_STALE", 400, "/at")),
        (timedelta(minutes=5), False, None),
        (timedelta(minutes=5) + JUST, False, ("AT_FUTURE", 400, "/at")),
        (timedelta(minutes=5) + JUST, True, ("AT_FUTURE", 400, "/at")),
    ],
)
def test_when_a_statement_was_made(
    desk: Desk, a: Actor, b: Actor, shift: timedelta, joined: bool, wanted: tuple[str, int, str] | None
) -> None:
    answer = desk.send("party.update", a, {"contact": "1"}, at=desk.clock.now() + shift, with_=[b] if joined else [])
    if wanted is None:
        assert answer.receipt
    else:
        assert refusal(answer) == wanted


def test_offsets_are_understood(desk: Desk, a: Actor) -> None:
    payload = update(desk, a).replace(b"2026-01-01T00:00:00.000Z", b"2026-01-01T08:00:00+08:00")
    assert b"+08:00" in payload
    assert desk.deliver(payload, a.signers).receipt


def test_expect(desk: Desk, a: Actor, b: Actor) -> None:
    asset = ids(desk.register(a), "ast")[0]
    unknown = "ast_" + "0" * 26
    for expect in ({a.id: 1}, {asset: 1, b.id: 1}, {unknown: 0}, {desk.registrar.id: 1}):
        desk.ok("role.grant", desk.registrar, {"party": desk.party("x").id, "role": "auditor"}, expect=expect)
    for expect, place in (({a.id: 0}, a.id), ({a.id: 2}, a.id), ({asset: 0}, asset), ({a.id: 1, unknown: 1}, unknown)):
        answer = desk.send("party.update", a, {"contact": "1"}, expect=expect)
        assert refusal(answer) == ("STALE", 409, f"/expect/{place}")
    lines = [desk.envelope("party.update", a, {"contact": n}, expect={a.id: 1}) for n in "12"]
    first, second = desk.registry.office.submit(lines)
    assert first.receipt
    assert refusal(second)[0] == "STALE"


def test_identifiers_that_are_taken(desk: Desk, a: Actor) -> None:
    """Two statements of one millisecond that share 80 bits cannot be made; the bench is told that the stem is taken."""
    item = admit(open_submission(desk.envelope("party.update", a, {"contact": "1"})), desk.registry.origin)
    with desk.registry.reader._moment(None, None) as (tx, _):
        base = load(tx, [item.names])
    for stems, wanted in ((set(), None), ({item.ids.stem}, "ID_TAKEN")):
        bench = Bench(base, Rules(desk.registry.documents.rulebook), stems)
        if wanted is None:
            bench.accept(item, bench.judge(item, 2, desk.clock.now(), lambda _: 1), 2, desk.clock.now())
        with pytest.raises(RefusedError) as found:
            bench.judge(item, 3, desk.clock.now(), lambda _: 1)
        assert (found.value.code, found.value.status) == ("ID_TAKEN", 409)


# ---- admission verified ----------------------------------------------------------------------------------------------


def test_admission_of_verified_parties_only(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data", verified_only=True) as desk:
        one, two = desk.party("甲"), desk.party("乙")
        filing = desk.filing([{"party": one.id, "rights": ALL}])
        assert refusal(desk.send("case.file", one, filing)) == ("NOT_ADMITTED", 403, "/by")
        key = KeySigner.generate(Algorithm.ED25519)
        desk.ok("key.add", one, key_shape(key), extra=[key])
        desk.ok("party.update", one, {"contact": "1"})
        desk.ok("key.revoke", one, {"key": key_identifier(key.public), "reason": "x"})
        desk.ok("party.verify", desk.registrar, {"party": one.id, "level": "documented"})
        title = desk.ok("case.file", one, filing)
        desk.grant(one, ids(title, "rgt")[2], two, ["processing"])
        desk.ok("party.update", one, {"name": "改名"})
        assert refusal(desk.send("case.file", one, filing))[0] == "NOT_ADMITTED"
