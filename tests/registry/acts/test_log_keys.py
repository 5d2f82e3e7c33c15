"""`log.key`. Contract section 4; ledger.md 0.10."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import log_verifier_keys, verify_checkpoint
from ledger.keys import Algorithm, KeySigner
from ledger.note import format_verifier_key, parse_verifier_key, verifier_key
from ledger.storage import CheckpointRow
from registry.key_ring import Use, later_name
from tests.registry.desk import ORIGIN, Actor, Desk, key_shape, newcomer, open_desk, party_body, refusal, updates
from tests.registry.made import of_key


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def desk(data: Path) -> Iterator[Desk]:
    with open_desk(data) as opened:
        yield opened


def hold(data: Path, use: Use, signer: KeySigner) -> KeySigner:
    """The server has the private key, as `sanquan keys rotate` leaves it."""
    (data / "keys" / f"{later_name(use, signer, ORIGIN)}.pem").write_bytes(signer.to_pem())
    return signer


def vkey(signer: KeySigner) -> str:
    return format_verifier_key(*log_verifier_keys(ORIGIN, [signer]))


def rotate(desk: Desk, **body: Any) -> dict[str, Any]:
    return desk.ok("log.key", desk.registrar, {"use": "log", **body})


def checkpoint(desk: Desk, size: int | None = None) -> CheckpointRow:
    with desk.registry.engine.connect() as tx:
        found = desk.registry.log.storage.checkpoint(tx, size)
    assert found is not None
    return found


def signed_by(desk: Desk, size: int | None = None) -> set[str]:
    """The keys of the log with a line on a stored checkpoint, all of which hold."""
    keys = [term.key for term in desk.registry.reader.registry().log_terms()]
    return {format_verifier_key(key) for key in verify_checkpoint(checkpoint(desk, size).note, keys).signed_by}


def log_keys(desk: Desk) -> list[str]:
    return list(desk.registry.keys.log_keys(ORIGIN))


def test_a_key_of_the_log_is_added_and_another_retired(desk: Desk, data: Path) -> None:
    old, ml_dsa = log_keys(desk)
    new = vkey(hold(data, "log", KeySigner.generate()))
    receipt = rotate(desk, add=new)
    assert (receipt["ids"], [folio["id"] for folio in receipt["folios"]]) == ([], [desk.registrar.id])
    assert signed_by(desk) == {old, ml_dsa, new}
    rotate(desk, retire=old)
    assert signed_by(desk) == {old, ml_dsa, new}  # the first checkpoint that covers the retirement
    desk.party("甲")
    assert signed_by(desk) == {ml_dsa, new}
    assert signed_by(desk, 1) == {old, ml_dsa}


def test_add_and_retire_in_one_entry(desk: Desk, data: Path) -> None:
    old, ml_dsa = log_keys(desk)
    new = vkey(hold(data, "log", KeySigner.generate(Algorithm.ML_DSA_44)))
    rotate(desk, add=new, retire=ml_dsa)
    assert signed_by(desk) == {old, ml_dsa, new}
    desk.party("甲")
    assert signed_by(desk) == {old, new}


def test_a_batch_that_goes_on_after_the_retirement_is_signed_by_the_retired_key_once(desk: Desk, data: Path) -> None:
    old, ml_dsa = log_keys(desk)
    new = vkey(hold(data, "log", KeySigner.generate()))
    a = desk.party("甲")
    statement = desk.envelope("log.key", desk.registrar, {"use": "log", "add": new, "retire": old})
    answers = desk.submit(*updates(desk, a, 2), statement, *updates(desk, a, 3), atomic=False)
    assert all(answer.receipt for answer in answers)
    assert signed_by(desk) == {old, ml_dsa, new}
    desk.party("乙")
    assert signed_by(desk) == {ml_dsa, new}


def test_short_receipts_carry_the_keys_of_the_time(desk: Desk, data: Path) -> None:
    (old, _), new = log_keys(desk), vkey(hold(data, "log", KeySigner.generate()))
    rotate(desk, add=new, retire=old)
    a = desk.party("甲")
    (answer,) = desk.submit(*updates(desk, a, 1), short=True)
    assert answer.receipt is not None
    note = answer.receipt["proof"].partition("\n\n")[2]
    (key,) = verify_checkpoint(note, [parse_verifier_key(new)]).signed_by
    assert format_verifier_key(key) == new
    assert note.count("— ") == 1


def test_what_this_server_cannot_sign_with_is_refused(desk: Desk) -> None:
    body = {"use": "log", "add": vkey(KeySigner.generate())}
    desk.expect(("INVALID_VALUE", 422, "/body/add"), "log.key", desk.registrar, body)
    seal = KeySigner.generate(Algorithm.ES256)
    body = {"use": "seal", "add": key_shape(seal)}
    desk.expect(("INVALID_VALUE", 422, "/body/add"), "log.key", desk.registrar, body, extra=[seal])


def test_a_file_of_another_purpose_does_not_count(desk: Desk, data: Path) -> None:
    clerk = hold(data, "seal", KeySigner.generate())
    body = {"use": "clerk", "add": key_shape(clerk)}
    desk.expect(("INVALID_VALUE", 422, "/body/add"), "log.key", desk.registrar, body, extra=[clerk])


def test_a_log_keeps_a_key_of_either_kind(desk: Desk, data: Path) -> None:
    for text in log_keys(desk):
        body = {"use": "log", "retire": text}
        desk.expect(("INVALID_VALUE", 422, "/body/retire"), "log.key", desk.registrar, body)
    ed25519, ml_dsa = log_keys(desk)
    other_kind = vkey(hold(data, "log", KeySigner.generate(Algorithm.ML_DSA_44)))
    body = {"use": "log", "add": other_kind, "retire": ed25519}
    desk.expect(("INVALID_VALUE", 422, "/body/retire"), "log.key", desk.registrar, body)
    rotate(desk, add=other_kind, retire=ml_dsa)


def test_what_a_log_key_may_not_be(desk: Desk, data: Path) -> None:
    new = hold(data, "log", KeySigner.generate())
    other_name = format_verifier_key(*log_verifier_keys("other.test", [new]))
    witness = format_verifier_key(verifier_key(ORIGIN, 4, new.public))
    for add in (other_name, witness, "x", vkey(new)[:-4]):
        desk.expect(("INVALID_VALUE", 422, "/body/add"), "log.key", desk.registrar, {"use": "log", "add": add})
    for body, expected in (
        ({"use": "log"}, ("INVALID_VALUE", 422, "/body")),
        ({"use": "witness", "add": vkey(new)}, ("INVALID_VALUE", 422, "/body/use")),
        ({"use": "log", "add": key_shape(new)}, ("MALFORMED", 400, "/body/add")),
        ({"use": "seal", "add": vkey(new)}, ("MALFORMED", 400, "/body/add")),
        ({"use": "log", "add": 1}, ("MALFORMED", 400, "/body/add")),
        ({"use": "log", "add": vkey(new), "from": "now"}, ("UNKNOWN_MEMBER", 400, "/body/from")),
        ({"use": "clerk", "retire": vkey(new)}, ("INVALID_VALUE", 422, "/body/retire")),
        ({"use": "seal", "add": key_shape(new)}, ("INVALID_VALUE", 422, "/body/add/alg")),
    ):
        desk.expect(expected, "log.key", desk.registrar, body)


def test_what_is_retired_is_there_and_live(desk: Desk, data: Path) -> None:
    old, _ = log_keys(desk)
    new = vkey(hold(data, "log", KeySigner.generate()))
    unknown = {"use": "log", "retire": vkey(KeySigner.generate())}
    desk.expect(("NOT_FOUND", 404, "/body/retire"), "log.key", desk.registrar, unknown)
    itself = {"use": "log", "add": new, "retire": new}
    desk.expect(("NOT_FOUND", 404, "/body/retire"), "log.key", desk.registrar, itself)
    rotate(desk, add=new, retire=old)
    body = {"use": "log", "retire": old}
    desk.expect(("ALREADY_ENDED", 409, "/body/retire"), "log.key", desk.registrar, body)
    desk.expect(("KEY_TAKEN", 409, "/body/add"), "log.key", desk.registrar, {"use": "log", "add": old})


def test_only_the_registrar_changes_keys(desk: Desk, data: Path) -> None:
    new = vkey(hold(data, "log", KeySigner.generate()))
    desk.expect(("NOT_ENTITLED", 403, "/by"), "log.key", desk.party("甲"), {"use": "log", "add": new})


def test_clerk_and_seal_change_and_prove_themselves(desk: Desk, data: Path) -> None:
    seal, clerk = hold(data, "seal", KeySigner.generate(Algorithm.ES256)), hold(data, "clerk", KeySigner.generate())
    before = desk.registry.reader.registry()
    for use, key in (("seal", seal), ("clerk", clerk)):
        body = {"use": use, "add": key_shape(key)}
        desk.expect(("SIGNATURE_MISSING", 403, "/signatures"), "log.key", desk.registrar, body)
        receipt = desk.ok("log.key", desk.registrar, body, extra=[key])
        assert [folio["id"] for folio in receipt["folios"]] == [desk.registrar.id]
    facts = desk.registry.reader.registry()
    assert [term.key.public for term in facts.seal_terms()][1:] == [key_shape(seal)["public"]]
    first, second = desk.view(facts.clerk)["keys"]
    assert (second["key"], second["custody"]) == (of_key("key", clerk.public), "self")
    desk.pass_time(hours=1)
    for use, old in (("seal", before.seal_keys[0].key), ("clerk", first["key"])):
        desk.ok("log.key", desk.registrar, {"use": use, "retire": old})
        body = {"use": use, "retire": old}
        desk.expect(("ALREADY_ENDED", 409, "/body/retire"), "log.key", desk.registrar, body)
    assert [term.until is None for term in desk.registry.reader.registry().seal_terms()] == [False, True]
    assert "revoked" in desk.view(facts.clerk)["keys"][0]
    for use, last in (("seal", seal), ("clerk", clerk)):
        body = {"use": use, "retire": of_key("key", last.public)}
        desk.expect(("INVALID_VALUE", 422, "/body/retire"), "log.key", desk.registrar, body)


def test_a_retired_clerk_key_no_longer_counts(desk: Desk, data: Path) -> None:
    facts = desk.registry.reader.registry()
    old, new = desk.registry.keys.clerk, hold(data, "clerk", KeySigner.generate())
    assert isinstance(old, KeySigner)
    clerk = Actor("clerk", [old])
    assert clerk.id == facts.clerk
    body = {"use": "clerk", "add": key_shape(new), "retire": of_key("key", old.public)}
    desk.ok("log.key", desk.registrar, body, extra=[new])
    payload = desk.payload("party.update", clerk, {"contact": "1"})
    assert refusal(desk.deliver(payload, clerk.signers))[0] == "KEY_INACTIVE"
    assert desk.deliver(payload, [new]).receipt


def test_one_key_one_purpose(desk: Desk, data: Path) -> None:
    """A key that serves or served anything is taken for everything else, by its raw public key."""
    actor, log = desk.party("甲"), hold(data, "log", KeySigner.generate())
    seal, clerk = hold(data, "seal", KeySigner.generate(Algorithm.ES256)), hold(data, "clerk", KeySigner.generate())
    rotate(desk, add=vkey(log), retire=log_keys(desk)[0])
    desk.ok("log.key", desk.registrar, {"use": "seal", "add": key_shape(seal)}, extra=[seal])
    desk.ok("log.key", desk.registrar, {"use": "clerk", "add": key_shape(clerk)}, extra=[clerk])
    first = desk.registry.keys
    taken = [log, seal, clerk, first.log, first.log_mldsa44, first.seal, first.clerk, first.registrar, *actor.signers]
    for key in taken:
        assert isinstance(key, KeySigner)
        expected = ("KEY_TAKEN", 409, "/body/public")
        desk.expect(expected, "key.add", actor, key_shape(key), extra=[key])
        body = {"party": actor.id, **key_shape(key), "document": "0" * 64}
        desk.expect(expected, "key.recover", desk.registrar, body, extra=[key])
        who = newcomer()
        who.signers.append(key)
        expected = ("KEY_TAKEN", 409, "/body/keys/1")
        desk.expect(expected, "party.register", who, party_body(who), extra=[key])
        uses = ["clerk", "seal"] if key.algorithm is Algorithm.ES256 else ["clerk"]
        for use in uses:
            expected = ("KEY_TAKEN", 409, "/body/add")
            desk.expect(expected, "log.key", desk.registrar, {"use": use, "add": key_shape(key)}, extra=[key])
        if key.algorithm is not Algorithm.ES256:
            desk.expect(("KEY_TAKEN", 409, "/body/add"), "log.key", desk.registrar, {"use": "log", "add": vkey(key)})


def test_a_log_has_at_most_eight_live_keys(desk: Desk, data: Path) -> None:
    for _ in range(6):
        rotate(desk, add=vkey(hold(data, "log", KeySigner.generate())))
    body = {"use": "log", "add": vkey(hold(data, "log", KeySigner.generate()))}
    desk.expect(("INVALID_VALUE", 422, "/body/add"), "log.key", desk.registrar, body)
    rotate(desk, **body | {"retire": log_keys(desk)[0]})
