"""A rulebook made ready to judge: for each basis the rules that can bite, and the variables they need.

Everything that does not depend on a filing is settled here, once: constants are folded, a rule that can never bite for
a basis is not in its plan, and a plan binds only the variables that its expressions name.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from registry.law.entitlement import Entitlement
from registry.law.errors import RulebookError
from registry.law.expression import CONSTANTS, SOURCE_VARIABLES, Expression, allowed_names
from registry.law.facts import FACT_FORMS, KNOWN_FACTS
from registry.law.findings import check_placeholders
from registry.law.native import NATIVES, RIGHT_NOT_ENTITLED, Native
from registry.law.spec import BookSpec, RuleSpec


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule: an expression, a native function, or neither (the entitlement rule)."""

    position: int
    spec: RuleSpec
    when: Expression | None
    native: Native | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What judges a source of one basis; gates of the whole source come first."""

    rules: tuple[Rule, ...]
    entitlement: Entitlement | None
    ambient: tuple[str, ...]
    facts: tuple[str, ...]
    needs_inputs: bool


@dataclass(frozen=True, slots=True)
class Plans:
    """All plans of a rulebook. `stranger` judges a source of unknown basis: it meets only the malformed-facts gate."""

    filing: tuple[Rule, ...]
    filing_names: tuple[str, ...]
    by_basis: dict[str, Plan]
    stranger: Plan
    not_entitled: Rule


def compile_rule(position: int, spec: RuleSpec) -> Rule:
    """The rule, compiled and checked.

    Raises:
        RulebookError: names the rule and what is wrong with it.
    """
    owner = f"rule {spec.id}"
    if (spec.when is None) == (spec.native is None):
        raise RulebookError(f"{owner}: give either `when` or `native`")
    check_placeholders(spec, CONSTANTS)
    if spec.gate and (spec.level != "source" or spec.severity != "refuse"):
        raise RulebookError(f"{owner}: only a refusing rule about a source can be a gate")
    if unknown := sorted(set(spec.applies or ()) - KNOWN_FACTS.keys()):
        raise RulebookError(f"{owner}: applies to {', '.join(unknown)}, which is no basis")
    if spec.applies is not None and spec.level != "source":
        raise RulebookError(f"{owner}: only a rule about a source applies to bases")
    if (spec.level == "claim") != (spec.native == RIGHT_NOT_ENTITLED):
        raise RulebookError(f"{owner}: the rule about claims is `{RIGHT_NOT_ENTITLED}`, and it is about claims")
    if spec.when is None:
        native = NATIVES.get(spec.native or "")
        if native is None and spec.level != "claim":
            raise RulebookError(f"{owner}: there is no native rule `{spec.native}`")
        if native is not None and spec.level != "source":
            raise RulebookError(f"{owner}: a native rule judges sources")
        return Rule(position, spec, None, native)
    if "{name}" in spec.pointer + spec.message.zh + spec.message.en:
        raise RulebookError(f"{owner}: only a native rule finds a {{name}}")
    when = Expression(spec.id, spec.when)
    when.check_names(allowed_names(spec.level))
    for basis in spec.applies or ():
        if strange := sorted((when.names & FACT_FORMS.keys()) - set(KNOWN_FACTS[basis])):
            raise RulebookError(f"{owner}: a source of basis {basis} has no {', '.join(strange)}")
    return Rule(position, spec, when, None)


def make_plans(spec: BookSpec, rules: tuple[Rule, ...]) -> Plans:
    """The plans for a whole rulebook.

    Raises:
        RulebookError: a basis without entitlement, or without the rules that every rulebook needs.
    """
    if strange := sorted(spec.entitlement.keys() ^ KNOWN_FACTS.keys()):
        raise RulebookError(f"entitlement: missing or unknown basis {', '.join(strange)}")
    entitlements = {}
    for basis, given in spec.entitlement.items():
        known = frozenset(KNOWN_FACTS[basis])
        if given.clause is not None and given.clause not in known:
            raise RulebookError(f"entitlement.{basis}: a source of this basis has no {given.clause}")
        allowed = allowed_names("source") - (FACT_FORMS.keys() - known)
        entitlements[basis] = Entitlement(basis, given, allowed)
    gates = [rule for rule in rules if rule.spec.native == "malformed_facts" and rule.spec.gate == "source"]
    if not gates or gates[0].spec.applies is not None:
        raise RulebookError("every rulebook needs a rule `malformed_facts` with gate `source` for every source")
    claims = [rule for rule in rules if rule.spec.native == RIGHT_NOT_ENTITLED and rule.spec.severity == "refuse"]
    if len(claims) != 1:
        raise RulebookError(f"every rulebook needs one refusing rule `{RIGHT_NOT_ENTITLED}`")
    filing = tuple(rule for rule in rules if rule.spec.level == "filing" and _can_bite(rule))
    return Plans(
        filing=filing,
        filing_names=tuple(sorted(_names(filing))),
        by_basis={basis: _plan(rules, basis, entitlements[basis]) for basis in entitlements},
        stranger=Plan((gates[0],), None, (), (), needs_inputs=False),
        not_entitled=claims[0],
    )


def _plan(rules: Iterable[Rule], basis: str, entitlement: Entitlement) -> Plan:
    mine = [
        rule
        for rule in rules
        if rule.spec.level == "source" and basis in (rule.spec.applies or (basis,)) and _can_bite(rule)
    ]
    mine.sort(key=lambda rule: rule.spec.gate != "source")
    names = _names(mine) | entitlement.names
    facts = names & FACT_FORMS.keys()
    ambient = names - facts
    return Plan(
        tuple(mine), entitlement, tuple(sorted(ambient)), tuple(sorted(facts)), bool(ambient & SOURCE_VARIABLES)
    )


def _can_bite(rule: Rule) -> bool:
    return rule.when is None or rule.when.constant is not False


def _names(rules: Iterable[Rule]) -> frozenset[str]:
    return frozenset[str]().union(*(rule.when.names for rule in rules if rule.when is not None))
