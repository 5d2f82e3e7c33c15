"""What a start finds: its own folder, an older copy, foreign keys, a clock that is behind. Contract sections 3 and 10."""

import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.entry import parse_entry
from ledger.merkle import leaf_hash
from registry.clock import SimulatedClock
from registry.founding import FoundingError
from registry.registry import Options, Registry, open_registry
from tests.registry.desk import ORIGIN, START, Actor, Desk, codes, ids, open_desk, proven, updates

# ---- restarts --------------------------------------------------------------------------------------------------------


def reopened(folder: Path, hours: int = 0) -> Registry:
    return open_registry(Options(folder, ORIGIN), SimulatedClock(START + timedelta(hours=hours)))


def on(registry: Registry) -> Desk:
    clock = registry.clock
    assert isinstance(clock, SimulatedClock)
    return Desk(registry, clock, Actor("registrar", [registry.keys.registrar]))


def test_a_restart_continues(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        title = desk.register(a)
    with closing(reopened(folder)) as registry:
        desk = on(registry)
        assert not registry.is_new
        assert desk.size() == 3
        assert desk.check(a, ids(title, "ast")[0]).decision
        answers = registry.office.submit(updates(desk, a, 2))
        assert proven(desk, answers) == [3, 4]
        row = parse_entry(registry.reader.entry(3).data)
        assert row.previous == leaf_hash(registry.reader.entry(2).data)


def _copy(folder: Path, to: Path, *names: str) -> None:
    to.mkdir(exist_ok=True)
    for name in names:
        for path in [*to.glob(name + "*")]:
            path.unlink()
        for path in folder.glob(name + "*"):
            shutil.copy2(path, to / path.name)


@pytest.fixture
def older(tmp_path: Path) -> tuple[Path, Actor, bytes]:
    """A data folder to which an older copy of the database was brought back, and a payload from before the copy."""
    folder, copy = tmp_path / "data", tmp_path / "copy"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        (known, lost) = updates(desk, a, 2)
        desk.registry.office.submit([known])
    _copy(folder, copy, "registry.db", "journal.db")
    registry = reopened(folder)
    registry.office.submit([lost])
    registry.close()
    return folder, a, known


def test_an_older_copy_of_the_database_is_read_only(older: tuple[Path, Actor, bytes], tmp_path: Path) -> None:
    folder, a, known = older
    _copy(tmp_path / "copy", folder, "registry.db")
    with closing(reopened(folder)) as registry:
        desk = on(registry)
        answers = registry.office.submit([*updates(desk, a, 1), known, b"{"])
        assert codes(answers) == ["READ_ONLY", "known", "MALFORMED"]
        assert answers[0].refusal is not None
        assert answers[0].refusal.status == 503
        assert desk.size() == 3
        assert desk.view(a.id)["contact"] == "0"
        assert codes(registry.office.submit(updates(desk, a, 1), trial=True)) == ["READ_ONLY"]


def test_another_history_of_the_same_length_is_read_only(older: tuple[Path, Actor, bytes], tmp_path: Path) -> None:
    folder, a, _ = older
    _copy(folder, tmp_path / "first", "journal.db")
    _copy(tmp_path / "copy", folder, "registry.db", "journal.db")
    registry = reopened(folder)
    assert codes(registry.office.submit(updates(on(registry), a, 1))) == ["ok"]
    registry.close()
    _copy(tmp_path / "first", folder, "journal.db")
    with closing(reopened(folder)) as registry:
        assert codes(registry.office.submit(updates(on(registry), a, 1))) == ["READ_ONLY"]


def test_an_older_journal_is_no_harm(older: tuple[Path, Actor, bytes], tmp_path: Path) -> None:
    folder, a, _ = older
    _copy(tmp_path / "copy", folder, "journal.db")
    with closing(reopened(folder)) as registry:
        desk = on(registry)
        assert proven(desk, registry.office.submit(updates(desk, a, 1))) == [4]


def test_a_journal_without_its_log(older: tuple[Path, Actor, bytes]) -> None:
    folder = older[0]
    for path in folder.glob("registry.db*"):
        path.unlink()
    with pytest.raises(FoundingError, match="journal"):
        reopened(folder)


def test_keys_of_another_registry(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_desk(folder):
        pass
    (folder / "keys" / "seal.pem").unlink()
    with pytest.raises(FoundingError, match=r"seal\.pem"):
        reopened(folder)
    with open_desk(tmp_path / "other"):
        pass
    shutil.rmtree(folder / "keys")
    shutil.copytree(tmp_path / "other" / "keys", folder / "keys")
    with pytest.raises(FoundingError, match="not those of the log"):
        reopened(folder)


def test_a_clock_that_is_behind(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        desk.pass_time(seconds=5)
        newest = desk.ok("party.update", a, {"contact": "1"})
    with closing(reopened(folder)) as registry:
        desk = on(registry)
        receipt = desk.ok("party.update", a, {"contact": "2"})
        assert receipt["time"] == newest["time"]
    with closing(open_registry(Options(folder, ORIGIN), SimulatedClock(START - timedelta(milliseconds=1)))) as registry:
        desk = on(registry)
        answers = registry.office.submit(updates(desk, a, 2))
        assert codes(answers) == ["CLOCK_BEHIND"] * 2
        assert answers[0].refusal is not None
        assert answers[0].refusal.status == 503
