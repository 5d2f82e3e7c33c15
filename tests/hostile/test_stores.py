"""What somebody can do who has one store or one key of a registry, and nothing else."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.demo.forgers import change_an_entry
from ledger.checkpoint import Checkpoint, log_verifier_keys, parse_checkpoint, sign_checkpoint, verify_checkpoint
from ledger.errors import SignatureError
from ledger.keys import Algorithm, KeySigner, read_private_key
from ledger.note import VerifierKey, parse_note, parse_verifier_key
from registry.auditing import audit, open_subject
from tests.api.live import live_registry
from tests.hostile.world import file_asset

ORIGIN = "store.test"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[VerifierKey]]]:
    """A registry of three entries that nobody has open, and its keys as its clients have pinned them."""
    folder = tmp_path_factory.mktemp("store")
    with live_registry(folder / "data", origin=ORIGIN) as live, live.client(folder) as client:
        client.ensure_registered()
        file_asset(client, "停车数据")
        keys = [parse_verifier_key(text) for text in live.registry.keys.log_keys(ORIGIN)]
    yield folder / "data", keys


@pytest.fixture
def data(closed: tuple[Path, list[VerifierKey]], tmp_path: Path) -> Path:
    shutil.copytree(closed[0], tmp_path / "data")
    return tmp_path / "data"


def findings(data: Path, keys: list[VerifierKey]) -> list[tuple[str, int | None]]:
    with open_subject(data) as subject:
        return [(found.what, found.position) for found in audit(subject, keys).findings]


def test_a_changed_entry_is_named(closed: tuple[Path, list[VerifierKey]], data: Path) -> None:
    assert findings(data, closed[1]) == []
    change_an_entry(data, 2, b'"n":1', b'"n":2')
    assert findings(data, closed[1]) == [("entry_changed", 2)]


def test_a_forged_row_of_a_checkpoint_is_refused(closed: tuple[Path, list[VerifierKey]], data: Path) -> None:
    stranger = [KeySigner.generate(), KeySigner.generate(Algorithm.ML_DSA_44)]
    with sqlite3.connect(data / "registry.db") as database:
        (note,) = database.execute("SELECT note FROM sanquan_checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        forged = sign_checkpoint(parse_checkpoint(parse_note(note).text), stranger, 1)
        database.execute("UPDATE sanquan_checkpoint SET note = ? WHERE note = ?", (forged, note))
    database.close()
    assert findings(data, closed[1]) == [("checkpoint_signature", None)]


@pytest.mark.parametrize("name", ["registrar", "clerk", "seal"])
def test_no_other_key_of_the_registry_signs_checkpoints(
    name: str, closed: tuple[Path, list[VerifierKey]], data: Path
) -> None:
    signer, checkpoint = read_private_key(data / "keys" / f"{name}.pem"), Checkpoint(ORIGIN, 3, bytes(32))
    if signer.algorithm is Algorithm.ES256:
        with pytest.raises(SignatureError):
            sign_checkpoint(checkpoint, [signer], 1)
        return
    with pytest.raises(SignatureError):
        verify_checkpoint(sign_checkpoint(checkpoint, [signer], 1), closed[1])


@pytest.mark.parametrize("name", ["log", "log-mldsa44"])
def test_the_logs_keys_do_not_sign_for_parties(name: str, closed: tuple[Path, list[VerifierKey]], data: Path) -> None:
    signer = read_private_key(data / "keys" / f"{name}.pem")
    assert log_verifier_keys(ORIGIN, [signer])[0] in closed[1]
    with live_registry(data, origin=ORIGIN) as live:
        for by in (live.registrar, live.registrar):
            by.signers[0] = signer
            answer = live.send(live.envelope("party.verify", by, {"party": by.id, "level": "documented"}))
            assert answer.status_code == 403, answer.text
