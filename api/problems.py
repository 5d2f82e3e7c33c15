"""Errors as RFC 9457 `application/problem+json`, in the language that the caller reads. Contract section 6.

Everything that goes wrong ends here: refusals, FastAPI's own validation, unknown paths and methods, and faults.
"""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from api.answers import json_bytes
from api.limits import QuotaError
from registry.refusals.catalogue import entry
from registry.refusals.form_words import GENERAL
from registry.refusals.refusal import Reason, RefusedError, Words, internal_error, refused

logger = structlog.get_logger("sanquan.api")
MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = "1"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def language_of(request: Request) -> str:
    """`zh` or `en`: the better liked of the two in `Accept-Language`; Chinese where neither is named."""
    best, language = 0.0, "zh"
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            weight = 0.0
        if primary in ("zh", "en") and weight > best:
            best, language = weight, primary
    return language


def problem_body(refusal: RefusedError, language: str) -> dict[str, Any]:
    """The members of a problem."""
    words = entry(refusal.code)
    return {
        "type": f"/problems/{refusal.code}",
        "title": words.title.en if language == "en" else words.title.zh,
        "status": refusal.status,
        "detail": refusal.reasons[0].message.get(language),
        "code": refusal.code,
        "reasons": [reason.to_json(language) for reason in refusal.reasons],
    }


def problem_response(request: Request, refusal: RefusedError) -> Response:
    """The answer to a request that was refused."""
    language = language_of(request)
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    if refusal.status in (429, 503):
        headers["Retry-After"] = str(refusal.seconds) if isinstance(refusal, QuotaError) else _RETRY_AFTER_S
    if refusal.status == 408 or "expect" in request.headers:
        headers["Connection"] = "close"  # the rest of the body may still come, or never (RFC 9110, 10.1.1)
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = json_bytes(problem_body(refusal, language))
    return Response(body, refusal.status, headers, MEDIA_TYPE)


def _http_refusal(status: int, request: Request) -> RefusedError:
    path = request.url.path
    match status:
        case 404:
            return refused("NOT_FOUND", f"There is nothing at {path}.", f"{path} 处没有内容。")
        case 405:
            return refused(
                "METHOD_NOT_ALLOWED",
                f"{path} does not take {request.method}.",
                f"{path} 不接受 {request.method} 方法。",
            )
        case _:
            return refused("MALFORMED", f"The request cannot be read ({status}).", f"请求无法读取（{status}）。")


def _allowed(request: Request) -> list[str]:
    """The methods that the path takes, over all its routes."""
    return [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in request.app.routes)
    ]


def _validation_refusal(error: RequestValidationError) -> RefusedError:
    reasons = [
        Reason(
            "MALFORMED",
            Words(f"{place}: {item['msg']}.", f"{place}：{GENERAL}。"),
            place,
        )
        for item in error.errors()
        if (place := "/" + "/".join(str(step) for step in item["loc"][1:]))
    ]
    return RefusedError(*reasons)


def install(app: FastAPI) -> None:
    """Every error of the app is answered as a problem."""

    @app.exception_handler(RefusedError)
    async def on_refused(request: Request, error: RefusedError) -> Response:
        return problem_response(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return problem_response(request, _validation_refusal(error))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        answer = problem_response(request, _http_refusal(error.status_code, request))
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(_allowed(request))
        return answer

    @app.exception_handler(ClientDisconnect)
    async def on_gone(request: Request, _: ClientDisconnect) -> Response:
        """Nobody is there to be answered, and nothing is wrong with us."""
        logger.info("caller went away", path=request.url.path)
        return Response(status_code=400)

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:
        logger.error("request failed", path=request.url.path, exc_info=error)
        answer = problem_response(request, internal_error())
        answer.headers["Connection"] = "close"  # the server drops the connection after a fault
        return answer
