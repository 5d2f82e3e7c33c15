"""What a client refuses to believe. The log behind it signs anything, so every lie here is a well-signed one."""

import re
import threading
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest

from api.client import Client, Pins, ProblemError, TransportError, TrustError
from api.client.pins import default_folder
from ledger.merkle import consistency_path
from tests.api.client.fake import KEY, ORIGIN, OTHER_KEY, FakeLog, leaves, problem, vkey


@pytest.fixture(autouse=True)
def _no_sleeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.client.transport._LONGEST_WAIT_S", 0.0)


def size_kept(folder: Path, log: FakeLog) -> int:
    found = Pins(folder).checkpoint(ORIGIN, log.client(folder).log_keys)
    assert found is not None
    return found.size


def test_the_first_keys_shown_are_pinned_and_others_refused_later(tmp_path: Path) -> None:
    log = FakeLog()
    log.client(tmp_path).close()
    assert Pins(tmp_path).keys(ORIGIN) == [vkey(KEY)]
    changed = FakeLog(signer=OTHER_KEY)
    with pytest.raises(TrustError, match=r"other keys than those pinned in .*ask its registrar"):
        changed.client(tmp_path)
    assert Pins(tmp_path).keys(ORIGIN) == [vkey(KEY)]


def test_a_key_shown_beside_the_pinned_one_is_not_believed(tmp_path: Path) -> None:
    FakeLog().client(tmp_path).close()
    log = FakeLog(signer=OTHER_KEY)
    log.shown = [vkey(KEY), vkey(OTHER_KEY)]
    with pytest.raises(TrustError, match="not signed by any of the keys"):
        log.client(tmp_path)


def test_given_keys_are_the_only_ones_believed(tmp_path: Path) -> None:
    log = FakeLog(signer=OTHER_KEY)
    log.shown = [vkey(KEY), vkey(OTHER_KEY)]
    with pytest.raises(TrustError, match="not signed by any of the keys"):
        log.client(tmp_path, keys=[vkey(KEY)])
    log.signer = KEY
    log.client(tmp_path, keys=[vkey(KEY)]).close()
    assert Pins(tmp_path).keys(ORIGIN) == [vkey(KEY)]


@pytest.mark.parametrize("keys", [[], [vkey(OTHER_KEY)], [vkey(KEY), vkey(OTHER_KEY)]])
def test_given_keys_that_are_not_shown_are_refused(tmp_path: Path, keys: list[str]) -> None:
    with pytest.raises(TrustError, match="does not show the keys that you gave"):
        FakeLog().client(tmp_path, keys=keys)
    assert Pins(tmp_path).keys(ORIGIN) == []


def test_given_keys_do_not_replace_pinned_ones(tmp_path: Path) -> None:
    FakeLog().client(tmp_path).close()
    log = FakeLog(signer=OTHER_KEY)
    log.shown = [vkey(KEY), vkey(OTHER_KEY)]
    with pytest.raises(TrustError, match="other keys than those pinned"):
        log.client(tmp_path, keys=[vkey(OTHER_KEY)])


@pytest.mark.parametrize("key", ["no key", vkey(KEY)[:-4], vkey(KEY, "other.test")])
def test_a_key_that_is_none_or_anothers_is_not_pinned(tmp_path: Path, key: str) -> None:
    log = FakeLog()
    log.shown = [key]
    with pytest.raises(TrustError):
        log.client(tmp_path)
    assert Pins(tmp_path).keys(ORIGIN) == []


def test_a_log_cannot_leave_its_checkpoint_in_anothers_place(tmp_path: Path) -> None:
    log = FakeLog()
    log.origin, log.signed_origin = "evil.test", ORIGIN
    with pytest.raises(TrustError, match="keys of its own name"):
        log.client(tmp_path)
    log.shown = [vkey(KEY, "evil.test")]
    with pytest.raises(TrustError):
        log.client(tmp_path)
    assert size_kept(tmp_path, FakeLog()) == 3


def test_an_address_leads_to_the_log_that_it_led_to_before(tmp_path: Path) -> None:
    FakeLog().client(tmp_path).close()
    log = FakeLog(signer=OTHER_KEY)
    log.origin = log.signed_origin = "other.test"
    log.shown = [vkey(OTHER_KEY, "other.test")]
    with pytest.raises(TrustError, match=r"led to the log fake\.test and leads to other\.test now") as caught:
        log.client(tmp_path)
    assert caught.value.code == "origin_mismatch"
    assert Pins(tmp_path).keys("other.test") == []
    log.client(tmp_path, keys=log.shown).close()
    log.client(tmp_path).close()


def test_addresses_of_ones_own_machine_change_hands(tmp_path: Path) -> None:
    for address in ("http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"):
        for origin in ("one.test", "two.test"):
            Pins(tmp_path).check_address(address, origin)
            Pins(tmp_path).keep_address(address, origin)


def test_growth_is_proven_and_remembered(tmp_path: Path) -> None:
    FakeLog(3).client(tmp_path).close()
    log = FakeLog(11)
    log.client(tmp_path).close()
    assert log.asked[-1] == "/v1/log/consistency"
    assert size_kept(tmp_path, log) == 11


def test_the_same_size_needs_no_proof(tmp_path: Path) -> None:
    FakeLog(3).client(tmp_path).close()
    log = FakeLog(3)
    log.client(tmp_path).close()
    assert "/v1/log/consistency" not in log.asked


def test_a_smaller_size_is_refused(tmp_path: Path) -> None:
    FakeLog(5).client(tmp_path).close()
    with pytest.raises(TrustError, match="shows 4 entries, but showed 5 before"):
        FakeLog(4).client(tmp_path)
    assert size_kept(tmp_path, FakeLog(5)) == 5


def test_another_root_at_the_same_size_is_refused(tmp_path: Path) -> None:
    FakeLog(5).client(tmp_path).close()
    log = FakeLog(5)
    log.leaves = leaves(5, "another")
    with pytest.raises(TrustError, match="two histories of 5 entries"):
        log.client(tmp_path)


def test_a_longer_history_that_begins_differently_is_refused(tmp_path: Path) -> None:
    FakeLog(5).client(tmp_path).close()
    log = FakeLog(9)
    log.leaves[1] = leaves(2, "forged")[1]
    with pytest.raises(TrustError, match="its first 5 of 9 entries"):
        log.client(tmp_path)
    assert size_kept(tmp_path, FakeLog(5)) == 5


def test_a_receipt_may_run_ahead_of_what_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = FakeLog(9)
    with log.client(tmp_path) as client:
        log.leaves = leaves(12)
        assert client.see(log.note()) == 12
        assert client.see(log.note(10)) == 10
    published = log.note
    monkeypatch.setattr(log, "note", lambda size=None: published(9 if size is None else size))
    log.client(tmp_path).close()
    assert size_kept(tmp_path, log) == 12


def test_a_registry_that_lost_what_a_receipt_showed_is_refused(tmp_path: Path) -> None:
    log = FakeLog(9)
    with log.client(tmp_path) as client:
        log.leaves = leaves(12)
        client.see(log.note())
    with pytest.raises(TrustError, match=re.escape("history of 9 entries goes on to 12")):
        FakeLog(9).client(tmp_path)


def test_a_registry_that_is_busy_is_not_accused(tmp_path: Path) -> None:
    FakeLog(3).client(tmp_path).close()
    log = FakeLog(5)

    def handle(request: httpx.Request) -> httpx.Response:
        return problem(429, "RATE_LIMITED") if request.url.path.endswith("consistency") else log.handle(request)

    with pytest.raises(ProblemError, match="It is not so"):
        Client("http://fake", pins=Pins(tmp_path), transport=httpx.MockTransport(handle))


def test_an_unsigned_or_torn_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = FakeLog()
    good = log.note()
    for note in (good.partition("\n\n")[0] + "\n", good.replace("\n3\n", "\n4\n"), "", "—"):
        monkeypatch.setattr(log, "note", Mock(return_value=note))
        with pytest.raises(TrustError, match="does not hold"):
            log.client(tmp_path)


@pytest.mark.parametrize("hashes", [None, ["zz"], "no", [7]])
def test_a_proof_that_cannot_be_read_is_no_proof(tmp_path: Path, hashes: object) -> None:
    FakeLog(3).client(tmp_path).close()
    log = FakeLog(5)

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("consistency"):
            return httpx.Response(200, json={} if hashes is None else {"hashes": hashes})
        return log.handle(request)

    with pytest.raises(TransportError, match="cannot be read"):
        Client("http://fake", pins=Pins(tmp_path), transport=httpx.MockTransport(handle))


def test_what_another_process_saw_meanwhile_is_neither_lost_nor_an_alarm(tmp_path: Path) -> None:
    log = FakeLog(9)
    log.client(tmp_path).close()

    def handle(request: httpx.Request) -> httpx.Response:
        answer = log.handle(request)
        if request.url.path == "/checkpoint":
            other = FakeLog(14)
            other.client(tmp_path).close()
            log.leaves = leaves(14)
        return answer

    Client("http://fake", pins=Pins(tmp_path), transport=httpx.MockTransport(handle)).close()
    assert size_kept(tmp_path, log) == 14


def test_a_fork_that_another_process_saw_meanwhile_is_found(tmp_path: Path) -> None:
    pins, log = Pins(tmp_path), FakeLog(3)
    keys = pins.pin(ORIGIN, log.shown)
    pins.see(ORIGIN, log.note(), keys, lambda _old, _new: [])
    forked = FakeLog(6)
    forked.leaves[5] = leaves(6, "forged")[5]

    def prove(old: int, new: int) -> list[bytes]:
        if old == 3:
            Pins(tmp_path).see(ORIGIN, forked.note(), keys, lambda a, b: consistency_path(a, b, forked._node))
        return consistency_path(old, new, grown._node)

    grown = FakeLog(8)
    with pytest.raises(TrustError, match="its first 6 of 8 entries"):
        pins.see(ORIGIN, grown.note(), keys, prove)


def test_many_threads_share_one_folder(tmp_path: Path) -> None:
    log = FakeLog(40)
    keys = Pins(tmp_path).pin(ORIGIN, log.shown)
    wrong: list[BaseException] = []

    def see(sizes: range) -> None:
        try:
            for size in sizes:
                Pins(tmp_path).see(ORIGIN, log.note(size), keys, lambda a, b: consistency_path(a, b, log._node))
        except BaseException as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=see, args=(range(1 + start, 41, 4),)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    found = Pins(tmp_path).checkpoint(ORIGIN, keys)
    assert found is not None
    assert found.size == 40
    (place,) = tmp_path.iterdir()
    assert sorted(path.name for path in place.iterdir()) == [".lock", "checkpoint", "keys.json"]


def test_damaged_pins_say_what_to_do(tmp_path: Path) -> None:
    FakeLog().client(tmp_path).close()
    (kept,) = tmp_path.glob("*/keys.json")
    kept.write_text("{")
    with pytest.raises(TrustError, match="restore it, or remove its folder"):
        FakeLog().client(tmp_path)


def test_the_variable_names_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANQUAN_STATE", str(tmp_path / "state"))
    assert default_folder() == tmp_path / "state"
    monkeypatch.delenv("SANQUAN_STATE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".local" / "state" / "sanquan"
