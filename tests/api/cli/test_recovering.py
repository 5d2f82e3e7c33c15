"""`sanquan recover`, and `sanquan serve --continues`: exit status, words, and what a start says afterwards."""

import json
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from ledger.checkpoint import parse_checkpoint
from ledger.entry import parse_entry
from ledger.note import parse_note
from registry.clock import SimulatedClock
from registry.founding import FoundingError
from registry.registry import Options, open_registry
from registry.succession import parse_continues
from tests.api.cli.console import Console
from tests.registry.desk import ORIGIN, START, open_desk, updates


def copy(folder: Path, to: Path, name: str) -> None:
    to.mkdir(exist_ok=True)
    for path in [*to.glob(f"{name}*")]:
        path.unlink()
    for path in folder.glob(f"{name}*"):
        shutil.copy2(path, to / path.name)


@pytest.fixture
def data(sanquan: Console) -> Path:
    """A data folder of five entries with its older database of two, a tree and a receipt of all."""
    folder = sanquan.home / "data"
    with open_desk(folder) as desk:
        a = desk.party("甲")
        copy(folder, sanquan.home / "older", "registry.db")
        answers = desk.registry.office.submit(updates(desk, a, 3))
        (sanquan.home / "receipt.json").write_text(json.dumps(answers[-1].receipt))
    sanquan("export", "tree", "--data", "data")
    return folder


def why_read_only(folder: Path) -> str:
    """What a start says, if it may not write."""
    with closing(open_registry(Options(folder, ORIGIN), SimulatedClock(START))) as registry:
        words = registry.office.read_only
    return words.en if words else ""


def opening(folder: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(folder / "registry.db")) as connection:
        (data,) = connection.execute("SELECT data FROM sanquan_entry WHERE position = 0").fetchone()
    body: dict[str, Any] = json.loads(parse_entry(data).envelope.payload)["body"]
    return body


def test_an_older_copy_is_brought_up_to_date(sanquan: Console, data: Path) -> None:
    copy(sanquan.home / "older", data, "registry.db")
    with sanquan.serve("--origin", ORIGIN) as served:
        assert httpx.get(f"{served.url}/readyz", trust_env=False).status_code == 503
        served.end(signal.SIGKILL)
        assert served.process.stderr is not None
        assert "READ-ONLY: The journal says that 5 entries were signed" in served.process.stderr.read()
    done = sanquan("recover", "--data", "data", "--from", "tree")
    assert "3 entries recovered, 5 in all" in done.stdout
    assert "not recovered: disclosures, documents" in done.stderr
    assert not why_read_only(data)
    sanquan("audit", "data", "--known", "receipt.json", wanted=2)  # holds, but no key is pinned


def test_from_another_server(sanquan: Console, data: Path) -> None:
    shutil.copytree(data, sanquan.home / "mirror")
    copy(sanquan.home / "older", data, "registry.db")
    with sanquan.serve("--data", sanquan.home / "mirror", "--origin", ORIGIN) as served:
        done = sanquan("recover", "--data", "data", "--from", served.url, "--json")
    state = json.loads(done.stdout)
    assert (state["added"], state["size"], state["missing"], state["whole"]) == (3, 5, 0, True)


def test_a_lost_journal(sanquan: Console, data: Path) -> None:
    for path in data.glob("journal.db*"):
        path.unlink()
    assert "The database holds 5 signed entries, but the journal is missing" in why_read_only(data)
    assert "0 entries recovered, 5 in all" in sanquan("recover", "--data", "data", "--known", "receipt.json").stdout
    assert not why_read_only(data)


def test_what_is_still_missing(sanquan: Console, data: Path) -> None:
    for name in ("registry.db", "journal.db"):
        for path in data.glob(f"{name}*"):
            path.unlink()
    copy(sanquan.home / "older", data, "registry.db")
    done = sanquan("recover", "--data", "data", "--known", "receipt.json", wanted=1)
    assert "3 signed entries are still missing" in done.stderr
    done = sanquan("recover", "--data", "data", "--from", "data", wanted=1)
    assert "not recovered" in done.stderr


def test_a_log_ends_and_another_continues_it(sanquan: Console, data: Path) -> None:
    copy(sanquan.home / "older", data, "registry.db")
    sanquan("recover", "--data", "data", "--end", wanted=1)  # nobody says yes
    done = sanquan("recover", "--data", "data", "--end", "--yes", "--successor", "next.test")
    assert "2 signed entries are still here, 3 are lost" in done.stdout
    assert "It is continued by next.test" in why_read_only(data)
    new = sanquan.home / "new"
    words = ["--data", new, "--continues", data / "continues.json"]
    with sanquan.serve("--origin", "next.test", *words) as served:
        assert httpx.get(f"{served.url}/readyz", trust_env=False).status_code == 200
    continues = opening(new)["continues"]
    assert (continues["recovered_size"], continues["lost"]) == (2, 3)
    checkpoint = parse_checkpoint(parse_note(continues["checkpoint"]).text)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, 5)
    said = parse_continues((data / "continues.json").read_bytes())
    open_registry(Options(new, "next.test", continues=said)).close()
    with pytest.raises(FoundingError, match="does not say that it continues"):
        open_registry(Options(new, "next.test", continues=replace(said, lost=4)))
    sanquan("audit", "new", wanted=2)
    same = sanquan("serve", "--origin", ORIGIN, "--data", "third", *words[2:], wanted=2)
    assert "has another origin" in same.stderr
    other = sanquan("serve", "--port", "0", "--data", "older2", "--continues", "receipt.json", wanted=2)
    assert "--continues: not what" in other.stderr


@pytest.mark.parametrize(
    "words",
    [[], ["--end", "--from", "tree"], ["--from", "nowhere"], ["--known", "nothing"], ["--from", "tree", "--key", "x"]],
)
def test_usage(words: list[str], sanquan: Console, data: Path) -> None:
    assert data.is_dir()
    sanquan("recover", "--data", "data", *words, wanted=2)


def test_no_data(sanquan: Console) -> None:
    sanquan("recover", "--data", "nowhere", "--known", "x", wanted=2)
    (sanquan.home / "empty").mkdir()
    (sanquan.home / "note").write_text("")
    done = sanquan("recover", "--data", "empty", "--from", "empty", wanted=1)
    assert "no keys/log.pem" in done.stderr
