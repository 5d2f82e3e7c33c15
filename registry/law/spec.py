"""The file format of a rulebook: TOML whose every key is known.

A ground is one `[[rule]]`; what a basis gives is one `[entitlement.<basis>]`. Changing a rule means a new version of
the rulebook: cases stay bound to the bytes they were filed under.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Text = Annotated[str, Meta(min_length=1)]
Identifier = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Code = Annotated[str, Meta(pattern=r"^[A-Z]+(_[A-Z]+)*$")]
Expression = Annotated[str, Meta(min_length=1, max_length=500)]
Pointer = Annotated[str, Meta(pattern=r"^(/[A-Za-z0-9_{}]+)+$")]


class _Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A table in which a misspelt key is an error, not a rule that silently does not apply."""


class Bilingual(_Strict, frozen=True):
    """The same sentence for a clerk, in Chinese and in English."""

    zh: Text
    en: Text


class Constants(_Strict, frozen=True):
    """What a rulebook sets once. Lengths in 字; `validity_years` 0 means without end."""

    basis: Literal["declared", "reviewed"]
    review: bool
    publicity: bool
    separation: bool
    self_application: bool
    missing_facts: Literal["refuse", "item"]
    validity_years: Annotated[int, Meta(ge=0)]
    agreement_years: Annotated[int, Meta(ge=1)]
    name_limit: Annotated[int, Meta(ge=1)]
    overview_limit: Annotated[int, Meta(ge=1)]
    retention_years: Annotated[int, Meta(ge=0)] = 0
    """How long registration material is kept; until then it may be restricted, not erased. 0: no such duty."""


class RuleCase(_Strict, frozen=True):
    """A filing with one source, and the pointers at which the rule must find its ground (none: it is absent)."""

    basis: Text
    expect: tuple[Text, ...]
    origin: str = "generated"
    applicant: dict[str, str] = field(default_factory=dict)
    form: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[dict[str, bool], ...] = ()
    others_joined: bool = False
    claims: tuple[tuple[str, ...], ...] = (("holding", "processing", "operating"),)
    sources: Literal[0, 1] = 1


class RuleSpec(_Strict, frozen=True):
    """One ground. `when` is true, or `native` names something, where the ground is present.

    `gate` tells what its presence settles: `rights`, the source gives no right and its rights are not refused one by
    one; `source`, besides that no other rule judges the source.
    """

    id: Identifier
    code: Code
    severity: Literal["refuse", "warn"]
    article: Text
    cite: Text
    message: Bilingual
    pointer: Pointer
    test: tuple[RuleCase, ...]
    quotation: Text | None = None
    level: Literal["filing", "source", "claim"] = "source"
    applies: tuple[str, ...] | None = None
    when: Expression | None = None
    native: str | None = None
    gate: Literal["rights", "source"] | None = None


class EntitlementSpec(_Strict, frozen=True):
    """What a source of one basis gives.

    `condition` (if any) must hold, else nothing is given. `clause` names the fact that lists rights by contract: where
    it is given it decides alone. Otherwise each right is given where its expression is true.
    """

    article: Text
    cite: Text
    quotation: Text
    holding: Expression
    processing: Expression
    operating: Expression
    condition: Expression | None = None
    clause: Literal["clause_rights", "contract_rights"] | None = None


class BookSpec(_Strict, frozen=True):
    """The whole file."""

    id: Identifier
    version: Text
    name: Bilingual
    law: Text
    constants: Constants
    entitlement: dict[str, EntitlementSpec]
    rule: tuple[dict[str, Any], ...]
