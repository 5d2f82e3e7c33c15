"""Errors of the law package.

LawError
 ├─ RulebookError   bytes that are not a rulebook: adopting them is refused
 └─ RuleError       a rule that could not be evaluated: nothing is passed, the act fails alone
"""


class LawError(Exception):
    """Base of all errors that the law package raises on purpose."""


class RulebookError(LawError):
    """The bytes are not a rulebook; the message names the rule and what is wrong with it."""


class RuleError(LawError):
    """A rule raised or answered something other than true or false. `rule` is its id."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"rule {rule}: {detail}")
        self.rule = rule
