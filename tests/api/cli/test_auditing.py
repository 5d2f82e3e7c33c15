"""`audit`, `verify`, `export`, `register rebuild`: for whoever does not trust the operator, and the operator."""

import json
import signal
import sqlite3
from pathlib import Path

import pytest

from tests.api.cli.console import Console, Served
from tests.api.live import FORM


@pytest.fixture
def kept(sanquan: Console, served: Served) -> Path:
    """A receipt; the registry has three entries."""
    form = sanquan.home / "form.json"
    form.write_text(json.dumps(FORM))
    done = sanquan("asset", "register", form, "--url", served.url, "--basis", "own_operation", "--name", "A", "--json")
    receipt = sanquan.home / "receipt.json"
    receipt.write_text(done.stdout)
    return receipt


def test_an_audit_holds_is_broken_or_is_not_pinned(sanquan: Console, served: Served, kept: Path) -> None:
    data, key = sanquan.home / "data", ("--key", served.key)
    nobody = {"SANQUAN_STATE": str(sanquan.home / "nobody")}
    assert "holds" in sanquan("audit", served.url, *key, "--known", kept, **nobody).stdout
    assert "not pinned" in sanquan("audit", data, wanted=2, **nobody).stdout
    report = json.loads(sanquan("audit", data, "--known", kept, "--json").stdout)
    assert (report["holds"], report["pinned"], report["size"], report["known"]) == (True, True, 3, 1)
    served.end(signal.SIGTERM)
    with sqlite3.connect(data / "registry.db") as database:
        changed = "CAST(replace(CAST(data AS TEXT), '\"n\":', '\"n\": ') AS BLOB)"
        database.execute(f"UPDATE sanquan_entry SET data = {changed} WHERE position = 2")
    database.close()
    broken = sanquan("audit", data, *key, "--json", wanted=1)
    assert json.loads(broken.stdout)["findings"][0]["seq"] == 2
    assert "分录 2" in sanquan("audit", data, *key, "--lang", "zh", wanted=1).stdout


def test_an_auditor_may_ask_for_less(sanquan: Console, served: Served, kept: Path) -> None:
    data, key = sanquan.home / "data", ("--key", served.key, "--json")
    report = json.loads(sanquan("audit", data, *key).stdout)
    assert (report["level"], report["signatures"], report["workers"], report["resumed"]) == ("register", True, 1, 0)
    assert report["entries_per_second"] > 0
    assert json.loads(sanquan("audit", data, *key, "--level", "log", "--jobs", "2").stdout)["level"] == "log"
    report = json.loads(sanquan("audit", data, *key, "--no-signatures", wanted=2).stdout)
    assert (report["holds"], report["signatures"]) == (True, False)
    assert "signatures not checked" in sanquan("audit", data, *key[:2], "--no-signatures", wanted=2).stdout
    assert "未验证签名" in sanquan("audit", data, *key[:2], "--no-signatures", "--lang", "zh", wanted=2).stdout
    sanquan("audit", data, *key, "--level", "all", wanted=2)
    sanquan("audit", data, *key, "--jobs", "0", wanted=2)


def test_what_an_audit_of_an_address_found_is_kept(sanquan: Console, served: Served, kept: Path) -> None:
    state = sanquan.home / "state" / "audits"
    sanquan("audit", served.url, "--key", served.key, "--no-signatures", wanted=2)
    assert [path.name for path in state.rglob("log.db")] == []
    sanquan("audit", served.url, "--key", served.key)
    (place,) = (path.parent for path in state.rglob("log.db"))
    assert place.name == "register"
    for words in ((), ("--whole",), ("--level", "log")):
        sanquan("audit", served.url, "--key", served.key, *words)
    assert {path.parent.name for path in state.rglob("log.db")} == {"register", "log"}


def test_what_cannot_be_audited(sanquan: Console, served: Served, kept: Path) -> None:
    sanquan("audit", sanquan.home / "none", wanted=2)
    sanquan("audit", "http://127.0.0.1:1", "--key", served.key, wanted=2)
    sanquan("audit", served.url, "--key", "nonsense", wanted=2)
    sanquan("audit", served.url, "--key", served.key, "--known", sanquan.home / "none", wanted=2)
    noise = sanquan.home / "noise"
    noise.write_text("{}")
    sanquan("audit", served.url, "--key", served.key, "--known", noise, wanted=2)


def test_a_receipt_is_verified_offline(sanquan: Console, served: Served, kept: Path) -> None:
    served.end(signal.SIGKILL)
    keys = sanquan.home / "log.vkey"
    keys.write_text(served.key + "\n")
    assert "entry 2 is in the log" in sanquan("verify", kept, "--key", keys).stdout
    sanquan("verify", kept)
    sanquan("verify", kept, wanted=2, SANQUAN_STATE=str(sanquan.home / "nobody"))
    assert json.loads(sanquan("verify", kept, "--key", served.key, "--json").stdout)["checks"][0]["holds"] is True
    receipt = json.loads(kept.read_text())
    for members in ({"leaf_hash": "ab" * 32}, {"seq": 1}):
        wrong = sanquan.home / "wrong.json"
        wrong.write_text(json.dumps(receipt | members))
        sanquan("verify", wrong, "--key", served.key, wanted=1)
    for text in ("", "[]", "c2sp.org/tlog-proof@v1\n", json.dumps({"seq": 1, "leaf_hash": "x", "proof": "y"})):
        (sanquan.home / "bad").write_text(text)
        sanquan("verify", sanquan.home / "bad", "--key", served.key, wanted=2)


def test_an_export_grows_and_is_audited_as_a_tree(sanquan: Console, served: Served, kept: Path) -> None:
    data, tree, key = sanquan.home / "data", sanquan.home / "tree", ("--key", served.key)
    assert "3 entries" in sanquan("export", tree, "--data", data).stdout
    assert "holds" in sanquan("audit", tree, *key, "--known", kept).stdout
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert " 0 files written" in sanquan("export", tree, "--data", data).stdout
    sanquan("party", "register", "--url", served.url, "--name", "B", "--profile", sanquan.home / "b")
    assert "4 entries" in sanquan("export", tree, "--data", data).stdout
    for path, content in before.items():
        if path.exists() and path.name != "checkpoint":
            assert path.read_bytes() == content, path
    assert "holds" in sanquan("audit", tree, *key).stdout
    for bundle in (path for path in tree.rglob("*") if path.is_file() and "entries" in path.parts):
        bundle.write_bytes(bundle.read_bytes().replace(b'"n":1', b'"n":2', 1))
    sanquan("audit", tree, *key, wanted=1)
    sanquan("export", tree, "--data", sanquan.home / "none", wanted=2)


def test_a_falsified_table_is_found_and_rebuilt(sanquan: Console, served: Served, kept: Path) -> None:
    data, key = sanquan.home / "data", ("--key", served.key)
    served.end(signal.SIGTERM)
    with sqlite3.connect(data / "registry.db") as database:
        database.execute(
            """UPDATE sanquan_right SET document = replace(document, '"kind":"holding"', '"kind":"keeping"')"""
        )
    database.close()
    assert "sanquan_right" in sanquan("audit", data, *key, wanted=1).stdout
    assert "3 entries" in sanquan("register", "rebuild", "--data", data).stdout
    sanquan("audit", data, *key)
    sanquan("register", "rebuild", "--data", sanquan.home / "none", wanted=2)
