"""The shared table: texts, what is asked, and whether it is found, the same for every index."""

from pathlib import Path
from typing import Any

import yaml

from registry.search.query import Query, parse_queries
from registry.search.words import all_words

TABLE: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "vectors" / "search" / "words.yaml").read_text(encoding="utf-8")
)
ASKED = [case for case in TABLE if case["found"] != "refused"]
REFUSED = [case for case in TABLE if case["found"] == "refused"]


def name(case: dict[str, Any]) -> str:
    return ascii(f"{case['query']} in {case['text']}")


def rows() -> list[tuple[int, frozenset[str]]]:
    """Each text of `ASKED` under its place."""
    return [(place, all_words([case["text"]])) for place, case in enumerate(ASKED)]


def query(case: dict[str, Any]) -> list[Query]:
    return parse_queries([case["query"]])
