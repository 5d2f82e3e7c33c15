"""The shapes of bodies on the wire, decoded strictly by msgspec. Optional means absent, never null."""

import re
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.encoding import parse_base64url
from ledger.errors import FormatError, SignatureError
from ledger.instants import parse_instant
from ledger.keys import Algorithm, check_public_key
from ledger.statement import Statement
from registry.acts.act import Key
from registry.refusals.form_words import form_words
from registry.refusals.refusal import RefusedError, refused
from registry.register.values import Evidence

T = TypeVar("T")
S = TypeVar("S", bound="Shape")


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything that a body is made of."""


class Sd(Shape, frozen=True):
    """A member kept confidential: the digest of its disclosure (contract section 8)."""

    sd: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]


Text = Annotated[str, Meta(max_length=2000)]
FreeText = Text | Sd
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
PartyId = Annotated[str, Meta(pattern=r"^pty_[0-9a-hjkmnp-tv-z]{26}$")]
AssetId = Annotated[str, Meta(pattern=r"^ast_[0-9a-hjkmnp-tv-z]{26}(_[1-9][0-9]?)?$")]
RightId = Annotated[str, Meta(pattern=r"^rgt_[0-9a-hjkmnp-tv-z]{26}(_[1-9][0-9]?)?$")]
CaseId = Annotated[str, Meta(pattern=r"^cas_[0-9a-hjkmnp-tv-z]{26}(_[1-9][0-9]?)?$")]
KeyId = Annotated[str, Meta(pattern=r"^key_[0-9a-hjkmnp-tv-z]{26}$")]
KindName = Annotated[str, Meta(pattern=r"^(holding|processing|operating|x\.[a-z0-9_]{1,40})$")]
DateText = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Count = Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,30})$")]

EVIDENCE_KINDS = frozenset(
    {
        "identity", "power_of_attorney", "source_statement", "collection_log", "contract", "authorisation", "consent",
        "pipia", "security_assessment", "anonymisation_report", "compliance_report", "legal_opinion", "quality_report",
        "sample", "description", "fingerprint", "watermark", "deposit_receipt", "notarisation", "public_query_code",
        "operation_agreement", "non_substitution_report", "co_party_consent", "cost_ledger", "judgment", "order",
        "commitment",
    }
)  # fmt: skip


class KeyShape(Shape, frozen=True):
    """A public key with its algorithm."""

    alg: str
    public: str
    custody: str | UnsetType = UNSET

    def checked(self, pointer: str) -> Key:
        """The key, if signatures can be verified with it."""
        if self.alg not in set(Algorithm):
            raise invalid(pointer + "/alg", f"{self.alg} is not one of {', '.join(Algorithm)}", "不支持该签名算法")
        if self.custody not in (UNSET, "self", "registry"):
            raise invalid(pointer + "/custody", "custody is self or registry", "保管方式只能是 self 或 registry")
        try:
            public = parse_base64url(self.public)
            check_public_key(Algorithm(self.alg), public)
        except (FormatError, SignatureError) as error:
            raise invalid(pointer + "/public", str(error), "公钥不符合所选算法的要求") from error
        return Key(self.alg, public)


RECEIVED_ON = "received_on"


class EvidenceShape(Shape, frozen=True):
    """A document beside the ledger, by its digest."""

    kind: str
    sha256: Digest
    bytes: Count | UnsetType = UNSET
    media_type: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    title: FreeText | UnsetType = UNSET


class _Beside(Shape, frozen=True):
    """What any body may carry where somebody acts for another."""

    evidence: Annotated[tuple[EvidenceShape, ...], Meta(max_length=64)] | UnsetType = UNSET
    received_on: DateText | UnsetType = UNSET


def invalid(pointer: str, en: str, zh: str) -> RefusedError:
    """INVALID_VALUE: the form is right, the value is not."""
    return refused("INVALID_VALUE", f"{pointer}: {en}.", f"{pointer}：{zh}。", pointer)


def given(value: T | UnsetType) -> T | None:
    """The value of an optional member, None if it is absent."""
    return None if isinstance(value, UnsetType) else value


_AT = re.compile(r"^(.*) - at `(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def _pointer(path: str, prefix: str) -> str:
    return prefix + "".join(f"/{name or number}" for name, number in _STEP.findall(path.removeprefix("$")))


def decode(value: Any, shape: type[T], prefix: str = "/body") -> T:
    """`value` in the given shape.

    Raises:
        RefusedError: UNKNOWN_MEMBER, MALFORMED (wrong type, missing member) or INVALID_VALUE, with a pointer.
    """
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        text = str(error)
        match = _AT.match(text)
        what, path = (match[1], match[2]) if match else (text, "$")
        raise _refusal(what, _pointer(path, prefix)) from error


def _refusal(what: str, pointer: str) -> RefusedError:
    if unknown := re.search(r"unknown field `(.*)`", what):
        return refused(
            "UNKNOWN_MEMBER",
            f"{pointer}: the member `{unknown[1]}` is not known here; leave it out.",
            f"{pointer}：成员 `{unknown[1]}` 不在约定之内，请删除。",
            f"{pointer}/{unknown[1]}",
        )
    if missing := re.search(r"missing required field `(.*)`", what):
        return refused(
            "MALFORMED",
            f"{pointer}: the member `{missing[1]}` is missing.",
            f"{pointer}：缺少成员 `{missing[1]}`。",
            f"{pointer}/{missing[1]}",
        )
    if ", got" in what and "enum" not in what:
        return refused("MALFORMED", f"{pointer}: {what}.", f"{pointer}：{form_words(what)}。", pointer)
    return refused("INVALID_VALUE", f"{pointer}: {what}.", f"{pointer}：{form_words(what)}。", pointer)


def instant(text: str, pointer: str) -> datetime:
    """The instant that a member spells.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    try:
        return parse_instant(text)
    except FormatError as error:
        raise invalid(pointer, str(error), "不是带时区且精确到毫秒以内的 RFC 3339 时刻") from error


def calendar_date(text: str, pointer: str) -> date:
    """The day that a member spells.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise invalid(pointer, "this day does not exist", "该日期不存在") from error


def evidence(items: tuple[EvidenceShape, ...] | UnsetType, pointer: str) -> tuple[Evidence, ...]:
    """The documents that a body cites.

    Raises:
        RefusedError: INVALID_VALUE for a kind that the vocabulary does not have.
    """
    found = given(items) or ()
    for number, item in enumerate(found):
        if item.kind not in EVIDENCE_KINDS:
            raise invalid(f"{pointer}/{number}/kind", f"{item.kind!r} is not a kind of evidence", "不是约定的佐证种类")
    return tuple(Evidence(item.kind, item.sha256, _integer(item.bytes), given(item.media_type)) for item in found)


def _integer(value: int | str | UnsetType) -> int | None:
    return None if isinstance(value, UnsetType) else int(value)


def must_be_confidential(pointer: str, value: Any) -> None:
    """Returns if a text by or about a natural person is given as a digest, or not at all.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    if value is not UNSET and value is not None and not isinstance(value, Sd):
        raise invalid(
            pointer,
            "where a natural person is concerned this text must be given as a digest with its disclosure beside",
            "涉及自然人的文字必须以摘要提交，原文随披露件另行提交",
        )


def must_keep_titles_confidential(items: tuple[EvidenceShape, ...] | UnsetType, pointer: str) -> None:
    """Returns if the titles of documents are digests: a natural person is concerned.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    for number, item in enumerate(given(items) or ()):
        must_be_confidential(f"{pointer}/{number}/title", item.title)


def plain(value: Any) -> Any:
    """A decoded shape as plain JSON values, absent members left out."""
    return msgspec.to_builtins(value)


def body_of(statement: Statement, shape: type[S]) -> S:
    """The statement's body in the given shape, without what any body may carry where `for` is set (contract section 2).

    That is `evidence` and `received_on`, unless the shape has them itself.

    Raises:
        RefusedError: see `decode`; INVALID_VALUE for a day of receipt of what nobody filed on paper.
    """
    body = statement.body
    if statement.for_ is None and RECEIVED_ON not in body:
        return decode(body, shape)
    extra = {name for name in _Beside.__struct_fields__ if name in body} - set(shape.__struct_fields__)
    if statement.for_ is None:
        if RECEIVED_ON in extra:
            raise not_at_window()
        return decode(body, shape)
    found = decode({name: body[name] for name in extra}, _Beside)
    evidence(found.evidence, "/body/evidence")
    if isinstance(found.received_on, str):
        calendar_date(found.received_on, f"/body/{RECEIVED_ON}")
    return decode({name: value for name, value in body.items() if name not in extra}, shape)


def documents_beside(statement: Statement) -> tuple[EvidenceShape, ...]:
    """The documents that a statement with `for` cites.

    Raises:
        RefusedError: see `decode`.
    """
    return decode(statement.body.get("evidence", []), tuple[EvidenceShape, ...], "/body/evidence")


def not_at_window() -> RefusedError:
    """INVALID_VALUE: there is no paper whose day could be told."""
    return invalid(
        f"/body/{RECEIVED_ON}", "only the registrar entering at the window says when a paper came in",
        "仅登记机构在窗口代为录入时可以写明收件日期",
    )  # fmt: skip
