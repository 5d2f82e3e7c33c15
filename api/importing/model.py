"""What the importer hands on: rows that can be filed, and rows that cannot, each with its reasons in two languages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Grade = Literal["core", "important", "general", "ungraded"]
Language = Literal["zh", "en"]
PersonalInformation = Literal["none", "anonymised", "deidentified", "personal", "sensitive", "minor"]
Body = dict[str, Any]

PERSONAL: frozenset[str] = frozenset({"deidentified", "personal", "sensitive", "minor"})
"""Values of `personal_information` under which the data still are personal information (PIPL 4, 73)."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the importer decided or left out, that a person should know of."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Row:
    """One `case.file` body of kind `initial`, ready to be signed.

    `source` names the file, or file and line, it came from. `identifier` (scheme, value) names the thing in the same
    words each time it is read, so that party + identifier tells whether the register already holds it.
    """

    source: str
    identifier: tuple[str, str]
    body: Body
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be filed; the rows after it are still read."""

    source: str
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the importer is told once for all rows.

    `party`, `grade` and `graded` hold for every row. The members after `language` describe own files only: the source
    and the personal information of other people's open data are what their descriptors say, never what the importer
    would like. `rights` absent: all three, or holding and processing for `public_collection`.
    """

    party: str
    grade: Grade = "ungraded"
    graded: bool = False
    language: Language = "zh"
    origin: str = "generated"
    basis: str = "own_operation"
    facts: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Mapping[str, Any], ...] = ()
    rights: tuple[str, ...] = ()
    form: str = "raw"
    industry: str = "I65"
    region_scope: str = "national"
    region: str = ""
    update_frequency: str = "other"
    categories: tuple[str, ...] = ("enterprise",)
    personal_information: PersonalInformation = "none"
    overview: str = ""


def with_personal(categories: Iterable[str], personal_information: str) -> list[str]:
    """The categories, with `personal` among them where the data are personal information."""
    found = set(categories)
    if personal_information in PERSONAL:
        found.add("personal")
    return [category for category in ("public", "enterprise", "personal") if category in found]
