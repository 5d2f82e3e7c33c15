"""What a caller with a token asks to be done: the body of an act, alone or with what else its statement says."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.errors import FormatError
from ledger.strict_json import parse_strict
from registry.acts.shapes import PartyId, decode, given
from registry.admission import MAX_SUBMISSION_BYTES, refusal_of
from registry.refusals.refusal import refused

Pointer = Annotated[str, Meta(pattern=r"^(/[^/]{1,200}){1,16}$")]


class ActShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The wrapped form. `confidential`: true for every member that may be, or the pointers into the body."""

    body: dict[str, Any]
    with_: Annotated[tuple[PartyId, ...], Meta(max_length=31)] | UnsetType = msgspec.field(default=UNSET, name="with")
    for_: PartyId | UnsetType = msgspec.field(default=UNSET, name="for")
    expect: dict[str, Annotated[int, Meta(ge=0)]] | UnsetType = UNSET
    disclosures: Annotated[tuple[str, ...], Meta(max_length=64)] | UnsetType = UNSET
    confidential: bool | Annotated[tuple[Pointer, ...], Meta(max_length=64)] | UnsetType = UNSET


_PROVES_A_KEY = frozenset({"key.add"})
"""Acts under which the key that they add signs, too; nobody here has it."""


class ActRequest(msgspec.Struct, frozen=True):
    """An act that a caller asks for."""

    body: Mapping[str, Any]
    with_: tuple[str, ...] = ()
    for_: str | None = None
    expect: Mapping[str, int] | None = None
    disclosures: tuple[str, ...] = ()
    confidential: bool | tuple[str, ...] = False

    def needs_others(self, act: str) -> bool:
        """Whether others than the caller sign the statement, so that it becomes a draft first."""
        return bool(self.with_) or act in _PROVES_A_KEY


def parse_request(data: bytes) -> ActRequest:
    """The request in a body: an act's body, or `{"body": …, "with"?, "for"?, "expect"?, "disclosures"?, "confidential"?}`.

    No act's body has a member `body`.

    Raises:
        RefusedError: TOO_LARGE, MALFORMED, DUPLICATE_MEMBER or UNKNOWN_MEMBER.
    """
    if len(data) > MAX_SUBMISSION_BYTES:
        raise refused(
            "TOO_LARGE",
            f"A request has at most {MAX_SUBMISSION_BYTES} bytes.",
            f"单次请求不超过 {MAX_SUBMISSION_BYTES} 字节。",
        )
    try:
        value = parse_strict(data)
    except FormatError as error:
        raise refusal_of(error) from error
    if not isinstance(value, dict):
        raise refused("MALFORMED", "The request is not a JSON object.", "请求内容不是 JSON 对象。")
    if "body" not in value:
        return ActRequest(value)
    shape = decode(value, ActShape, "")
    return ActRequest(
        shape.body, given(shape.with_) or (), given(shape.for_), given(shape.expect), given(shape.disclosures) or (),
        given(shape.confidential) or False,
    )  # fmt: skip
