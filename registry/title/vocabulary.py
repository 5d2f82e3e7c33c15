"""The words of scopes: kinds of right and their names, actions, exclusivity, and terms with their grammar and order.

A purpose covers itself and what starts with it and a dot, a territory what starts with it and a hyphen, a field only
itself, `*` everything. A set of terms is in normal form if it is sorted and no term in it covers another.

Source: contract, sections 4 ("Kinds of right", "Scope") and 7 ("Actions"); domain, section 1.1 (names).
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Literal

import msgspec

HOLDING: Final = "holding"
PROCESSING: Final = "processing"
OPERATING: Final = "operating"
KINDS: Final = (HOLDING, PROCESSING, OPERATING)
SUPPLY_ARTICLE: Final = "第三条第四款"
"""Where the guideline says that supplying data to others takes an operating right; cited as the rulebooks cite."""

Exclusivity = Literal["none", "sole", "exclusive"]
EXCLUSIVITIES: Final[tuple[Exclusivity, ...]] = ("none", "sole", "exclusive")
"""From the weakest to the strongest."""

ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    HOLDING: ("store", "access"),
    PROCESSING: ("process", "access", "aggregate", "analyse", "train_model", "derive"),
    OPERATING: ("provide", "license", "sublicense", "transfer", "contribute", "pledge", "publish", "export"),
}
"""The actions of each kind; the first of a row is its default."""

OPERATING_GRANT_ACTIONS: Final = ("provide", "license", "sublicense")
"""What a grant of an operating right allows if it lists no actions."""

CAPACITY_KINDS: Final[dict[str, str]] = {"custody": HOLDING, "entrusted": PROCESSING}
"""What is entrusted to a custodian (代持人) and to an entrusted processor (受托人), who are no right holders."""
CAPACITY_ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "custody": ("store",),
    "entrusted": ("process", "aggregate", "analyse"),
}
"""What they may do for their principal; contract, section 7; guideline, articles 3 and 21(7)."""

PURPOSE_HEADS: Final = frozenset(
    {
        "public_governance",
        "public_welfare",
        "industry_development",
        "internal_operation",
        "research",
        "analytics",
        "model_training",
        "credit",
        "insurance",
        "marketing",
        "recruitment",
        "medical_care",
        "product_development",
        "resale",
        "regulatory",
        "judicial",
    }
)
MAX_TERM_CHARACTERS: Final = 100

Dimension = Literal["purposes", "territory", "fields"]
WHOLE: Final = ("*",)
"""The whole of a dimension."""

_SEPARATORS: Final[dict[Dimension, str]] = {"purposes": ".", "territory": "-", "fields": ""}

_SCANNED: Final = 8
"""Up to so many terms a tuple is searched as fast as a set is made."""

_DOTTED = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*")
_TERRITORY = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")


class RightName(msgspec.Struct, frozen=True):
    """The name of a kind of right: that of the rules of 2026, and that of the policy of 2022."""

    zh: str
    en: str
    zh_2022: str
    en_2022: str


RIGHT_NAMES: Final[dict[str, RightName]] = {
    HOLDING: RightName("数据持有权", "right to hold data", "数据资源持有权", "right to hold data resources"),
    PROCESSING: RightName("数据使用权", "right to use data", "数据加工使用权", "right to process and use data"),
    OPERATING: RightName("数据经营权", "right to operate data", "数据产品经营权", "right to operate data products"),
}


def kind_of_action(action: str) -> tuple[str, ...]:
    """The kinds that satisfy `action`, in the order of `KINDS`; none for an unknown action."""
    return tuple(kind for kind in KINDS if action in ACTIONS[kind])


def default_actions(kind: str, *, is_title: bool) -> tuple[str, ...]:
    """What a right of `kind` allows if its scope lists no actions; nothing for a kind that is not one of the three."""
    if kind == OPERATING and not is_title:
        return OPERATING_GRANT_ACTIONS
    return ACTIONS.get(kind, ())


def allowed_actions(kind: str, listed: Collection[str] | None, *, is_title: bool) -> tuple[str, ...]:
    """What a right of `kind` allows whose scope lists these actions: those of its kind; if None, the default."""
    if listed is None:
        return default_actions(kind, is_title=is_title)
    return tuple(action for action in ACTIONS.get(kind, ()) if action in listed)


def is_purpose(term: str, extra_heads: Collection[str] = ()) -> bool:
    """Whether `term` is a purpose: dotted and lower case, under a known head, one of `extra_heads`, or `x.`.

    `*` is not a purpose but the whole dimension.
    """
    if not is_dotted(term):
        return False
    head, dot, _ = term.partition(".")
    return bool(dot) if head == "x" else head in PURPOSE_HEADS or head in extra_heads


def is_territory(term: str) -> bool:
    """Whether `term` has the form of ISO 3166-1 alpha-2 (`CN`) or 3166-2 (`CN-SD`); assignment is not looked up."""
    return _TERRITORY.fullmatch(term) is not None


def is_kind(term: str) -> bool:
    """Whether `term` names a kind of right: one of the three, or `x.` and a name."""
    return term in KINDS or (term.startswith("x.") and is_dotted(term))


def covers(dimension: Dimension, wide: str, narrow: str) -> bool:
    """Whether the term `wide` covers the term `narrow`."""
    return wide in ("*", narrow) or _is_below(narrow, (wide,), _SEPARATORS[dimension])


def normal_terms(dimension: Dimension, terms: Iterable[str]) -> tuple[str, ...]:
    """The terms sorted, without those that another one covers."""
    given = set(terms)
    if "*" in given:
        return WHOLE
    separator = _SEPARATORS[dimension]
    return tuple(sorted(term for term in given if not _is_below(term, given, separator)))


def uncovered(dimension: Dimension, child: Sequence[str], parent: tuple[str, ...]) -> tuple[str, ...]:
    """The terms of `child` that no term of `parent` covers, in their order; `parent` is in normal form."""
    if parent == WHOLE:
        return ()
    separator = _SEPARATORS[dimension]
    wide = parent if len(parent) <= _SCANNED else frozenset(parent)
    return tuple([term for term in child if term not in wide and not _is_below(term, wide, separator)])


def terms_within(dimension: Dimension, child: Sequence[str], parent: tuple[str, ...]) -> bool:
    """Whether the terms of `parent` cover all of `child`."""
    return not uncovered(dimension, child, parent)


def meet_terms(dimension: Dimension, a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """What both cover, possibly nothing; all three in normal form."""
    if b in (a, WHOLE):
        return a
    if a == WHOLE:
        return b
    beyond = {*uncovered(dimension, a, b), *uncovered(dimension, b, a)}
    return tuple(sorted({*a, *b} - beyond))


def terms_overlap(dimension: Dimension, a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether both cover something in common."""
    return len(uncovered(dimension, a, b)) < len(a) or len(uncovered(dimension, b, a)) < len(b)


def _is_below(term: str, wide: Collection[str], separator: str) -> bool:
    """Whether `wide` holds a term, other than itself and `*`, that covers `term`."""
    while separator and (cut := term.rfind(separator)) >= 0:
        term = term[:cut]
        if term in wide:
            return True
    return False


def is_dotted(term: str) -> bool:
    """Whether `term` is a dotted lower-case term, known or not."""
    return len(term) <= MAX_TERM_CHARACTERS and _DOTTED.fullmatch(term) is not None
