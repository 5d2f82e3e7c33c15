"""`sanquan witness serve` as its own process, used over HTTP as a log and a monitor would."""

import signal
import stat
from pathlib import Path

import httpx

from ledger.checkpoint import verify_checkpoint
from ledger.note import format_verifier_key, parse_verifier_key
from ledger.witness.protocol import parse_cosignatures
from tests.api.witnesses import NAME, WitnessProcess, running_witness
from tests.ledger.support import load
from tests.ledger.witnessed import HYBRID, LOG

VECTOR = load("witness")
VKEYS = [format_verifier_key(key) for key in (*LOG.keys, *HYBRID.keys)]
NOTE = VECTOR["addcheckpoint"].partition("\n\n")[2]


def ask(witness: WitnessProcess, body: str) -> httpx.Response:
    return httpx.post(f"{witness.url}/add-checkpoint", content=body.encode(), trust_env=False)


def test_a_log_and_a_monitor_use_a_witness(tmp_path: Path) -> None:
    folder, listed = tmp_path / "witness", tmp_path / "logs"
    listed.write_text(f"# those we know\n\n{VKEYS[0]}\n  {VKEYS[1]}\n", encoding="utf-8")
    with running_witness(folder, "--name", NAME, "--log", str(listed), "--log", VKEYS[2]) as witness:
        assert all(f"also this key of {vkey}" in witness.said for vkey in VKEYS)
        assert all(f"cosigns {log.origin}\n" in witness.said for log in (LOG, HYBRID))
        answer = ask(witness, VECTOR["addcheckpoint"])
        assert (answer.status_code, answer.content) == (409, b"0\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"
        answer = ask(witness, f"old 0\n\n{NOTE}")
        assert answer.status_code == 200
        (line,) = parse_cosignatures(answer.content)
        keys = [*LOG.keys, parse_verifier_key(witness.vkey)]
        assert (line.name, line.key_id) == (NAME, keys[1].key_id)
        verified = verify_checkpoint(NOTE + answer.text, keys)
        assert verified.signed_by == tuple(keys)
        assert verified.timestamps[1]
        monitored = f"{witness.url}/{VECTOR['origin_hash']}/checkpoint"
        assert httpx.get(monitored, trust_env=False).text == NOTE + answer.text
        assert witness.end(signal.SIGKILL) == -signal.SIGKILL
    assert (folder / "witness.vkey").read_text() == witness.vkey + "\n"
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("witness.pem", "witness.db")} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with running_witness(folder) as again, running_witness(folder) as beside:
        for each in (again, beside):  # they know who they are and whom, what was cosigned, and never go back
            assert each.vkey == witness.vkey
            assert "this key of" not in each.said
            assert f"cosigns {HYBRID.origin}\n" in each.said
            answer = ask(each, f"old 0\n\n{NOTE}")
            assert (answer.status_code, answer.content) == (409, b"7\n")
            assert ask(each, f"old 7\n\n{NOTE}").status_code == 200
            assert each.wait_for(r'("event": "cosigned")')
        assert again.end(signal.SIGTERM) in (0, -signal.SIGTERM)
