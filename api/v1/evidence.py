"""Evidence bundles of assets, rights and cases. Contract sections 6 and 9."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import JSON, check_parameters, packed, tagged, whole_number
from api.deps import RegistryDep
from api.v1 import schemas
from api.visibility import FOR_MEMBERS
from registry.reading import not_found
from registry.registry import Registry

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
    body = registry.evidencer.bundle(identifier, size)
    answer = packed(request, tagged(request, body, JSON, forever=size is not None))
    if "content-encoding" in answer.headers:  # other bytes than those that the strong tag stands for
        answer.headers["etag"] = "W/" + answer.headers["etag"]
    return answer
