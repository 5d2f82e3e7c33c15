"""Answers: JSON bytes, strong ETags, caching, and the query parameters that every read knows."""

import gzip
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from fastapi import Request
from fastapi.responses import Response

from ledger.encoding import format_base64url, parse_base64url
from ledger.errors import FormatError
from ledger.instants import format_instant, parse_instant
from registry.reading import Moment
from registry.refusals.refusal import RefusedError, refused

JSON = "application/json"
OCTETS = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
FOREVER = "public, max-age=31536000, immutable"
MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
PRIVATE = {"Cache-Control": "private, no-store"}
"""For answers that are for their caller alone."""
_MAX_SIZE = 2**53
_GZIP_FROM_BYTES = 1_024
_GZIP_LEVEL = 1
"""Higher levels save some per cent of a bundle and cost twice the time."""
_MAX_KEY = 2**63 - 1

json_bytes = msgspec.json.Encoder().encode


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(json_bytes(value), status, dict(headers or {}), JSON)


def tagged(request: Request, body: bytes, media_type: str, *, forever: bool, vary: str = "") -> Response:
    """An answer under its strong ETag; 304 if the caller has it. `vary`: the header that chose among representations."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": caching(request, forever=forever)}
    if vary:
        headers["Vary"] = vary
    if not_modified(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type)


def not_modified(request: Request, etag: str) -> bool:
    """Whether the caller has the bytes that the strong tag stands for (RFC 9110, 13.1.2)."""
    held = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in held or "*" in held


def caching(request: Request, *, forever: bool) -> str:
    """`Cache-Control`: what only members may see is in no shared cache."""
    if getattr(request.state, "for_members", False):
        return "private, no-cache" if not forever else FOREVER.replace("public", "private")
    return FOREVER if forever else "no-cache"


def packed(request: Request, response: Response) -> Response:
    """The answer, compressed if it is large and the caller takes gzip.

    Not for answers under a strong ETag: it stands for bytes, and these would be others. Whole answers only; a middleware
    would compress files of statements as they stream, and hash tiles, which only grow.
    """
    body = bytes(response.body)
    if len(body) < _GZIP_FROM_BYTES:
        return response
    response.headers.add_vary_header("Accept-Encoding")
    if accepts_gzip(request):
        response.body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    return response


def accepts_gzip(request: Request) -> bool:
    """Whether the caller names gzip among the codings that it takes (RFC 9110, 12.5.3)."""
    weights = [_weighed(part) for part in request.headers.get("accept-encoding", "").split(",")]
    return any(weight > 0 and coding == "gzip" for weight, coding in weights)


def bad_query(name: str, en: str, zh: str) -> RefusedError:
    """INVALID_VALUE for a query parameter."""
    return refused("INVALID_VALUE", f"The parameter `{name}` {en}.", f"参数 `{name}` {zh}。", f"/{name}")


def check_parameters(request: Request, known: Collection[str], repeated: Collection[str] = ()) -> None:
    """Returns if every query parameter is known, and stands once unless it may be repeated.

    Raises:
        RefusedError: UNKNOWN_MEMBER or DUPLICATE_MEMBER.
    """
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise refused(
                "UNKNOWN_MEMBER", f"The parameter `{name}` is not known here; known: {', '.join(sorted(known)) or 'none'}.",
                f"参数 `{name}` 不在约定之内；可用参数：{'、'.join(sorted(known)) or '无'}。", f"/{name}",
            )  # fmt: skip
        if name in seen and name not in repeated:
            raise refused(
                "DUPLICATE_MEMBER", f"The parameter `{name}` stands twice.", f"参数 `{name}` 重复。", f"/{name}"
            )
        seen.add(name)


def at_parameter(request: Request) -> datetime | None:
    """`at`, an instant."""
    text = request.query_params.get("at")
    if text is None:
        return None
    try:
        return parse_instant(text)
    except FormatError as error:
        raise bad_query("at", f"is {error} (write + as %2B)", "不是带时区的 RFC 3339 时刻（+ 须写作 %2B）") from error


def whole_number(request: Request, name: str, *, least: int = 0, most: int = _MAX_SIZE) -> int | None:
    """A query parameter that is a whole number."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or not least <= int(text) <= most:
        raise bad_query(name, f"must be a whole number from {least} to {most}", f"应为 {least} 至 {most} 的整数")
    return int(text)


def flag(request: Request, name: str) -> bool:
    """A query parameter that is `true` or `false`; absent means false."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise bad_query(name, "is true or false", "只能是 true 或 false")
    return text == "true"


def moment_of(request: Request) -> tuple[datetime | None, int | None]:
    """`at` and `size`."""
    return at_parameter(request), whole_number(request, "size")


def spoken(view: dict[str, Any], moment: Moment) -> dict[str, Any]:
    """An object with the instant and the size that it is answered for."""
    return view | {"at": format_instant(moment.at), "size": moment.size}


def read_answer(request: Request, view: dict[str, Any], moment: Moment) -> Response:
    """An object under its ETag; immutable only if both `at` and `size` were given."""
    forever = {"at", "size"} <= set(request.query_params)
    return tagged(request, json_bytes(spoken(view, moment)), JSON, forever=forever)


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where the next page starts: size and instant of the first page, and the key of the last item."""

    size: int
    at: str
    after: int


def format_cursor(cursor: Cursor) -> str:
    """Opaque to clients."""
    return format_base64url(json_bytes(cursor))


def parse_cursor(text: str) -> Cursor:
    """Inverse of `format_cursor`.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    try:
        cursor = msgspec.json.decode(parse_base64url(text), type=Cursor)
        if cursor.at:
            parse_instant(cursor.at)
    except (FormatError, msgspec.DecodeError, RecursionError) as error:
        raise _foreign_cursor() from error
    if not (0 <= cursor.size <= _MAX_SIZE and 0 <= cursor.after <= _MAX_KEY):
        raise _foreign_cursor()
    return cursor


def private_page(request: Request, most: int = MAX_LIMIT) -> tuple[int, int]:
    """The key after which a page of a list without sizes starts, and how many items it has at the most."""
    limit = whole_number(request, "limit", least=1, most=most) or DEFAULT_LIMIT
    text = request.query_params.get("cursor")
    return (0 if text is None else parse_cursor(text).after), limit


def private_list(items: Sequence[Any], after: int | None) -> Response:
    """A page of what is the caller's own; `after`: where the next one starts, None on the last."""
    more = {} if after is None else {"next": format_cursor(Cursor(0, "", after))}
    return json_response({"items": items, **more}, headers=PRIVATE)


def _foreign_cursor() -> RefusedError:
    return bad_query("cursor", "is not one that this registry gave", "不是本登记系统给出的游标")


def wants(request: Request, *offered: str) -> str:
    """The offered media type that the caller likes best; among equals the first in the caller's list.

    Raises:
        RefusedError: NOT_ACCEPTABLE.
    """
    accepted = [_weighed(part) for part in request.headers.get("accept", "*/*").split(",")]
    for weight, media_type in sorted(accepted, key=lambda item: -item[0]):
        for offer in offered if weight > 0 else ():
            family = offer.split("/")[0] + "/*"
            if media_type in ("", "*/*", family, offer):
                return offer
    raise refused("NOT_ACCEPTABLE", f"This is offered as {', '.join(offered)}.", f"此处仅提供 {'、'.join(offered)}。")


def _weighed(part: str) -> tuple[float, str]:
    """The weight and name of one media range of an `Accept` header."""
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value), media_type
            except ValueError:
                return 0.0, media_type
    return 1.0, media_type
