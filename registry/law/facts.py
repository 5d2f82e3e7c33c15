"""What a rulebook sees of a filing.

A `Filing` is built by the caller from the body of `case.file` and from the register. Expressions name these variables;
a fact that was not given is null, so rules write `intrusion == true`, never `intrusion`:

| variable | type | what it is |
|---|---|---|
| `applicant_kind` | string | natural_person, legal_person, unincorporated |
| `applicant_subkind` | string or null | enterprise, public_institution, government_organ, utility, … |
| `form` | string | raw, resource, product, service, derived |
| `grade` | string | core, important, general, ungraded |
| `personal_information` | string | none, anonymised, deidentified, personal, sensitive, minor |
| `categories` | list | of public, enterprise, personal |
| `name_length`, `overview_length` | int | in 字, by `registry.law.counting` |
| `sources_given` | bool | there is at least one source |
| `claims_operating` | bool | some claim asks for the operating right |
| `origin`, `basis` | string | of the source (source rules and entitlements only, like all that follow) |
| `inputs_given` | bool | the source lists inputs |
| `inputs_registered` | bool | all of them are assets of this register |
| `inputs_public_collection` | bool | one of them is or descends from collected public data |
| `inputs_joined` | bool | there are inputs, and the holder of every one joined the filing |
| `others_joined` | bool | every other participant of a fusion joined |
| every name in `KNOWN_FACTS` | see `FACT_FORMS` | as the applicant gave it, null where it gave none |
| every constant of the rulebook | | `name_limit`, `overview_limit`, `agreement_years`, … |

Source: contract, section 5.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

RIGHTS = ("holding", "processing", "operating")
PRODUCED_FORMS = frozenset({"product", "service", "derived"})

REQUIRED_FACTS: dict[str, tuple[str, ...]] = {
    "own_operation": (),
    "natural_person": (),
    "utility": (),
    "data_source": ("contract",),
    "agreement": (),
    "public_collection": ("is_public", "graded", "intrusion", "disturbance", "circumvention", "harm"),
    "fusion": ("participants",),
    "derived": ("change", "activity_time", "value_increase"),
    "entrusted": (),
    "authorised_operation": ("public_platform_code", "agreement_from", "agreement_until", "clause_rights"),
    "government_duty": (),
}
"""What a source of each basis must say. `substitutes_source` joins them for a product, service or derived form of
collected public data and for whatever descends from such data; a derived source also lists its inputs."""

_OPTIONAL_FACTS: dict[str, tuple[str, ...]] = {
    "own_operation": ("unlawful", "breach_of_contract"),
    "natural_person": ("unlawful", "breach_of_contract"),
    "utility": ("unlawful", "breach_of_contract"),
    "agreement": ("clause_rights",),
    "public_collection": ("substitutes_source",),
    "fusion": ("clause_rights",),
    "derived": ("clause_rights", "substitutes_source", "anonymised"),
    "entrusted": ("contract_rights",),
}
KNOWN_FACTS: dict[str, tuple[str, ...]] = {
    basis: required + _OPTIONAL_FACTS.get(basis, ()) for basis, required in REQUIRED_FACTS.items()
}
"""All that a source of each basis may say; anything else is refused, because it would not be judged."""

FACT_FORMS: dict[str, str] = {
    "unlawful": "bool",
    "breach_of_contract": "bool",
    "contract": "digest",
    "clause_rights": "kinds",
    "contract_rights": "kinds",
    "is_public": "bool",
    "graded": "bool",
    "intrusion": "bool",
    "disturbance": "bool",
    "circumvention": "bool",
    "harm": "bool",
    "substitutes_source": "bool",
    "participants": "parties",
    "change": "change",
    "activity_time": "instant",
    "value_increase": "bool",
    "anonymised": "bool",
    "public_platform_code": "text",
    "agreement_from": "date",
    "agreement_until": "date",
}
"""The form of each fact. A `text` or `digest` may also be the word `none`: the applicant says that there is none."""


class Applicant(Struct, frozen=True):
    """Who the case is for: `for` where the filing names a principal, else `by`."""

    kind: str
    subkind: str | None = None


class Form(Struct, frozen=True):
    """The members of annex 1's form that rules look at; lengths are in 字."""

    form: str
    grade: str
    personal_information: str = "none"
    categories: tuple[str, ...] = ()
    name_length: int = 0
    overview_length: int = 0


class Input(Struct, frozen=True):
    """One input of a source. `public_collection`: it is, or descends from, collected public data."""

    registered: bool
    public_collection: bool = False
    holder_joined: bool = False


class Source(Struct, frozen=True):
    """One source. `facts` holds what was given and nothing else: a fact not given is not a member."""

    index: int
    origin: str
    basis: str
    facts: Mapping[str, Any]
    inputs: tuple[Input, ...] = ()
    others_joined: bool = False


class Claim(Struct, frozen=True):
    """The rights that one party claims, in the order of the filing."""

    index: int
    kinds: tuple[str, ...]
    party: str


class Filing(Struct, frozen=True):
    """All that a rulebook judges."""

    applicant: Applicant
    form: Form
    sources: tuple[Source, ...]
    claims: tuple[Claim, ...]
