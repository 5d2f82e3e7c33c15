"""`/v1/drafts`: statements that still lack signatures, off the ledger, for those who have to sign them."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.answers import (
    DEFAULT_LIMIT,
    PRIVATE,
    bad_query,
    check_parameters,
    json_response,
    private_list,
    private_page,
)
from api.bodies import json_body
from api.callers import Caller, CallerDep
from api.deps import QuotasDep, RegistryDep, SettingsDep
from api.limits import address_of
from api.problems import language_of
from api.proxies import FROM_HERE
from api.v1 import schemas
from ledger.encoding import format_base64
from ledger.instants import format_instant
from ledger.statement import format_envelope
from ledger.strict_json import format_compact, parse_strict
from registry.desk.draft import Refusal
from registry.desk.drafts import Result
from registry.desk.vetting import Shown
from registry.refusals.refusal import refused
from registry.registry import Registry

router = APIRouter(prefix="/v1/drafts", tags=["drafts"])
_ME = "me"


@router.post(
    "",
    status_code=201,
    response_model=None,
    dependencies=FROM_HERE,
    responses=schemas.DRAFTED,
    openapi_extra=schemas.ENVELOPE_BODY,
)
async def open_draft(
    request: Request, caller: CallerDep, registry: RegistryDep, quotas: QuotasDep, settings: SettingsDep
) -> Response:
    """Keep a statement until all have signed it; then it is submitted. Some signatures must be there, in any order."""
    check_parameters(request, ())
    quotas.take_address(address_of(request))
    data = await json_body(request)
    caller.must_have_sent(data)
    result = await run_in_threadpool(registry.drafts.open, data, quotas.take_party, settings.max_drafts)
    return draft_answer(result, request)


@router.get("", response_model=None, responses=schemas.DRAFTS, openapi_extra=schemas.filters("drafts"))
def list_drafts(request: Request, caller: CallerDep, registry: RegistryDep) -> Response:
    """The caller's drafts, oldest first: those where it is `by`, `for` or in `with`. `waiting_for=me`: those to sign."""
    check_parameters(request, ("party", "waiting_for", "cursor", "limit"))
    party = caller.reader()
    if request.query_params.get("party", party) != party:
        raise refused("NOT_ENTITLED", "A party sees its own drafts only.", "主体只能查看与自身有关的草稿。", "/party")
    waiting = request.query_params.get("waiting_for")
    if waiting not in (None, _ME, party):
        raise bad_query("waiting_for", "is `me` or the caller's party", "只能为 me 或本主体的标识")
    after, limit = private_page(request, DEFAULT_LIMIT)
    found, last = registry.drafts.page(party, waiting=waiting is not None, after=after, limit=limit)
    return private_list([_view(shown, request) for shown in found], last)


@router.get("/{identifier}", response_model=None, responses=schemas.DRAFT)
def read_draft(request: Request, identifier: str, caller: CallerDep, registry: RegistryDep) -> Response:
    """A draft with its disclosures, for `by`, `for` and `with`. 404 once its statement is on the ledger."""
    check_parameters(request, ())
    shown = registry.drafts.read(identifier, caller.reader())
    view = _view(shown, request)
    if shown.draft.disclosures:
        view["disclosures"] = list(shown.draft.disclosures)
    return json_response(view, headers=PRIVATE)


@router.post(
    "/{identifier}/signatures",
    response_model=None,
    dependencies=FROM_HERE,
    responses=schemas.DRAFTED,
    openapi_extra=schemas.SIGNATURE_BODY,
)
async def sign_draft(
    request: Request, identifier: str, caller: CallerDep, registry: RegistryDep, quotas: QuotasDep
) -> Response:
    """Add signatures: one `{"keyid", "sig"}`, `{"signatures": […]}`, or an envelope of the same payload.

    With `Authorization: Bearer` and an empty body the caller's key in custody signs. 201 and the receipt when that
    completes the draft.
    """
    check_parameters(request, ())
    quotas.take_address(address_of(request))
    data = b"" if _is_empty(request) else await json_body(request)
    caller.must_have_sent(data)
    if not data:
        data = await run_in_threadpool(_signed_here, registry, identifier, caller)
    return draft_answer(await run_in_threadpool(registry.drafts.sign, identifier, data), request)


@router.delete("/{identifier}", status_code=204, response_model=None, responses=schemas.WITHDRAWN)
def withdraw_draft(request: Request, identifier: str, caller: CallerDep, registry: RegistryDep) -> Response:
    """The draft is gone. By its author, or by who opened it."""
    check_parameters(request, ())
    registry.drafts.withdraw(identifier, caller.reader())
    return Response(status_code=204)


def _is_empty(request: Request) -> bool:
    return request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers


def _signed_here(registry: Registry, identifier: str, caller: Caller) -> bytes:
    """The signature of the caller's key in custody, as it would have been sent."""
    token = caller.acting()
    act, payload = registry.drafts.payload(identifier, token.party)
    signature = registry.desk.sign(token, act, payload)
    return format_compact({"keyid": signature.key, "sig": format_base64(signature.value)})


def draft_answer(result: Result, request: Request, waiting: int = 201) -> Response:
    """A draft that waits, answered `waiting` if it is new; or the receipt of the statement that it became."""
    if result.shown is None:
        return json_response(result.receipt, 201 if result.is_new else 200)
    return json_response(_view(result.shown, request), waiting if result.is_new else 200, PRIVATE)


def _view(shown: Shown, request: Request) -> dict[str, Any]:
    statement, draft = shown.item.statement, shown.draft
    view: dict[str, Any] = {"id": statement.identifier, "act": statement.act, "by": statement.by}
    if statement.for_:
        view["for"] = statement.for_
    view |= {
        "with": list(statement.with_), "at": format_instant(statement.at), "expires": format_instant(shown.expires),
        "envelope": parse_strict(format_envelope(draft.envelope).encode()), "signed": list(shown.standing.signed),
        "waiting": [{_kind(name): name} for name in shown.standing.waiting],
    }  # fmt: skip
    for name, refusal in (("foreseen", shown.foreseen), ("refused", draft.refused)):
        if refusal is not None:
            view[name] = _words(refusal, request)
    return view


def _kind(name: str) -> str:
    return "party" if name.startswith("pty_") else "key"


def _words(refusal: Refusal, request: Request) -> dict[str, str]:
    return {"code": refusal.code, "detail": refusal.en if language_of(request) == "en" else refusal.zh}
