"""`/v1/statements`: the way in, and what stands in the log by statement."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.answers import JSON, check_parameters, flag, json_response
from api.bodies import media_type_of
from api.deps import QuotasDep, ReaderDep, RegistryDep, SettingsDep
from api.guards.bodies import must_declare_within, read_body
from api.limits import address_of
from api.problems import language_of
from api.proxies import FROM_HERE
from api.v1 import schemas
from api.v1.files import FileOfStatements
from api.visibility import FOR_MEMBERS
from ledger.encoding import parse_hex
from ledger.errors import FormatError
from ledger.strict_json import parse_strict
from registry.admission import MAX_SUBMISSION_BYTES
from registry.counter import Gate
from registry.office import Office
from registry.reading import not_found
from registry.refusals.refusal import refused
from registry.writer import Answer

router = APIRouter(prefix="/v1/statements", tags=["statements"])
NDJSON = "application/x-ndjson"


@router.post(
    "",
    status_code=201,
    response_model=None,
    dependencies=FROM_HERE,
    responses=schemas.SUBMITTED,
    openapi_extra=schemas.ENVELOPE_BODY,
)
async def submit(request: Request, registry: RegistryDep, quotas: QuotasDep, settings: SettingsDep) -> Response:
    """Put one signed statement on the ledger, or a file of them. 201 means that it survives a power cut.

    With `application/x-ndjson` one envelope a line, acted on in order; the answer is 200 with one line each.
    """
    check_parameters(request, ("dry_run", "atomic"))
    trial, atomic = flag(request, "dry_run"), flag(request, "atomic")
    gate = quotas.gate(address_of(request))
    media_type = media_type_of(request)
    if media_type == NDJSON:
        must_declare_within(request, settings.max_file_bytes)
        file = FileOfStatements(registry.office, gate, language_of(request), trial=trial, atomic=atomic)
        await file.read(request.stream(), settings.max_file_bytes)
        return StreamingResponse(file.lines(), 200, media_type=NDJSON)
    if media_type != JSON:
        raise refused(
            "MEDIA_TYPE", f"Send {JSON} or {NDJSON}, not {media_type or 'nothing'}.", f"请以 {JSON} 或 {NDJSON} 提交。"
        )
    if atomic:
        raise refused("INVALID_VALUE", "`atomic` is for files of statements.", "atomic 仅用于成批提交。", "/atomic")
    data = await read_body(request, MAX_SUBMISSION_BYTES)
    answer = await run_in_threadpool(_submit_one, registry.office, gate, data, trial)
    if answer.refusal:
        raise answer.refusal
    return json_response(answer.receipt, 200 if answer.known or trial else 201)


def _submit_one(office: Office, gate: Gate | None, data: bytes, trial: bool) -> Answer:
    (answer,) = office.submit([data], trial=trial, gate=gate)
    return answer


@router.get("/{identifier}", response_model=None, responses=schemas.STATEMENT, dependencies=FOR_MEMBERS)
def read_statement(request: Request, identifier: str, reader: ReaderDep) -> Response:
    """The envelope and its receipt, with a proof to the newest signed root."""
    check_parameters(request, ())
    try:
        digest = parse_hex(identifier)
    except FormatError as error:
        raise not_found(f"statement {identifier}", f"声明 {identifier}") from error
    envelope, receipt = reader.statement(digest)
    value: dict[str, Any] = {"envelope": parse_strict(envelope.encode()), "receipt": receipt}
    return json_response(value)
