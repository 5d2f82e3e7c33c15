"""Reads of the register: parties, assets, rights, cases, lists and history."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    Cursor,
    bad_query,
    check_parameters,
    format_cursor,
    json_response,
    moment_of,
    parse_cursor,
    read_answer,
    wants,
    whole_number,
)
from api.deps import ReaderDep
from api.v1 import schemas
from api.visibility import FOR_MEMBERS
from ledger.instants import format_instant, parse_instant
from registry.reading import Moment, Reader
from registry.store.lists import LISTINGS
from registry.views import View

router = APIRouter(prefix="/v1", tags=["register"], dependencies=FOR_MEMBERS)
_PAGING = ("cursor", "limit", "at", "size")
_ENTRY_FILTERS = ("act", "by", "folio")


@router.get("/parties/{identifier}", response_model=None, responses=schemas.PARTY)
def read_party(request: Request, identifier: str, reader: ReaderDep) -> Response:
    """A party with its keys and roles."""
    check_parameters(request, ("at", "size"))
    return read_answer(request, *reader.party(identifier, *moment_of(request)))


@router.get("/assets/{identifier}", response_model=None, responses=schemas.ASSET)
def read_asset(request: Request, identifier: str, reader: ReaderDep) -> Response:
    """A data asset with its form, rights and cases."""
    check_parameters(request, ("at", "size"))
    return read_answer(request, *reader.asset(identifier, *moment_of(request)))


@router.get("/rights/{identifier}", response_model=None, responses=schemas.RIGHT)
def read_right(request: Request, identifier: str, reader: ReaderDep) -> Response:
    """A right: title or grant."""
    check_parameters(request, ("at", "size"))
    return read_answer(request, *reader.right(identifier, *moment_of(request)))


@router.get("/cases/{identifier}", response_model=None, responses=schemas.CASE)
def read_case(request: Request, identifier: str, reader: ReaderDep) -> Response:
    """A registration case."""
    check_parameters(request, ("at", "size"))
    return read_answer(request, *reader.case(identifier, *moment_of(request)))


@router.get("/assets/{identifier}/history", response_model=None, responses=schemas.HISTORY)
def read_history(request: Request, identifier: str, reader: ReaderDep) -> Response:
    """The entries of the asset's folio, oldest first."""
    check_parameters(request, ("size",))
    items, moment = reader.history(identifier, whole_number(request, "size"))
    return json_response({"items": items, "size": moment.size})


@router.get("/assets", response_model=None, responses=schemas.LIST, openapi_extra=schemas.filters("assets"))
def list_assets(request: Request, reader: ReaderDep) -> Response:
    """Assets, by holder, applicant, form, state, identifier `scheme:value`, fingerprint `alg:value`, or words (`q`)."""
    return _list(request, reader, "assets")


@router.get("/rights", response_model=None, responses=schemas.LIST, openapi_extra=schemas.filters("rights"))
def list_rights(request: Request, reader: ReaderDep) -> Response:
    """Rights, by asset, holder, kind, status or the digest of a document that supports them."""
    return _list(request, reader, "rights")


@router.get("/cases", response_model=None, responses=schemas.LIST, openapi_extra=schemas.filters("cases"))
def list_cases(request: Request, reader: ReaderDep) -> Response:
    """Cases, by state, kind, applicant, rule or version of the rulebook."""
    return _list(request, reader, "cases")


@router.get("/parties", response_model=None, responses=schemas.LIST, openapi_extra=schemas.filters("parties"))
def list_parties(request: Request, reader: ReaderDep) -> Response:
    """Parties, by kind, level, identifier `scheme:value`, role, or words (`q`)."""
    return _list(request, reader, "parties")


@router.get("/entries", response_model=None, responses=schemas.LIST, openapi_extra=schemas.filters("entries"))
def list_entries(request: Request, reader: ReaderDep) -> Response:
    """Entries, by act, author or folio, oldest first."""
    wants(request, "application/json")
    check_parameters(request, (*_ENTRY_FILTERS, *_PAGING), _ENTRY_FILTERS)
    cursor, limit = _start(request)
    filters = {name: request.query_params.getlist(name) for name in _ENTRY_FILTERS}
    items, after, moment = reader.entries(filters, after=cursor.after, limit=limit, size=_size(cursor))
    return _paged(request, items, after, moment)


def _list(request: Request, reader: Reader, what: str) -> Response:
    """A page: {items, next, size}; all pages speak from the size and instant of the first."""
    wants(request, "application/json")
    names = LISTINGS[what].filters
    check_parameters(request, (*names, *_PAGING), names)
    cursor, limit = _start(request)
    filters = {name: request.query_params.getlist(name) for name in names}
    at = parse_instant(cursor.at) if cursor.at else None
    items, after, moment = reader.page(what, filters, after=cursor.after, limit=limit, at=at, size=_size(cursor))
    return _paged(request, items, after, moment)


def _start(request: Request) -> tuple[Cursor, int]:
    limit = whole_number(request, "limit", least=1, most=MAX_LIMIT) or DEFAULT_LIMIT
    at, size = moment_of(request)
    text = request.query_params.get("cursor")
    if text is None:
        return Cursor(-1 if size is None else size, format_instant(at) if at else "", -1), limit
    cursor = parse_cursor(text)
    if (size is not None and size != cursor.size) or (at is not None and format_instant(at) != cursor.at):
        raise bad_query("cursor", "belongs to another `at` or `size`", "对应的 at 或 size 与所给不同")
    return cursor, limit


def _size(cursor: Cursor) -> int | None:
    return None if cursor.size < 0 else cursor.size


def _paged(request: Request, items: list[View], after: int | None, moment: Moment) -> Response:
    body: dict[str, Any] = {"items": items, "size": moment.size}
    headers = {}
    if after is not None:
        body["next"] = format_cursor(Cursor(moment.size, format_instant(moment.at), after))
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        headers["Link"] = f'<{request.url.path}?{urlencode([*query, ("cursor", body["next"])])}>; rel="next"'
    return json_response(body, headers=headers)
