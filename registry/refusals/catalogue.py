"""What each code means to a person: one entry a code, read from `catalogue.toml`.

A code is what a program relies on: it never changes its meaning. Its words may be improved at any time. `status` is
the HTTP status, or None where a code never makes one: reasons and warnings of a check, warnings of a receipt, and the
end of a case without a refusal.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal, get_args

Kind = Literal["refusal", "reason", "warning"]
KINDS: frozenset[Kind] = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: what it is, the status that it makes, a short title, and what is wrong and what to do."""

    code: str
    status: int | None
    kinds: frozenset[Kind]
    title: Words
    help: Words


def parse_catalogue(text: str) -> Mapping[str, Entry]:
    """The entries of a catalogue by code, in the order of the text.

    Raises:
        ValueError: the text is not TOML, holds a code twice, or an entry lacks something or has something unknown.
    """
    return MappingProxyType({code: _parse_entry(code, table) for code, table in tomllib.loads(text).items()})


def entry(code: str) -> Entry:
    """The entry of `code`.

    Raises:
        KeyError: there is no such code.
    """
    return CATALOGUE[code]


def _parse_entry(code: str, table: dict[str, Any]) -> Entry:
    kind = table.get("kind")
    kinds = frozenset([kind] if isinstance(kind, str) else kind or ())
    if not kinds or not kinds <= KINDS or table.keys() - {"kind", "status", "title", "help"}:
        raise ValueError(f"{code}: needs a kind among {sorted(KINDS)}, title, help, and may have a status")
    return Entry(
        code, table.get("status"), kinds, _parse_words(code, table, "title"), _parse_words(code, table, "help")
    )


def _parse_words(code: str, table: dict[str, Any], name: str) -> Words:
    words = table.get(name, {})
    if words.keys() != {"zh", "en"}:
        raise ValueError(f"{code}: {name} needs zh and en, nothing else")
    return Words(zh=words["zh"], en=words["en"])


CATALOGUE: Mapping[str, Entry] = parse_catalogue(
    resources.files("registry.refusals").joinpath("catalogue.toml").read_text(encoding="utf-8")
)
