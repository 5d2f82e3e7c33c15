"""`sanquan witness serve` as its own process, used over HTTP as a log and a monitor would."""

import stat
from pathlib import Path

import httpx

from ledger.checkpoint import verify_checkpoint
from ledger.note import parse_verifier_key
from ledger.witness.protocol import parse_cosignatures
from tests.api.witnesses import NAME, running_witness, witness_process
from tests.ledger.support import CHECKPOINT, load

LOG_VKEY = CHECKPOINT["log_vkey"]
VECTOR = load("witness")
NOTE = VECTOR["addcheckpoint"].partition("\n\n")[2]


def test_a_log_and_a_monitor_use_a_witness(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    with witness_process(folder, NAME, [LOG_VKEY]) as (url, vkey), httpx.Client(trust_env=False) as http:
        answer = http.post(f"{url}/add-checkpoint", content=VECTOR["addcheckpoint"].encode())
        assert (answer.status_code, answer.content) == (409, b"0\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"
        answer = http.post(f"{url}/add-checkpoint", content=f"old 0\n\n{NOTE}".encode())
        assert answer.status_code == 200
        (line,) = parse_cosignatures(answer.content)
        keys = [parse_verifier_key(text) for text in (LOG_VKEY, vkey)]
        assert (line.name, line.key_id) == (NAME, keys[1].key_id)
        verified = verify_checkpoint(NOTE + answer.text, keys)
        assert verified.signed_by == tuple(keys)
        assert verified.timestamps[1]
        assert http.get(f"{url}/{VECTOR['origin_hash']}/checkpoint").text == NOTE + answer.text
    assert (folder / "witness.vkey").read_text() == vkey + "\n"
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("witness.pem", "witness.db")} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with running_witness(folder) as again:
        assert again.vkey == vkey
        answer = httpx.get(f"{again.url}/{VECTOR['origin_hash']}/checkpoint", trust_env=False)
        assert answer.status_code == 200
