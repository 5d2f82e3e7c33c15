"""CEL expressions over the variables of `registry.law.facts`, compiled once.

Names are checked when a rulebook is read, so a misspelt fact is an error on adoption and not a rule that never bites.
Comprehensions are refused by the same check: the cost of a rule is bounded by its length.
"""

from collections.abc import Callable

import cel
from msgspec.structs import fields

from registry.law.errors import RulebookError, RuleError
from registry.law.facts import FACT_FORMS
from registry.law.spec import Constants

_FAILURES = (LookupError, TypeError, ValueError, RuntimeError, ArithmeticError)
FILING_VARIABLES = frozenset(
    {
        "applicant_kind",
        "applicant_subkind",
        "form",
        "grade",
        "personal_information",
        "categories",
        "name_length",
        "overview_length",
        "sources_given",
        "claims_operating",
    }
)
SOURCE_VARIABLES = frozenset(
    {
        "origin",
        "basis",
        "inputs_given",
        "inputs_registered",
        "inputs_public_collection",
        "inputs_joined",
        "others_joined",
    }
)
CONSTANTS = frozenset(member.name for member in fields(Constants))


class Expression:
    """A compiled expression. `constant` is its value where it names no variable, else None."""

    __slots__ = ("_execute", "constant", "names", "owner", "text")

    def __init__(self, owner: str, text: str) -> None:
        """Compile `text` for the rule or entitlement called `owner`.

        Raises:
            RulebookError: not CEL, or a constant that is neither true nor false.
        """
        self.owner = owner
        self.text = text
        try:
            program = cel.compile(text)
            self.names = frozenset(program.variables())
        except _FAILURES as error:
            raise RulebookError(f"{owner}: `{text}` is not an expression: {error}") from error
        self._execute: Callable[[cel.Context], object] = program.execute
        self.constant: bool | None = None
        if not self.names:
            try:
                self.constant = self.holds(cel.Context())
            except RuleError as error:
                raise RulebookError(f"{owner}: {error}") from error

    def check_names(self, allowed: frozenset[str]) -> None:
        """The expression names only variables in `allowed`.

        Raises:
            RulebookError: another name.
        """
        if unknown := sorted(self.names - allowed):
            raise RulebookError(f"{self.owner}: `{self.text}` names {', '.join(unknown)}, which is not known here")

    def holds(self, context: cel.Context) -> bool:
        """Whether the expression is true.

        Raises:
            RuleError: it failed, or gave something other than true or false. Never taken for a pass.
        """
        try:
            value = self._execute(context)
        except _FAILURES as error:
            raise RuleError(self.owner, f"`{self.text}` failed: {error}") from error
        if value is True or value is False:
            return value
        raise RuleError(self.owner, f"`{self.text}` gave {value!r} instead of true or false")


def allowed_names(level: str) -> frozenset[str]:
    """The variables an expression of this level may name, facts included for sources."""
    if level == "filing":
        return FILING_VARIABLES | CONSTANTS
    return FILING_VARIABLES | SOURCE_VARIABLES | CONSTANTS | FACT_FORMS.keys()
