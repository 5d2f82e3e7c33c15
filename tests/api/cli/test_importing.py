"""`sanquan import`: samples of other people's open data and own files, twice, and across a kill −9 of the server."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.api.cli.console import MAIN, ROOT, Console, environment

SAMPLES = ROOT / "tests" / "vectors" / "import"
DEADLINE_S = 30.0
ROWS = 1_500


def report(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "import-report.ndjson").read_text().splitlines()]


def until(what: Callable[[], bool]) -> None:
    """Asks again and again until it is so; fails after a deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass in time"


def count(url: str) -> int:
    answer = httpx.get(f"{url}/v1/rulebooks", trust_env=False)
    return int(answer.json()["size"])


def test_samples_twice_and_own_files(sanquan: Console) -> None:
    with sanquan.serve() as served:
        sources = [SAMPLES / "open-data-registry.ndjson", SAMPLES / "croissant"]
        run = ("import", *sources, "--url", served.url, "--json")
        first = json.loads(sanquan(*run, "--name", "Importer").stdout)
        lines = report(sanquan.home)
        assert first["registered"] > 10
        assert first["registered"] + first["refused"] + first["skipped"] == len(lines)
        assert len({line["row"] for line in lines}) == len(lines)
        assert all(line["code"] and line["message"] for line in lines if line["outcome"] == "refused")
        size = count(served.url)
        again = json.loads(sanquan(*run).stdout)
        assert (again["registered"], again["skipped"]) == (0, first["registered"] + first["skipped"])
        assert count(served.url) == size
        assert {line["row"] for line in report(sanquan.home)} == {line["row"] for line in lines}

        own = sanquan.home / "own"
        own.mkdir()
        (own / "a.csv").write_text("x,y\n1,2\n")
        (own / "b.json").write_text('{"a": 1}')
        mine = json.loads(sanquan("import", own, "--url", served.url, "--json", "--basis", "own_operation").stdout)
        assert mine["registered"] == 2
        sanquan("import", own, "--url", served.url, "--basis", "nonsense", wanted=2)
        sanquan("import", sanquan.home / "none", "--url", served.url, wanted=2)
        sanquan("audit", served.url, "--key", served.key)


def acknowledged(home: Path) -> list[dict[str, Any]]:
    return [line for line in report(home) if line["outcome"] == "registered"]


def test_kill_9_during_a_bulk_load_loses_nothing_and_doubles_nothing(sanquan: Console) -> None:
    own = sanquan.home / "own"
    own.mkdir()
    for number in range(ROWS):
        (own / f"{number:04d}.csv").write_text(f"n\n{number}\n")
    words = ["import", str(own), "--basis", "own_operation", "--name", "Bulk", "--json", "--url"]
    with sanquan.serve() as served:
        loading = subprocess.Popen(
            [*MAIN, *words, served.url], cwd=sanquan.home, env=environment(sanquan.home),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until(lambda: count(served.url) > 300)
        served.end(signal.SIGKILL)
        out, err = loading.communicate(timeout=DEADLINE_S)
    assert loading.returncode == 2, (out, err)
    before = acknowledged(sanquan.home)
    assert 0 < len(before) < ROWS
    with sanquan.serve() as served:
        for line in before:
            entry = httpx.get(f"{served.url}/v1/entries/{line['seq']}", trust_env=False)
            if line is before[0] or line is before[-1]:
                assert entry.json()["statement"]["act"] == "case.file"
            assert entry.status_code == 200
        sanquan("audit", sanquan.home / "data", "--key", served.key)
        rest = json.loads(sanquan(*words, served.url).stdout)
        assert rest["registered"] + rest["skipped"] == ROWS
        assert rest["skipped"] >= len(before)
        assert rest["refused"] == 0
        assert count(served.url) == ROWS + 2
        sanquan("audit", served.url, "--key", served.key)
