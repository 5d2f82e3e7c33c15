"""Who asks: nobody in particular, the administrator, or a party, by its token or by a signature on the request.

Contract section 6: private reads are authorised by `Authorization: Bearer` or by an RFC 9421 signature. What a caller
may not see is answered as if it were not there.
"""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from api.limits import Quotas
from api.proxies import host_of
from api.settings import Settings
from api.signed_requests import Once, SignedBody, SignedRequestError, is_signed, key_named, verify_request
from registry.desk.tokens import MANAGE, READ, Token
from registry.refusals.refusal import RefusedError, refused
from registry.registry import Registry


@dataclass(frozen=True, slots=True)
class Caller:
    """`party`: who asks, if known. `signed`: what a signature on the request says of its body."""

    party: str | None = None
    token: Token | None = None
    is_administrator: bool = False
    signed: SignedBody | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything says who asks."""
        return self.party is not None or self.is_administrator

    def must_be_known(self) -> None:
        """Returns if anything says who asks.

        Raises:
            RefusedError: TOKEN_MISSING.
        """
        if not self.is_known:
            raise token_missing()

    def reader(self) -> str:
        """The party that may read what is private to it.

        Raises:
            RefusedError: TOKEN_MISSING, or NOT_ENTITLED for a token that is not for reading.
        """
        return self._for(READ)

    def manager(self) -> str:
        """The party whose tokens the caller may make and revoke.

        Raises:
            RefusedError: TOKEN_MISSING, or NOT_ENTITLED for a token that is not for that.
        """
        return self._for(MANAGE)

    def acting(self) -> Token:
        """The token of a caller for whom statements are signed here.

        Raises:
            RefusedError: TOKEN_MISSING, or NOT_ENTITLED: who signs requests signs statements too.
        """
        if self.token is not None:
            return self.token
        self.must_be_known()
        raise refused(
            "NOT_ENTITLED",
            "Statements are signed here only for a party's own token; sign the statement yourself and send it to "
            "POST /v1/statements.",
            "此处仅凭主体自己的令牌代为签署声明；请自行签署并提交至 POST /v1/statements。",
        )

    def must_be_used_once(self, once: Once) -> None:
        """Returns if the request is not signed, or its signature was not used before.

        Raises:
            RefusedError: SIGNATURE_INVALID.
        """
        if self.signed is not None and not once.use(self.signed.proof):
            raise refused(
                "SIGNATURE_INVALID",
                "This signed request was made before; sign it anew, with another `nonce` or at another second.",
                "该签名请求已使用过；请以新的 nonce 或在另一时刻重新签署。",
            )

    def must_have_sent(self, body: bytes) -> None:
        """Returns if the request is not signed, or its signature covers this body.

        Raises:
            RefusedError: SIGNATURE_INVALID.
        """
        if self.signed is not None and not self.signed.matches(body):
            raise _uncovered()

    def must_have_signed(self, sha256: str) -> None:
        """Returns if the request is not signed, or its signature covers a body of this digest, still to be read.

        Raises:
            RefusedError: SIGNATURE_INVALID.
        """
        if self.signed is not None and not self.signed.names(bytes.fromhex(sha256)):
            raise _uncovered()

    def _for(self, scope: str) -> str:
        self.must_be_known()
        if self.party is None or (self.token is not None and not self.token.may(scope)):
            raise refused(
                "NOT_ENTITLED",
                f"This token is not for that: it needs the scope {scope} of a party.",
                f"该令牌不能用于此项操作：须为某一主体的令牌，且权限范围包括 {scope}。",
            )
        return self.party


NOBODY = Caller()


def token_missing() -> RefusedError:
    """TOKEN_MISSING."""
    return refused(
        "TOKEN_MISSING",
        "Say who asks: send a token (`Authorization: Bearer`), or sign the request (RFC 9421).",
        "请表明身份：附上访问令牌（Authorization: Bearer），或对请求签名（RFC 9421）。",
    )


def _uncovered() -> RefusedError:
    return refused(
        "SIGNATURE_INVALID",
        "The signature on the request does not cover this body: sign `content-digest` too.",
        "请求签名未覆盖所提交的内容：请将 content-digest 一并签署。",
    )


async def caller_of(request: Request) -> Caller:
    """Who asks.

    Raises:
        RefusedError: TOKEN_INVALID, KEY_UNKNOWN, KEY_INACTIVE or SIGNATURE_INVALID: a caller who claims to be somebody
            and does not show it is not taken for nobody.
    """
    if "authorization" not in request.headers and not is_signed(request):
        return NOBODY
    settings: Settings = request.app.state.settings
    if is_signed(request) and not settings.is_named(host_of(request)):
        raise refused(
            "SIGNATURE_INVALID",
            "The request is signed for another server than this one.",
            "该请求是签给其他服务器的，本服务不予接受。",
        )
    registry: Registry = request.app.state.registry
    caller = await run_in_threadpool(_find, registry, request)
    if caller.token is not None:
        quotas: Quotas = request.app.state.quotas
        quotas.take_token(caller.token.id)
    return caller


def _find(registry: Registry, request: Request) -> Caller:
    values = request.headers.getlist("authorization")
    if not values:
        return _signer(registry, request)
    scheme, _, text = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or is_signed(request):
        raise _invalid("send exactly one of a Bearer token and a signature", "须且只须使用一种：访问令牌或请求签名")
    text = text.strip()
    if registry.admin_token and hmac.compare_digest(text.encode(), registry.admin_token.encode()):
        return Caller(is_administrator=True)
    token = registry.desk.recognise(text)
    if token is None:
        raise _invalid("it is unknown, expired or revoked", "该令牌不存在、已过期或已撤销")
    return Caller(token.party, token)


def _invalid(en: str, zh: str) -> RefusedError:
    return refused("TOKEN_INVALID", f"The token does not count: {en}.", f"访问令牌无效：{zh}。")


def _signer(registry: Registry, request: Request) -> Caller:
    try:
        name = key_named(request)
        party = registry.reader.party_of_key(name)
        key = party.key(name) if party else None
        if party is None or key is None:
            raise refused("KEY_UNKNOWN", f"There is no key {name}.", "请求签名所用的密钥未在本登记簿登记。")
        if not key.is_live(registry.clock.now()):
            raise refused("KEY_INACTIVE", f"The key {key.key} does not count now.", f"密钥 {key.key} 此时不生效。")
        return Caller(party.id, signed=verify_request(request, key, registry.clock.now))
    except SignedRequestError as error:
        raise refused(
            "SIGNATURE_INVALID",
            f"The signature on the request does not hold: {error}.",
            "请求签名无效：须由有效密钥对 @method、@target-uri 以及（有内容时）content-digest 签署，且签署时间在五分钟以内。",
        ) from error


CallerDep = Annotated[Caller, Depends(caller_of)]
