"""Answers of a witness: plain text for people wherever the protocol does not say what stands in the body."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ledger.encoding import format_base64
from ledger.errors import FormatError, LedgerError, ProofError, SignatureError, TooLargeError
from ledger.instants import format_instant
from ledger.witness.errors import OldSizeError, UnavailableError, UnknownOriginError
from ledger.witness.protocol import SIZE_MEDIA_TYPE, format_size
from ledger.witness.store import Contradiction
from registry.refusals.refusal import RefusedError

logger = structlog.get_logger("sanquan.witness")

_REFUSALS: dict[type[LedgerError], tuple[int, str]] = {
    TooLargeError: (413, "内容过大"),
    FormatError: (400, "请求格式有误"),
    UnknownOriginError: (404, "本见证人不认识该账本，或尚未为其联署"),
    SignatureError: (403, "检查点没有该账本有效的签名"),
    ProofError: (422, "无法证明该检查点是上次联署内容的延续"),
    UnavailableError: (503, "见证人暂时无法保存记录或确定时间，请稍后再试"),
}
"""Status and Chinese words by error; the first that fits."""
_SHOWN_CHARACTERS = 100
_HTTP_WORDS = {404: ("nothing is here", "此处没有内容"), 405: ("not by this method", "不接受此方法")}


def words(status: int, en: str, zh: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer for people."""
    return PlainTextResponse(f"{en}\n{zh}\n", status, dict(headers or {}))


def refusal(error: LedgerError) -> Response:
    """The answer to what was not cosigned. c2sp.org/tlog-witness."""
    if isinstance(error, OldSizeError):
        return Response(format_size(error.size), 409, {"Content-Type": SIZE_MEDIA_TYPE})  # no charset
    status, zh = next((found for kind, found in _REFUSALS.items() if isinstance(error, kind)), (500, "见证人内部错误"))
    return words(status, str(error), zh, {"Retry-After": "1"} if status == 503 else None)


def json_answer(value: Any, headers: Mapping[str, str]) -> Response:
    """An answer for programs."""
    return Response(msgspec.json.encode(value), 200, dict(headers), "application/json")


def contradiction_members(found: Contradiction) -> dict[str, Any]:
    """A contradiction in JSON. The notes are texts whose UTF-8 bytes are what was signed and received."""
    return {
        "kind": found.kind.value,
        "size": found.size,
        "root": format_base64(found.root),
        "received": format_instant(datetime.fromtimestamp(found.received, UTC)),
        "known": found.known,
        "note": found.note,
    }


def install(app: FastAPI) -> None:
    """Every error of the app is answered in words."""

    @app.exception_handler(LedgerError)
    async def on_refusal(request: Request, error: LedgerError) -> Response:
        answer = refusal(error)
        log = logger.error if answer.status_code >= 500 else logger.info
        log("not answered", path=request.url.path[:_SHOWN_CHARACTERS], status=answer.status_code, reason=str(error))
        return answer

    @app.exception_handler(RefusedError)
    async def on_guard(_: Request, error: RefusedError) -> Response:
        message = error.reasons[0].message
        headers = {"Connection": "close"} if error.status == 408 else None
        return words(error.status, message.en, message.zh, headers)

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> Response:
        return words(error.status_code, *_HTTP_WORDS.get(error.status_code, ("no", "不可")), error.headers)

    @app.exception_handler(ClientDisconnect)
    async def on_gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=400)

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:
        logger.error("request failed", path=request.url.path[:_SHOWN_CHARACTERS], exc_info=error)
        return words(500, "the witness failed; nothing was cosigned", "见证人内部错误，未联署", {"Connection": "close"})
