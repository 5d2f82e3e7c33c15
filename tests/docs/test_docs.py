"""The documents name what there is: every command, setting and code, both front doors, and no link to nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli.main import app
from api.settings import Settings
from registry.acts import ACTS
from registry.law.facts import FACT_FORMS, REQUIRED_FACTS
from registry.refusals.catalogue import CATALOGUE
from registry.store.lists import LISTINGS
from tests.api.live import live_registry

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
READMES = ("README.md", "README.zh-CN.md")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(*parts: str) -> str:
    return (ROOT.joinpath(*parts)).read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return FENCED.sub("", path.read_text(encoding="utf-8"))


def headings(path: Path) -> list[tuple[int, str]]:
    return [(len(mark), title) for mark, title in re.findall(r"^(#+) (.+)$", prose(path), re.MULTILINE)]


def anchors(path: Path) -> set[str]:
    """The names that a heading can be linked by."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in headings(path)}


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by the words that call it."""
    if (below := getattr(command, "commands", None)) is None:
        yield name, command
        return
    for word, each in below.items():
        yield from commands(each, f"{name} {word}")


COMMANDS = dict(commands(typer.main.get_command(app), "sanquan"))


def section(text: str, heading: str) -> str:
    return text.partition(f"## `{heading}`\n")[2].partition("\n## ")[0]


def test_every_command_has_a_heading_and_every_heading_a_command() -> None:
    described = [title.strip("`") for level, title in headings(DOCS / "reference" / "commands.md") if level == 2]
    assert sorted(described) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_options_of_a_command(name: str) -> None:
    described = section(text_of("docs", "reference", "commands.md"), name)
    options = {parameter.opts[0] for parameter in COMMANDS[name].params if parameter.param_type_name == "option"}
    assert set(re.findall(r"^\| `(--[a-z-]+)`", described, re.MULTILINE)) == options - {"--help"}


def shape(path: str) -> str:
    """A path whose parameters have no names."""
    return re.sub(r"\{[^}]*\}|<.*", "{}", path)


def test_every_route_is_described_and_every_route_described_is_there(tmp_path: Path) -> None:
    with live_registry(tmp_path / "data") as live:
        schema = live.get("/openapi.json")["paths"]
    there = {(method.upper(), shape(path)) for path, methods in schema.items() for method in methods}
    named = re.findall(r"`([A-Z]+) (/[^`? ]*)[^`]*`", text_of("docs", "reference", "rest.md"))
    pages = {("GET", path) for path in ("/", "/docs", "/problems", "/problems/{}", "/openapi.json")}
    assert {(method, shape(path)) for method, path in named} == there | pages


def test_the_acts_of_this_version_are_named() -> None:
    listed = text_of("docs", "reference", "rest.md").partition("The acts of this version: ")[2].partition(". Others")[0]
    assert set(re.findall(r"`([a-z]+\.[a-z]+)`", listed)) == set(ACTS)


def test_filters_of_lists_are_named() -> None:
    rest = text_of("docs", "reference", "rest.md")
    for what, listing in LISTINGS.items():
        (row,) = re.findall(rf"^\| `GET /v1/{what}` \| filters (.*) \|$", rest, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == set(listing.filters), what


def test_every_setting_is_described() -> None:
    described = set(re.findall(r"`(SANQUAN_[A-Z_]+)`", text_of("docs", "operations.md")))
    assert described >= {f"SANQUAN_{name.upper()}" for name in Settings.model_fields}


def test_every_code_stands_in_the_table_with_its_status_and_titles() -> None:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (\S+) \| .* \| (.+) \| (.+) \|$", text_of("docs", "reference", "errors.md"), re.MULTILINE
    )
    assert rows == [
        (code, str(entry.status or "–"), entry.title.zh, entry.title.en) for code, entry in CATALOGUE.items()
    ]


def test_every_fact_and_basis_is_described() -> None:
    described = set(re.findall(r"`([a-z_]+)`", text_of("docs", "how-to", "rulebook.md")))
    assert described >= {*FACT_FORMS, *REQUIRED_FACTS}


@pytest.mark.parametrize("name", READMES)
def test_readmes_lead_with_the_two_commands(name: str) -> None:
    first = text_of(name).splitlines()[:12]
    assert any("make demo" in line for line in first)
    assert any("make test" in line for line in first)


def test_readmes_and_tutorials_have_the_same_shape_in_both_languages() -> None:
    for english, chinese in (READMES, ("docs/tutorial.md", "docs/tutorial.zh-CN.md")):
        assert [level for level, _ in headings(ROOT / english)] == [level for level, _ in headings(ROOT / chinese)]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_tree_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(prose(path)):
        place, _, anchor = link.partition("#")
        if "://" in link or place.startswith("mailto:"):
            continue
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_decision_is_in_the_index() -> None:
    decisions = {path.name for path in (DOCS / "adr").glob("[0-9]*.md")}
    assert set(LINK.findall(prose(DOCS / "adr" / "README.md"))) == decisions


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_data_have_right_holders(path: Path) -> None:
    """The law knows rights over data and no title to data as a thing."""
    assert not re.search(
        r"\bdata ownership\b|\bownership of data\b|数据所有权", path.read_text(encoding="utf-8"), re.IGNORECASE
    )
