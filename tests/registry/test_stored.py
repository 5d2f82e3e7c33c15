"""What a data folder keeps beside its entries is compared with them: columns, indexes, signed roots, the journal."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.errors import BrokenLogError
from ledger.note import parse_note
from registry.auditing import open_subject
from tests.registry.desk import open_desk
from tests.registry.histories import audited, copy, execute

SIZE = 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    folder = tmp_path_factory.mktemp("stored") / "data"
    with open_desk(folder) as desk:
        party = desk.party("甲")
        while desk.size() < SIZE:
            desk.ok("party.update", party, {"contact": str(desk.size())})
        signers = [desk.registry.keys.log, desk.registry.keys.log_mldsa44]
        return folder, desk.registry.log.verifier_keys(), signers


@pytest.fixture
def folder(made: tuple[Path, Any, Any], tmp_path: Path) -> Path:
    return copy(made[0], tmp_path / "data")


def found(folder: Path, keys: Sequence[Any]) -> list[tuple[str, int | None, str]]:
    return [(each.what, each.position, each.words_en) for each in audited(folder, keys).findings]


@pytest.mark.parametrize(
    ("statement", "what", "position", "words"),
    [
        ("UPDATE sanquan_entry SET statement = zeroblob(32) WHERE position = 3", "stored_differs", 3, "`statement`"),
        ("UPDATE sanquan_entry SET leaf = zeroblob(32) WHERE position = 3", "entry_changed", 3, "entry 3"),
        ("UPDATE sanquan_entry SET position = 99 WHERE position = 3", "unreadable", 0, "entry 3 is missing"),
        ("DELETE FROM sanquan_entry WHERE position = 8", "unreadable", 0, "8 of 9 hashes"),
        ("DELETE FROM sanquan_statement_newest WHERE ref = 4", "stored_differs", 4, "index of statements"),
        ("UPDATE sanquan_statement_newest SET key = 7 WHERE ref = 4", "stored_differs", 4, "index of statements"),
        ("INSERT INTO sanquan_statement VALUES (7, 4)", "stored_differs", 4, "index of statements"),
        ("DELETE FROM sanquan_folio WHERE position = 5", "stored_differs", 5, "index of folios"),
        ("UPDATE sanquan_folio SET position = 4 WHERE position = 5", "stored_differs", 5, "index of folios"),
        ("INSERT INTO sanquan_folio VALUES ('zzz', 1, 6)", "stored_differs", 6, "index of folios"),
        ("UPDATE sanquan_log_head SET root = zeroblob(32)", "stored_differs", None, "The head of the log"),
        ("UPDATE sanquan_checkpoint SET root = zeroblob(32) WHERE size = 4", "stored_differs", None, "of 4 entries"),
        ("UPDATE sanquan_checkpoint SET note = 'x' WHERE size = 4", "checkpoint_signature", None, "of 4 entries"),
        (
            "UPDATE sanquan_checkpoint SET note = (SELECT note FROM sanquan_checkpoint WHERE size = 5) WHERE size = 4",
            "stored_differs", None, "of 4 entries",
        ),
        (
            "INSERT INTO sanquan_published SELECT 1, 5, root, note FROM sanquan_checkpoint WHERE size = 4",
            "stored_differs", None, "of 5 entries",
        ),
        (
            "UPDATE sanquan_checkpoint SET note = replace(note, '— ', '— x') WHERE size = 4", "checkpoint_signature", None,
            "not signed by any",
        ),
    ],
)  # fmt: skip
def test_a_changed_row_is_named(
    made: Any, folder: Path, statement: str, what: str, position: int | None, words: str
) -> None:
    assert execute(folder, statement) == [1]
    (finding,) = found(folder, made[1])
    assert finding[:2] == (what, position), finding
    assert words in finding[2]


def test_sound_folder_holds(made: Any, folder: Path) -> None:
    assert found(folder, made[1]) == []


def test_two_signed_roots_in_one_database_are_named(made: Any, folder: Path) -> None:
    connection = sqlite3.connect(folder / "registry.db")
    (note,) = connection.execute("SELECT note FROM sanquan_checkpoint WHERE size = 4").fetchone()
    other = Checkpoint(parse_checkpoint(parse_note(note).text).origin, 4, bytes(range(32)))
    signed = sign_checkpoint(other, made[2], 1)
    with connection:
        connection.execute("UPDATE sanquan_checkpoint SET root = ?, note = ? WHERE size = 4", (other.root, signed))
    connection.close()
    (finding,) = found(folder, made[1])
    assert finding[:2] == ("stored_differs", None)
    assert "two roots" in finding[2]


def journal(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "journal.db")
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def test_the_journal_must_agree(made: Any, folder: Path, tmp_path: Path) -> None:
    journal(folder, "UPDATE signed SET root = zeroblob(32) WHERE size = 4")
    (finding,) = found(folder, made[1])
    assert finding[0] == "stored_differs"
    assert "signing journal of 4 entries" in finding[2]
    behind = copy(made[0], tmp_path / "behind")
    journal(behind, "INSERT INTO signed VALUES (12, zeroblob(32))")
    assert [each[:2] for each in found(behind, made[1])] == [("entries_lost", SIZE)]
    (behind / "journal.db").unlink()
    for suffix in ("-wal", "-shm"):
        (behind / f"journal.db{suffix}").unlink(missing_ok=True)
    assert found(behind, made[1]) == []
    (behind / "journal.db").write_bytes(b"nothing")
    with pytest.raises(BrokenLogError, match="journal cannot be read"), open_subject(behind):
        pass
