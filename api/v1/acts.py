"""`/v1/acts`, `/v1/parties`, `/v1/assets` with a token: statements that are built and signed here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.answers import check_parameters, json_response
from api.bodies import json_body
from api.callers import CallerDep, token_missing
from api.deps import QuotasDep, RegistryDep, SettingsDep
from api.limits import address_of
from api.proxies import FROM_HERE
from api.v1 import schemas
from api.v1.drafts import draft_answer
from registry.acts import ACTS
from registry.beside import Claim
from registry.desk.front_desk import ADMINISTRATOR
from registry.desk.requests import ActRequest, parse_request
from registry.desk.tokens import Token
from registry.refusals.refusal import refused
from registry.registry import Registry

router = APIRouter(prefix="/v1", tags=["acts"], dependencies=FROM_HERE)
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


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a route needs that acts for a caller."""

    request: Request
    caller: CallerDep
    registry: RegistryDep
    quotas: QuotasDep
    settings: SettingsDep

    @property
    def address(self) -> str:
        return address_of(self.request)

    async def act(
        self, act: str, complete: Callable[[ActRequest, str], ActRequest] = lambda wanted, _: wanted
    ) -> Response:
        """The receipt of the act; or, where others sign too, the draft that it waits in. `complete`: what goes unsaid."""
        check_parameters(self.request, ())
        token = self.caller.acting()
        data = await json_body(self.request)
        wanted = complete(parse_request(data), token.party)
        _must_be_known(act)
        claim = _claim(self.request, self.registry, token.party, data)
        if wanted.needs_others(act):
            return await self._draft(token, act, wanted, claim)
        gate = self.quotas.gate(self.address)
        receipt = await run_in_threadpool(self.registry.desk.act, token, act, wanted, claim=claim, gate=gate)
        return json_response(receipt, 201)

    async def _draft(self, token: Token, act: str, wanted: ActRequest, claim: Claim | None) -> Response:
        if claim is not None:
            raise refused(
                "INVALID_VALUE",
                "Idempotency-Key: a statement that others sign too becomes a draft, which a repeated request makes anew; "
                "look for it under GET /v1/drafts.",
                "Idempotency-Key：需他人共同签署的声明先成为草稿，重复请求会另立草稿；请在 GET /v1/drafts 中查找。",
                "/Idempotency-Key",
            )
        self.quotas.take_address(self.address)
        data = await run_in_threadpool(self.registry.desk.begin, token, act, wanted)
        open_draft = self.registry.drafts.open
        result = await run_in_threadpool(open_draft, data, self.quotas.take_party, self.settings.max_drafts)
        return draft_answer(result, self.request, 202)


def _must_be_known(act: str) -> None:
    if act not in ACTS:
        raise refused("UNKNOWN_ACT", f"There is no act {act!r} in this version.", f"本版本没有行为 {act!r}。", "/act")


DeskDep = Annotated[_Desk, Depends(_Desk)]


@router.post(
    "/acts/{act}", status_code=201, response_model=None, responses=schemas.ACTED, openapi_extra=schemas.ACT_BODY
)
async def act(act: str, desk: DeskDep) -> Response:
    """Build a statement by the caller's party, sign it with the key in custody, and put it on the ledger.

    Where others sign too (`with`, or a key that is added) it becomes a draft: 202.
    """
    return await desk.act(act)


@router.post("/assets", status_code=201, response_model=None, responses=schemas.ACTED, openapi_extra=schemas.ACT_BODY)
async def file_asset(desk: DeskDep) -> Response:
    """File a first registration (`case.file` initial). `kind` and the party of a claim may be left out."""
    return await desk.act("case.file", _as_filing)


def _as_filing(wanted: ActRequest, party: str) -> ActRequest:
    """The body of an initial filing with what goes without saying."""
    body = {"kind": "initial", **wanted.body}
    claims = body.get("claims")
    if isinstance(claims, list):
        body["claims"] = [{"party": party, **claim} if isinstance(claim, dict) else claim for claim in claims]
    return msgspec.structs.replace(wanted, body=body)


@router.post("/parties", status_code=201, response_model=None, responses=schemas.ACTED, openapi_extra=schemas.ACT_BODY)
async def make_party(desk: DeskDep) -> Response:
    """With the administrator's token: a party with a key in custody. The answer is the receipt with `token`, shown once."""
    check_parameters(desk.request, ())
    if not desk.caller.is_administrator:
        raise _only_administrator() if desk.caller.is_known else token_missing()
    data = await json_body(desk.request)
    claim = _claim(desk.request, desk.registry, ADMINISTRATOR, data)
    make, gate = desk.registry.desk.make_party, desk.quotas.gate(desk.address)
    receipt, token = await run_in_threadpool(make, parse_request(data), claim=claim, gate=gate)
    return json_response({**receipt, "token": token}, 201, {"Cache-Control": "no-store"})


def _only_administrator() -> Exception:
    return refused(
        "NOT_ENTITLED",
        "Parties whose key the registry keeps are made with the administrator's token (admin.token in the data folder).",
        "由登记系统保管密钥的主体，须凭管理员令牌（数据文件夹中的 admin.token）设立。",
    )
