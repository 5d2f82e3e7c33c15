"""Audit of the register: replay agrees with the tables, and every tampering is named."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.demo.forgers import operators_keys, rewrite
from ledger.statement import parse_statement
from registry.auditing import rebuild
from tests.registry.desk import ALL, CRAWLED, Desk, ids, open_desk, scope
from tests.registry.histories import audited, copy, execute, rows, short_lookups


def play(desk: Desk) -> None:
    """A varied history."""
    a = desk.party("甲", identifier={"scheme": "uscc", "value": "91000000MA0000031W"})
    b = desk.party("乙")
    desk.ok("party.verify", desk.registrar, {"party": a.id, "level": "documented"})
    desk.ok("role.grant", desk.registrar, {"party": b.id, "role": "auditor"})
    desk.register(b, ["holding", "processing"], CRAWLED, form="raw")
    title = desk.register(
        a, fingerprints=[{"alg": "sha-256", "value": "ab" * 32}], identifiers=[{"scheme": "doi", "value": "10.1/x"}]
    )
    body = {"from_right": ids(title, "rgt")[2], "to": b.id, "rights": ["processing"], "scope": scope()}
    grant = desk.ok(
        "right.grant",
        a,
        body | {"evidence": [{"kind": "contract", "sha256": "cd" * 32}]},
        expect={ids(title, "ast")[0]: 1},
    )
    desk.ok("disclosure.restrict", desk.registrar, {"digests": ["cd" * 32], "basis": "request"})
    desk.pass_time(days=10)
    desk.ok("right.revoke", a, {"rights": ids(grant, "rgt"), "ground": "agreement"})
    given = {"agent": b.id, "acts": ["evidence.attach"], "until": "2027-01-01T00:00:00Z"}
    agency = desk.ok("agency.give", a, given)["statement"]
    added = {"target": ids(title, "rgt")[0], "evidence": [{"kind": "sample", "sha256": "99" * 32}]}
    desk.ok("evidence.attach", b, added, for_=a.id)
    desk.ok("agency.end", b, {"agency": agency})
    for _ in range(300):
        desk.register(a, ["holding"])
    desk.register(a, fingerprints=[{"alg": "sha-256", "value": "ef" * 32}])


@pytest.fixture(scope="module", autouse=True)
def _short_lookups() -> Iterator[None]:
    with short_lookups(100):
        yield


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("history") / "data"
    with open_desk(folder) as desk:
        play(desk)
        keys = desk.registry.log.verifier_keys()
    return folder, keys


def test_the_audit_holds_and_a_rebuild_gives_equal_rows(history: tuple[Path, Any], tmp_path: Path) -> None:
    folder, keys = copy(history[0], tmp_path / "data"), history[1]
    before = rows(folder)
    assert all(before.values())
    report = audited(folder, keys)
    assert report.holds and report.pinned, report.findings
    execute(folder, "DELETE FROM sanquan_right WHERE ref % 2 = 0", "UPDATE sanquan_party SET document = '{}'")
    assert rebuild(folder) == report.size
    assert rows(folder) == before


TAMPERING = [
    ("sanquan_act", "UPDATE sanquan_act SET act = 'party.verify' WHERE seq = 2"),
    ("sanquan_party", "UPDATE sanquan_party SET document = replace(document, '甲', '申')"),
    ("sanquan_key", "DELETE FROM sanquan_key WHERE key = (SELECT max(key) FROM sanquan_key)"),
    ("sanquan_verified", "DELETE FROM sanquan_verified"),
    ("sanquan_asset", "UPDATE sanquan_asset SET form = 'raw' WHERE ref = (SELECT max(ref) FROM sanquan_asset)"),
    ("sanquan_case", "UPDATE sanquan_case SET state = 'refused' WHERE ref = (SELECT min(ref) FROM sanquan_case)"),
    ("sanquan_right", "INSERT INTO sanquan_right SELECT ref + 40, asset_ref, holder_ref, kind, document FROM sanquan_right LIMIT 1"),
    ("sanquan_search", "DELETE FROM sanquan_search WHERE key = (SELECT min(key) FROM sanquan_search)"),
    ("sanquan_search_newest", "UPDATE sanquan_search_newest SET ref = ref + 1"),
    ("sanquan_agency", "DELETE FROM sanquan_agency"),
    ("sanquan_attached", "UPDATE sanquan_attached SET right_ref = right_ref + 1"),
    ("sanquan_registry", "UPDATE sanquan_registry SET document = replace(document, 'desk.test', 'disk.test')"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "statement"), TAMPERING, ids=lambda value: value if value.startswith("sanquan") else ""
)
def test_a_changed_row_is_named(history: tuple[Path, Any], tmp_path: Path, table: str, statement: str) -> None:
    folder, keys = copy(history[0], tmp_path / "data"), history[1]
    execute(folder, statement)
    report = audited(folder, keys)
    assert [finding.what for finding in report.findings] == ["register_differs"]
    assert f"table {table}, row" in report.findings[0].words_en


def test_an_entry_that_has_no_ground_is_named(history: tuple[Path, Any], tmp_path: Path) -> None:
    """The operator drops the registration that a grant rests on, and signs everything anew with the real keys."""
    folder, keys = copy(history[0], tmp_path / "data"), history[1]
    dropped = False

    def second_filing(entry: Any) -> bool:
        nonlocal dropped
        body = parse_statement(entry.envelope)
        if body.act == "case.file" and not dropped and len(body.body["claims"][0]["rights"]) == len(ALL):
            dropped = True
            return True
        return False

    with pytest.raises(Exception, match="STALE"):
        rewrite(folder, second_filing, operators_keys(folder))
    report = audited(folder, keys)
    (finding,) = report.findings
    assert finding.what == "STALE"
    assert finding.position is not None


def test_an_entry_left_as_text_is_named(history: tuple[Path, Any], tmp_path: Path) -> None:
    folder, keys = copy(history[0], tmp_path / "data"), history[1]
    execute(folder, "UPDATE sanquan_entry SET data = replace(data, 'case.file', 'case.life') || ' ' WHERE position = 5")
    report = audited(folder, keys)
    assert [(finding.position, finding.what) for finding in report.findings] == [(5, "entry_changed")]
