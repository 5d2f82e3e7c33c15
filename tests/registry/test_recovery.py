"""An older copy brought up to date, a journal made anew, a log that ends. ledger.md 0.6; contract sections 3 and 10."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import parse_checkpoint, verify_checkpoint
from ledger.errors import BrokenLogError
from ledger.export import export_log
from ledger.journal import SigningJournal
from ledger.known import KnownCheckpoint, KnownReceipt
from ledger.note import parse_note
from ledger.proof import parse_proof
from ledger.sources import DirectorySource
from registry.auditing import audit, open_subject
from registry.clock import SimulatedClock
from registry.founding import FoundingError
from registry.recovery import Recovery, RecoveryError
from registry.registry import Options, Registry, open_registry
from registry.store.loading import load_registry
from tests.registry.desk import ORIGIN, START, Actor, Desk, codes, ids, open_desk, updates
from tests.registry.telling import erase, everything, tell, traces

BULK = 300
"""Entries between the copy and the newest: more than a bundle."""


def reopened(folder: Path, hours: int = 0, **options: Any) -> Registry:
    return open_registry(Options(folder, ORIGIN, **options), SimulatedClock(START + timedelta(hours=hours)))


def on(registry: Registry) -> Desk:
    clock = registry.clock
    assert isinstance(clock, SimulatedClock)
    return Desk(registry, clock, Actor("registrar", [registry.keys.registrar]))


def copy(folder: Path, to: Path, *names: str) -> None:
    """The files are as they are in `folder`, with all that SQLite puts beside them."""
    to.mkdir(exist_ok=True)
    for name in names:
        for path in [*to.glob(name + "*")]:
            path.unlink()
        for path in folder.glob(name + "*"):
            shutil.copy2(path, to / path.name)


def export(folder: Path, to: Path) -> None:
    with open_subject(folder) as subject:
        assert subject.register is not None
        registry = load_registry(subject.register)
        assert registry is not None
        paths = [f"v1/rulebooks/{adoption.sha256}" for adoption in registry.rulebooks]
        export_log(subject.source, to, {path: subject.source.document(path) or b"" for path in paths})


@dataclass
class Town:
    """A data folder, older copies of its files, and trees exported from it at several times."""

    root: Path
    a: Actor = field(default_factory=lambda: Actor("", []))
    receipts: list[dict[str, Any]] = field(default_factory=list)
    asset: str = ""

    @property
    def folder(self) -> Path:
        return self.root / "data"

    def older(self, name: str = "registry.db") -> None:
        copy(self.root / "copy", self.folder, name)

    def lose(self, name: str) -> None:
        for path in self.folder.glob(f"{name}*"):
            path.unlink()

    def tree(self, name: str) -> DirectorySource:
        return DirectorySource(self.root / name)

    def newest(self) -> dict[str, Any]:
        return self.receipts[-1]

    def known(self, receipt: dict[str, Any]) -> list[Any]:
        return [KnownReceipt(parse_proof(receipt["proof"]))]

    def recover(self, use: Callable[[Recovery], Any]) -> Any:
        with closing(Recovery(self.folder)) as recovery:
            return use(recovery)

    def is_whole(self) -> None:
        """It writes; every receipt is as it was; the audit holds with all of them."""
        with closing(reopened(self.folder)) as registry:
            assert registry.office.read_only is None
            desk = on(registry)
            assert codes(registry.office.submit(updates(desk, self.a, 1))) == ["ok"]
            keys = registry.log.verifier_keys()
            with registry.engine.connect() as tx:
                for receipt in self.receipts:
                    size = parse_checkpoint(parse_note(parse_proof(receipt["proof"]).checkpoint).text).size
                    row = registry.log.storage.checkpoint(tx, size)
                    assert row is not None
                    assert verify_checkpoint(row.note, keys).checkpoint.size == size
        with open_subject(self.folder) as subject:
            report = audit(subject, keys, [known for receipt in self.receipts for known in self.known(receipt)])
        assert report.holds, report.findings

    def is_read_only(self, words: str) -> None:
        with closing(reopened(self.folder)) as registry:
            assert registry.office.read_only is not None
            assert words in registry.office.read_only.en
            assert codes(registry.office.submit(updates(on(registry), self.a, 1))) == ["READ_ONLY"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """Copied after 4 entries, exported then and after 306 and 311 of 318."""
    town = Town(tmp_path_factory.mktemp("town"))
    with open_desk(town.folder) as desk:
        town.a = desk.party("甲")
        title = desk.register(town.a)
        town.asset = ids(title, "ast")[0]
        town.receipts += [title, desk.ok("party.update", town.a, {"contact": "first"})]
    copy(town.folder, town.root / "copy", "registry.db", "journal.db")
    export(town.folder, town.root / "early")
    for name, number in (("middle", BULK), ("late", 3), ("", 5)):
        with closing(reopened(town.folder)) as registry:
            desk = on(registry)
            town.receipts += [
                answer.receipt for answer in registry.office.submit(updates(desk, town.a, number)) if answer.receipt
            ][-1:]
            for contact in "xy":
                town.receipts.append(desk.ok("party.update", town.a, {"contact": contact}))
        if name:
            export(town.folder, town.root / name)
    export(town.folder, town.root / "whole")
    return town


@pytest.fixture
def town(built: Town, tmp_path: Path) -> Iterator[Town]:
    shutil.copytree(built.root, tmp_path / "town")
    yield Town(tmp_path / "town", built.a, built.receipts, built.asset)


# ---- from a tree -----------------------------------------------------------------------------------------------------


def test_an_older_copy_is_brought_up_to_date(town: Town) -> None:
    town.older()
    town.is_read_only("an older copy was put back")
    state = town.recover(lambda recovery: recovery.fetch(town.tree("whole")))
    assert state.is_whole
    assert (state.added, state.size, state.missing) == (town.newest()["seq"] - 3, town.newest()["seq"] + 1, 0)
    assert state.signed_again == len(town.receipts) - 3  # the source's own checkpoint is there already
    town.is_whole()


def test_a_lost_database_is_fetched_whole(town: Town) -> None:
    town.lose("registry.db")
    with pytest.raises(FoundingError, match="recover --from"):
        reopened(town.folder)
    assert town.recover(lambda recovery: recovery.fetch(town.tree("whole"))).is_whole
    town.is_whole()


def test_a_recovery_that_was_broken_off_goes_on(town: Town) -> None:
    town.older()

    def broken_off(done: int, _of: int) -> None:
        assert done == 256
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        town.recover(lambda recovery: recovery.fetch(town.tree("whole"), on_progress=broken_off))
    town.is_read_only("an older copy was put back")
    state = town.recover(lambda recovery: recovery.fetch(town.tree("whole")))
    assert (state.added, state.missing) == (town.newest()["seq"] + 1 - 256, 0)
    town.is_whole()


def test_several_sources_one_after_another(town: Town) -> None:
    town.older()
    for name, missing in (("middle", 12), ("early", 12), ("late", 7), ("whole", 0)):
        state = town.recover(lambda recovery, name=name: recovery.fetch(town.tree(name)))
        assert state.missing == missing
        if missing:
            town.is_read_only("an older copy was put back")
    town.is_whole()


def test_nothing_is_to_be_recovered(town: Town) -> None:
    state = town.recover(lambda recovery: recovery.fetch(town.tree("late")))
    assert (state.added, state.signed_again, state.missing) == (0, 0, 0)
    town.is_whole()


def test_a_source_that_knows_more_than_the_journal(town: Town) -> None:
    """Database and journal were put back together: what the tree says was signed is known from then on."""
    for name in ("registry.db", "journal.db"):
        town.older(name)
    state = town.recover(lambda recovery: recovery.fetch(town.tree("late")))
    assert state.is_whole
    assert town.recover(lambda recovery: recovery.journal.newest().size) == state.size


def test_entries_without_a_journal(town: Town) -> None:
    for name in ("registry.db", "journal.db"):
        town.lose(name)
    state = town.recover(lambda recovery: recovery.fetch(town.tree("whole")))
    assert state.needs_known
    assert not state.is_whole
    town.is_read_only("the journal is missing or empty")
    assert town.recover(lambda recovery: recovery.accept(town.known(town.newest()))).is_whole
    with closing(reopened(town.folder)) as registry:
        assert registry.office.read_only is None


def spoil(town: Town, kind: str) -> str:
    """A tree that must not be taken, and what is said of it."""
    tree = town.root / "whole"
    if kind == "entry":
        path = next(tree.glob("tile/entries/*.p/*"))
        data = bytearray(path.read_bytes())
        data[-30] ^= 1
        path.write_bytes(data)
    elif kind == "cut":
        path = next(tree.glob("tile/entries/*.p/*"))
        path.write_bytes(path.read_bytes()[:-5])
    else:
        path = tree / "checkpoint"
        path.write_text(path.read_text().replace("318", "317") if kind == "size" else path.read_text()[:-8] + "AAAA=\n")
    return "damaged" if kind in ("entry", "cut") else "not_signed"


@pytest.mark.parametrize("kind", ["entry", "cut", "size", "signature"])
def test_a_spoilt_source_is_refused(kind: str, town: Town) -> None:
    town.older()
    code = spoil(town, kind)
    with pytest.raises(RecoveryError) as raised:
        town.recover(lambda recovery: recovery.fetch(town.tree("whole")))
    assert raised.value.code == code
    town.is_read_only("an older copy was put back")


def test_a_source_without_its_files(town: Town) -> None:
    town.older()
    shutil.rmtree(town.root / "whole" / "tile" / "entries")
    with pytest.raises(BrokenLogError):
        town.recover(lambda recovery: recovery.fetch(town.tree("whole")))


def test_another_log_is_refused(town: Town, tmp_path: Path) -> None:
    with open_desk(tmp_path / "other"):
        pass
    export(tmp_path / "other", tmp_path / "tree")
    town.older()
    with pytest.raises(RecoveryError) as raised:
        town.recover(lambda recovery: recovery.fetch(DirectorySource(tmp_path / "tree")))
    assert raised.value.code == "not_signed"  # of the same name, but with other keys
    with closing(open_registry(Options(tmp_path / "third", "another.test"), SimulatedClock(START))):
        pass
    export(tmp_path / "third", tmp_path / "third-tree")
    with pytest.raises(RecoveryError) as raised:
        town.recover(lambda recovery: recovery.fetch(DirectorySource(tmp_path / "third-tree")))
    assert raised.value.code == "another_log"


@pytest.fixture
def forked(town: Town) -> Town:
    """A tree of the same keys with another history from entry 4 on, and the data folder as it was."""
    kept = town.root / "kept"
    shutil.copytree(town.folder, kept)
    for name in ("registry.db", "journal.db"):
        town.older(name)
    with closing(reopened(town.folder, hours=1)) as registry:
        registry.office.submit(updates(on(registry), town.a, 400))
    export(town.folder, town.root / "fork")
    shutil.rmtree(town.folder)
    kept.rename(town.folder)
    return town


@pytest.mark.parametrize("is_older", [True, False])
def test_another_history_is_refused(is_older: bool, forked: Town) -> None:
    if is_older:
        forked.older()
    with pytest.raises(RecoveryError) as raised:
        forked.recover(lambda recovery: recovery.fetch(forked.tree("fork")))
    assert raised.value.code == "forked"
    assert forked.recover(lambda recovery: recovery.head().size) == (4 if is_older else 318)
    note = (forked.root / "fork" / "checkpoint").read_text()
    assert forked.recover(lambda recovery: recovery.accept([KnownCheckpoint(note)])).missing
    forked.recover(lambda recovery: recovery.fetch(forked.tree("whole")))
    forked.is_read_only("404 entries were signed")


def test_what_was_erased_meanwhile_is_erased_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        digest, text, _ = tell(desk, a)
        desk.register(a)
    copy(folder, tmp_path / "copy", "registry.db")
    with closing(reopened(folder)) as registry:
        erase(on(registry), digest)
    export(folder, tmp_path / "tree")
    copy(tmp_path / "copy", folder, "registry.db")
    assert any(trace in everything(folder) for trace in traces(text))
    with closing(Recovery(folder)) as recovery:
        assert recovery.fetch(DirectorySource(tmp_path / "tree")).is_whole
    with closing(reopened(folder)) as registry:
        assert registry.office.read_only is None
    assert not any(trace in everything(folder) for trace in traces(text))


# ---- from what somebody kept -----------------------------------------------------------------------------------------


def test_a_lost_journal_is_made_anew(town: Town) -> None:
    town.lose("journal.db")
    town.is_read_only("the journal is missing or empty")
    state = town.recover(lambda recovery: recovery.accept(town.known(town.newest())))
    assert state.is_whole
    with closing(SigningJournal(town.folder / "journal.db")) as journal:
        assert journal.newest()[0] == town.newest()["seq"] + 1
        assert len(journal.above(0, 99)) == len(town.receipts) + 2
    town.is_whole()


def test_what_was_kept_shows_that_entries_are_missing(town: Town) -> None:
    """Database and journal were put back together; a receipt that somebody has is newer."""
    for name in ("registry.db", "journal.db"):
        town.older(name)
    state = town.recover(lambda recovery: recovery.accept(town.known(town.newest())))
    assert state.missing == town.newest()["seq"] + 1 - 4
    town.is_read_only("an older copy was put back")
    assert town.recover(lambda recovery: recovery.fetch(town.tree("whole"))).is_whole


def test_what_another_log_signed_says_nothing(town: Town, tmp_path: Path) -> None:
    town.lose("journal.db")
    with open_desk(tmp_path / "other") as desk:
        receipt = desk.register(desk.party("乙"))
    with pytest.raises(RecoveryError, match="not one that this log has signed"):
        town.recover(lambda recovery: recovery.accept(town.known(receipt)))
    town.is_read_only("the journal is missing or empty")


def test_a_damaged_journal_stops_a_start_with_words(town: Town) -> None:
    (town.folder / "journal.db").write_bytes(b"not a database, whatever its name says" * 100)
    with pytest.raises(FoundingError, match=r"recover --known"):
        reopened(town.folder)


def test_no_keys_no_recovery(tmp_path: Path) -> None:
    with pytest.raises(RecoveryError) as raised:
        Recovery(tmp_path)
    assert raised.value.code == "no_keys"
    assert not (tmp_path / "keys").exists()


# ---- what a start does about rows ------------------------------------------------------------------------------------


def test_a_row_that_a_power_cut_took_is_signed_again(town: Town) -> None:
    """The journal has it; the partial tiles of that size are answered as before."""
    with closing(sqlite3.connect(town.folder / "registry.db")) as connection, connection:
        connection.execute("DELETE FROM sanquan_checkpoint WHERE size > 310")
    town.is_whole()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sanquan_checkpoint SET note = replace(note, '318', '319') WHERE size = 318",
        "UPDATE sanquan_checkpoint SET root = zeroblob(32) WHERE size = 318",
        "UPDATE sanquan_log_head SET root = zeroblob(32)",
        "UPDATE sanquan_entry SET data = 'x' WHERE position = 317",
        "DELETE FROM sanquan_entry WHERE position = 317",
    ],
)
def test_a_damaged_database_writes_nothing(change: str, town: Town) -> None:
    with closing(sqlite3.connect(town.folder / "registry.db")) as connection, connection:
        connection.execute(change)
    with closing(reopened(town.folder)) as registry:
        assert registry.office.read_only is not None
        assert "damaged" in registry.office.read_only.en


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_a_log_that_lost_entries_ends(town: Town) -> None:
    town.older()
    continues = town.recover(lambda recovery: recovery.end(START, successor="next.test"))
    assert (continues.recovered_size, continues.lost) == (4, town.newest()["seq"] + 1 - 4)
    checkpoint = parse_checkpoint(parse_note(continues.checkpoint).text)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, town.newest()["seq"] + 1)
    town.is_read_only("It is continued by next.test")
    with pytest.raises(RecoveryError, match="ended"):
        town.recover(lambda recovery: recovery.fetch(town.tree("whole")))
    again = town.recover(lambda recovery: recovery.end(START, town.known(town.newest())))
    assert (again.recovered_size, again.lost) == (4, continues.lost)


def test_a_fork_keeps_what_agrees(forked: Town) -> None:
    """The database holds another history than the journal: the entries before they part are still there."""
    for name in ("registry.db", "journal.db"):
        copy(forked.root / "copy", forked.folder, name)
    with closing(reopened(forked.folder, hours=1)) as registry:
        registry.office.submit(updates(on(registry), forked.a, 400))
    continues = forked.recover(lambda recovery: recovery.end(START, forked.known(forked.newest())))
    assert parse_checkpoint(parse_note(continues.checkpoint).text).size == 404
    assert (continues.recovered_size, continues.lost) == (404, 0)
