"""`/v1/documents`: files that statements cite by their digest. Kept once, read by those concerned, served as attachments."""

from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.answers import PRIVATE, check_parameters, json_response
from api.callers import CallerDep
from api.deps import QuotasDep, RegistryDep, SettingsDep
from api.guards.bodies import declared_length
from api.limits import address_of
from api.proxies import FROM_HERE
from api.v1 import schemas
from api.v1.confidential import purpose_of
from ledger.instants import format_instant
from registry.acts.shapes import invalid
from registry.desk.access import must_be_purpose, nothing_kept
from registry.documents.citing import is_document_digest
from registry.documents.document import Document
from registry.documents.folder import Incoming, must_be_within
from registry.documents.media import EXTENSIONS, OCTETS, media_type_of
from registry.refusals.refusal import refused
from registry.registry import Registry

router = APIRouter(prefix="/v1/documents", tags=["documents"])
_PIECE = 1 << 20
"""Bytes that are written at a time: each costs a change of threads."""


@router.put(
    "/{sha256}",
    status_code=201,
    response_model=None,
    dependencies=FROM_HERE,
    responses=schemas.SENT,
    openapi_extra=schemas.FILE_BODY,
)
async def send_document(
    request: Request, sha256: str, caller: CallerDep, registry: RegistryDep, quotas: QuotasDep, settings: SettingsDep
) -> Response:
    """Send a document under its digest. 201 means that it survives a power cut, 200 that it was there already.

    A document that no statement cites within 15 days is removed.
    """
    registry.office.must_be_writable()
    check_parameters(request, ())
    quotas.take_address(address_of(request))
    if not is_document_digest(sha256):
        raise invalid("/sha256", "a document is named by its SHA-256 in hex", "文件应以其 SHA-256 摘要指明")
    media_type = media_type_of(request.headers.get("content-type", OCTETS))  # RFC 9110 section 8.3: unnamed is octets
    caller.must_have_signed(sha256)
    _must_be_plain(request)
    must_be_within(declared_length(request), settings.max_document_bytes)
    await run_in_threadpool(registry.keeper.must_admit, caller.party)
    incoming = await run_in_threadpool(registry.keeper.begin, settings.max_document_bytes)
    try:
        await _receive(request, incoming)
        document, is_new = await run_in_threadpool(registry.keeper.keep, incoming, sha256, media_type, caller.party)
    finally:
        await run_in_threadpool(incoming.drop)
    return json_response(_view(document), 201 if is_new else 200, {"Location": f"/v1/documents/{sha256}"})


@router.get("/{sha256}", response_model=None, responses=schemas.DOCUMENT, openapi_extra=schemas.filters("document"))
def read_document(request: Request, sha256: str, caller: CallerDep, registry: RegistryDep) -> Response:
    """A document, for those concerned by a statement that cites it. The read is logged with its purpose."""
    document = _asked(request, sha256, caller.reader(), registry)
    found = registry.keeper.stream(sha256)
    if found is None:
        raise nothing_kept(sha256)
    size, pieces = found
    return StreamingResponse(pieces, 200, _headers(document, size))


@router.head("/{sha256}", response_model=None, include_in_schema=False)
def head_document(request: Request, sha256: str, caller: CallerDep, registry: RegistryDep) -> Response:
    """What `GET` would say of the document."""
    document = _asked(request, sha256, caller.reader(), registry)
    return StreamingResponse(_nothing(), 200, _headers(document, document.size))


def _asked(request: Request, sha256: str, party: str, registry: Registry) -> Document:
    """The document that the party may read; the read is logged.

    Raises:
        RefusedError: MALFORMED or INVALID_VALUE for the purpose, NOT_FOUND for whom it does not concern.
    """
    check_parameters(request, ("purpose",))
    purpose = purpose_of(request)
    must_be_purpose(purpose)
    found = registry.keeper.find(sha256, party)
    if found is None:
        raise nothing_kept(sha256)
    registry.reading_room.log(party, "document", sha256, purpose, found.concerned)
    return found.document


def _nothing() -> Iterator[bytes]:
    return iter(())


def _headers(document: Document, size: int) -> dict[str, str]:
    """Nothing of a document is ever shown or run by a browser, and nothing of it is kept on the way."""
    return {
        "Content-Type": document.media_type,
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{document.sha256}.{EXTENSIONS[document.media_type]}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    } | PRIVATE


def _view(document: Document) -> dict[str, object]:
    return {
        "sha256": document.sha256, "bytes": document.size, "media_type": document.media_type,
        "received": format_instant(document.received),
    }  # fmt: skip


async def _receive(request: Request, incoming: Incoming) -> None:
    """All of the body is written, a piece at a time."""
    piece = bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) >= _PIECE:
            await run_in_threadpool(incoming.write, bytes(piece))
            piece.clear()
    if piece:
        await run_in_threadpool(incoming.write, bytes(piece))


def _must_be_plain(request: Request) -> None:
    """Returns if the body is the whole document as it is.

    Raises:
        RefusedError: MEDIA_TYPE or MALFORMED.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise refused(
            "MEDIA_TYPE", "Send the document itself, without Content-Encoding.", "请直接提交文件内容，不作传输压缩。"
        )
    if "content-range" in request.headers:
        raise refused("MALFORMED", "A document is sent whole, without Content-Range.", "文件须整份提交，不支持分段。")
