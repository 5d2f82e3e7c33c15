"""An auditor who holds no private key comes to the same: recoveries, stopped ones, and every change of the office's keys."""

import sqlite3
from pathlib import Path

from ledger.keys import Algorithm, KeySigner
from ledger.note import parse_verifier_key
from registry.auditing import rebuild
from tests.registry.acts.test_log_keys import hold, log_keys, rotate, vkey
from tests.registry.acts.test_recovery import recover, signed_with_new
from tests.registry.desk import ALL, Desk, ids, key_shape, open_desk
from tests.registry.histories import audited, rows


def history(desk: Desk, data: Path) -> str:
    """Answers a key of the log that is live at the end."""
    a, b = desk.party("甲"), desk.party("乙")
    regained, stopped = recover(desk, a), recover(desk, b)
    desk.ok("party.update", b, {"contact": "here"})
    rotate(desk, add=vkey(hold(data, "log", KeySigner.generate())), retire=log_keys(desk)[0])
    new = vkey(hold(data, "log", KeySigner.generate(Algorithm.ML_DSA_44)))
    rotate(desk, add=new)
    rotate(desk, retire=log_keys(desk)[1])
    seal, clerk = hold(data, "seal", KeySigner.generate(Algorithm.ES256)), hold(data, "clerk", KeySigner.generate())
    facts = desk.registry.reader.registry()
    body = {"use": "seal", "add": key_shape(seal), "retire": facts.seal_keys[0].key}
    desk.ok("log.key", desk.registrar, body, extra=[seal])
    first = desk.view(facts.clerk)["keys"][0]["key"]
    desk.ok("log.key", desk.registrar, {"use": "clerk", "add": key_shape(clerk), "retire": first}, extra=[clerk])
    desk.pass_time(hours=72)
    filing = desk.filing([{"party": a.id, "rights": ALL}])
    title = signed_with_new(desk, regained, "case.file", filing).receipt
    assert title is not None
    desk.grant(a, ids(title, "rgt")[2], b, ["processing"])
    assert signed_with_new(desk, stopped).refusal
    return new


def test_an_audit_and_a_rebuild_come_to_the_same(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with open_desk(data) as desk:
        newest = history(desk, data)
    before = rows(data)
    report = audited(data, [parse_verifier_key(newest)])
    assert report.holds, report.findings
    assert audited(data, []).holds
    rebuild(data)
    assert rows(data) == before


def test_a_stopped_recovery_that_somebody_revives_in_the_tables_is_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with open_desk(data) as desk:
        b = desk.party("乙")
        recover(desk, b)
        desk.ok("party.update", b, {"contact": "here"})
    with sqlite3.connect(data / "registry.db") as connection:
        (document,) = connection.execute("SELECT document FROM sanquan_party WHERE id = ?", (b.id,)).fetchone()
        changed = document.replace("recovery_cancelled", "nothing")
        assert changed != document
        connection.execute("UPDATE sanquan_party SET document = ? WHERE id = ?", (changed, b.id))
    connection.close()
    (finding,) = audited(data, []).findings
    assert finding.what == "register_differs"
