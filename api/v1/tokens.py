"""`/v1/tokens`: bearer tokens of parties. Made by the administrator, or by a party for itself; revoked by either."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from msgspec import UNSET, Meta, UnsetType
from starlette.concurrency import run_in_threadpool

from api.answers import check_parameters, json_response
from api.bodies import json_body
from api.callers import Caller, CallerDep
from api.deps import RegistryDep
from api.signed_requests import Once
from api.v1 import schemas
from ledger.errors import FormatError
from ledger.instants import format_instant
from ledger.strict_json import parse_strict
from registry.acts.shapes import PartyId, decode, given, instant
from registry.admission import refusal_of
from registry.desk.tokens import EVERYTHING, NewToken, Token, must_be_scopes
from registry.reading import not_found
from registry.refusals.refusal import refused
from registry.registry import Registry

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])
_MAX_BYTES = 10_000


class TokenShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token that is wanted."""

    party: PartyId | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    scopes: (
        Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(min_length=1, max_length=32)] | UnsetType
    ) = UNSET
    expires: str | UnsetType = UNSET


@router.post("", status_code=201, response_model=None, responses=schemas.TOKEN, openapi_extra=schemas.TOKEN_BODY)
async def make_token(request: Request, caller: CallerDep, registry: RegistryDep) -> Response:
    """Make a token of a party: `{"party", "name"?, "scopes"?, "expires"?}`. The answer shows it, once."""
    check_parameters(request, ())
    caller.must_be_known()
    data = await json_body(request, _MAX_BYTES)
    caller.must_have_sent(data)
    once: Once = request.app.state.once
    caller.must_be_used_once(once)
    made = await run_in_threadpool(_make, caller, registry, data)
    return json_response({**_view(made.token), "token": made.text}, 201, {"Cache-Control": "no-store"})


def _make(caller: Caller, registry: Registry, data: bytes) -> NewToken:
    try:
        shape = decode(parse_strict(data), TokenShape, "")
    except FormatError as error:
        raise refusal_of(error) from error
    party = given(shape.party)
    if not caller.is_administrator:
        own = caller.manager()
        if party not in (None, own):
            raise refused("NOT_ENTITLED", "A party makes tokens for itself only.", "主体只能为自己设立令牌。", "/party")
        party = own
    if party is None:
        raise refused("MALFORMED", "The member `party` is missing.", "缺少成员 `party`。", "/party")
    scopes = given(shape.scopes) or EVERYTHING
    must_be_scopes(scopes)
    _must_not_widen(caller, scopes)
    expires = given(shape.expires)
    life = None if expires is None else instant(expires, "/expires") - registry.clock.now()
    return registry.desk.make_token(party, scopes, given(shape.name) or "", life)


def _must_not_widen(caller: Caller, scopes: tuple[str, ...]) -> None:
    """Returns if a token makes none that may do more than itself."""
    if caller.token is None:
        return
    beyond = [scope for scope in scopes if not caller.token.covers(scope)]
    if beyond:
        raise refused(
            "NOT_ENTITLED",
            f"A token makes no token that may do more than itself: {', '.join(beyond)}.",
            f"不能以令牌设立权限更大的令牌：{'、'.join(beyond)}。",
            "/scopes",
        )


@router.get("", response_model=None, responses=schemas.TOKENS)
def list_tokens(request: Request, caller: CallerDep, registry: RegistryDep) -> Response:
    """The caller's tokens, without their secrets; the administrator sees all."""
    check_parameters(request, ())
    party = None if caller.is_administrator else caller.manager()
    return json_response({"items": [_view(token) for token in registry.desk.tokens(party)]})


@router.delete("/{identifier}", status_code=204, response_model=None, responses=schemas.TOKEN_REVOKED)
def revoke_token(request: Request, identifier: str, caller: CallerDep, registry: RegistryDep) -> Response:
    """The token does not count any more."""
    check_parameters(request, ())
    party = None if caller.is_administrator else caller.manager()
    if not registry.desk.revoke_token(identifier, party):
        raise not_found(f"token {identifier}", "该令牌")
    return Response(status_code=204)


def _view(token: Token) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": token.id, "party": token.party, "name": token.name, "scopes": list(token.scopes),
        "created": format_instant(token.created), "expires": format_instant(token.expires),
    }  # fmt: skip
    if token.revoked is not None:
        view["revoked"] = format_instant(token.revoked)
    return view
