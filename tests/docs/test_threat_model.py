"""The threat model names tests that exist, and shows the lies that are told in them."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.hostile.lies import LIES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in TEXT.split("\n## ")[1:])}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
PROVEN = ("Stores and keys", "Threats")


def rows(section: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line[1:].split(" |")[:-1]] for line in lines[1:]]


@cache
def names(path: str) -> set[str]:
    """The tests in a file, those in classes behind the name of their class."""
    found = set()
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return {name for name in found if name.rpartition("::")[2].startswith("test_") or "::" in name}


def test_it_has_the_sections() -> None:
    assert list(SECTIONS) == ["What is trusted", *PROVEN, "A server that lies", "What is not defended"]


@pytest.mark.parametrize("section", list(SECTIONS))
def test_named_tests_exist(section: str) -> None:
    for path, name in NAMED.findall(SECTIONS[section]):
        assert (ROOT / path).is_file(), path
        assert name in names(path), f"{path}::{name}"


@pytest.mark.parametrize("section", PROVEN)
def test_every_row_is_shown_by_a_test(section: str) -> None:
    found = rows(section)
    assert len(found) > 10
    for row in found:
        assert NAMED.search(row[-1]), row[0]


def _shown(code: str | None) -> str:
    return f"`{code}`" if code else "–"


def test_the_lies_are_those_that_are_told() -> None:
    told = [[lie.words, _shown(lie.client), _shown(lie.auditor), lie.why] for lie in LIES]
    assert rows("A server that lies") == told
