"""`/v1/disclosures` and the access log: what is kept beside the ledger, for those entitled, for a purpose they state."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import PRIVATE, check_parameters, json_response, private_list, private_page
from api.callers import CallerDep
from api.deps import RegistryDep
from api.v1 import schemas
from registry.desk.access import nothing_kept
from registry.reading import not_found
from registry.refusals.refusal import refused

router = APIRouter(prefix="/v1", tags=["confidential"])


def purpose_of(request: Request) -> str:
    """The purpose that the caller states (article 30).

    Raises:
        RefusedError: MALFORMED.
    """
    text = request.query_params.get("purpose")
    if text is None:
        raise refused(
            "MALFORMED",
            "The parameter `purpose` is missing: say what you read this for (article 30).",
            "缺少参数 `purpose`：查询登记资料须说明目的（第三十条）。",
            "/purpose",
        )
    return text


@router.get(
    "/disclosures/{digest}",
    response_model=None,
    responses=schemas.DISCLOSURE,
    openapi_extra=schemas.filters("disclosure"),
)
def read_disclosure(request: Request, digest: str, caller: CallerDep, registry: RegistryDep) -> Response:
    """The plain value behind a digest. Reading is logged, and shown to those concerned."""
    check_parameters(request, ("purpose",))
    reader, purpose = caller.reader(), purpose_of(request)
    if len(digest) != 43:
        raise nothing_kept(digest)
    return json_response(registry.reading_room.disclosure(reader, digest, purpose), headers=PRIVATE)


@router.get(
    "/parties/{identifier}/accesses",
    response_model=None,
    responses=schemas.ACCESSES,
    openapi_extra=schemas.filters("accesses"),
)
def read_accesses(request: Request, identifier: str, caller: CallerDep, registry: RegistryDep) -> Response:
    """Who read what concerns the caller's party, when and for what purpose, oldest first."""
    check_parameters(request, ("cursor", "limit"))
    if caller.reader() != identifier:
        raise not_found(identifier)
    return private_list(*registry.reading_room.accesses(identifier, *private_page(request)))
