"""`keys`, `party`, `asset`, `grant`, `check`, `act` as processes against a running server."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.cli.console import Console, Served
from tests.registry.desk import FORM

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
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    console = Console(tmp_path_factory.mktemp("home"))
    with console.serve("--simulated-clock", "2026-07-01T00:00:00Z") as served:
        yield Scene(console, served)


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
