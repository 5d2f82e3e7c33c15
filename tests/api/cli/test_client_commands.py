"""`keys`, `party`, `asset`, `grant`, `check`, `act` as processes against a running server."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.cli.console import Console, Served
from tests.forks import Forks
from tests.registry.desk import FORM, newcomer, party_body

CHINESE = re.compile(r"[一-鿿]")
ENGLISH = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+")
"""Words in a row: a sentence that was left in English."""


class Scene:
    """A server, a provider whose asset is registered, and a receiver, as their commands left them."""

    def __init__(self, console: Console, served: Served) -> None:
        self.console = console
        self.served = served
        form = console.home / "form.json"
        form.write_text(json.dumps(FORM, ensure_ascii=False))
        provider, receiver = self.made("keys", "new", "--name", "Provider"), self.made("keys", "new", who="receiver")
        self.provider, self.receiver = provider["party"], receiver["party"]
        self.done("party", "register", who="receiver")
        filed = self.answer("asset", "register", form, "--basis", "own_operation")
        kinds = {item.get("kind"): item["id"] for item in filed["ids"]}
        self.asset = next(item["id"] for item in filed["ids"] if item["id"].startswith("ast_"))
        self.operating = kinds["operating"]

    def run(
        self, *words: Any, who: str = "provider", wanted: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        home = {"SANQUAN_PROFILE": str(self.console.home / who), "SANQUAN_URL": self.served.url}
        return self.console(*words, wanted=wanted, **(home | variables))

    def made(self, *words: str, who: str = "provider") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.run(*(words or ("keys", "new")), *self._name(words, who), who=who).stdout
        )
        return found

    @staticmethod
    def _name(words: tuple[str, ...], who: str) -> tuple[str, ...]:
        return () if "--name" in words else ("--name", who.title())

    def done(self, *words: Any, who: str = "provider") -> str:
        return self.run(*words, who=who).stdout

    def answer(self, *words: Any, who: str = "provider") -> Any:
        return json.loads(self.run(*words, "--json", who=who).stdout)

    def refused(self, *words: Any, wanted: int = 1, **more: str) -> str:
        done = self.run(*words, wanted=wanted, **more)
        assert done.stdout == ""
        return done.stderr


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, running: Forks) -> Iterator[Scene]:
    console = Console(tmp_path_factory.mktemp("home"), running)
    with console.serve("--simulated-clock", "2026-07-01T00:00:00Z") as served:
        yield Scene(console, served)


def body(scene: Scene, value: Any) -> Path:
    path = scene.console.home / "body.json"
    path.write_text(json.dumps(value))
    return path


def registrar(scene: Scene) -> Path:
    return scene.console.home / "data" / "keys" / "registrar.pem"


def test_keys_are_made_once_and_shown(scene: Scene) -> None:
    shown = json.loads(scene.done("keys", "show"))
    assert shown["party"] == scene.provider
    assert json.loads(scene.done("keys", "new", "--name", "Another")) == shown
    assert "--name" in scene.refused("keys", "show", who="nobody", wanted=2)
    zh = scene.refused("keys", "show", "--lang", "zh", who="nobody", wanted=2)
    assert "没有可用的密钥" in zh
    assert not ENGLISH.search(zh)


def test_parties_are_registered_and_shown(scene: Scene) -> None:
    receipt = scene.done("party", "register", "--name", "Third", "--lang", "zh", who="third")
    assert receipt.startswith("已记为分录")
    party = json.loads(scene.done("party", "show", scene.receiver))
    assert (party["name"], party["id"]) == ("Receiver", scene.receiver)
    assert "ID_TAKEN" in (again := scene.refused("party", "register")) or "KEY_TAKEN" in again
    assert "NOT_FOUND" in scene.refused("party", "show", "pty_00000000000000000000000000")
    assert "INVALID_VALUE" in scene.refused("party", "register", "--uscc", "1", "--name", "Fourth", who="fourth")


def test_assets_are_registered_shown_and_listed(scene: Scene) -> None:
    asset = json.loads(scene.done("asset", "show", scene.asset))
    assert asset["form"]["name"] == FORM["name"]
    assert {right["kind"] for right in asset["rights"]} == {"holding", "processing", "operating"}
    lines = [json.loads(line) for line in scene.done("asset", "list", "--holder", scene.provider).splitlines()]
    assert [line["id"] for line in lines] == [scene.asset]
    assert scene.done("asset", "list", "--holder", f"pty_{'0' * 26}") == ""
    assert scene.done("asset", "list", "--search", "济南 停车") == scene.done("asset", "list")
    assert "INVALID_VALUE [/q]" in scene.refused("asset", "list", "--search", "停")
    assert json.loads(scene.done("party", "list", "--search", "RECEIVER"))["id"] == scene.receiver
    wrong = scene.refused("asset", "register", body(scene, FORM | {"nmae": "x"}), "--basis", "own_operation")
    assert "UNKNOWN_MEMBER [/body/asset/nmae]" in wrong
    zh = scene.refused(
        "asset", "register", body(scene, FORM | {"nmae": "x"}), "--basis", "own_operation", "--lang", "zh"
    )
    assert "未受理" in zh
    assert "UNKNOWN_MEMBER" in zh
    assert not ENGLISH.search(zh)
    assert "not a JSON object" in scene.refused("asset", "register", body(scene, []), wanted=2)
    assert "does not exist" in scene.refused("asset", "register", "nowhere.json", wanted=2)


def test_grants_are_recorded_or_refused(scene: Scene) -> None:
    wanted = ("grant", scene.operating, scene.receiver, "--purpose", "research", "--until", "2027-01-01T00:00:00Z")
    receipt = scene.answer(*wanted, "--territory", "CN")
    assert [item["kind"] for item in receipt["ids"]] == ["processing"]
    assert "NOT_ENTITLED" in scene.refused(*wanted, who="receiver")
    nowhere = f"rgt_{'0' * 26}"
    assert "NOT_FOUND" in scene.refused("grant", nowhere, scene.receiver, "--purpose", "research", "--until", "open")
    zh = scene.refused(*wanted, "--lang", "zh", who="receiver")
    assert "未受理" in zh
    assert "NOT_ENTITLED" in zh
    assert not ENGLISH.search(zh)
    assert "--purpose" in scene.refused("grant", scene.operating, scene.receiver, "--until", "open", wanted=2)


def test_check_exits_with_its_answer(scene: Scene) -> None:
    question = ("check", scene.provider, scene.asset, "research")
    allowed = scene.run(*question)
    assert allowed.stdout.startswith("ALLOWED")
    assert f"of {scene.provider}" in allowed.stdout
    assert scene.answer(*question)["decision"] is True
    denied = scene.run("check", scene.receiver, scene.asset, "research", "--action", "license", wanted=1)
    assert denied.stdout.startswith("DENIED")
    zh = scene.run("check", scene.receiver, scene.asset, "research", "--right", "holding", "--lang", "zh", wanted=1)
    assert "NO_ACTIVE_PATH" in zh.stdout
    assert CHINESE.search(zh.stdout)
    assert not ENGLISH.search(zh.stdout)
    unknown = scene.run("check", "pty_00000000000000000000000000", scene.asset, "research", wanted=1)
    assert "PARTY_UNKNOWN" in unknown.stdout


def test_check_without_an_answer_is_no_denial(scene: Scene) -> None:
    question = ("check", scene.provider, scene.asset, "research")
    assert "INVALID_VALUE" in scene.refused(*question, "--at", "yesterday", wanted=2)
    assert "BEHIND" in scene.refused(*question, "--size", "1000", wanted=2)
    zh = scene.refused(*question, "--at", "yesterday", "--lang", "zh", wanted=2)
    assert "INVALID_VALUE" in zh
    assert not ENGLISH.search(zh)
    scene.refused("check", scene.provider, wanted=2)
    nowhere = "http://127.0.0.1:9"
    assert "cannot be reached" in scene.refused(*question, "--url", nowhere, wanted=2)
    assert not ENGLISH.search(scene.refused(*question, "--url", nowhere, "--lang", "zh", wanted=2))


def test_acts_are_signed_with_a_key(scene: Scene) -> None:
    verified = body(scene, {"party": scene.receiver, "level": "documented"})
    assert "recorded as entry" in scene.done("act", "party.verify", verified, "--key", registrar(scene))
    assert json.loads(scene.done("party", "show", scene.receiver))["level"] == "documented"
    own = scene.console.home / "provider" / "key.pem"
    assert "NOT_ENTITLED" in scene.refused("act", "party.verify", verified, "--key", own)
    zh = scene.refused("act", "party.praise", verified, "--key", registrar(scene), "--lang", "zh")
    assert "UNKNOWN_ACT" in zh
    assert not ENGLISH.search(zh)
    assert "--key" in scene.refused("act", "party.verify", verified, "--key", verified, wanted=2)
    zh = scene.refused("act", "party.verify", verified, "--key", verified, "--lang", "zh", wanted=2)
    assert not ENGLISH.search(zh)
    text = scene.console.home / "body.txt"
    text.write_text("{")
    scene.refused("act", "party.verify", text, "--key", registrar(scene), wanted=2)
    scene.refused("act", "party.verify", verified, wanted=2)


def test_an_act_for_another(scene: Scene) -> None:
    """The registrar enters a paper form: the party that the first key names need not be there."""
    paper = newcomer("纸质申请人")
    scan = [{"kind": "identity", "sha256": "5f" * 32}]
    form = body(scene, party_body(paper) | {"evidence": scan})
    own = scene.console.home / "provider" / "key.pem"
    assert "NOT_ENTITLED" in scene.refused("act", "party.register", form, "--for", paper.id, "--key", own)
    done = scene.done("act", "party.register", form, "--for", paper.id, "--key", registrar(scene))
    assert "WINDOW_ENTRY" in done
    assert json.loads(scene.done("party", "show", paper.id))["entered"] == "window"
