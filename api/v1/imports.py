"""`/v1/imports`: a spreadsheet of registrations, taken in and worked off by itself. Contract section 6."""

from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool

from api.answers import check_parameters, flag, json_response
from api.bodies import media_type_of
from api.callers import CallerDep
from api.deps import ImportsDep, QuotasDep, RegistryDep
from api.exporting.files import CSV, XLSX
from api.guards.bodies import must_declare_within, too_large
from api.importing.model import Language
from api.imports.job import Job
from api.imports.runner import Runner
from api.limits import address_of
from api.problems import language_of
from api.proxies import FROM_HERE
from api.spreadsheets.copies import suffix_of
from api.spreadsheets.errors import FileRefusedError
from api.spreadsheets.headers import open_table
from api.spreadsheets.packages import MAX_FILE_BYTES
from api.spreadsheets.template import template
from api.v1 import schemas
from ledger.instants import format_instant
from ledger.private_files import write_private
from registry.desk.tokens import Token
from registry.reading import not_found
from registry.refusals.refusal import Reason, RefusedError, Words, refused

router = APIRouter(prefix="/v1/imports", tags=["imports"])
_MEDIA_TYPES = {".csv": CSV, ".xlsx": XLSX}
_SHOWN_ERRORS = 100


@router.get("/template", response_model=None, responses=schemas.WORKBOOK, openapi_extra=schemas.filters("template"))
def read_template(request: Request) -> Response:
    """The spreadsheet to be filled in, in the language of `lang` or of the caller."""
    check_parameters(request, ("lang",))
    language = request.query_params.get("lang") or language_of(request)
    if language not in ("zh", "en"):
        raise refused("INVALID_VALUE", "The parameter `lang` is zh or en.", "参数 `lang` 只能是 zh 或 en。", "/lang")
    headers = {
        "Content-Disposition": f'attachment; filename="sanquan-template-{language}.xlsx"', "Vary": "Accept-Language"
    }  # fmt: skip
    return Response(template(language), 200, headers, XLSX)


@router.post(
    "",
    status_code=202,
    response_model=None,
    dependencies=FROM_HERE,
    responses=schemas.IMPORTING,
    openapi_extra=schemas.SPREADSHEET_BODY,
)
async def import_file(
    request: Request, caller: CallerDep, registry: RegistryDep, imports: ImportsDep, quotas: QuotasDep
) -> Response:
    """Take a spreadsheet in. Its rows are filed for the caller's party, one after the other; ask the job how far it is."""
    check_parameters(request, ("dry_run",))
    token = caller.acting()
    trial = flag(request, "dry_run")
    registry.desk.must_allow(token, "case.file")
    media_type = media_type_of(request)
    if media_type not in _MEDIA_TYPES.values():
        raise refused("MEDIA_TYPE", f"Send {CSV} or {XLSX}.", f"请以 {CSV} 或 {XLSX} 提交。")
    must_declare_within(request, MAX_FILE_BYTES)
    registry.office.must_be_writable()
    quotas.take_address(address_of(request))
    with imports.receiving(token.party):
        job = await _received(request, imports, token, trial=trial, now=registry.clock.now())
        await run_in_threadpool(imports.take, job)
    headers = {"Location": f"/v1/imports/{job.id}", "Retry-After": "1"}
    return json_response(job.to_json(job.language), 202, headers)


async def _received(request: Request, imports: Runner, token: Token, *, trial: bool, now: datetime) -> Job:
    """The job of a file that may be opened; nothing is left of any other."""
    identifier = imports.shelf.new_identifier()
    try:
        place = imports.shelf.place(identifier)
        await _receive(request, place)
        suffix = await run_in_threadpool(_looked_at, place)
        language: Language = "en" if language_of(request) == "en" else "zh"
        job = Job(identifier, token.party, token.id, language, suffix, trial, format_instant(now))
        place.rename(imports.shelf.file(job))
    except BaseException:
        imports.shelf.remove(identifier)
        raise
    return job


async def _receive(request: Request, path: Path) -> None:
    write_private(path, b"", fresh=True)
    size = 0
    with path.open("ab") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                raise too_large(MAX_FILE_BYTES)
            file.write(chunk)


def _looked_at(path: Path) -> str:
    """The suffix of a file that may be opened and has the template's header.

    Raises:
        RefusedError: INVALID_VALUE, with every cell that is wrong in the header.
    """
    try:
        with open_table(path):
            return suffix_of(path)
    except FileRefusedError as refusal:
        raise spreadsheet_refused(refusal) from refusal


def spreadsheet_refused(refusal: FileRefusedError) -> RefusedError:
    """INVALID_VALUE: why the file as a whole is not taken."""
    code = "INVALID_VALUE"
    if not refusal.errors:
        return refused(code, f"{refusal.en} [{refusal.code}].", f"{refusal.zh} [{refusal.code}]。")
    words = [Words(error.sentence("en"), error.sentence("zh")) for error in refusal.errors]
    return RefusedError(*(Reason(code, each) for each in words))


@router.get("/{identifier}", response_model=None, responses=schemas.IMPORT)
def read_import(request: Request, identifier: str, caller: CallerDep, imports: ImportsDep) -> Response:
    """How far one of the caller's own jobs is, and the first errors of its rows."""
    check_parameters(request, ())
    job = _own(imports, identifier, caller.reader())
    language = language_of(request)
    members: dict[str, Any] = job.to_json(language)
    if job.refused:
        found = (error for outcome in imports.shelf.outcomes(job) for error in outcome.errors)
        members["errors"] = [error.to_json(language) for error, _ in zip(found, range(_SHOWN_ERRORS), strict=False)]
    headers = {"Retry-After": "1"} if job.is_open else {}
    return json_response(members, 200, headers | {"Cache-Control": "private, no-cache"})


@router.get("/{identifier}/file", response_model=None, responses=schemas.WORKBOOK)
def read_copy(request: Request, identifier: str, caller: CallerDep, imports: ImportsDep) -> Response:
    """The file with its errors marked and the result of each row, once the job has ended."""
    check_parameters(request, ())
    job = _own(imports, identifier, caller.reader())
    path = imports.shelf.copy(job)
    if job.is_open or not path.exists():
        raise not_found(f"copy of {identifier} yet", f"{identifier} 的回执文件")
    name = f"{identifier}-result{job.suffix}"
    return FileResponse(
        path, media_type=_MEDIA_TYPES[job.suffix], filename=name, headers={"Cache-Control": "private, no-cache"}
    )


def _own(imports: Runner, identifier: str, party: str) -> Job:
    job = imports.job(identifier, party)
    if job is None:
        raise not_found(f"import {identifier}", f"导入 {identifier}")
    return job
