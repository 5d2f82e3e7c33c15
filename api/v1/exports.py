"""A list of the register as a file: all its pages, of one size, as CSV or as a workbook."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from api.answers import JSON, MAX_LIMIT, bad_query, caching, wants
from api.exporting.files import FORMATS, SUFFIXES, write_list
from registry.reading import Moment
from registry.refusals.refusal import refused
from registry.views import View

MAX_ITEMS = 100_000
Page = Callable[[int, int, datetime | None, int | None], tuple[list[View], int | None, Moment]]
"""A page: after, limit, at, size → items, where the next starts, the moment that it speaks from."""

_AT_ONCE = 2
_PATIENCE_S = 30.0
_MEMORY_BYTES = 2**20
_CHUNK = 2**16
_writing = threading.BoundedSemaphore(_AT_ONCE)


def media_type_wanted(request: Request) -> str:
    """`format` where it is given, else what `Accept` likes best.

    Raises:
        RefusedError: INVALID_VALUE or NOT_ACCEPTABLE.
    """
    text = request.query_params.get("format")
    if text is None:
        return wants(request, JSON, *FORMATS.values())
    found = ({"json": JSON} | FORMATS).get(text)
    if found is None:
        raise bad_query("format", "is json, csv or xlsx", "只能是 json、csv 或 xlsx")
    return found


def exported(
    request: Request, what: str, media_type: str, page: Page, at: datetime | None, size: int | None
) -> Response:
    """The file, whole and of a known length; it is written before the first byte is sent.

    Raises:
        RefusedError: TOO_LARGE, QUEUE_FULL, and whatever the pages refuse.
    """
    for name in ("cursor", "limit"):
        if name in request.query_params:
            raise bad_query(name, "is for pages; a file holds the whole list", "仅用于分页；导出文件包含整个列表")
    if not _writing.acquire(timeout=_PATIENCE_S):
        raise refused(
            "QUEUE_FULL", "Too many exports are written; try again shortly.", "正在生成的导出过多，请稍后再试。"
        )
    try:
        file = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115  closed when it was sent
        try:
            pages = _Pages(page, at, size)
            write_list(what, pages.items(), media_type, file)
        except BaseException:
            file.close()
            raise
    finally:
        _writing.release()
    length = file.tell()
    file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="sanquan-{what}-{pages.size}{SUFFIXES[media_type]}"',
        "Content-Length": str(length),
        "Cache-Control": caching(request, forever=False),
        "Vary": "Accept",
    }
    return StreamingResponse(_sent(file), 200, headers, media_type + ("; charset=utf-8" if "csv" in media_type else ""))


class _Pages:
    """All pages of a list."""

    def __init__(self, page: Page, at: datetime | None, size: int | None) -> None:
        self._page = page
        self._at = at
        self.size = size

    def items(self) -> Iterator[View]:
        """Every item, in order.

        Raises:
            RefusedError: TOO_LARGE.
        """
        after: int | None = -1
        count = 0
        while after is not None:
            items, after, moment = self._page(after, MAX_LIMIT, self._at, self.size)
            self._at, self.size = moment.at, moment.size
            count += len(items)
            if count > MAX_ITEMS:
                raise refused(
                    "TOO_LARGE", f"A file holds at most {MAX_ITEMS} items; narrow the list by its filters.",
                    f"导出文件至多包含 {MAX_ITEMS} 项，请以筛选条件缩小范围。",
                )  # fmt: skip
            yield from items


def _sent(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
