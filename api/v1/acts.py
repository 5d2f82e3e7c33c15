"""`/v1/acts`, `/v1/parties`, `/v1/assets` with a token: statements that are built and signed here."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.answers import check_parameters, json_response
from api.bodies import json_body
from api.callers import Caller, CallerDep, token_missing
from api.deps import QuotasDep, RegistryDep
from api.v1 import schemas
from registry.beside import Claim
from registry.desk.front_desk import ADMINISTRATOR
from registry.desk.requests import ActRequest, parse_request
from registry.refusals.refusal import refused
from registry.registry import Registry

router = APIRouter(prefix="/v1", tags=["acts"])
_MAX_KEY = 255


def _claim(request: Request, registry: Registry, who: str, data: bytes) -> Claim | None:
    """What the `Idempotency-Key` of the request claims.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not 0 < len(keys[0]) <= _MAX_KEY or not keys[0].isascii() or not keys[0].isprintable():
        raise refused(
            "INVALID_VALUE", f"Idempotency-Key: one key of 1 to {_MAX_KEY} printable ASCII characters.",
            f"Idempotency-Key：须为一个 1 至 {_MAX_KEY} 个可打印 ASCII 字符的键。", "/Idempotency-Key",
        )  # fmt: skip
    return registry.desk.claim(who, keys[0], f"{request.method} {request.url.path}\n".encode() + data)


@router.post(
    "/acts/{act}", status_code=201, response_model=None, responses=schemas.ACTED, openapi_extra=schemas.ACT_BODY
)
async def act(request: Request, act: str, caller: CallerDep, registry: RegistryDep, quotas: QuotasDep) -> Response:
    """Build a statement by the caller's party, sign it with the key in custody, and put it on the ledger."""
    return await _act(request, act, caller, registry, quotas.gate(request.client.host if request.client else ""))


@router.post("/assets", status_code=201, response_model=None, responses=schemas.ACTED, openapi_extra=schemas.ACT_BODY)
async def file_asset(request: Request, caller: CallerDep, registry: RegistryDep, quotas: QuotasDep) -> Response:
    """File a first registration (`case.file` initial). `kind` and the party of a claim may be left out."""
    gate = quotas.gate(request.client.host if request.client else "")
    return await _act(request, "case.file", caller, registry, gate, _as_filing)


async def _act(
    request: Request, act: str, caller: Caller, registry: Registry, gate: Any, complete: Any = None
) -> Response:
    check_parameters(request, ())
    token = caller.acting()
    data = await json_body(request)
    wanted = parse_request(data)
    if complete is not None:
        wanted = complete(wanted, token.party)
    claim = _claim(request, registry, token.party, data)
    receipt = await run_in_threadpool(registry.desk.act, token, act, wanted, claim=claim, gate=gate)
    return json_response(receipt, 201)


def _as_filing(wanted: ActRequest, party: str) -> ActRequest:
    """The body of an initial filing with what goes without saying."""
    body = {"kind": "initial", **wanted.body}
    claims = body.get("claims")
    if isinstance(claims, list):
        body["claims"] = [{"party": party, **claim} if isinstance(claim, dict) else claim for claim in claims]
    return msgspec.structs.replace(wanted, body=body)


@router.post("/parties", status_code=201, response_model=None, responses=schemas.ACTED, openapi_extra=schemas.ACT_BODY)
async def make_party(request: Request, caller: CallerDep, registry: RegistryDep, quotas: QuotasDep) -> Response:
    """With the administrator's token: a party with a key in custody. The answer is the receipt with `token`, shown once."""
    check_parameters(request, ())
    if not caller.is_administrator:
        raise _only_administrator() if caller.is_known else token_missing()
    data = await json_body(request)
    wanted = parse_request(data)
    claim = _claim(request, registry, ADMINISTRATOR, data)
    gate = quotas.gate(request.client.host if request.client else "")
    receipt, token = await run_in_threadpool(registry.desk.make_party, wanted, claim=claim, gate=gate)
    return json_response({**receipt, "token": token}, 201, {"Cache-Control": "no-store"})


def _only_administrator() -> Exception:
    return refused(
        "NOT_ENTITLED",
        "Parties whose key the registry keeps are made with the administrator's token (admin.token in the data folder).",
        "由登记系统保管密钥的主体，须凭管理员令牌（数据文件夹中的 admin.token）设立。",
    )
