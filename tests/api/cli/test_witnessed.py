"""Two witnesses and one log, each a process of its own: what the log publishes, and what a reader makes of it."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.checkpoint import parse_checkpoint
from ledger.errors import SignatureError
from ledger.note import parse_note
from ledger.policy import Policy, parse_policy
from tests.api.cli.console import Console, Served
from tests.api.witnesses import WitnessProcess, running_witness

TIMEOUT_S = 30


def get(served: Served, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{served.url}{path}", headers=headers, trust_env=False, timeout=10)


def published(served: Served, policy: Policy, size: int) -> str:
    """The checkpoint of that size, as soon as it is published and good under the policy."""
    until = time.monotonic() + TIMEOUT_S
    note = ""
    while time.monotonic() < until:
        answer = get(served, "/checkpoint")
        note = answer.text if answer.status_code == 200 else ""
        if note and parse_checkpoint(parse_note(note).text).size == size:
            try:
                policy.verify(note)
            except SignatureError:
                pass
            else:
                return note
        time.sleep(0.02)
    raise AssertionError(f"size {size} is not published and cosigned: {note}, {get(served, '/readyz').text}")


@contextmanager
def witnesses(folder: Path, logs: Sequence[str]) -> Iterator[list[WitnessProcess]]:
    options = [word for log in logs for word in ("--log", log)]
    with ExitStack() as stack:
        yield [
            stack.enter_context(running_witness(folder / f"w{n}", "--name", f"witness.test/w{n}", *options))
            for n in (1, 2)
        ]


@pytest.fixture
def log_keys(sanquan: Console) -> list[str]:
    """The verifier keys that a first start made."""
    with sanquan.serve() as served:
        found: list[str] = get(served, "/.well-known/sanquan").json()["log_keys"]
    return found


def policy_file(sanquan: Console, log_keys: Sequence[str], found: Sequence[Any], rule: str) -> tuple[Path, Policy]:
    lines = [f"log {key}" for key in log_keys]
    lines += [f"witness w{n} {each.vkey} {each.url}" for n, each in enumerate(found, 1)]
    path = sanquan.home / "policy"
    path.write_text("\n".join([*lines, *rule.split(";")]) + "\n")
    return path, parse_policy(path.read_bytes())


def test_two_witnesses_and_one_log(sanquan: Console, log_keys: list[str]) -> None:
    with witnesses(sanquan.home, log_keys) as found:
        path, policy = policy_file(sanquan, log_keys, found, "group both all w1 w2;quorum both")
        with sanquan.serve("--policy", path) as served:
            published(served, policy, 1)
            sanquan("party", "register", "--name", "Firm A", "--url", served.url, "--json")
            note = published(served, policy, 2)
            assert get(served, "/readyz").json() == {"status": "ready", "published": 2, "signed": 2}
            seen = [get_shown(each, served) for each in found]
            assert [parse_note(each).text for each in seen] == [parse_note(note).text] * 2
            (sanquan.home / "checkpoint").write_text(note)
            proof = get(served, "/v1/log/inclusion?seq=1&size=2").text
            (sanquan.home / "a.tlog-proof").write_text(proof)
            entry = get(served, "/v1/entries/1", Accept="application/octet-stream").content
            (sanquan.home / "entry").write_bytes(entry)
            _, any_of_them = policy_file(sanquan, log_keys, found, "group q any w1 w2;quorum q")
            found[1].end()
        with sanquan.serve("--policy", path) as served:
            assert parse_checkpoint(parse_note(get(served, "/checkpoint").text).text).size == 2
            sanquan("party", "register", "--name", "Firm B", "--url", served.url, "--profile", sanquan.home / "b")
            published(served, any_of_them, 3)
            state = get(served, "/readyz").json()
            assert (state["status"], set(state["silent"])) == ("ready", {"w2"})
    read_offline(sanquan, log_keys, found)


def get_shown(witness: WitnessProcess, served: Served) -> str:
    from ledger.witness.protocol import origin_path

    origin = get(served, "/.well-known/sanquan").json()["origin"]
    answer = httpx.get(f"{witness.url}/{origin_path(origin)}/checkpoint", trust_env=False)
    assert answer.status_code == 200
    return answer.text


def read_offline(sanquan: Console, log_keys: list[str], found: Sequence[WitnessProcess]) -> None:
    """What was kept is good under the policy of both, without anybody being asked."""
    path, _ = policy_file(sanquan, log_keys, found, "group both all w1 w2;quorum both")
    assert "cosigned by the quorum" in sanquan("verify", "checkpoint", "--policy", path).stdout
    proven = sanquan("verify", "a.tlog-proof", "--entry", "entry", "--policy", path).stdout
    assert "entry 1 is in the log, cosigned by the quorum" in proven
    report = json.loads(sanquan("verify", "checkpoint", "--policy", path, "--json").stdout)
    assert report["pinned"] and report["checks"][0]["holds"]
    assert "give its bytes with --entry" in sanquan("verify", "a.tlog-proof", "--policy", path, wanted=2).stderr
    sanquan("verify", "a.tlog-proof", "--entry", "checkpoint", "--policy", path, wanted=1)
    uncosigned = (sanquan.home / "checkpoint").read_text().split("\n— witness")[0] + "\n"
    (sanquan.home / "uncosigned").write_text(uncosigned)
    refused = sanquan("verify", "uncosigned", "--policy", path, wanted=1).stdout
    assert "no cosignature by w1, w2" in refused
    sanquan("verify", "uncosigned", "--key", log_keys[0])
    only_witnesses, _ = policy_file(sanquan, [], found, "quorum w1")
    nobody = {"SANQUAN_STATE": str(sanquan.home / "nobody")}
    sanquan("verify", "checkpoint", "--policy", only_witnesses, wanted=2, **nobody)
    sanquan("verify", "checkpoint", "--policy", only_witnesses, "--key", log_keys[0], **nobody)


def test_a_policy_that_is_none_for_this_log_stops_the_start(sanquan: Console, log_keys: list[str]) -> None:
    path = sanquan.home / "policy"
    words = ("serve", "--data", sanquan.home / "data", "--port", 0)
    assert "cannot be read" in sanquan(*words, "--policy", path, wanted=2).stderr
    path.write_text("quorum\n")
    assert "line 1: a quorum is" in sanquan(*words, "--policy", path, wanted=2).stderr
    path.write_text("quorum none\n")
    refused = sanquan(*words, "--policy", path, wanted=2).stderr
    assert "lists no key of this log" in refused
    assert f"log {log_keys[0]}" in refused
    assert "未列入本账本的公钥" in sanquan(*words, wanted=2, SANQUAN_POLICY=str(path), SANQUAN_LANG="zh").stderr
    assert "10" in sanquan(*words, wanted=2, SANQUAN_WITNESS_DEADLINE="9").stderr
