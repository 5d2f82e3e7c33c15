"""The application form (annex 1 of the guideline) and the sources of data. Contract section 5."""

import re
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from registry.acts.shapes import (
    AssetId,
    Count,
    DateText,
    Digest,
    RightId,
    Shape,
    calendar_date,
    given,
    instant,
    invalid,
)
from registry.law.facts import FACT_FORMS, KNOWN_FACTS
from registry.refusals.form_words import type_words
from registry.refusals.refusal import refused
from registry.title.vocabulary import is_kind

_DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_NAME_CHARACTERS = 200
MAX_OVERVIEW_CHARACTERS = 4_000
MAX_FIELDS = 1_000
_NONE = "none"


class TimeSpan(Shape, frozen=True):
    from_: DateText = field(name="from")
    until: DateText = field()


class Volume(Shape, frozen=True):
    records: Count | UnsetType = UNSET
    bytes: Count | UnsetType = UNSET


Restriction = Annotated[str, Meta(max_length=2000)] | bool


class Restrictions(Shape, frozen=True):
    customers: Restriction | UnsetType = UNSET
    qualification: Restriction | UnsetType = UNSET
    environment: Restriction | UnsetType = UNSET
    region: Restriction | UnsetType = UNSET
    resale: Restriction | UnsetType = UNSET
    export: Restriction | UnsetType = UNSET
    other: Restriction | UnsetType = UNSET


class FieldShape(Shape, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    personal: Literal["none", "personal", "sensitive"]


class FingerprintShape(Shape, frozen=True):
    alg: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$")]
    value: Annotated[str, Meta(min_length=1, max_length=256)]


class IdentifierShape(Shape, frozen=True):
    scheme: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$")]
    value: Annotated[str, Meta(min_length=1, max_length=500)]


class FormShape(Shape, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    overview: Annotated[str, Meta(min_length=1, max_length=MAX_OVERVIEW_CHARACTERS)]
    form: Literal["raw", "resource", "product", "service", "derived"]
    industry: Annotated[str, Meta(pattern=r"^[A-T][0-9]{2}$")]
    region_scope: Literal["international", "national", "province", "city", "county", "below_county"]
    update_frequency: Literal["daily", "weekly", "monthly", "yearly", "on_demand", "realtime", "other"]
    volume: Volume
    media: Annotated[
        tuple[Literal["image", "text", "video", "audio", "table", "other"], ...], Meta(min_length=1, max_length=6)
    ]
    structure: Literal["structured", "semi_structured", "unstructured"]
    categories: Annotated[tuple[Literal["public", "enterprise", "personal"], ...], Meta(min_length=1, max_length=3)]
    grade: Literal["core", "important", "general", "ungraded"]
    personal_information: Literal["none", "anonymised", "deidentified", "personal", "sensitive", "minor"]
    region: Annotated[str, Meta(max_length=2000)] | UnsetType = UNSET
    time_span: TimeSpan | UnsetType = UNSET
    restrictions: Restrictions | UnsetType = UNSET
    fields: Annotated[tuple[FieldShape, ...], Meta(max_length=MAX_FIELDS)] | UnsetType = UNSET
    fingerprints: Annotated[tuple[FingerprintShape, ...], Meta(max_length=64)] | UnsetType = UNSET
    identifiers: Annotated[tuple[IdentifierShape, ...], Meta(max_length=16)] | UnsetType = UNSET
    links: Annotated[tuple[Annotated[str, Meta(max_length=2000)], ...], Meta(max_length=64)] | UnsetType = UNSET

    def check(self, pointer: str) -> None:
        """Returns if dates exist and nothing is listed twice.

        Raises:
            RefusedError: INVALID_VALUE.
        """
        span = given(self.time_span)
        if span is not None:
            first = calendar_date(span.from_, f"{pointer}/time_span/from")
            if calendar_date(span.until, f"{pointer}/time_span/until") < first:
                raise invalid(f"{pointer}/time_span", "the time span ends before it starts", "时域范围的终点早于起点")
        names = [f.name for f in given(self.fields) or ()]
        for member, values in (("media", self.media), ("categories", self.categories), ("fields", names)):
            if len(set(values)) != len(values):
                raise invalid(f"{pointer}/{member}", "a value is listed twice", "取值重复列出")
        for number, fingerprint in enumerate(given(self.fingerprints) or ()):
            if fingerprint.alg == "sha-256" and not _is_digest(fingerprint.value):
                raise invalid(
                    f"{pointer}/fingerprints/{number}/value", "a sha-256 value is 64 lower-case hex digits",
                    "sha-256 的值应为 64 位小写十六进制",
                )  # fmt: skip


class InputShape(Shape, frozen=True):
    asset: AssetId | UnsetType = UNSET
    right: RightId | UnsetType = UNSET
    external: "External | UnsetType" = UNSET

    def check(self, pointer: str) -> None:
        """Returns if it is either an asset with the right used, or something outside.

        Raises:
            RefusedError: MALFORMED.
        """
        inside = (self.asset is not UNSET, self.right is not UNSET)
        if (self.external is UNSET and inside != (True, True)) or (self.external is not UNSET and any(inside)):
            raise refused(
                "MALFORMED",
                f"{pointer}: an input is an `asset` with the `right` used, or `external`.",
                f"{pointer}：投入须写明 asset 与所用 right，或写明 external。",
                pointer,
            )


class External(Shape, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=2000)]
    evidence: Digest | UnsetType = UNSET


class SourceShape(Shape, frozen=True):
    origin: Literal["generated", "public_collection", "agreement", "derived"]
    basis: str
    facts: dict[str, Any] | UnsetType = UNSET
    inputs: Annotated[tuple[InputShape, ...], Meta(max_length=64)] | UnsetType = UNSET

    def check(self, pointer: str) -> None:
        """Returns if the facts are those that the basis knows, each in its form.

        Raises:
            RefusedError: INVALID_VALUE, UNKNOWN_MEMBER or MALFORMED.
        """
        if self.basis not in KNOWN_FACTS:
            raise invalid(f"{pointer}/basis", f"{self.basis!r} is not a basis", "不是约定的取得依据")
        for name, value in (given(self.facts) or {}).items():
            if name not in KNOWN_FACTS[self.basis]:
                raise refused(
                    "UNKNOWN_MEMBER",
                    f"{pointer}/facts: the basis {self.basis} knows no fact `{name}`.",
                    f"{pointer}/facts：依据 {self.basis} 没有事实 `{name}`。",
                    f"{pointer}/facts/{name}",
                )
            _check_fact(f"{pointer}/facts/{name}", FACT_FORMS[name], value)
        for number, item in enumerate(given(self.inputs) or ()):
            item.check(f"{pointer}/inputs/{number}")


def _is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


_FACT_TYPES: dict[str, type] = {"bool": bool, "kinds": list, "parties": list}


def _check_fact(pointer: str, form: str, value: Any) -> None:
    wanted = _FACT_TYPES.get(form, str)
    if not isinstance(value, wanted):
        raise refused(
            "MALFORMED",
            f"{pointer}: expected {wanted.__name__}.",
            f"{pointer}：应为{type_words(wanted.__name__)}。",
            pointer,
        )
    fact: Any = value
    match form:
        case "digest":
            if fact != _NONE and not _is_digest(fact):
                raise invalid(pointer, "a document is named by its SHA-256 in hex", "文件应以其 SHA-256 摘要指明")
        case "kinds":
            if not all(isinstance(kind, str) and is_kind(kind) for kind in fact) or len(set(fact)) != len(fact):
                raise invalid(pointer, "a list of kinds of right, each once", "应为不重复的权利种类列表")
        case "parties":
            if not fact or not all(isinstance(p, str) and p.startswith("pty_") for p in fact):
                raise invalid(pointer, "a list of parties", "应为主体列表")
        case "change":
            if fact not in ("derivative", "compilation", "subset", "format"):
                raise invalid(
                    pointer,
                    "one of derivative, compilation, subset, format",
                    "取值为 derivative、compilation、subset 或 format",
                )
        case "instant":
            instant(fact, pointer)
        case "date":
            if len(fact) != 10:
                raise invalid(pointer, "a date is written YYYY-MM-DD", "日期格式为 YYYY-MM-DD")
            calendar_date(fact, pointer)
        case "text":
            if len(fact) > 2000:
                raise invalid(pointer, "at most 2,000 characters", "不超过 2000 个字符")
