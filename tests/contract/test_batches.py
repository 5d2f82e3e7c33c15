"""Batches, files, faults, restarts: what happens around the acts."""

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.encoding import parse_hex
from ledger.merkle import root
from ledger.proof import parse_proof, verify_proof
from registry.acts import ACTS
from registry.clock import SimulatedClock
from registry.founding import FoundingError
from registry.registry import Options, open_registry
from tests.registry.desk import ALL, ORIGIN, START, Actor, Desk, codes, open_desk


def filing(desk: Desk, actor: Actor, **form: Any) -> bytes:
    return desk.envelope("case.file", actor, desk.filing([{"party": actor.id, "rights": ALL}], **form))


def test_a_bad_line_among_good_ones_stops_nobody(desk: Desk) -> None:
    a = desk.party("甲")
    lines = [filing(desk, a), b"{}", filing(desk, a, grade="core"), filing(desk, a)]
    answers = desk.registry.office.submit(lines)
    assert codes(answers) == ["ok", "MALFORMED", "R_NATIONAL_SECURITY", "ok"]
    assert answers[3].receipt["seq"] == answers[0].receipt["seq"] + 1


def test_all_or_none(desk: Desk) -> None:
    a = desk.party("甲")
    size = desk.registry.reader.moment().size
    good = [filing(desk, a), filing(desk, a)]
    for bad in (b"{}", filing(desk, a, grade="core")):
        answers = desk.registry.office.submit([good[0], bad, good[1]], atomic=True)
        assert codes(answers)[0] == codes(answers)[2] == "BATCH_REFUSED"
        assert desk.registry.reader.moment().size == size
    answers = desk.registry.office.submit(good, atomic=True)
    assert codes(answers) == ["ok", "ok"]
    assert [answer.receipt["seq"] for answer in answers] == [size, size + 1]
    desk.registry.office.submit([filing(desk, a)])


def test_a_dry_run_leaves_nothing(desk: Desk) -> None:
    a = desk.party("甲")
    size = desk.registry.reader.moment().size
    line = filing(desk, a)
    (tried,) = desk.registry.office.submit([line], trial=True)
    assert {"seq", "leaf_hash", "proof"}.isdisjoint(tried.receipt)
    assert desk.registry.reader.moment().size == size
    (done,) = desk.registry.office.submit([line])
    assert not done.known
    assert tried.receipt["ids"] == done.receipt["ids"]
    assert tried.receipt["folios"] == done.receipt["folios"]
    (refused,) = desk.registry.office.submit([filing(desk, a, grade="core")], trial=True)
    assert refused.refusal.code == "R_NATIONAL_SECURITY"


def test_the_same_line_twice_in_one_file_is_one_entry(desk: Desk) -> None:
    line = filing(desk, desk.party("甲"))
    first, second = desk.registry.office.submit([line, line])
    assert first.receipt["seq"] == second.receipt["seq"]
    assert (first.known, second.known) == (False, True)


def test_many_statements_by_many_threads_make_one_chain(desk: Desk) -> None:
    actors = [desk.party(f"第{n}家") for n in range(4)]
    jobs = [[filing(desk, actor) for _ in range(90)] for actor in actors]
    with ThreadPoolExecutor(len(jobs)) as pool:
        answers = [answer for found in pool.map(desk.registry.office.submit, jobs) for answer in found]
    assert codes(answers) == ["ok"] * 360
    keys = desk.registry.log.verifier_keys()
    for answer in answers:
        verify_proof(parse_proof(answer.receipt["proof"]), parse_hex(answer.receipt["leaf_hash"]), keys)
    size = desk.registry.reader.moment().size
    assert sorted(a.receipt["seq"] for a in answers) == list(range(size - 360, size))
    with desk.registry.engine.connect() as tx:
        storage = desk.registry.log.storage
        assert root(storage.leaves(tx, 0, size)) == storage.head(tx).root


def test_an_act_whose_code_raises_fails_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    a = desk.party("甲")

    def explode(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(ACTS, "party.update", replace(ACTS["party.update"], decide=explode))
    lines = [filing(desk, a), desk.envelope("party.update", a, {"contact": "x"}), filing(desk, a)]
    assert codes(desk.registry.office.submit(lines)) == ["ok", "INTERNAL", "ok"]
    monkeypatch.setitem(ACTS, "party.update", replace(ACTS["party.update"], parse=explode))
    lines = [desk.envelope("party.update", a, {"contact": "x"}), filing(desk, a)]
    assert codes(desk.registry.office.submit(lines)) == ["INTERNAL", "ok"]


def test_a_batch_that_cannot_be_written_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    a = desk.party("甲")
    size = desk.registry.reader.moment().size

    def full_disk(*_: Any) -> Any:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("registry.writer.save", full_disk)
        assert codes(desk.registry.office.submit([filing(desk, a)])) == ["INTERNAL"]
    assert desk.registry.reader.moment().size == size
    desk.register(a)


def test_a_restart_continues(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data") as desk:
        a = desk.party("甲")
        receipts = [answer.receipt for answer in desk.registry.office.submit([filing(desk, a) for _ in range(300)])]
        origin, keys = desk.registry.origin, desk.registry.log.verifier_keys()
    with open_desk(tmp_path / "data") as desk:
        assert not desk.registry.is_new
        assert desk.registry.origin == origin
        assert desk.register(a)["seq"] == receipts[-1]["seq"] + 1
        envelope, again = desk.registry.reader.statement(bytes.fromhex(receipts[7]["statement"]))
        assert {k: v for k, v in again.items() if k != "proof"} == {
            k: v for k, v in receipts[7].items() if k != "proof"
        }
        verify_proof(parse_proof(again["proof"]), parse_hex(again["leaf_hash"]), keys)
        assert envelope.startswith('{"payload":')


def test_an_old_copy_of_the_database_is_noticed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with open_desk(data) as desk:
        a = desk.party("甲")
    shutil.copytree(data, tmp_path / "old")
    with open_desk(data) as desk:
        desk.register(a)
    for suffix in ("", "-wal", "-shm"):
        (data / f"registry.db{suffix}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "old" / "registry.db", data / "registry.db")
    with open_desk(data) as desk:
        assert desk.registry.office.read_only
        assert codes(desk.registry.office.submit([filing(desk, a)])) == ["READ_ONLY"]
        assert desk.registry.reader.party(a.id, None, None)[0]["id"] == a.id


def test_keys_of_another_registry_do_not_start(tmp_path: Path) -> None:
    with open_desk(tmp_path / "one"), open_desk(tmp_path / "two"):
        pass
    shutil.rmtree(tmp_path / "one" / "keys")
    shutil.copytree(tmp_path / "two" / "keys", tmp_path / "one" / "keys")
    with pytest.raises(FoundingError):
        open_registry(Options(tmp_path / "one", ORIGIN), SimulatedClock(START))
    (tmp_path / "two" / "keys" / "seal.pem").unlink()
    with pytest.raises(FoundingError):
        open_registry(Options(tmp_path / "two", ORIGIN), SimulatedClock(START))
    (tmp_path / "three").mkdir()
    with open_desk(tmp_path / "three"):
        pass
    with pytest.raises(FoundingError):
        open_registry(Options(tmp_path / "three", "another.test"), SimulatedClock(START))


def test_a_clock_far_behind_is_refused_and_a_little_behind_is_not(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data") as desk:
        a = desk.party("甲")
        desk.pass_time(seconds=30)
        newest = desk.register(a)["time"]
    with open_desk(tmp_path / "data") as desk:
        assert desk.send("party.update", a, {"contact": "x"}).refusal.code == "CLOCK_BEHIND"
        desk.pass_time(seconds=25)
        assert desk.ok("party.update", a, {"contact": "x"})["time"] == newest


def test_an_unsigned_head_is_signed_on_start(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data") as desk:
        a = desk.party("甲")
        receipt = desk.register(a)
    connection = sqlite3.connect(tmp_path / "data" / "registry.db")
    with connection:
        connection.execute("DELETE FROM sanquan_checkpoint WHERE size = ?", (receipt["seq"] + 1,))
    connection.close()
    with open_desk(tmp_path / "data") as desk:
        assert desk.registry.reader.moment().size == receipt["seq"] + 1


def test_a_root_that_cannot_be_signed_stops_the_writer_and_is_signed_on_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("the key cannot be reached")

    with open_desk(tmp_path / "data") as desk:
        a = desk.party("甲")
        line = filing(desk, a)
        with monkeypatch.context() as patch:
            patch.setattr("ledger.log.Log.sign_covering", broken)
            assert codes(desk.registry.office.submit([line])) == ["INTERNAL"]
        assert codes(desk.registry.office.submit([filing(desk, a)])) == ["READ_ONLY"]
    with open_desk(tmp_path / "data") as desk:
        (answer,) = desk.registry.office.submit([line])
        assert answer.known


def test_a_stopped_office_answers(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data") as desk:
        a = desk.party("甲")
        line = filing(desk, a)
    assert codes(desk.registry.office.submit([line])) == ["QUEUE_FULL"]
