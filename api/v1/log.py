"""The log itself: entries, tiles, checkpoints and proofs. c2sp.org/tlog-tiles, c2sp.org/tlog-proof."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import (
    JSON,
    OCTETS,
    TEXT,
    accepts_gzip,
    caching,
    check_parameters,
    json_bytes,
    json_response,
    not_modified,
    tagged,
    wants,
    whole_number,
)
from api.deps import LogFilesDep, PublisherDep, ReaderDep
from api.publishing import LogFile
from api.v1 import schemas
from api.visibility import FOR_MEMBERS
from registry.reading import not_found
from registry.refusals.refusal import refused
from registry.views import entry_view

router = APIRouter(tags=["log"])


@router.get("/checkpoint", response_model=None, responses=schemas.TEXT_ANSWER)
def read_checkpoint(request: Request, publisher: PublisherDep) -> Response:
    """The newest published checkpoint: a signed note."""
    check_parameters(request, ())
    return tagged(request, publisher.checkpoint().note.encode(), TEXT, forever=False)


@router.get("/tile/entries/{path:path}", response_model=None, responses=schemas.OCTETS_ANSWER, dependencies=FOR_MEMBERS)
def read_bundle(request: Request, path: str, files: LogFilesDep) -> Response:
    """An entry bundle `/tile/entries/<N>[.p/<W>]`, compressed for whoever takes gzip."""
    check_parameters(request, ())
    answer = _as_file(request, files.read(f"tile/entries/{path}", packs=accepts_gzip(request)))
    answer.headers.add_vary_header("Accept-Encoding")
    return answer


@router.get("/tile/{path:path}", response_model=None, responses=schemas.OCTETS_ANSWER)
def read_tile(request: Request, path: str, files: LogFilesDep) -> Response:
    """A hash tile `/tile/<L>/<N>[.p/<W>]`: public wherever the register is not, for proofs rest on it."""
    check_parameters(request, ())
    return _as_file(request, files.read(f"tile/{path}"))


def _as_file(request: Request, file: LogFile) -> Response:
    headers = {"ETag": file.tag, "Cache-Control": caching(request, forever=True)}
    if not_modified(request, file.tag):
        return Response(status_code=304, headers=headers)
    if file.is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.data, 200, headers, OCTETS)


@router.get("/v1/entries/{position}", response_model=None, responses=schemas.ENTRY, dependencies=FOR_MEMBERS)
def read_entry(request: Request, position: str, reader: ReaderDep) -> Response:
    """An entry: {seq, time, leaf_hash, bytes, statement}, or its raw bytes with `Accept: application/octet-stream`."""
    check_parameters(request, ())
    media_type = wants(request, JSON, OCTETS)
    row = reader.entry(_position(position))
    body = row.data if media_type == OCTETS else json_bytes(entry_view(row))
    return tagged(request, body, media_type, forever=True, vary="Accept")


@router.get(
    "/v1/log/inclusion", response_model=None, responses=schemas.TEXT_ANSWER, openapi_extra=schemas.filters("inclusion")
)
def read_inclusion(request: Request, reader: ReaderDep) -> Response:
    """The tlog-proof of entry `seq` for a signed `size` (default the newest)."""
    check_parameters(request, ("seq", "size"))
    seq = whole_number(request, "seq")
    if seq is None:
        raise refused("MALFORMED", "The parameter `seq` is missing.", "缺少参数 `seq`。", "/seq")
    return Response(reader.inclusion(seq, whole_number(request, "size")), media_type=TEXT)


@router.get(
    "/v1/log/consistency",
    response_model=None,
    responses=schemas.CONSISTENCY,
    openapi_extra=schemas.filters("consistency"),
)
def read_consistency(request: Request, reader: ReaderDep) -> Response:
    """The proof that the log of size `to` begins with the log of size `from`."""
    check_parameters(request, ("from", "to"))
    old, new = whole_number(request, "from"), whole_number(request, "to")
    if old is None or new is None:
        raise refused("MALFORMED", "The parameters `from` and `to` are needed.", "须给出参数 from 与 to。", "/from")
    hashes = reader.consistency(old, new)
    return json_response({"from": old, "to": new, "hashes": [digest.hex() for digest in hashes]})


def _position(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or str(int(text)) != text:
        raise not_found(f"entry {text}", f"分录 {text}")
    return int(text)
