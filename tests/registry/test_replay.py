"""An auditor folds the log again and must arrive at the same tables; a rebuild makes them; forgeries are found."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from ledger.errors import EntryRejected
from ledger.identifiers import key_identifier
from ledger.journal import SigningJournal
from ledger.keys import KeySigner
from ledger.log import Log
from ledger.statement import parse_envelope
from ledger.storage.sql import SqlLogStorage
from registry.auditing import rebuild
from registry.store.database import WRITER, open_database, sqlite_url
from registry.store.tables import FOLD_TABLES
from tests.registry.desk import (
    CRAWLED,
    Actor,
    Desk,
    beside,
    granting,
    ids,
    key_shape,
    newcomer,
    open_desk,
    party_body,
    scope,
    sd,
)
from tests.registry.histories import audited, copy, execute, rows, short_lookups

TABLES = [table.name for table in FOLD_TABLES]


def varied(desk: Desk) -> None:
    """A history with a row in every table, and changes in those that change."""
    number = {"scheme": "local", "value": "7"}
    a, b, c = desk.party("甲", identifier=number), desk.party("乙"), newcomer("丙")
    desk.ok("party.verify", desk.registrar, {"party": a.id, "level": "documented"})
    name, opened = sd("name", "张三")
    desk.submit(beside(desk.envelope("party.register", c, party_body(c, kind="natural_person", name=name)), opened))
    spare = KeySigner.generate()
    desk.ok("key.add", b, key_shape(spare), extra=[spare])
    until = (desk.clock.now() + timedelta(days=3)).isoformat()
    desk.ok("key.revoke", b, {"key": key_identifier(spare.public), "reason": "old", "effective": until})
    desk.ok("role.grant", desk.registrar, {"party": b.id, "role": "auditor"})
    desk.ok("role.grant", desk.registrar, {"party": b.id, "role": "trustee"})
    desk.ok("role.revoke", desk.registrar, {"party": b.id, "role": "auditor"})
    evidence = [{"kind": "contract", "sha256": "cd" * 32}]
    prints = [{"alg": "sha-256", "value": "ab" * 32}]
    filing = desk.filing([{"party": a.id, "rights": ["holding", "processing", "operating"]}], fingerprints=prints)
    filing["asset"]["identifiers"] = [{"scheme": "doi", "value": "10.1/x"}]
    rights = ids(desk.ok("case.file", a, filing | {"evidence": evidence}), "rgt_")
    equal = desk.register(b, ["holding", "processing"], CRAWLED, form="raw", fingerprints=prints)
    assert [w["code"] for w in equal["warnings"]] == ["EQUAL_FINGERPRINT"]
    wide = scope(depth=1, rights=["processing"])
    body = {"from_right": rights[2], "to": b.id, "rights": ["operating"], "scope": wide}
    (head,) = ids(desk.ok("right.grant", a, body | {"evidence": evidence}, with_=[b]), "rgt_")
    for actor, survives in ((c, False), (a, True)):
        below = {"from_right": head, "to": actor.id, "rights": ["processing"], "scope": scope(), "survives": survives}
        desk.ok("right.grant", b, below, with_=[a] if survives else [])
    desk.pass_time(days=1)
    later = (desk.clock.now() + timedelta(days=2)).isoformat()
    desk.ok("right.revoke", a, {"rights": [head], "ground": "breach", "effective": later})
    judgment = {"rights": [head], "ground": "judgment", "document": "ef" * 32}
    desk.ok("right.revoke", desk.registrar, judgment)
    desk.ok("party.update", b, {"name": "乙二", "contact": "电话"})
    desk.submit(*[desk.envelope("party.update", a, {"contact": str(n)}, expect={a.id: n + 2}) for n in range(5)])
    desk.ok("disclosure.restrict", desk.registrar, {"digests": ["cd" * 32], "basis": "request"})
    desk.ok("disclosure.erase", desk.registrar, {"digests": [name["sd"], "cd" * 32], "basis": "retention_over"})
    d = newcomer("丁")
    first = desk.filing([{"party": d.id, "rights": ["processing"]}])
    desk.submit(desk.envelope("party.register", d, party_body(d)), desk.envelope("case.file", d, first), atomic=True)
    desk.register(b, ["holding"], fingerprints=[{"alg": "sha-256", "value": "12" * 32}])
    entrusted(desk, a, b, rights[0])


def entrusted(desk: Desk, a: Actor, b: Actor, holding: str) -> None:
    """Agents, the window, custody, assents, and evidence that came later."""
    until = (desk.clock.now() + timedelta(days=9)).isoformat()
    agencies = [
        desk.ok("agency.give", a, {"agent": b.id, "acts": ["right.grant", "evidence.attach"], "until": until})[
            "statement"
        ]
        for _ in range(2)
    ]
    kept = desk.ok("right.grant", b, granting(holding, b, ["holding"], capacity="custody"), for_=a.id, with_=[a])
    desk.ok("agency.end", b, {"agency": agencies[0]})
    scan = [{"kind": "identity", "sha256": "77" * 32}]
    for target in (holding, holding, *ids(kept, "rgt_")):
        desk.ok("evidence.attach", b, {"target": target, "evidence": scan}, for_=a.id)
    paper = newcomer("窗口")
    window = {"for_": paper.id}
    desk.ok("party.register", desk.registrar, party_body(paper) | {"evidence": scan}, **window)
    desk.pass_time(days=8)
    filed = desk.filing([{"party": paper.id, "rights": ["holding"]}]) | {"evidence": scan, "received_on": "2026-01-02"}
    found = desk.ok("case.file", desk.registrar, filed, **window)
    assert [warning["code"] for warning in found["warnings"]] == ["WINDOW_ENTRY", "LATE_ENTRY"]
    body = desk.filing([{"party": a.id, "rights": ["holding"]}, {"party": b.id, "rights": ["operating"]}])
    for said in ([True, True], [True, False], []):
        case = ids(desk.ok("case.file", a, body | {"awaits": [b.id, paper.id]}), "cas_")[0]
        for party, assents in zip((b, paper), said, strict=False):
            desk.ok("case.assent", party, {"case": case, "assents": assents})
        if not said:
            desk.ok("case.withdraw", a, {"case": case})


@pytest.fixture(scope="module", autouse=True)
def _short_lookups() -> Iterator[None]:
    with short_lookups(16):
        yield


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("history") / "data"
    with open_desk(folder) as desk:
        varied(desk)
        return folder, desk.registry.log.verifier_keys()


@pytest.fixture
def copied(history: tuple[Path, Any], tmp_path: Path) -> tuple[Path, Any]:
    return copy(history[0], tmp_path / "data"), history[1]


def test_the_history_holds_and_fills_every_table(history: tuple[Path, Any]) -> None:
    report = audited(*history)
    assert report.holds, report.findings
    assert report.pinned
    assert report.entries == report.size
    assert all(rows(history[0]).values())


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_row_is_found(copied: tuple[Path, Any], table: str) -> None:
    folder, keys = copied
    assert execute(
        folder, f"DELETE FROM {table} WHERE {_key(table)} = (SELECT max({_key(table)}) FROM {table})" + _one(table)
    ) == [1]
    (finding,) = audited(folder, keys).findings
    assert (finding.position, finding.what) == (None, "register_differs")
    assert f"table {table}, row {_key(table)}=" in finding.words_en
    assert "it is missing" in finding.words_en
    assert table in finding.words_zh
    assert rebuild(folder) > 0
    assert audited(folder, keys).holds


def test_a_surplus_row_is_found(copied: tuple[Path, Any]) -> None:
    folder, keys = copied
    assert execute(folder, "INSERT INTO sanquan_search VALUES (1, 1)") == [1]
    (finding,) = audited(folder, keys).findings
    assert "sanquan_search, row key=1, ref=1: it is there" in finding.words_en


def _key(table: str) -> str:
    found = next(t for t in FOLD_TABLES if t.name == table)
    return next(iter(found.primary_key.columns)).name


def _one(table: str) -> str:
    """Where several rows share the first key column, the one with the greatest second."""
    found = list(next(t for t in FOLD_TABLES if t.name == table).primary_key.columns)
    if len(found) == 1:
        return ""
    first, second = found[0].name, found[1].name
    return f" AND {second} = (SELECT max({second}) FROM {table} WHERE {first} = (SELECT max({first}) FROM {table}))"


def test_every_changed_column_is_found(copied: tuple[Path, Any]) -> None:
    folder, keys = copied
    sound = (folder / "registry.db").read_bytes()
    for table in FOLD_TABLES:
        keys_ = {column.name for column in table.primary_key.columns}
        plain = [column for column in table.columns if column.name not in keys_]
        for column in plain:
            (folder / "registry.db").write_bytes(sound)
            for name in ("registry.db-wal", "registry.db-shm"):
                (folder / name).unlink(missing_ok=True)
            value = "'x'" if column.type.python_type is str else "987654321"
            first = f"(SELECT max({_key(table.name)}) FROM {table.name})"
            assert execute(
                folder, f'UPDATE {table.name} SET "{column.name}" = {value} WHERE {_key(table.name)} = {first}'
            ) == [1]
            (finding,) = audited(folder, keys).findings
            assert table.name in finding.words_en
            assert f"column {column.name} " in finding.words_en


def test_a_rebuild_gives_equal_rows(copied: tuple[Path, Any]) -> None:
    folder, _ = copied
    before = rows(folder)
    size = rebuild(folder)
    assert rows(folder) == before
    for table in TABLES:
        execute(folder, f"DELETE FROM {table}")
    seen: list[int] = []
    assert rebuild(folder, lambda done, _all: seen.append(done)) == size
    assert seen[-1] == size
    assert rows(folder) == before
    with open_desk(folder) as desk:
        desk.clock.set(desk.clock.now() + timedelta(days=9))
        desk.ok("party.update", desk.registrar, {"contact": "电话"})


def forge(folder: Path, insider: "Insider", envelope: bytes, folios: Sequence[str]) -> int:
    """An entry with the registry's own keys that its office would never have written."""
    engine = open_database(sqlite_url(folder / "registry.db"))
    storage = SqlLogStorage()
    journal = SigningJournal(folder / "journal.db")
    log: Log[Connection] = Log(storage, insider.origin, insider.signers, journal)
    try:
        with engine.execution_options(**WRITER).begin() as tx:
            parsed = parse_envelope(envelope)
            batch = log.open_batch(tx, insider.now)
            position = batch.add(parsed, parsed.digest(), folios).position
            appended = batch.write(tx)
        assert appended is not None
        log.adopt(appended)
        row = log.sign_covering(appended.head, engine.begin)
        with engine.execution_options(**WRITER).begin() as tx:
            storage.put_checkpoint(tx, row)
    finally:
        journal.close()
        engine.dispose()
    return position


class Insider:
    """What somebody with the data folder has."""

    def __init__(self, desk: Desk) -> None:
        self.origin, self.now = desk.registry.origin, desk.clock.now()
        self.signers = [desk.registry.keys.log, desk.registry.keys.log_mldsa44]
        self.keys = desk.registry.log.verifier_keys()


@pytest.mark.parametrize(
    ("act", "code"),
    [("role", "NOT_ENTITLED"), ("unsigned", "SIGNATURE_MISSING"), ("signature", "SIGNATURE_INVALID"),
     ("old", "AT_STALE"), ("stale", "STALE"), ("folio", "entry_rejected"), ("form", "MALFORMED")],
)  # fmt: skip
def test_an_entry_that_may_not_take_effect_is_named(tmp_path: Path, act: str, code: str) -> None:
    folder = tmp_path / "data"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        more: dict[str, Any] = {}
        name = "party.update"
        body: dict[str, Any] = {"contact": "电话"}
        if act == "role":
            name, body = "role.grant", {"party": a.id, "role": "reviewer"}
        elif act == "form":
            body = {"contact": 1}
        elif act == "old":
            more = {"at": desk.clock.now() - timedelta(days=2)}
        elif act == "stale":
            more = {"expect": {a.id: 7}}
        data = json.loads(desk.envelope(name, a, body, **more))
        if act == "unsigned":
            data["signatures"] = []
        elif act == "signature":
            data["signatures"] = json.loads(desk.envelope(name, a, {"contact": "other"}))["signatures"]
        insider = Insider(desk)
        folios = [desk.registrar.id] if act == "folio" else [a.id]
    position = forge(folder, insider, json.dumps(data).encode(), folios)
    (finding,) = audited(folder, insider.keys).findings
    assert (finding.position, finding.what) == (position, code)
    before = rows(folder)
    with pytest.raises(EntryRejected) as rejected:
        rebuild(folder)
    assert rejected.value.position == position
    assert rows(folder) == before


def test_an_identifier_belongs_to_one_verified_party_however_statements_are_batched(tmp_path: Path) -> None:
    number = {"scheme": "local", "value": "7"}

    def verify(desk: Desk, party: Any) -> bytes:
        return desk.envelope("party.verify", desk.registrar, {"party": party.id, "level": "documented"})

    with open_desk(tmp_path / "data") as desk:
        a, b, c = desk.party("甲", identifier=number), desk.party("乙"), newcomer("丙")
        assert desk.code(verify(desk, a)) is None
        desk.ok("party.update", b, {"identifier": number})
        assert desk.code(verify(desk, b)) == "IDENTIFIER_TAKEN"
        lines = [desk.envelope("party.register", c, party_body(c, identifier=number)), verify(desk, c)]
        assert [answer.refusal and answer.refusal.code for answer in desk.submit(*lines)] == [None, "IDENTIFIER_TAKEN"]
        d = desk.party("丁")
        lines = [desk.envelope("party.update", d, {"identifier": number}), verify(desk, d)]
        assert [answer.refusal and answer.refusal.code for answer in desk.submit(*lines)] == [None, "IDENTIFIER_TAKEN"]
        keys = desk.registry.log.verifier_keys()
    assert audited(tmp_path / "data", keys).holds
