"""Several writers on one database: neither forks, nothing acknowledged is lost, everybody has a root that covers it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from ledger import merkle
from ledger.checkpoint import verify_checkpoint
from ledger.errors import JournalConflictError, LogEndedError
from ledger.journal import SigningJournal
from ledger.log import Appended, Log
from ledger.storage.memory import MemoryLogStorage
from ledger.storage.sql import SqlLogStorage
from tests.ledger.appending import engine_of
from tests.ledger.logs import KEYS, LOG_SIGNERS, START, append, folios_of, make_envelope
from tests.ledger.support import ORIGIN
from tests.postgres import postgres

BATCHES = 25


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres() as engine:
        schema = engine.url.update_query_dict({"options": f"-csearch_path={_schema_of(engine)}"})
        yield schema.render_as_string(hide_password=False)


def _schema_of(engine: Engine) -> str:
    with engine.connect() as tx:
        found: str = tx.exec_driver_sql("SELECT current_schema()").scalar_one()
    return found


@pytest.mark.parametrize("is_shared", [True, False], ids=["one journal", "two journals"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes(kind: str, is_shared: bool, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    engine, storage = engine_of(url), SqlLogStorage()
    with engine.begin() as tx:
        storage.create(tx)
        for table in ("entry", "statement", "statement_newest", "folio", "tile", "checkpoint", "log_head"):
            tx.exec_driver_sql(f"DELETE FROM sanquan_{table}")
    append(Log(storage, ORIGIN, LOG_SIGNERS, SigningJournal(tmp_path / "0.db")), _Engines(engine), range(1))
    journals = [tmp_path / "0.db", tmp_path / ("0.db" if is_shared else "1.db")]
    said = [line for lines in _run(url, journals) for line in lines]
    with engine.connect() as tx:
        rows = storage.entries(tx, 0, 99)
        assert len(rows) == 2 * BATCHES + 1
        assert storage.head(tx).root == merkle.root([row.leaf for row in rows])
        for line in said:
            assert rows[line["position"]].statement.hex() == line["statement"]
            verified = verify_checkpoint(line["note"], KEYS).checkpoint
            assert verified.size > line["position"]
            assert verified.root == merkle.root([row.leaf for row in rows[: verified.size]])
    for path in journals:
        journal = SigningJournal(path)
        for size, root in journal.above(0, 99):
            assert root == merkle.root([row.leaf for row in rows[:size]])
        journal.close()
    engine.dispose()


def _run(url: str, journals: list[Path]) -> list[list[dict[str, Any]]]:
    """What two processes that append at once say."""
    command = [sys.executable, "-m", "tests.ledger.appending", url]
    children = [
        subprocess.Popen(
            [*command, str(path), salt, str(BATCHES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for path, salt in zip(journals, "ab", strict=True)
    ]
    try:
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin
            child.stdin.write("\n")
            child.stdin.flush()
        lines = [child.communicate(timeout=60)[0].splitlines() for child in children]
    finally:
        for child in children:
            child.kill()
    assert [child.returncode for child in children] == [0, 0]
    return [[json.loads(line) for line in each] for each in lines]


class _Engines:
    """An engine as `tests.ledger.logs.append` takes a storage."""

    def __init__(self, engine: Engine) -> None:
        self.transaction = engine.begin

    def put_checkpoint(self, tx: Any, row: Any) -> None:
        SqlLogStorage().put_checkpoint(tx, row)


# ---- orders that two processes may come in, one by one ---------------------------------------------------------------


def write(log: Log, storage: MemoryLogStorage, number: int) -> Appended:
    with storage.transaction() as tx:
        batch = log.open_batch(tx, START)
        batch.add(make_envelope(number), make_envelope(number).digest(), folios_of(number))
        appended = batch.write(tx)
    assert appended
    log.adopt(appended)
    return appended


@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("is_shared", [True, False])
def test_who_signs_late_takes_what_covers_its_entries(is_shared: bool, is_stored: bool) -> None:
    storage, journal = MemoryLogStorage(), SigningJournal()
    first, second = (
        Log(storage, ORIGIN, LOG_SIGNERS, each) for each in (journal, journal if is_shared else SigningJournal())
    )
    late, early = write(first, storage, 0), write(second, storage, 1)
    signed = second.sign_covering(early.head, storage.transaction)
    if is_stored:
        with storage.transaction() as tx:
            storage.put_checkpoint(tx, signed)
    row = first.sign_covering(late.head, storage.transaction)
    assert (row.size, row.root) == ((2, early.head.root) if is_shared else (1, late.head.root))
    assert not (is_stored and is_shared) or row == signed
    assert verify_checkpoint(row.note, KEYS).checkpoint.root == row.root
    again = first.sign_covering(early.head, storage.transaction)
    assert (again.size, again.root) == (2, early.head.root)


def test_nothing_is_written_on_an_older_copy_under_a_running_writer() -> None:
    storage, journal = MemoryLogStorage(), SigningJournal()
    log = Log(storage, ORIGIN, LOG_SIGNERS, journal)
    append(log, storage, range(3))
    older = storage._contents
    append(log, storage, range(3, 5))
    storage._contents = older
    with storage.transaction() as tx, pytest.raises(JournalConflictError, match="5 entries were signed"):
        log.open_batch(tx, START)


def test_a_batch_that_was_written_on_another_history_is_not_signed() -> None:
    """Between the commit and the signature somebody puts back an older copy, on which another process goes on."""
    storage, journal = MemoryLogStorage(), SigningJournal()
    first, forging = (Log(storage, ORIGIN, LOG_SIGNERS, each) for each in (journal, SigningJournal()))
    append(first, storage, range(3))
    older = storage._contents
    append(first, storage, range(3, 5))
    storage._contents = older
    append(forging, storage, range(3, 9), salt="other")
    with storage.transaction() as tx:
        head = storage.head(tx)
    with pytest.raises(JournalConflictError):
        first.sign_covering(head, storage.transaction)
    with pytest.raises(JournalConflictError):
        Log(storage, ORIGIN, LOG_SIGNERS, journal).sign(head)
    with storage.transaction() as tx, pytest.raises(JournalConflictError):
        Log(storage, ORIGIN, LOG_SIGNERS, journal).open_batch(tx, START)


def test_an_ended_log_takes_nothing() -> None:
    storage, journal = MemoryLogStorage(), SigningJournal()
    log = Log(storage, ORIGIN, LOG_SIGNERS, journal)
    append(log, storage, range(3))
    with storage.transaction() as tx:
        head = storage.head(tx)
    journal.end(START, "next.test")
    with storage.transaction() as tx, pytest.raises(LogEndedError):
        log.open_batch(tx, START)
    for signing in (lambda: log.sign(head), lambda: log.sign_covering(head, storage.transaction)):
        with pytest.raises(LogEndedError):
            signing()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_only_the_same_root_replaces_a_note(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    from msgspec.structs import replace

    from ledger.errors import BrokenLogError
    from ledger.storage import CheckpointRow

    url = f"sqlite:///{tmp_path / 'log.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    engine, storage = create_engine(url), SqlLogStorage()
    row = CheckpointRow(1000, bytes(32), "first")
    with engine.begin() as tx:
        storage.create(tx)
        storage.put_checkpoint(tx, row)
        storage.put_checkpoint(tx, replace(row, note="second"))
        with pytest.raises(BrokenLogError):
            storage.put_checkpoint(tx, replace(row, root=b"\x01" * 32))
        assert storage.checkpoint(tx, 1000) == replace(row, note="second")
    engine.dispose()


def test_the_lock_of_writers_is_taken(request: pytest.FixtureRequest) -> None:
    engine = create_engine(request.getfixturevalue("postgres_url"))
    with engine.begin() as one, engine.begin() as two:
        SqlLogStorage().lock(one)
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        assert two.exec_driver_sql(held).scalar_one() == 1
    engine.dispose()
