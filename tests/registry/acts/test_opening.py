"""`log.open`: entry 0. Contract section 3."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import log_verifier_keys
from ledger.entry import parse_entry
from ledger.keys import Algorithm, KeySigner
from ledger.note import format_verifier_key
from registry.acts.act import Context
from registry.admission import Opened, admit
from registry.clock import SimulatedClock
from registry.founding import FoundingError, opening_statement
from registry.law.rulebook import load_builtin, parse_rulebook
from registry.refusals.refusal import RefusedError
from registry.register.register import Register
from registry.registry import Options, open_registry
from tests.registry.desk import ORIGIN, START, Actor, Desk, key_shape, open_desk
from tests.registry.made import of_key


def opening(desk: Desk) -> dict[str, Any]:
    row = desk.registry.reader.entry(0)
    body: dict[str, Any] = json.loads(parse_entry(row.data).envelope.payload)["body"]
    return body


def test_the_first_entry_registers_registrar_and_clerk(desk: Desk) -> None:
    keys = desk.registry.keys
    registrar, clerk = of_key("pty", keys.registrar.public), of_key("pty", keys.clerk.public)
    entry = parse_entry(desk.registry.reader.entry(0).data)
    _, receipt = desk.registry.reader.statement(entry.envelope.digest())
    assert receipt["seq"] == 0
    assert [made["id"] for made in receipt["ids"]] == [registrar, clerk]
    assert receipt["folios"] == sorted(
        ({"id": party, "n": 1, "prev": None} for party in (registrar, clerk)), key=lambda folio: str(folio["id"])
    )
    assert desk.view(registrar)["level"] == "qualified"
    assert [key["key"] for key in desk.view(clerk)["keys"]] == [of_key("key", keys.clerk.public)]
    assert desk.registry.reader.registry().registrar == registrar


def test_it_is_signed_by_registrar_clerk_and_seal_in_this_order(desk: Desk) -> None:
    keys = desk.registry.keys
    entry = parse_entry(desk.registry.reader.entry(0).data)
    signed = [signature.key for signature in entry.envelope.signatures]
    assert signed == [of_key("key", k.public) for k in (keys.registrar, keys.clerk, keys.seal)]
    assert set(opening(desk)) == {
        "origin", "registrar", "clerk", "log_keys", "seal_keys", "rulebook", "rulebook_sha256", "spec",
    }  # fmt: skip


def test_a_log_opens_once(desk: Desk) -> None:
    keys = desk.registry.keys
    desk.expect(
        ("INVALID_VALUE", 422, "/act"), "log.open", desk.registrar, opening(desk), extra=[keys.clerk, keys.seal]
    )


def test_another_may_not_open_it_either(desk: Desk) -> None:
    body = opening(desk)
    other = Actor("other", [KeySigner.generate(Algorithm.ED25519)])
    body["registrar"]["keys"] = [key_shape(other.signers[0])]
    keys = desk.registry.keys
    desk.expect(("INVALID_VALUE", 422, "/act"), "log.open", other, body, extra=[keys.clerk, keys.seal])


def _other_origin(body: dict[str, Any]) -> None:
    body["origin"] = "other.test"


def _foreign_log_key(body: dict[str, Any]) -> None:
    pair = [KeySigner.generate(Algorithm.ED25519), KeySigner.generate(Algorithm.ML_DSA_44)]
    body["log_keys"] = [format_verifier_key(key) for key in log_verifier_keys("other.test", pair)]


def _one_kind_of_log_key(body: dict[str, Any]) -> None:
    body["log_keys"] = [body["log_keys"][0]] * 2


def _garbage_log_key(body: dict[str, Any]) -> None:
    body["log_keys"][1] = "nonsense"


def _bad_seal_key(body: dict[str, Any]) -> None:
    body["seal_keys"][0]["public"] = body["seal_keys"][0]["public"][:-4] + "AAAA"


def _unknown_algorithm(body: dict[str, Any]) -> None:
    body["clerk"]["alg"] = "RS256"


def _clerk_with_the_registrars_key(body: dict[str, Any]) -> None:
    body["clerk"] = body["registrar"]["keys"][0]


def _seal_with_the_clerks_key(body: dict[str, Any]) -> None:
    body["seal_keys"] = [body["clerk"]]


def _no_such_code(body: dict[str, Any]) -> None:
    body["registrar"]["identifier"] = {"scheme": "uscc", "value": "91350100M000100Y44"}


OTHER = "other.test\n5\n" + "A" * 43 + "=\n\n— other.test AAAAAAAA\n"


def _continues(**changes: Any) -> Any:
    def change(body: dict[str, Any]) -> None:
        body["continues"] = {"checkpoint": OTHER, "recovered_size": 2, "lost": 3} | changes

    change.__name__ = f"continues {changes}"
    return change


def _continues_less(body: dict[str, Any]) -> None:
    body["continues"] = {"checkpoint": OTHER, "recovered_size": 5}


def _other_spec(body: dict[str, Any]) -> None:
    body["spec"] = 2


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (_other_origin, "/body/origin"),
        (_foreign_log_key, "/body/log_keys/0"),
        (_one_kind_of_log_key, "/body/log_keys"),
        (_garbage_log_key, "/body/log_keys/1"),
        (_bad_seal_key, "/body/seal_keys/0/public"),
        (_unknown_algorithm, "/body/clerk/alg"),
        (_other_spec, "/body/spec"),
        (_clerk_with_the_registrars_key, "/body"),
        (_seal_with_the_clerks_key, "/body"),
        (_no_such_code, "/body/registrar/identifier/value"),
        (_continues(checkpoint="other.test\n5\n"), "/body/continues/checkpoint"),
        (_continues(checkpoint=OTHER.replace("other.test", ORIGIN)), "/body/continues/checkpoint"),
        (_continues(lost=4), "/body/continues/lost"),
        (_continues(checkpoint=OTHER.replace("\n5\n", "\n0\n"), lost=0, recovered_size=0), "/body/continues/lost"),
        (_continues(lost=-1, recovered_size=6), "/body/continues/lost"),
    ],
)
def test_what_an_opening_may_not_say(desk: Desk, change: Any, pointer: str) -> None:
    body = opening(desk)
    change(body)
    keys = desk.registry.keys
    desk.expect(("INVALID_VALUE", 422, pointer), "log.open", desk.registrar, body, extra=[keys.clerk, keys.seal])


@pytest.mark.parametrize(
    "change", [_continues(lost="3"), _continues(more=1), _continues(checkpoint=5), _continues_less]
)
def test_what_an_opening_says_of_the_log_before_has_one_form(desk: Desk, change: Any) -> None:
    body, keys = opening(desk), desk.registry.keys
    change(body)
    size = desk.size()
    assert desk.refused("log.open", desk.registrar, body, extra=[keys.clerk, keys.seal]) in (
        "MALFORMED", "UNKNOWN_MEMBER", "INVALID_VALUE",
    )  # fmt: skip
    assert desk.size() == size


def test_the_registrar_is_named_by_its_first_key(desk: Desk) -> None:
    other = Actor("other", [KeySigner.generate(Algorithm.ED25519)])
    keys = desk.registry.keys
    desk.expect(("INVALID_VALUE", 422, "/by"), "log.open", other, opening(desk), extra=[keys.clerk, keys.seal])


def test_clerk_and_seal_must_prove_their_keys(desk: Desk) -> None:
    body, keys = opening(desk), desk.registry.keys
    desk.expect(("SIGNATURE_MISSING", 403, "/signatures"), "log.open", desk.registrar, body, extra=[keys.clerk])
    desk.expect(("KEY_UNKNOWN", 403, "/signatures/1"), "log.open", desk.registrar, body, extra=[keys.seal, keys.clerk])


def test_a_registrar_with_an_identifier_is_the_verified_party_of_it(tmp_path: Path) -> None:
    identifier = {"scheme": "uscc", "value": "91350100M000100Y43"}
    with open_desk(tmp_path / "data", identifier=identifier, name="某登记机构") as desk:
        view = desk.view(desk.registrar.id)
        assert (view["name"], view["identifier"]) == ("某登记机构", identifier)
        impostor = desk.party("冒名者", identifier=identifier)
        body = {"party": impostor.id, "level": "documented"}
        desk.expect(("IDENTIFIER_TAKEN", 409, "/body/party"), "party.verify", desk.registrar, body)


def test_a_folder_holds_one_registry(tmp_path: Path) -> None:
    clock = SimulatedClock(START)
    open_registry(Options(tmp_path / "data", ORIGIN), clock).close()
    with pytest.raises(FoundingError, match=r"desk\.test"):
        open_registry(Options(tmp_path / "data", "other.test"), clock)


@pytest.mark.parametrize("review", [False, True])
def test_a_log_opens_only_under_rules_that_this_version_carries_out(desk: Desk, review: bool) -> None:
    text = load_builtin("internal")
    assert text.count(b"review = false") == 1
    book = parse_rulebook(text.replace(b"review = false", b"review = true") if review else text)
    envelope = opening_statement(desk.registry.keys, ORIGIN, desk.clock, book, "某登记机构")
    item = admit(Opened(envelope, envelope.digest()), ORIGIN)
    context = Context(item.statement, 0, START, item.ids, {book.sha256: book}.get)
    if review:
        with pytest.raises(RefusedError) as found:
            item.act.decide(context, item.body, Register({}))
        assert (found.value.code, found.value.reasons[0].pointer) == ("INVALID_VALUE", "/body/rulebook_sha256")
    else:
        assert item.act.decide(context, item.body, Register({})).made[0].id == desk.registrar.id
