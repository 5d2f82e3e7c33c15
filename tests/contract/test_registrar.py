"""Contract section 4: what the registrar does: entry 0, levels, roles, rulebooks."""

import hashlib
from pathlib import Path

from ledger.identifiers import key_identifier
from ledger.keys import KeySigner
from registry.law.rulebook import load_builtin
from tests.registry.desk import ALL, Actor, Desk, key_shape


def test_entry_0_opens_the_log(desk: Desk) -> None:
    registry = desk.registry.reader.registry()
    assert registry.origin == desk.registry.origin
    assert registry.registrar == desk.registrar.id
    assert [text.split("+")[0] for text in registry.log_keys] == [registry.origin] * 2
    registrar, _ = desk.registry.reader.party(registry.registrar, None, None)
    clerk, _ = desk.registry.reader.party(registry.clerk, None, None)
    assert registrar["level"] == "qualified"
    assert clerk["keys"][0]["key"].removeprefix("key_") == registry.clerk.removeprefix("pty_")
    assert desk.registry.reader.entries({"act": ["log.open"]}, after=-1, limit=9, size=None)[0][0]["seq"] == 0
    payload_again = {"origin": registry.origin}
    assert desk.refused("log.open", desk.registrar, payload_again) == "MALFORMED"


def test_parties(desk: Desk) -> None:
    code = {"scheme": "uscc", "value": "91000000MA0000031W"}
    a, b = desk.party("甲", identifier=code), desk.party("乙", identifier=code)
    body = {"name": "甲", "kind": "legal_person", "keys": [key_shape(a.signers[0])]}
    assert desk.refused("party.register", a, body) == "ID_TAKEN"
    second = KeySigner.generate()
    new = Actor("丙", [second])
    taken = body | {"keys": [key_shape(second), key_shape(a.signers[0])]}
    assert desk.refused("party.register", new, taken, extra=[a.signers[0]]) == "KEY_TAKEN"
    assert desk.refused("party.register", a, body | {"keys": [key_shape(second)]}) == "INVALID_VALUE"
    wrong = {"identifier": {"scheme": "uscc", "value": "91000000MA0000031X"}}
    assert desk.refused("party.register", new, body | {"keys": [key_shape(second)]} | wrong) == "INVALID_VALUE"
    assert desk.refused("party.verify", a, {"party": a.id, "level": "qualified"}) == "NOT_ENTITLED"
    assert (
        desk.refused("party.verify", desk.registrar, {"party": "pty_" + "0" * 26, "level": "qualified"}) == "NOT_FOUND"
    )
    receipt = desk.ok("party.verify", desk.registrar, {"party": a.id, "level": "documented"})
    assert [folio["id"] for folio in receipt["folios"]] == [a.id]
    assert desk.refused("party.verify", desk.registrar, {"party": b.id, "level": "documented"}) == "IDENTIFIER_TAKEN"
    desk.ok("party.update", a, {"contact": "电话"})
    assert desk.registry.reader.party(a.id, None, None)[0]["level"] == "documented"
    size = desk.registry.reader.moment().size
    desk.ok("party.update", a, {"name": "甲公司"})
    view, _ = desk.registry.reader.party(a.id, None, None)
    assert (view["level"], view["name"]) == ("self_declared", "甲公司")
    assert desk.registry.reader.party(a.id, None, size)[0]["name"] == "甲"
    desk.ok("party.verify", desk.registrar, {"party": b.id, "level": "documented"})
    assert desk.refused("party.update", a, {}) == "INVALID_VALUE"


def test_roles(desk: Desk) -> None:
    a = desk.party("甲")
    role = {"party": a.id, "role": "reviewer"}
    assert desk.refused("role.grant", a, role) == "NOT_ENTITLED"
    assert desk.refused("role.grant", desk.registrar, role | {"role": "king"}) == "INVALID_VALUE"
    desk.ok("role.grant", desk.registrar, role)
    assert desk.refused("role.grant", desk.registrar, role) == "INVALID_VALUE"
    assert desk.registry.reader.party(a.id, None, None)[0]["roles"] == ["reviewer"]
    size = desk.registry.reader.moment().size
    desk.ok("role.revoke", desk.registrar, role)
    assert desk.refused("role.revoke", desk.registrar, role) == "ALREADY_ENDED"
    assert desk.registry.reader.party(a.id, None, None)[0]["roles"] == []
    assert desk.registry.reader.party(a.id, None, size)[0]["roles"] == ["reviewer"]
    held = KeySigner.generate()
    custody = Actor("乙", [held])
    key = key_shape(held) | {"custody": "registry"}
    desk.ok("party.register", custody, {"name": "乙", "kind": "legal_person", "keys": [key]})
    assert desk.refused("role.grant", desk.registrar, {"party": custody.id, "role": "approver"}) == "INVALID_VALUE"
    desk.ok("role.grant", desk.registrar, {"party": custody.id, "role": "auditor"})


def test_rulebooks_are_adopted_with_their_bytes_and_bind_from_then_on(desk: Desk) -> None:
    data = load_builtin("internal").replace(b'version = "1"', b'version = "2"', 1)
    digest = hashlib.sha256(data).hexdigest()
    adopt = {"id": "internal", "version": "2", "sha256": digest, "default": True}
    assert desk.refused("rulebook.adopt", desk.registrar, adopt) == "NOT_FOUND"
    assert desk.registry.documents.put(data) == digest
    a = desk.party("甲")
    assert desk.refused("rulebook.adopt", a, adopt) == "NOT_ENTITLED"
    assert desk.refused("rulebook.adopt", desk.registrar, adopt | {"version": "3"}) == "INVALID_VALUE"
    before = desk.register(a)
    receipt = desk.ok("rulebook.adopt", desk.registrar, adopt)
    assert [folio["id"] for folio in receipt["folios"]] == [desk.registrar.id]
    after = desk.ok("case.file", a, desk.filing([{"party": a.id, "rights": ALL}]))
    old, _ = desk.registry.reader.case(before["ids"][1]["id"], None, None)
    new, _ = desk.registry.reader.case(after["ids"][1]["id"], None, None)
    assert old["rulebook_sha256"] != new["rulebook_sha256"] == digest


def test_a_rulebook_with_review_is_not_adopted_by_this_version(desk: Desk) -> None:
    data = (
        load_builtin("internal")
        .replace(b"review = false", b"review = true", 1)
        .replace(b'id = "internal"', b'id = "strict"', 1)
    )
    digest = desk.registry.documents.put(data)
    adopt = {"id": "strict", "version": "1", "sha256": digest}
    assert desk.refused("rulebook.adopt", desk.registrar, adopt) == "INVALID_VALUE"


def test_the_registrar_may_revoke_anybodys_key(desk: Desk) -> None:
    a, b = desk.party("甲"), desk.party("乙")
    body = {"key": key_identifier(a.signers[0].public), "reason": "compromised"}
    assert desk.refused("key.revoke", b, body) == "NOT_ENTITLED"
    assert desk.refused("key.revoke", b, body | {"key": "key_" + "0" * 26}) == "NOT_FOUND"
    desk.ok("key.revoke", desk.registrar, body)
    assert desk.refused("party.update", a, {"contact": "x"}) == "KEY_INACTIVE"


def test_files_of_a_first_start_are_private(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("log", "log-mldsa44", "registrar", "clerk", "seal"):
        assert (folder / "keys" / f"{name}.pem").stat().st_mode & 0o777 == 0o600
    assert (folder / "admin.token").stat().st_mode & 0o777 == 0o600
