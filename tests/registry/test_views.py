"""Members of what GET shows. Contract section 6."""

import json
from datetime import timedelta
from typing import Any

import pytest

from ledger.identifiers import key_identifier
from ledger.merkle import leaf_hash, verify_consistency
from ledger.proof import parse_proof, verify_proof
from registry.refusals.refusal import RefusedError
from tests.registry.desk import ALL, Actor, Desk, ids

RIGHT = {
    "id", "asset", "kind", "holder", "scope", "exclusivity", "status", "basis", "registered_until", "recorded",
}  # fmt: skip


def kind(value: Any, *names: str) -> list[Any]:
    return [value[name] for name in names]


@pytest.fixture
def a(desk: Desk) -> Actor:
    return desk.party("甲", subkind="enterprise")


def test_a_party(desk: Desk, a: Actor) -> None:
    view = desk.view(a.id)
    assert view.keys() >= {"id", "name", "kind", "level", "keys", "roles"}
    (key,) = view["keys"]
    assert key.keys() == {"key", "alg", "public", "custody", "added", "effective"}
    desk.ok("key.revoke", a, {"key": key["key"], "reason": "x"})
    assert desk.view(a.id)["keys"][0].keys() == key.keys() | {"revoked"}
    assert None not in view.values()


def test_an_asset(desk: Desk, a: Actor) -> None:
    view = desk.view(ids(desk.register(a), "ast")[0])
    assert view.keys() >= {"id", "form", "rights", "encumbrances", "remarks", "cases", "certificates"}
    assert kind(view, "encumbrances", "remarks", "certificates") == [[], [], []]
    assert isinstance(view["form"], dict)
    assert view["recorded"].keys() == {"seq", "time"}


def test_a_right(desk: Desk, a: Actor) -> None:
    title = desk.register(a)
    view = desk.view(ids(title, "rgt")[0])
    assert view.keys() >= RIGHT
    assert "from_right" not in view
    assert "previous" not in view
    assert view["registered_until"] is None
    assert view["scope"].keys() == {"purposes", "territory", "fields", "from", "until"}
    assert view["scope"]["until"] is None
    grant = desk.grant(a, ids(title, "rgt")[2], desk.party("乙"), ["processing"])
    assert desk.view(ids(grant, "rgt")[0]).keys() >= RIGHT | {"from_right"}


def test_a_case(desk: Desk, a: Actor) -> None:
    receipt = desk.register(a)
    view = desk.view(ids(receipt, "cas")[0])
    assert view.keys() >= {
        "id", "kind", "rulebook", "state", "asset", "applicant", "filed_at", "findings", "certificates",
    }  # fmt: skip
    assert view["filed_at"] == receipt["time"]
    assert None not in view.values()


def test_an_entry(desk: Desk, a: Actor) -> None:
    desk.ok("party.update", a, {"contact": "1"}, with_=[desk.registrar])
    items, _, _ = desk.registry.reader.entries({}, after=-1, limit=9, size=None)
    for position, item in enumerate(items):
        assert item.keys() == {"seq", "time", "leaf_hash", "bytes", "statement"}
        assert item["seq"] == position
        assert leaf_hash(item["bytes"].encode()).hex() == item["leaf_hash"]
        assert json.loads(item["bytes"])["time"] == item["time"]
    assert items[2]["statement"].keys() == {"id", "act", "log", "by", "with", "at", "body"}
    assert items[2]["statement"]["body"] == {"contact": "1"}


def test_a_receipt(desk: Desk, a: Actor) -> None:
    receipt = desk.register(a)
    assert list(receipt) == ["statement", "seq", "time", "leaf_hash", "ids", "folios", "warnings", "proof"]
    assert receipt["proof"].startswith("c2sp.org/tlog-proof@v1\n")
    envelope, again = desk.registry.reader.statement(bytes.fromhex(receipt["statement"]))
    assert json.loads(envelope).keys() == {"payload", "payloadType", "signatures"}
    assert again == receipt


@pytest.mark.parametrize("prefix", ["pty", "ast", "rgt", "cas"])
def test_what_is_not_there(desk: Desk, a: Actor, prefix: str) -> None:
    receipt = desk.register(a)
    for name in (f"{prefix}_{'0' * 26}", f"{prefix}_x", prefix + "_"):
        with pytest.raises(RefusedError) as refusal:
            desk.view(name)
        assert (refusal.value.code, refusal.value.status) == ("NOT_FOUND", 404)
    known = a.id if prefix == "pty" else ids(receipt, prefix)[0]
    desk.view(known, size=3)
    with pytest.raises(RefusedError):
        desk.view(known, size=1)
    if prefix != "pty":
        with pytest.raises(RefusedError):
            desk.view(known + "_9")


def test_sizes_that_are_not_there_yet(desk: Desk, a: Actor) -> None:
    for read in (
        lambda: desk.view(a.id, size=3),
        lambda: desk.check(a, "ast_x", size=3),
        lambda: desk.registry.reader.consistency(1, 3),
        lambda: desk.registry.reader.moment(None, 3),
    ):
        with pytest.raises(RefusedError) as refusal:
            read()
        assert (refusal.value.code, refusal.value.status) == ("BEHIND", 503)


def test_inclusion_of_signed_sizes(desk: Desk, a: Actor) -> None:
    desk.registry.office.submit([desk.envelope("party.update", a, {"contact": str(n)}) for n in range(5)])
    reader = desk.registry.reader
    keys = desk.registry.log.verifier_keys()
    for size in (None, 1, 2, 7):
        proof = parse_proof(reader.inclusion(0, size))
        leaf = bytes.fromhex(desk.registry.reader.entry(0).leaf.hex())
        assert verify_proof(proof, leaf, keys).checkpoint.size == (size or 7)
    with pytest.raises(RefusedError) as refusal:
        reader.inclusion(0, 5)
    assert (refusal.value.code, refusal.value.status) == ("SIZE_NOT_SIGNED", 404)
    with pytest.raises(RefusedError) as refusal:
        reader.inclusion(5, 2)
    assert refusal.value.code == "NOT_FOUND"


def test_consistency_of_any_sizes(desk: Desk, a: Actor) -> None:
    desk.registry.office.submit([desk.envelope("party.update", a, {"contact": str(n)}) for n in range(5)])
    reader = desk.registry.reader
    with reader._moment(None, None) as (tx, _):
        roots = [reader.root(tx, size) for size in range(8)]
    for old in range(1, 8):
        for new in range(old, 8):
            verify_consistency(old, new, roots[old], roots[new], reader.consistency(old, new))
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(RefusedError) as refusal:
            reader.consistency(old, new)
        assert refusal.value.code == "INVALID_VALUE"


def test_views_of_the_past(desk: Desk, a: Actor) -> None:
    b = desk.party("乙")
    title = desk.register(a, ALL)
    right = ids(desk.grant(a, ids(title, "rgt")[2], b, ["processing"]), "rgt")[0]
    names = [a.id, b.id, ids(title, "ast")[0], ids(title, "cas")[0], ids(title, "rgt")[2], right]
    size, at = desk.size(), desk.clock.now() + timedelta(days=2)
    before = [desk.view(name, at, size) for name in names]
    desk.ok("right.revoke", a, {"rights": [right], "ground": "breach"})
    desk.ok("party.update", b, {"name": "改名"})
    desk.ok("role.grant", desk.registrar, {"party": a.id, "role": "auditor"})
    desk.ok("key.revoke", a, {"key": key_identifier(a.signers[0].public), "reason": "x"})
    further = {"kind": "initial", "asset": ids(title, "ast")[0], "sources": desk.filing([])["sources"],
               "claims": [{"party": b.id, "rights": ALL}], "document": "d" * 64}  # fmt: skip
    desk.ok("case.file", b, further, with_=[desk.registrar])
    assert [desk.view(name, at, size) for name in names] == before
    assert [desk.view(name, at) for name in names] != before
