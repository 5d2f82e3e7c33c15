"""`sanquan witness serve` and `sanquan witness evidence`. Contract section 10."""

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from ledger.checkpoint import verify_checkpoint
from ledger.errors import ProofError
from ledger.note import format_verifier_key
from ledger.witness.errors import OldSizeError
from ledger.witness.folder import open_witness
from ledger.witness.protocol import origin_path
from tests.api.cli.console import Console
from tests.api.witnesses import NAME
from tests.ledger.witnessed import FORK, LOG

VKEY = format_verifier_key(LOG.keys[0])


def asked(folder: Path, *bodies: bytes) -> None:
    """The witness of the folder was asked so."""
    with closing(open_witness(folder, NAME, LOG.keys).witness) as witness:
        for body in bodies:
            try:
                witness.add_checkpoint(body)
            except (OldSizeError, ProofError):
                continue


def test_what_does_not_start(sanquan: Console, tmp_path: Path) -> None:
    data = tmp_path / "w"
    asked(data)

    def refusal(*words: object, **variables: str) -> str:
        return sanquan("witness", "serve", "--data", data, "--port", 0, *words, wanted=2, **variables).stderr

    assert f"called {NAME}, not witness.test/other" in refusal("--name", "witness.test/other")
    assert f"见证人名为 {NAME}" in refusal("--name", "witness.test/other", SANQUAN_LANG="zh")
    for log in ("nothing", VKEY[:-3], str(tmp_path), "x" * 5_000):
        assert "--log takes verifier keys" in refusal("--log", log)
    (tmp_path / "logs").write_text("registry.example/log1\n", encoding="utf-8")
    assert "registry.example/log1 is neither" in refusal("--log", str(tmp_path / "logs"))
    own = (data / "witness.vkey").read_text().strip()
    assert "a log signs with kind 01 or 06" in refusal("--log", own)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot listen" in refusal("--port", taken.getsockname()[1])
    (data / "witness.db").unlink()
    assert "would contradict itself" in refusal()
    assert "needs a name" in sanquan("witness", "serve", "--data", tmp_path / "new", "--port", 0, wanted=2).stderr


def test_evidence_convicts_for_whoever_knows_the_logs_key(sanquan: Console, tmp_path: Path) -> None:
    data = tmp_path / "w"
    asked(data, LOG.body(0, 5))
    quiet = sanquan("witness", "evidence", "--data", data)
    assert quiet.stdout == f"{LOG.origin}: contradictions kept: 0\n"
    asked(data, FORK.body(5, 5), LOG.body(5, 9, path=()))
    shown = sanquan("witness", "evidence", "--data", data, wanted=1).stdout
    assert "TWO ROOTS for size 5" in shown
    assert "NOT PROVEN" in shown
    assert FORK.note(5) in shown
    assert "同一大小 5 有两个根" in sanquan("witness", "evidence", "--data", data, wanted=1, SANQUAN_LANG="zh").stdout
    (log,) = json.loads(sanquan("witness", "evidence", "--data", data, "--json", wanted=1).stdout)["logs"]
    assert (log["origin"], log["path"]) == (LOG.origin, origin_path(LOG.origin))
    found = {each["kind"]: each for each in log["contradictions"]}
    heads = [verify_checkpoint(found["two_roots"][each], LOG.keys).checkpoint for each in ("known", "note")]
    assert heads[0].size == heads[1].size
    assert heads[0].root != heads[1].root
    assert found["unproven"]["note"] == LOG.note(9)


def test_a_suspicion_alone_is_no_conviction(sanquan: Console, tmp_path: Path) -> None:
    asked(tmp_path / "w", LOG.body(0, 5), LOG.body(5, 9, path=()))
    assert "contradictions kept: 1" in sanquan("witness", "evidence", "--data", tmp_path / "w").stdout


@pytest.mark.parametrize("make", [False, True])
def test_evidence_of_no_witness(make: bool, sanquan: Console, tmp_path: Path) -> None:
    if make:
        (tmp_path / "w").mkdir()
        (tmp_path / "w" / "witness.db").write_bytes(b"?" * 4096)
    sanquan("witness", "evidence", "--data", tmp_path / "w", wanted=2)
    assert make or not (tmp_path / "w").exists()
