"""Files of keys and what a start makes of them. Contract section 10; ledger.md 0.10."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint import verify_checkpoint
from ledger.keys import Algorithm, KeySigner, write_private_key
from ledger.note import format_verifier_key
from registry.clock import SimulatedClock
from registry.founding import FoundingError
from registry.key_ring import later_name
from registry.registry import Options, open_registry
from tests.registry.acts.test_log_keys import hold, log_keys, rotate, signed_by, vkey
from tests.registry.desk import ORIGIN, START, Actor, Desk, key_shape, open_desk
from tests.registry.made import of_key


@contextmanager
def reopened(folder: Path) -> Iterator[Desk]:
    clock = SimulatedClock(START)
    with closing(open_registry(Options(folder, ORIGIN), clock)) as registry:
        key = registry.keys.registrar
        assert isinstance(key, KeySigner)
        yield Desk(registry, clock, Actor("registrar", [key]))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry that was opened once, to be copied."""
    folder = tmp_path_factory.mktemp("founded") / "data"
    with open_desk(folder):
        return folder


def refused(data: Path, words: str) -> None:
    before = sorted((path.name, path.read_bytes()) for path in (data / "keys").iterdir())
    with pytest.raises(FoundingError, match=words) as caught:
        open_registry(Options(data, ORIGIN), SimulatedClock(START))
    assert caught.value.words.zh
    assert sorted((path.name, path.read_bytes()) for path in (data / "keys").iterdir()) == before


def test_a_key_made_but_not_on_the_ledger_is_pending(founded: Path, data: Path) -> None:
    shutil.copytree(founded, data)
    new = hold(data, "log", KeySigner.generate())
    with reopened(data) as desk:
        desk.party("甲")
        assert signed_by(desk) == set(log_keys(desk))
        old = log_keys(desk)[0]
        rotate(desk, add=vkey(new), retire=old)
    with reopened(data) as desk:
        assert log_keys(desk)[0] == vkey(new)
        desk.party("乙")
        assert signed_by(desk) == {vkey(new), log_keys(desk)[1]}


def test_on_the_ledger_but_killed_before_the_checkpoint(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_desk(data) as desk:
        old, ml_dsa = log_keys(desk)
        new = vkey(hold(data, "log", KeySigner.generate()))
        with monkeypatch.context() as patch:
            patch.setattr(desk.registry.log, "sign_covering", _power_cut)
            assert desk.refused("log.key", desk.registrar, {"use": "log", "add": new, "retire": old}) == "INTERNAL"
    with reopened(data) as desk:
        assert desk.size() == 2
        assert signed_by(desk) == {old, ml_dsa, new}
        desk.party("甲")
        assert signed_by(desk) == {ml_dsa, new}


def test_the_journal_knows_the_size_but_the_checkpoint_was_lost(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The overlap is not used up by a signature that nobody can read."""
    with open_desk(data) as desk:
        old, ml_dsa = log_keys(desk)
        new = vkey(hold(data, "log", KeySigner.generate()))
        with monkeypatch.context() as patch:
            patch.setattr(desk.registry.log.storage, "put_checkpoint", _power_cut)
            assert desk.refused("log.key", desk.registrar, {"use": "log", "add": new, "retire": old}) == "INTERNAL"
    with reopened(data) as desk:
        assert signed_by(desk) == {old, ml_dsa, new}


def _power_cut(*_: Any) -> Any:
    raise OSError("power cut")


def test_retired_keys_may_remain_or_go(data: Path) -> None:
    with open_desk(data) as desk:
        rotate(desk, add=vkey(hold(data, "log", KeySigner.generate())), retire=log_keys(desk)[0])
        seal = hold(data, "seal", KeySigner.generate(Algorithm.ES256))
        old = desk.registry.reader.registry().seal_keys[0].key
        desk.ok("log.key", desk.registrar, {"use": "seal", "add": key_shape(seal), "retire": old}, extra=[seal])
    with reopened(data):
        pass
    for name in ("log.pem", "seal.pem"):
        (data / "keys" / name).unlink()
    with reopened(data) as desk:
        assert desk.registry.keys.seal.public == seal.public
        desk.party("甲")


def test_the_newest_live_keys_are_in_use(data: Path) -> None:
    with open_desk(data) as desk:
        seal, clerk = hold(data, "seal", KeySigner.generate(Algorithm.ES256)), hold(data, "clerk", KeySigner.generate())
        for use, key in (("seal", seal), ("clerk", clerk)):
            desk.ok("log.key", desk.registrar, {"use": use, "add": key_shape(key)}, extra=[key])
        assert desk.registry.ring.seal().public == seal.public
        assert desk.registry.ring.clerk().public == clerk.public
        first = desk.registry.keys.clerk
        retire = {"use": "clerk", "retire": of_key("key", clerk.public)}
        desk.ok("log.key", desk.registrar, retire)
        assert desk.registry.ring.clerk().public == first.public
        desk.ok("log.key", desk.registrar, {"use": "seal", "retire": of_key("key", seal.public)})
        assert desk.registry.ring.seal().public == desk.registry.keys.seal.public
    with reopened(data) as desk:
        assert desk.registry.keys.clerk.public == first.public
        assert desk.registry.ring.clerk().public == first.public


@pytest.mark.parametrize("name", ["log", "log-mldsa44", "seal", "clerk", "registrar"])
def test_a_missing_live_key_stops_a_start(founded: Path, data: Path, name: str) -> None:
    shutil.copytree(founded, data)
    (data / "keys" / f"{name}.pem").unlink()
    refused(data, rf"keys are missing: keys/{name}\.pem")


def test_a_missing_later_key_stops_a_start(data: Path) -> None:
    with open_desk(data) as desk:
        new = hold(data, "log", KeySigner.generate())
        rotate(desk, add=vkey(new))
    name = later_name("log", new, ORIGIN)
    (data / "keys" / f"{name}.pem").unlink()
    refused(data, rf"keys are missing: keys/{name}\.pem")


def test_no_keys_at_all_are_never_made_anew(founded: Path, data: Path) -> None:
    shutil.copytree(founded, data)
    for path in (data / "keys").glob("*.pem"):
        path.unlink()
    refused(data, "keys are missing")


@pytest.mark.parametrize("name", ["log", "log-mldsa44", "seal", "clerk", "registrar"])
def test_a_key_of_another_log_stops_a_start(founded: Path, data: Path, name: str) -> None:
    shutil.copytree(founded, data)
    path = data / "keys" / f"{name}.pem"
    algorithm = KeySigner.from_pem(path.read_bytes()).algorithm
    path.write_bytes(KeySigner.generate(algorithm).to_pem())
    refused(data, "are not those of the log")


def test_a_later_file_that_is_not_named_by_its_key_stops_a_start(founded: Path, data: Path) -> None:
    shutil.copytree(founded, data)
    (data / "keys" / "log-00000000.pem").write_bytes(KeySigner.generate().to_pem())
    refused(data, "are not those of the log")


def test_a_live_key_of_another_use_does_not_stand_in(founded: Path, data: Path) -> None:
    shutil.copytree(founded, data)
    shutil.copy(data / "keys" / "clerk.pem", data / "keys" / "log.pem")
    refused(data, "are not those of the log")


def test_a_file_that_holds_no_key_stops_a_start(founded: Path, data: Path) -> None:
    shutil.copytree(founded, data)
    (data / "keys" / "log-0badf00d.pem").write_text("no key")
    refused(data, "a key cannot be read: .*log-0badf00d")


def test_a_file_that_holds_no_key_does_not_stop_a_running_server(data: Path) -> None:
    with open_desk(data) as desk:
        (data / "keys" / "log-0badf00d.pem").write_text("half writ")
        rotate(desk, add=vkey(hold(data, "log", KeySigner.generate())))


def test_the_registrar_may_have_changed_its_own_key(data: Path) -> None:
    with open_desk(data) as desk:
        key = KeySigner.generate()
        desk.ok("key.add", desk.registrar, key_shape(key), extra=[key])
        revoke = {"key": of_key("key", desk.registrar.signers[0].public), "reason": "old"}
        desk.ok("key.revoke", desk.registrar, revoke)
    path = data / "keys" / "registrar.pem"
    path.unlink()
    write_private_key(path, key)
    with reopened(data) as desk:
        assert desk.registry.keys.registrar.public == key.public


def test_keys_that_lie_elsewhere(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first start takes them from where the URIs say and makes the others; later starts need them there."""
    log, ml_dsa = KeySigner.generate(), KeySigner.generate(Algorithm.ML_DSA_44)
    monkeypatch.setenv("REGISTRY_LOG_KEY", log.to_pem().decode())
    write_private_key(tmp_path / "elsewhere.pem", ml_dsa)
    (data / "keys").mkdir(parents=True)
    (data / "keys" / "log.uri").write_text("env:REGISTRY_LOG_KEY\n")
    (data / "keys" / "log-mldsa44.uri").write_text(f"file:{tmp_path}/elsewhere.pem")
    with open_desk(data) as desk:
        assert log_keys(desk) == [vkey(log), vkey(ml_dsa)]
        assert not (data / "keys" / "log.pem").exists()
        with desk.registry.engine.connect() as tx:
            row = desk.registry.log.storage.checkpoint(tx)
        assert row is not None
        keys = desk.registry.log.verifier_keys()
        assert [format_verifier_key(k) for k in verify_checkpoint(row.note, keys).signed_by] == log_keys(desk)
    with reopened(data) as desk:
        desk.party("甲")
    monkeypatch.delenv("REGISTRY_LOG_KEY")
    refused(data, "REGISTRY_LOG_KEY is not set")


def test_a_first_start_with_some_keys_is_none(data: Path) -> None:
    (data / "keys").mkdir(parents=True)
    write_private_key(data / "keys" / "log.pem", KeySigner.generate())
    refused(data, r"keys are missing: .*log-mldsa44\.pem")
