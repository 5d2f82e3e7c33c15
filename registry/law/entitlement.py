"""What a source gives: the rights that its basis, its facts and its contract let the applicant register.

The three rights are independent; a filing may register what *all* its sources give. A right called `x.<name>` is given
only by a clause that names it. Source: contract, section 5; the guideline, articles 15, 20 and 21.
"""

import cel

from registry.law.expression import Expression
from registry.law.facts import RIGHTS, Source
from registry.law.spec import EntitlementSpec


class Entitlement:
    """One compiled `[entitlement.<basis>]`."""

    __slots__ = ("_fixed", "_rights", "clause", "condition", "names", "spec")

    def __init__(self, basis: str, spec: EntitlementSpec, allowed: frozenset[str]) -> None:
        """Compile the expressions.

        Raises:
            RulebookError: not CEL, or a name outside `allowed`.
        """
        self.spec = spec
        self.clause = spec.clause
        owner = f"entitlement.{basis}"
        texts = (spec.holding, spec.processing, spec.operating)
        rights = [(kind, Expression(f"{owner}.{kind}", text)) for kind, text in zip(RIGHTS, texts, strict=True)]
        self.condition = Expression(f"{owner}.condition", spec.condition) if spec.condition else None
        compiled = [expression for _, expression in rights] + ([self.condition] if self.condition else [])
        for expression in compiled:
            expression.check_names(allowed)
        self.names = frozenset[str]().union(*(expression.names for expression in compiled))
        self._fixed = frozenset(kind for kind, expression in rights if expression.constant)
        self._rights = tuple((kind, expression) for kind, expression in rights if expression.constant is None)

    def gives(self, source: Source, context: cel.Context) -> frozenset[str]:
        """The kinds of right that `source` gives; `context` binds at least `names`.

        Raises:
            RuleError: an expression could not be evaluated.
        """
        if self.condition is not None and not self.condition.holds(context):
            return frozenset()
        if self.clause is not None and (clause := source.facts.get(self.clause)) is not None:
            return frozenset(clause)
        if not self._rights:
            return self._fixed
        return self._fixed.union(kind for kind, expression in self._rights if expression.holds(context))
