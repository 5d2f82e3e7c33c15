"""`sanquan keys rotate`, `keys retire` against a running server."""

import json
import signal
from pathlib import Path
from typing import Any

import httpx

from ledger.checkpoint import log_verifier_keys
from ledger.keys import KeySigner, write_private_key
from ledger.note import format_verifier_key, parse_verifier_key
from registry.key_ring import later_name
from tests.api.cli.console import Console, Served


def well_known(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{served.url}/.well-known/sanquan").json()
    return found


def pending(folder: Path, origin: str) -> str:
    """The key that a rotation left which was cut off before it was on the ledger."""
    key = KeySigner.generate()
    write_private_key(folder / f"{later_name('log', key, origin)}.pem", key)
    return format_verifier_key(*log_verifier_keys(origin, [key]))


def test_keys_of_log_seal_and_clerk_change_and_old_receipts_hold(sanquan: Console) -> None:
    receipt, folder = sanquan.home / "receipt.json", sanquan.home / "data" / "keys"
    with sanquan.serve("--simulated-clock", "now") as served:
        at = ("--data", sanquan.home / "data", "--url", served.url)
        receipt.write_text(sanquan("party", "register", "--name", "A", "--url", served.url, "--json").stdout)
        facts = well_known(served)
        left = pending(folder, facts["origin"])
        said = sanquan("keys", "rotate", "--use", "log", "--retire", served.key, *at).stdout
        assert said.split("new: ")[1].strip() == left
        made = json.loads(sanquan("keys", "rotate", "--use", "log", "--alg", "ML-DSA-44", "--json", *at).stdout)
        assert made["seq"] == 3
        old = next(key for key in facts["log_keys"] if parse_verifier_key(key).kind == 6)
        sanquan("keys", "retire", old.split("+")[1], "--use", "log", *at)
        changes = well_known(served)["log_key_changes"]
        assert changes[0] == {"seq": 2, "size": 3, "add": left, "retire": served.key}
        assert changes[2] == {"seq": 4, "size": 5, "retire": old}
        for use in ("seal", "clerk"):
            sanquan("keys", "rotate", "--use", use, *at)
        sanquan("keys", "retire", "0" * 8, "--use", "log", *at, wanted=2)
        sanquan("keys", "rotate", "--use", "seal", "--alg", "Ed25519", *at, wanted=2)
        served.end(signal.SIGTERM)
    names = [path.name for path in folder.iterdir()]
    assert len(names) == 10
    assert all((folder / name).stat().st_mode & 0o777 == 0o600 for name in names)
    with sanquan.serve("--simulated-clock", "now") as again:
        assert again.key == left  # what a new client is told to pin
        sanquan("party", "list", "--url", again.url)
    sanquan("verify", receipt, "--key", served.key)
    sanquan("verify", receipt)  # with the pins, which have followed
