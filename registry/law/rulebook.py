"""Rulebooks: read, kept by digest, and asked to judge a filing.

The bytes are the rulebook: a case is bound to their SHA-256, and an auditor judges again with the same bytes. A rule
that cannot be evaluated is never taken for passed: `judge` raises, and the caller refuses that act alone.

    book = parse_rulebook(load_builtin("internal"))
    judgement = book.judge(filing)
    judgement.code, [finding.pointer for finding in judgement.findings], judgement.entitled
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import cel
import msgspec
from msgspec.structs import asdict

from registry.law.errors import RulebookError, RuleError
from registry.law.facts import Filing, Source
from registry.law.findings import KIND_NAMES, Finding, Judgement, make_finding
from registry.law.plan import Plan, Plans, Rule, compile_rule, make_plans
from registry.law.spec import BookSpec, Constants, EntitlementSpec, RuleSpec
from registry.refusals.catalogue import CATALOGUE

_BUILTIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_BYTES = 262_144
_MAX_JUDGED = 4_096
_encode = msgspec.msgpack.Encoder().encode
_Found = list[tuple[int, Finding]]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """One version of a rulebook. `data` are the bytes it was read from, `sha256` their digest in hex."""

    id: str
    version: str
    name_zh: str
    name_en: str
    law: str
    sha256: str
    constants: Constants
    rules: tuple[RuleSpec, ...] = field(repr=False)
    entitlements: dict[str, EntitlementSpec] = field(repr=False)
    data: bytes = field(repr=False)
    _plans: Plans = field(repr=False, compare=False)
    _fixed: dict[str, Any] = field(repr=False, compare=False)
    _judged: dict[bytes, Judgement] = field(default_factory=dict, repr=False, compare=False)

    def judge(self, filing: Filing) -> Judgement:
        """See `_judge`. The judgement of equal facts is kept: files of many filings differ in few of them."""
        key = _encode(filing)
        found = self._judged.get(key)
        if found is None:
            found = self._judge(filing)
            if len(self._judged) >= _MAX_JUDGED:
                self._judged.clear()
            self._judged[key] = found
        return found

    def _judge(self, filing: Filing) -> Judgement:
        """Every ground that is present, every claimed right that the sources do not give, and what they give.

        Raises:
            RuleError: a rule could not be evaluated.
        """
        values = _filing_values(self._fixed, filing)
        found: _Found = []
        plans = self._plans
        if plans.filing:
            context = cel.Context({name: values[name] for name in plans.filing_names})
            for rule in plans.filing:
                if rule.when is not None and rule.when.holds(context):
                    found.append((rule.position, make_finding(rule.spec, values)))
        given: list[tuple[Source, Plan, frozenset[str] | None]] = []
        for source in filing.sources:
            plan = plans.by_basis.get(source.basis, plans.stranger)
            given.append((source, plan, self._judge_source(filing, source, plan, values, found)))
        gifts = [gift or frozenset() for _, _, gift in given]
        entitled = frozenset.intersection(*gifts) if gifts else frozenset[str]()
        if not (filing.sources or found):
            raise RuleError(plans.not_entitled.spec.id, "a filing without sources gives nothing to judge")
        if any(kind not in entitled for claim in filing.claims for kind in claim.kinds):
            _refuse_claims(plans.not_entitled, filing, given, values, found)
        if not found:
            return Judgement((), (), entitled)
        found.sort(key=_position)
        return Judgement(
            tuple(finding for _, finding in found if finding.severity == "refuse"),
            tuple(finding for _, finding in found if finding.severity == "warn"),
            entitled,
        )

    def _judge_source(
        self, filing: Filing, source: Source, plan: Plan, values: dict[str, Any], found: _Found
    ) -> frozenset[str] | None:
        """What `source` gives, or None where a gate settled that it gives nothing; grounds are added to `found`."""
        context: cel.Context | None = None
        open_to_rights = True
        for rule in plan.rules:
            spec = rule.spec
            if rule.native is not None:
                try:
                    names: Sequence[str] = rule.native(filing, source, self.constants)
                except (LookupError, TypeError, ValueError) as error:
                    raise RuleError(spec.id, f"`{spec.native}` failed: {error}") from error
            else:
                assert rule.when is not None
                context = context or _source_context(source, plan, values)
                names = ("",) if rule.when.holds(context) else ()
            if not names:
                continue
            place = values | {"source": source.index, "number": source.index + 1}
            found.extend((rule.position, make_finding(spec, place | {"name": name})) for name in names)
            if spec.gate == "source":
                return None
            open_to_rights = open_to_rights and spec.gate is None
        if not open_to_rights or plan.entitlement is None:
            return None
        return plan.entitlement.gives(source, context or _source_context(source, plan, values))


@lru_cache(maxsize=64)
def parse_rulebook(data: bytes) -> Rulebook:
    """The rulebook that `data` is, compiled. The same bytes give the same object.

    Raises:
        RulebookError: not TOML, an unknown or missing key, a bad expression, a rule twice; names the rule.
    """
    if len(data) > _MAX_BYTES:
        raise RulebookError(f"a rulebook has at most {_MAX_BYTES} bytes")
    try:
        spec = msgspec.convert(tomllib.loads(data.decode()), BookSpec)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise RulebookError(f"not a rulebook: {error}") from error
    rules = tuple(compile_rule(position, _rule_spec(position, table)) for position, table in enumerate(spec.rule))
    seen: set[str] = set()
    for rule in rules:
        if rule.spec.id in seen:
            raise RulebookError(f"rule {rule.spec.id}: stands twice")
        seen.add(rule.spec.id)
    return Rulebook(
        id=spec.id,
        version=spec.version,
        name_zh=spec.name.zh,
        name_en=spec.name.en,
        law=spec.law,
        sha256=sha256(data).hexdigest(),
        constants=spec.constants,
        rules=tuple(rule.spec for rule in rules),
        entitlements=spec.entitlement,
        data=data,
        _plans=make_plans(spec, rules),
        _fixed=asdict(spec.constants),
    )


def load_builtin(name: str) -> bytes:
    """The bytes of a rulebook that is shipped with the package.

    Raises:
        RulebookError: there is none of that name.
    """
    path = files("registry.law") / "rulebooks" / f"{name}.toml"
    if not _BUILTIN.fullmatch(name) or not path.is_file():
        raise RulebookError(f"no rulebook `{name}` is shipped")
    return path.read_bytes()


def _rule_spec(position: int, table: dict[str, Any]) -> RuleSpec:
    try:
        spec = msgspec.convert(table, RuleSpec)
    except msgspec.ValidationError as error:
        raise RulebookError(f"rule {table.get('id', f'number {position + 1}')}: {error}") from error
    if spec.code not in CATALOGUE:
        raise RulebookError(f"rule {spec.id}: the code {spec.code} is not in the catalogue, so nobody could look it up")
    return spec


def _filing_values(fixed: dict[str, Any], filing: Filing) -> dict[str, Any]:
    applicant, form = filing.applicant, filing.form
    return {
        **fixed,
        "applicant_kind": applicant.kind,
        "applicant_subkind": applicant.subkind,
        "form": form.form,
        "grade": form.grade,
        "personal_information": form.personal_information,
        "categories": form.categories,
        "name_length": form.name_length,
        "overview_length": form.overview_length,
        "sources_given": bool(filing.sources),
        "claims_operating": any("operating" in claim.kinds for claim in filing.claims),
    }


def _source_context(source: Source, plan: Plan, values: dict[str, Any]) -> cel.Context:
    if plan.needs_inputs:
        inputs = source.inputs
        values = values | {
            "origin": source.origin,
            "basis": source.basis,
            "inputs_given": bool(inputs),
            "inputs_registered": bool(inputs) and all(one.registered for one in inputs),
            "inputs_public_collection": any(one.public_collection for one in inputs),
            "inputs_joined": bool(inputs) and all(one.holder_joined for one in inputs),
            "others_joined": source.others_joined,
        }
    bound = {name: values[name] for name in plan.ambient}
    given = source.facts.get
    for name in plan.facts:
        bound[name] = given(name)
    return cel.Context(bound)


def _refuse_claims(
    rule: Rule,
    filing: Filing,
    given: list[tuple[Source, Plan, frozenset[str] | None]],
    values: dict[str, Any],
    found: _Found,
) -> None:
    """One finding for each claimed right, with the article of the first source that does not give it."""
    for claim in filing.claims:
        for right, kind in enumerate(claim.kinds):
            for source, plan, gift in given:
                if gift is None or kind in gift:
                    continue
                assert plan.entitlement is not None
                zh, en = KIND_NAMES.get(kind, (kind, kind))
                place = {"claim": claim.index, "right": right, "number": source.index + 1, "kind_zh": zh, "kind_en": en}
                found.append((rule.position, make_finding(rule.spec, values | place, plan.entitlement.spec)))
                break


def _position(item: tuple[int, Finding]) -> int:
    return item[0]
