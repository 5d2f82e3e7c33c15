"""python -m tests.bench.spreadsheet [--rows 5000 --errors 50]

`sanquan import` of a workbook with planted errors: what is right is registered, every error is named by its cell, and
the corrected copy adds exactly what was wrong. Served by the command itself (one process, SQLite) on loopback.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import httpx

from api.exporting.files import XLSX
from tests.api.cli.console import MAIN, Console, environment
from tests.api.spreadsheets.made import correct, from_template, planted
from tests.forks import Forks


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--errors", type=int, default=50)
    options = parser.parse_args()
    rows, wrong = planted(options.rows, options.errors)
    with tempfile.TemporaryDirectory(prefix="sanquan-bench-") as folder:
        home = Path(folder)
        path = from_template(home / "registrations.xlsx", rows)
        copy = home / "registrations-result.xlsx"
        with Console(home, Forks(home)).serve() as served:
            command = [*MAIN, "import", "--url", served.url, "--name", "Bulk", "--json"]
            for what, file, expected in (
                ("first run", path, (options.rows - options.errors, 0, options.errors)),
                ("corrected copy", copy, (options.errors, options.rows - options.errors, 0)),
                ("nothing left to do", home / "registrations-result-result.xlsx", (0, options.rows, 0)),
            ):
                begun = time.perf_counter()
                ended = subprocess.run(
                    [*command, file], cwd=home, env=environment(home), capture_output=True, check=True
                )
                done = json.loads(ended.stdout)
                seconds = time.perf_counter() - begun
                found = (done["registered"], done["skipped"], done["refused"])
                assert found == expected, (found, expected)
                print(f"{what:<20}{seconds:8.1f} s{options.rows / seconds:10.0f} rows/s   {found}", flush=True)
                if file == path:
                    lines = map(json.loads, (home / "import-report.ndjson").read_text().splitlines())
                    named = {each["cell"]: each["code"] for line in lines for each in line.get("errors", ())}
                    right = {cell: code for cell, (code, _) in wrong.items()}
                    assert named == right, sorted(named.items() ^ right.items())
                    correct(copy, wrong)
            _over_rest(served.url, home, path)


def _over_rest(url: str, home: Path, path: Path) -> None:
    """The same file by a party whose key is in custody."""
    with httpx.Client(base_url=url, trust_env=False, timeout=120) as http:
        http.headers["Authorization"] = f"Bearer {(home / 'data' / 'admin.token').read_text().strip()}"
        made = http.post("/v1/parties", json={"name": "Custody", "kind": "legal_person"}).json()
        http.headers["Authorization"] = f"Bearer {made['token']}"
        begun = time.perf_counter()
        job = http.post("/v1/imports", content=path.read_bytes(), headers={"Content-Type": XLSX}).json()
        while job["state"] in ("waiting", "running"):
            time.sleep(0.2)
            job = http.get(f"/v1/imports/{job['id']}").json()
        seconds = time.perf_counter() - begun
        found = (job["registered"], job["skipped"], job["refused"])
        print(f"{'over REST':<20}{seconds:8.1f} s{job['total'] / seconds:10.0f} rows/s   {found}")


if __name__ == "__main__":
    main()
