"""Grounds written in Python: those that run on every filing, and those that CEL cannot say.

Each takes a filing, one of its sources and the constants, and answers the names of what it found, which fill `{name}`
in the rule's pointer and messages; none found, nothing to say. Their test cases stand in the rulebooks, like all.
"""

import re
from calendar import isleap
from collections.abc import Callable, Sequence
from datetime import date

from ledger.errors import FormatError
from ledger.instants import parse_instant
from registry.law.facts import FACT_FORMS, KNOWN_FACTS, PRODUCED_FORMS, REQUIRED_FACTS, RIGHTS, Filing, Source
from registry.law.spec import Constants

Native = Callable[[Filing, Source, Constants], Sequence[str]]

_DIGEST = re.compile(r"[0-9a-f]{64}|none")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PARTY = re.compile(r"pty_[0-7][0-9a-hjkmnp-tv-z]{25}")
_KIND = re.compile("|".join(RIGHTS) + r"|x\.[a-z0-9_.-]{1,60}")
_CHANGES = frozenset({"derivative", "compilation", "subset", "format"})


def _is_bool(value: object) -> bool:
    return value is True or value is False


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2000


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _is_change(value: object) -> bool:
    return isinstance(value, str) and value in _CHANGES


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and _DATE.fullmatch(value) is not None and date.fromisoformat(value).year > 0
    except ValueError:
        return False


def _is_instant(value: object) -> bool:
    try:
        return isinstance(value, str) and parse_instant(value) is not None
    except FormatError:
        return False


def _is_list(value: object, item: re.Pattern[str], *, least: int) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) >= least
        and all(isinstance(one, str) and item.fullmatch(one) for one in value)
        and len(set(value)) == len(value)
    )


_CHECKS: dict[str, Callable[[object], bool]] = {
    "bool": _is_bool,
    "text": _is_text,
    "digest": _is_digest,
    "change": _is_change,
    "date": _is_date,
    "instant": _is_instant,
    "kinds": lambda value: _is_list(value, _KIND, least=0),
    "parties": lambda value: _is_list(value, _PARTY, least=1),
}
_FACT_CHECKS = {basis: {name: _CHECKS[FACT_FORMS[name]] for name in names} for basis, names in KNOWN_FACTS.items()}


def malformed_facts(_: Filing, source: Source, __: Constants) -> Sequence[str]:
    """`basis` where it is unknown, and each fact that the basis does not know or that has another form."""
    checks = _FACT_CHECKS.get(source.basis)
    if checks is None:
        return ("basis",)
    return [
        f"facts/{name.replace('~', '~0').replace('/', '~1')}"
        for name, value in source.facts.items()
        if name not in checks or not checks[name](value)
    ]


def missing_facts(filing: Filing, source: Source, _: Constants) -> Sequence[str]:
    """Each fact, and the list of inputs, that the basis demands and the source does not give."""
    facts, basis = source.facts, source.basis
    missing = [f"facts/{name}" for name in REQUIRED_FACTS[basis] if name not in facts]
    if basis == "derived" and not source.inputs:
        missing.append("inputs")
    if "substitutes_source" not in facts and (
        (basis == "public_collection" and filing.form.form in PRODUCED_FORMS)
        or (basis == "derived" and any(one.public_collection for one in source.inputs))
    ):
        missing.append("facts/substitutes_source")
    return missing


def origin_contradicts_basis(_: Filing, source: Source, __: Constants) -> Sequence[str]:
    """`origin` where it says collected public data and the basis does not, or the reverse, or derived has another."""
    origin, basis = source.origin, source.basis
    if (origin == "public_collection") != (basis == "public_collection"):
        return ("origin",)
    return ("origin",) if basis == "derived" and origin != "derived" else ()


def agreement_too_long(_: Filing, source: Source, constants: Constants) -> Sequence[str]:
    """`agreement_until` where it lies after the anniversary of `agreement_from` (29 February: 28)."""
    first, last = source.facts.get("agreement_from"), source.facts.get("agreement_until")
    if first is None or last is None:
        return ()
    year, day = int(first[:4]) + constants.agreement_years, first[5:]
    if day == "02-29" and not isleap(year):
        day = "02-28"
    return ("agreement_until",) if (int(last[:4]), last[5:]) > (year, day) else ()


NATIVES: dict[str, Native] = {
    function.__name__: function
    for function in (malformed_facts, missing_facts, origin_contradicts_basis, agreement_too_long)
}
RIGHT_NOT_ENTITLED = "right_not_entitled"
"""The one native ground of a claim; it needs what all sources give, so `rulebook` itself judges it."""
