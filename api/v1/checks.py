"""`/v1/check` and `/v1/checks`: may this party do this with these data? Contract section 7."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from msgspec import UNSET, Meta, UnsetType
from starlette.concurrency import run_in_threadpool

from api.answers import JSON, bad_query, check_parameters, json_bytes, json_response, moment_of, packed, tagged, wants
from api.bodies import json_body
from api.callers import CallerDep
from api.deps import ReaderDep
from api.problems import language_of
from api.v1 import schemas
from api.visibility import FOR_MEMBERS
from ledger.errors import FormatError
from ledger.strict_json import parse_strict
from registry.acts.shapes import decode, given, instant
from registry.admission import refusal_of
from registry.reading import Reader
from registry.refusals.refusal import RefusedError, refused
from registry.title.question import Question
from registry.title.vocabulary import ACTIONS, is_dotted, is_territory

router = APIRouter(prefix="/v1", tags=["check"], dependencies=FOR_MEMBERS)
MAX_CHECKS = 10_000
MAX_BYTES = 16 * 1024 * 1024
_ACTIONS = frozenset(action for actions in ACTIONS.values() for action in actions)
_MANY = ("territory", "fields", "consenting")
_PARAMETERS = (
    "party", "asset", "purpose", "action", "right", "territory", "fields", "group", "consenting", "basis", "explain",
    "at", "size",
)  # fmt: skip
Term = Annotated[str, Meta(min_length=1, max_length=200)]
Terms = Annotated[tuple[Term, ...], Meta(max_length=200)]


class CheckShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question on the wire."""

    party: Term
    asset: Term
    purpose: Term
    action: Term | UnsetType = UNSET
    right: Term | UnsetType = UNSET
    territory: Term | Terms | UnsetType = UNSET
    fields: Term | Terms | UnsetType = UNSET
    group: Term | UnsetType = UNSET
    consenting: Term | Terms | UnsetType = UNSET
    basis: Term | UnsetType = UNSET
    explain: Term | UnsetType = UNSET

    def question(self, pointer: str) -> Question:
        """The question, if it is well formed; unknown ids are answered, not refused.

        Raises:
            RefusedError: INVALID_VALUE.
        """
        action, territory = given(self.action), _terms(self.territory)
        if not is_dotted(self.purpose):
            raise _invalid(f"{pointer}/purpose", "is not a dotted lower-case term", "不是约定形式的用途")
        if action is not None and action not in _ACTIONS:
            raise _invalid(f"{pointer}/action", f"is not one of {', '.join(sorted(_ACTIONS))}", "不是约定的行为")
        if territory and not all(place == "*" or is_territory(place) for place in territory):
            raise _invalid(f"{pointer}/territory", "is not an ISO 3166 code", "不是 ISO 3166 地域代码")
        if given(self.basis) not in (None, "reviewed"):
            raise _invalid(f"{pointer}/basis", "can only be `reviewed`", "只能是 reviewed")
        if given(self.explain) not in (None, "full"):
            raise _invalid(f"{pointer}/explain", "can only be `full`", "只能是 full")
        for name, value in (("group", self.group), ("consenting", self.consenting)):
            if value is not UNSET:
                raise _invalid(
                    f"{pointer}/{name}",
                    "is not carried out in this version, which records neither consents nor pledges; leave it out",
                    "在本版本中尚未实现（尚不记载同意与质押），请删除",
                )
        return Question(
            self.party, self.asset, self.purpose, action, given(self.right), territory, _terms(self.fields),
            reviewed_only=given(self.basis) == "reviewed", explain=given(self.explain) == "full",
        )  # fmt: skip


class ChecksShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checks: Annotated[tuple[CheckShape, ...], Meta(min_length=1, max_length=MAX_CHECKS)]
    at: str | UnsetType = UNSET
    size: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


def _invalid(pointer: str, en: str, zh: str) -> RefusedError:
    return refused("INVALID_VALUE", f"{pointer} {en}.", f"{pointer} {zh}。", pointer)


def _terms(value: str | tuple[str, ...] | UnsetType) -> tuple[str, ...] | None:
    found = given(value)
    if found is None:
        return None
    if isinstance(found, str):
        return (found,)
    return tuple(found) or None


@router.get("/check", response_model=None, responses=schemas.ANSWER, openapi_extra=schemas.filters("check"))
def read_check(request: Request, reader: ReaderDep) -> Response:
    """May `party` do `action` with `asset` for `purpose`? A denial is an answer, with its reasons."""
    wants(request, JSON)
    check_parameters(request, _PARAMETERS, _MANY)
    members: dict[str, Any] = {}
    for name in _PARAMETERS[:-2]:
        values = [
            v for text in request.query_params.getlist(name) for v in (text.split(",") if name in _MANY else [text])
        ]
        if values:
            members[name] = values if name in _MANY else values[0]
    for name in ("party", "asset", "purpose"):
        if name not in members:
            raise refused("MALFORMED", f"The parameter `{name}` is missing.", f"缺少参数 `{name}`。", f"/{name}")
    question = decode(members, CheckShape, "").question("")
    at, size = moment_of(request)
    answers, ledger = reader.check([question], at, size)
    body = json_bytes(answers[0].to_json(language_of(request), ledger))
    forever = {"at", "size"} <= set(request.query_params)
    return tagged(request, body, JSON, forever=forever, vary="Accept-Language")


@router.post("/checks", response_model=None, responses=schemas.ANSWERS, openapi_extra=schemas.CHECKS_BODY)
async def read_checks(request: Request, reader: ReaderDep, caller: CallerDep) -> Response:
    """Up to 10,000 questions at once, all answered from one size and instant, in order."""
    wants(request, JSON)
    check_parameters(request, ("at", "size"))
    data = await json_body(request, MAX_BYTES)
    caller.must_have_sent(data)
    return await run_in_threadpool(_checks, request, reader, data)


def _checks(request: Request, reader: Reader, data: bytes) -> Response:
    try:
        shape = decode(parse_strict(data), ChecksShape, "")
    except FormatError as error:
        raise refusal_of(error) from error
    at, size = moment_of(request)
    if (text := given(shape.at)) is not None:
        if at is not None:
            raise bad_query("at", "is given twice", "重复给出")
        at = instant(text, "/at")
    size = size if size is not None else given(shape.size)
    questions = [item.question(f"/checks/{number}") for number, item in enumerate(shape.checks)]
    answers, ledger = reader.check(questions, at, size)
    language = language_of(request)
    return packed(request, json_response({"answers": [answer.to_json(language, ledger) for answer in answers]}))
