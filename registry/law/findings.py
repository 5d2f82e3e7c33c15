"""What a rulebook answers: findings, and the judgement that gathers them."""

import re
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from registry.law.errors import RulebookError
from registry.law.spec import EntitlementSpec, RuleSpec

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
PLACEHOLDERS: dict[str, frozenset[str]] = {
    "filing": frozenset(),
    "source": frozenset({"source", "number", "name"}),
    "claim": frozenset({"claim", "right", "number", "kind_zh", "kind_en"}),
}
"""What pointers and messages of each level may name. `source`, `claim` and `right` count from 0, `number` counts the
source from 1 for a reader, `name` is what a native rule found."""
KIND_NAMES = {
    "holding": ("持有权（资源持有权）", "the right to hold"),
    "processing": ("使用权（加工使用权）", "the right to process and use"),
    "operating": ("经营权（产品经营权）", "the right to operate"),
}
"""Kinds of right for a reader: the name of 2026 with the name of 2022, and in English."""


class Finding(Struct, frozen=True):
    """One ground that is present.

    `article` is its place in Chinese, `cite` the same for machines (`22(2)`), `quotation` the words of the law where
    the rule carries out an article, `pointer` a JSON pointer into the payload.
    """

    rule: str
    code: str
    severity: Literal["refuse", "warn"]
    article: str
    cite: str
    quotation: str | None
    zh: str
    en: str
    pointer: str


class Judgement(Struct, frozen=True):
    """`findings` refuse, `warnings` do not, both in the order of the rulebook; `entitled` is what all sources give."""

    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    entitled: frozenset[str]

    @property
    def code(self) -> str | None:
        """The code of the answer: that of the first finding that refuses, None where nothing does."""
        return self.findings[0].code if self.findings else None


def check_placeholders(rule: RuleSpec, constants: frozenset[str]) -> None:
    """Pointer and messages of `rule` name only what its level knows.

    Raises:
        RulebookError: another placeholder.
    """
    for text in (rule.pointer, rule.message.zh, rule.message.en):
        for name in _PLACEHOLDER.findall(text):
            if name not in PLACEHOLDERS[rule.level] | constants:
                raise RulebookError(f"rule {rule.id}: placeholder {{{name}}} is not known at level {rule.level}")


def make_finding(rule: RuleSpec, values: Mapping[str, object], law: EntitlementSpec | None = None) -> Finding:
    """The finding of `rule` with its placeholders filled; `law` lends its article where an entitlement decided."""

    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: str(values[match[1]]), text)

    place = law or rule
    return Finding(
        rule=rule.id,
        code=rule.code,
        severity=rule.severity,
        article=place.article,
        cite=place.cite,
        quotation=place.quotation,
        zh=fill(rule.message.zh),
        en=fill(rule.message.en),
        pointer=fill(rule.pointer),
    )
