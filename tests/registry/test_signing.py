"""Who signs, with which keys; and the same payload again. Contract section 2."""

from collections.abc import Callable

import pytest

from ledger.identifiers import key_identifier
from ledger.keys import Algorithm, KeySigner
from ledger.statement import PAYLOAD_TYPE, Envelope, EnvelopeSignature, format_envelope
from registry.drafting import sign_payload
from tests.registry.desk import ALL, Actor, Desk, codes, ids, key_shape, newcomer, party_body, refusal, update, updates

# ---- keys and signatures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_parties_of_every_algorithm_act_and_join(desk: Desk, algorithm: Algorithm) -> None:
    one, two = desk.party("甲", algorithm), desk.party("乙", algorithm)
    title = ids(desk.register(one), "rgt")[2]
    grant = desk.grant(one, title, two, ["processing"], exclusivity="sole", with_=[two])
    assert desk.check(two, desk.view(ids(grant, "rgt")[0])["asset"], territory=("CN",)).decision


def forged(envelope: Envelope, place: int, value: bytes) -> Envelope:
    signatures = list(envelope.signatures)
    signatures[place] = EnvelopeSignature(signatures[place].key, value)
    return Envelope(envelope.payload, tuple(signatures))


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize(
    "change",
    [lambda s: bytes([s[0] ^ 1]) + s[1:], lambda s: s[:-1], lambda _: b"", lambda s: b"\x00" * len(s)],
    ids=["flipped", "short", "empty", "zero"],
)
def test_a_signature_that_does_not_hold(desk: Desk, algorithm: Algorithm, change: Callable[[bytes], bytes]) -> None:
    actor = desk.party("甲", algorithm)
    envelope = sign_payload(update(desk, actor), actor.signers)
    wrong = forged(envelope, 0, change(envelope.signatures[0].value))
    assert refusal(desk.post(wrong)) == ("SIGNATURE_INVALID", 403, "/signatures/0")


def test_a_signature_of_another_payload(desk: Desk, a: Actor, b: Actor) -> None:
    joint = sign_payload(update(desk, a, with_=[b]), [*a.signers, *b.signers])
    other = sign_payload(update(desk, a, with_=[b]), [*a.signers, *b.signers])
    for place, signature in enumerate(other.signatures):
        wrong = forged(joint, place, signature.value)
        assert refusal(desk.post(wrong)) == ("SIGNATURE_INVALID", 403, f"/signatures/{place}")


def test_who_signs_and_in_which_order(desk: Desk, a: Actor, b: Actor) -> None:
    payload = update(desk, a, with_=[b])
    (first,), (second,) = a.signers, b.signers
    for signers, wanted in (
        ([], ("SIGNATURE_MISSING", 403, "/signatures")),
        ([first], ("SIGNATURE_MISSING", 403, "/signatures")),
        ([first, second, second], ("SIGNATURE_SURPLUS", 403, "/signatures/2")),
        ([second, first], ("KEY_UNKNOWN", 403, "/signatures/0")),
        ([first, first], ("KEY_UNKNOWN", 403, "/signatures/1")),
        ([first, KeySigner.generate(Algorithm.ED25519)], ("KEY_UNKNOWN", 403, "/signatures/1")),
    ):
        assert refusal(desk.deliver(payload, signers)) == wanted
    assert desk.deliver(payload, [first, second]).receipt


def test_a_party_that_is_not_registered(desk: Desk, a: Actor) -> None:
    stranger = Actor("stranger", [KeySigner.generate(Algorithm.ED25519)])
    assert refusal(desk.send("party.update", stranger, {"contact": "1"})) == ("KEY_UNKNOWN", 403, "/signatures/0")
    answer = desk.send("party.update", a, {"contact": "1"}, with_=[stranger])
    assert refusal(answer) == ("KEY_UNKNOWN", 403, "/signatures/1")


MANY = 40
"""Enough to be taken in by a worker, which verifies signatures by keys that were used before."""


def test_a_large_file_by_a_key_that_an_earlier_line_revokes(desk: Desk, a: Actor) -> None:
    """The worker saw that the signatures hold; whether the key counts is for the batch to say."""
    spare = KeySigner.generate()
    desk.ok("key.add", a, key_shape(spare), extra=[spare])
    assert set(codes(desk.submit(*updates(desk, a, MANY)))) == {"ok"}
    revoked = desk.envelope("key.revoke", a, {"key": key_identifier(a.signers[0].public), "reason": "lost"})
    assert codes(desk.submit(revoked, *updates(desk, a, MANY))) == ["ok"] + ["KEY_INACTIVE"] * MANY
    after = Actor(a.name, [spare])
    payloads = [desk.payload("party.update", a, {"contact": f"后{n}"}) for n in range(MANY)]
    lines = [format_envelope(sign_payload(payload, after.signers)).encode() for payload in payloads]
    assert set(codes(desk.submit(*lines))) == {"ok"}


def test_a_large_file_in_anothers_name(desk: Desk, a: Actor, b: Actor) -> None:
    for actor in (a, b):
        assert set(codes(desk.submit(*updates(desk, actor, MANY)))) == {"ok"}
    payloads = [desk.payload("party.update", a, {"contact": f"假{n}"}) for n in range(MANY)]
    lines = [format_envelope(sign_payload(payload, b.signers)).encode() for payload in payloads]
    assert set(codes(desk.submit(*lines))) == {"KEY_UNKNOWN"}


def test_bad_signatures_in_a_large_file(desk: Desk, a: Actor) -> None:
    for _ in range(2):  # the key is new to the workers, then known
        good = updates(desk, a, MANY)
        envelope = sign_payload(update(desk, a), a.signers)
        value = envelope.signatures[0].value
        bad = format_envelope(forged(envelope, 0, bytes([value[0] ^ 1]) + value[1:])).encode()
        known = good[0]
        found = codes(desk.submit(*good[:20], bad, *good[20:], known))
        assert found == ["ok"] * 20 + ["SIGNATURE_INVALID"] + ["ok"] * 20 + ["known"]
        assert codes(desk.submit(*good, bad)) == ["known"] * MANY + ["SIGNATURE_INVALID"]


@pytest.mark.parametrize("number", [1, MANY])
def test_a_key_that_comes_with_an_earlier_line_is_not_believed(desk: Desk, number: int) -> None:
    """Nobody could verify these signatures before the batch: it has to."""
    c = newcomer("丙")
    registered = desk.envelope("party.register", c, party_body(c))
    payloads = [desk.payload("party.update", c, {"contact": str(n)}) for n in range(number)]
    bad = [
        forged(sign_payload(payload, c.signers), 0, sign_payload(b"{}", c.signers).signatures[0].value)
        for payload in payloads
    ]
    good = sign_payload(desk.payload("party.update", c, {"contact": "真"}), c.signers)
    answers = desk.submit(registered, *(format_envelope(each).encode() for each in (*bad, good)))
    assert codes(answers) == ["ok"] + ["SIGNATURE_INVALID"] * number + ["ok"]


def test_a_revoked_key(desk: Desk, a: Actor, b: Actor) -> None:
    desk.ok("key.revoke", b, {"key": key_identifier(b.signers[0].public), "reason": "lost"})
    assert refusal(desk.send("party.update", b, {"contact": "1"})) == ("KEY_INACTIVE", 403, "/signatures/0")
    answer = desk.send("party.update", a, {"contact": "1"}, with_=[b])
    assert refusal(answer) == ("KEY_INACTIVE", 403, "/signatures/1")


def test_a_principal_counts_only_where_it_joins_and_an_agent_may_act(desk: Desk, a: Actor, b: Actor) -> None:
    key = {"key": "key_" + "0" * 26, "reason": "x"}
    assert refusal(desk.send("key.revoke", a, key, for_=b.id, with_=[b])) == ("NOT_ENTITLED", 403, "/for")
    filing = desk.filing([{"party": b.id, "rights": ALL}])
    assert refusal(desk.send("case.file", a, filing, for_=b.id)) == ("NOT_ENTITLED", 403, "/for")


# ---- the same payload again ------------------------------------------------------------------------------------------


def test_the_same_payload_again_has_the_first_facts(desk: Desk, a: Actor) -> None:
    key = KeySigner.generate(Algorithm.ED25519)
    desk.ok("key.add", a, key_shape(key), extra=[key])
    payload = desk.payload("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]))
    first = desk.deliver(payload, a.signers)
    assert first.receipt is not None
    assert not first.known
    body = {"key": key_identifier(a.signers[0].public), "reason": "lost"}
    assert desk.deliver(desk.payload("key.revoke", a, body), [key]).receipt
    desk.pass_time(days=400)
    size = desk.size()
    garbage = Envelope(payload, (EnvelopeSignature("key_" + "0" * 26, b"garbage"),))
    for envelope in (garbage, Envelope(payload, ()), sign_payload(payload, a.signers)):
        again = desk.post(envelope)
        assert again.known
        assert again.receipt is not None
        assert {k: v for k, v in again.receipt.items() if k != "proof"} == {
            k: v for k, v in first.receipt.items() if k != "proof"
        }
    assert desk.size() == size
    wrong = format_envelope(garbage).replace(PAYLOAD_TYPE, "text/plain").encode()
    assert refusal(desk.answer(wrong))[0] == "MALFORMED"


def test_a_refused_payload_may_come_again(desk: Desk, a: Actor, b: Actor) -> None:
    payload = update(desk, a, expect={a.id: 2})
    assert refusal(desk.deliver(payload, a.signers))[0] == "STALE"
    desk.ok("party.update", a, {"contact": "2"})
    assert desk.deliver(payload, a.signers).receipt
