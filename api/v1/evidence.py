"""Evidence bundles of assets, rights and cases. Contract sections 6 and 9."""

import threading

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import JSON, check_parameters, packed, tagged, whole_number
from api.deps import RegistryDep
from api.v1 import schemas
from api.visibility import FOR_MEMBERS
from registry.reading import not_found
from registry.refusals.refusal import refused
from registry.registry import Registry

_AT_ONCE = 2
"""A large bundle takes seconds and some hundred megabytes while it is made."""
_PATIENCE_S = 30.0
_making = threading.BoundedSemaphore(_AT_ONCE)
router = APIRouter(prefix="/v1", tags=["evidence"], dependencies=FOR_MEMBERS)


@router.get(
    "/assets/{identifier}/evidence",
    response_model=None,
    responses=schemas.EVIDENCE,
    openapi_extra=schemas.filters("evidence"),
)
def read_asset_evidence(request: Request, identifier: str, registry: RegistryDep) -> Response:
    """The bundle of an asset at a signed `size` (default the newest)."""
    return _bundle(request, "ast_", identifier, registry)


@router.get(
    "/rights/{identifier}/evidence",
    response_model=None,
    responses=schemas.EVIDENCE,
    openapi_extra=schemas.filters("evidence"),
)
def read_right_evidence(request: Request, identifier: str, registry: RegistryDep) -> Response:
    """The bundle of the asset that a right is about, at a signed `size` (default the newest)."""
    return _bundle(request, "rgt_", identifier, registry)


@router.get(
    "/cases/{identifier}/evidence",
    response_model=None,
    responses=schemas.EVIDENCE,
    openapi_extra=schemas.filters("evidence"),
)
def read_case_evidence(request: Request, identifier: str, registry: RegistryDep) -> Response:
    """The bundle of the asset that a case is about, at a signed `size` (default the newest)."""
    return _bundle(request, "cas_", identifier, registry)


def _bundle(request: Request, prefix: str, identifier: str, registry: Registry) -> Response:
    check_parameters(request, ("size",))
    size = whole_number(request, "size")
    if not identifier.startswith(prefix):
        raise not_found(identifier)
    if not _making.acquire(timeout=_PATIENCE_S):
        raise refused(
            "QUEUE_FULL", "Too many bundles are made; try again shortly.", "正在生成的证据包过多，请稍后再试。"
        )
    try:
        body = registry.evidencer.bundle(identifier, size)
    finally:
        _making.release()
    answer = packed(request, tagged(request, body, JSON, forever=size is not None))
    if "content-encoding" in answer.headers:  # other bytes than those that the strong tag stands for
        answer.headers["etag"] = "W/" + answer.headers["etag"]
    return answer
