"""`make interop`: what is signed and exported here, opened by golang.org/x/mod/sumdb in a Go program (`tests/interop/go`).

Two trees: that of the committed vectors, and one that a registry started now has signed, exported at two sizes. Needs Go
and, once, the module that `go.sum` pins; without them it says so and checks nothing. Status 1: something does not hold.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.merkle import root
from registry.drafting import sign_payload
from tests.api.live import FORM, OWN, live_registry
from tests.ledger.logs import LOG_SIGNERS, files_of, write_files
from tests.ledger.support import CHECKPOINT, ENTRIES, LEAVES, ORIGIN, load

PROGRAM = Path(__file__).with_name("go")
FIRST, SECOND = 250, 60
"""How many assets are registered before the first export and between the two: around a full tile."""


def vectors(folder: Path) -> dict[str, Any]:
    """The committed vectors: their tree as files, their proofs, their receipt."""
    tree, key = load("tree"), CHECKPOINT["log_vkey"]
    note = sign_checkpoint(Checkpoint(ORIGIN, len(ENTRIES), root(LEAVES)), LOG_SIGNERS, 1_790_000_000)
    write_files(folder, files_of(ENTRIES, note))

    def pair(text: str) -> tuple[int, int]:
        first, second = text.split("/")
        return int(first), int(second)

    def root_of(size: int) -> str:
        return root(LEAVES[:size]).hex()

    return {
        "trees": [{"name": "vectors", "dir": str(folder), "key": key, "older": [CHECKPOINT["note"]]}],
        "inclusion": [
            {"index": index, "size": size, "leaf": LEAVES[index].hex(), "root": root_of(size), "path": path}
            for (index, size), path in ((pair(place), path) for place, path in tree["incl"].items())
        ],
        "consistency": [
            {"old": old, "new": new, "oldRoot": root_of(old), "newRoot": root_of(new), "path": path}
            for (old, new), path in ((pair(sizes), path) for sizes, path in tree["cons"].items())
        ],
        "receipts": [{"text": load("proof")["tlogproof"], "leaf": LEAVES[2].hex(), "key": key}],
    }


def export(data: Path, tree: Path) -> str:
    """The tree holds the registry's log; answers the checkpoint."""
    command = [sys.executable, "-c", "from api.cli.main import app; app()", "export", str(tree), "--data", str(data)]
    subprocess.run(command, check=True, capture_output=True)
    return (tree / "checkpoint").read_text()


def fresh(folder: Path) -> dict[str, Any]:
    """A registry that is started now, and the receipts that it gave."""
    data, tree, receipts = folder / "data", folder / "tree", []
    with live_registry(data) as live, live.client(folder) as client:
        client.ensure_registered()
        key = live.registry.keys.log_keys(live.registry.origin)[0]
        assert client.profile is not None
        older = ""
        for count in (FIRST, SECOND):
            claims = [{"party": client.party_id, "rights": ["holding"]}]
            bodies = [
                {"kind": "initial", "asset": FORM | {"name": f"数据{number}"}, "sources": [OWN], "claims": claims}
                for number in range(count)
            ]
            envelopes = [sign_payload(client.payload("case.file", body), [client.profile.signer]) for body in bodies]
            for result in client.submit_many(envelopes):
                assert result.receipt is not None, result
                facts = result.receipt.facts
                receipts.append({"text": facts["proof"], "leaf": facts["leaf_hash"], "key": key})
            older = older or export(data, tree)
        whole = client.inclusion(SECOND)
        receipts.append({"text": whole, "leaf": client.entry(SECOND)["leaf_hash"], "key": key})
    export(data, tree)
    return {"trees": [{"name": "fresh", "dir": str(tree), "key": key, "older": [older]}], "receipts": receipts}


def main() -> int:
    """The status."""
    go = shutil.which("go")
    if go is None:
        print("interop: not run: no Go here")
        return 0
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    if subprocess.run(
        [go, "mod", "download"], check=False, cwd=PROGRAM, env=environment, capture_output=True
    ).returncode:
        print("interop: not run: golang.org/x/mod is not at hand and cannot be fetched")
        return 0
    with tempfile.TemporaryDirectory(prefix="sanquan-interop-") as name:
        folder = Path(name)
        asked, told = vectors(folder / "vectors"), fresh(folder / "fresh")
        for what, claims in told.items():
            asked[what] += claims
        question = folder / "question.json"
        question.write_text(json.dumps(asked))
        return subprocess.run([go, "run", ".", str(question)], check=False, cwd=PROGRAM, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
