"""`sanquan serve`: first start, later starts, and starts that are refused."""

import json
import os
import signal
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.cli.console import Console, Served
from tests.words import english_run

FILES = ("log.pem", "log-mldsa44.pem", "registrar.pem", "clerk.pem", "seal.pem", "custody.key")


@contextmanager
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def facts(served: Served) -> dict[str, Any]:
    answer = httpx.get(f"{served.url}/.well-known/sanquan", trust_env=False)
    found: dict[str, Any] = answer.json()
    return found


def test_the_first_start_makes_keys_and_the_second_finds_them(sanquan: Console) -> None:
    data = sanquan.home / "data"
    with sanquan.serve() as served:
        assert "a new registry" in served.greeting
        assert "for this machine only" in served.greeting
        assert str(data / "admin.token") in served.greeting
        first = facts(served)
        assert served.key in first["log_keys"]
        assert served.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    assert mode(data) == mode(data / "keys") == 0o700
    for name in FILES:
        assert mode(data / "keys" / name) == 0o600, name
    assert mode(data / "admin.token") == 0o600
    assert (data / "registry.db").is_file()
    assert (data / "journal.db").is_file()
    assert (data / "documents").is_dir()
    with sanquan.serve("--admission", "open") as served:
        assert "a new registry" not in served.greeting
        assert "for this machine only" not in served.greeting
        assert facts(served) == first


def test_the_default_origin_is_named_by_the_registrars_key(sanquan: Console) -> None:
    for words in ((), ("--simulated-clock", "now")):
        home = Console(sanquan.home / f"home{len(words)}", sanquan.forks)
        home.home.mkdir()
        with home.serve(*words) as served:
            found = facts(served)
            assert found["origin"] == str(found["registrar"]).removeprefix("pty_")[:12] + ".local.test"


def test_starts_that_are_refused(sanquan: Console) -> None:
    for words, word in {
        ("--host", "0.0.0.0"): "origin",
        ("--origin", "x.example", "--simulated-clock", "now"): "simulated clock",
        ("--simulated-clock", "yesterday"): "--simulated-clock",
        ("--admission", "some"): "cannot start",
        ("--port", "70000"): "cannot start",
    }.items():
        assert word in sanquan("serve", "--data", "never", *words, wanted=2).stderr, words
    assert "unknown settings" in sanquan("serve", "--data", "never", wanted=2, SANQUAN_HOTS="x").stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "cannot listen" in sanquan("serve", "--data", "never", "--port", port, wanted=2).stderr
    assert not (sanquan.home / "never" / "registry.db").exists()


def test_other_keys_or_another_origin_or_a_lost_database_stop_a_start(sanquan: Console) -> None:
    data = sanquan.home / "data"
    with sanquan.serve("--origin", "one.example") as served:
        served.end(signal.SIGTERM)
    again = ("serve", "--data", data, "--port", 0)
    assert "one.example" in sanquan(*again, "--origin", "two.example", wanted=2).stderr
    assert ".test" in sanquan(*again, "--simulated-clock", "now", wanted=2).stderr
    key = (data / "keys" / "log.pem").read_bytes()
    (data / "keys" / "log.pem").unlink()
    assert "log.pem" in sanquan(*again, wanted=2).stderr
    (data / "keys" / "log.pem").write_bytes((data / "keys" / "registrar.pem").read_bytes())
    sanquan(*again, wanted=2)
    (data / "keys" / "log.pem").write_bytes(key)
    for name in ("registry.db", "registry.db-wal", "registry.db-shm"):
        (data / name).unlink(missing_ok=True)
    assert "restore" in sanquan(*again, wanted=2).stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_simulated_clock_outlives_the_process(sanquan: Console, how: signal.Signals) -> None:
    with sanquan.serve("--simulated-clock", "2026-01-01T00:00:00Z") as served:
        set_ = httpx.post(f"{served.url}/v1/clock", json={"now": "2027-01-01T00:00:00Z"}, trust_env=False)
        assert set_.status_code == 200
        served.end(how)
    with sanquan.serve("--simulated-clock", "2026-01-01T00:00:00Z") as served:
        now = httpx.get(f"{served.url}/v1/clock", trust_env=False).json()["now"]
        assert now.startswith("2027-01-01")


def test_logs_are_json_and_show_no_values(sanquan: Console, served: Served) -> None:
    with sqlite3.connect(sanquan.home / "data" / "registry.db") as database:
        database.execute("ALTER TABLE sanquan_party RENAME TO elsewhere")
    database.close()
    answer = httpx.get(f"{served.url}/v1/parties/pty_secret?at=2030-01-01T00:00:00Z", trust_env=False)
    assert answer.status_code == 500
    assert served.process.stderr is not None
    lines = (line for line in served.process.stderr if line.startswith("{"))
    line = next(line for line in lines if json.loads(line)["event"] == "request failed")  # the indexer may fail, too
    assert "locals" not in line


def test_a_start_speaks_chinese(sanquan: Console) -> None:
    zh = {"SANQUAN_LANG": "zh"}
    with sanquan.serve(**zh) as served:
        assert "新建登记簿" in served.greeting
        assert english_run(served.greeting) is None
        taken = served.url.rpartition(":")[2]
        assert "已被占用" in sanquan("serve", "--data", "never", "--port", taken, wanted=2, **zh).stderr
    for words in (
        ("--host", "0.0.0.0"), ("--simulated-clock", "yesterday"), ("--admission", "some"), ("--port", "70000"),
        ("--origin", "x.example", "--simulated-clock", "now"),
    ):  # fmt: skip
        said = sanquan("serve", "--data", "never", *words, wanted=2, **zh).stderr
        assert said.startswith(("无法启动：", "--simulated-clock：")), said
        assert english_run(said) is None, said
    (sanquan.home / "data" / "keys" / "log.pem").unlink()
    said = sanquan("serve", "--data", "data", wanted=2, **zh).stderr
    assert "缺少密钥" in said
    assert english_run(said) is None


def test_every_file_in_the_data_folder_is_its_owners_alone(sanquan: Console) -> None:
    """Also where the umask would let everybody read and write, and where an earlier start left a file open to others."""
    data = sanquan.home / "data"
    for start in (1, 2):
        with open_umask(), sanquan.serve("--simulated-clock", "now") as served:
            sanquan("party", "register", "--name", "A", "--url", served.url, "--profile", sanquan.home / f"p{start}")
            found = {str(path.relative_to(data)): mode(path) for path in sorted(data.rglob("*"))}
            assert {
                name: bits for name, bits in found.items() if bits != (0o700 if (data / name).is_dir() else 0o600)
            } == {}
            assert {
                "registry.db",
                "registry.db-wal",
                "registry.db-shm",
                "journal.db",
                "journal.db-wal",
                "clock",
            } <= set(found)
            assert any(name.startswith("documents/") for name in found)
            served.end(signal.SIGTERM)
        (data / "registry.db").chmod(0o644)
