"""The routes of a witness. Submission and monitoring prefix are the same."""

from dataclasses import dataclass

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from api.guards.bodies import Patience, read_body
from api.guards.headers import GuardedApp
from api.witnessing import answers
from ledger.note import format_verifier_key
from ledger.witness.protocol import ADD_CHECKPOINT, CHECKPOINT, MAX_BODY_BYTES, TEXT_MEDIA_TYPE, format_cosignatures
from ledger.witness.store import Contradiction
from ledger.witness.witness import Witness

logger = structlog.get_logger("sanquan.witness")
_PUBLIC = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
_READ = ["GET", "HEAD"]


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """How long is waited for a request's head, and for a body that stalls. Seconds."""

    head_timeout: float = 10.0
    body_timeout: float = 20.0


def report(found: Contradiction) -> None:
    """A contradiction stands in the log of the process."""
    logger.error(
        "contradiction", kind=found.kind.value, origin=found.origin, size=found.size, root=found.root.hex()
    )  # fmt: skip


def create_witness_app(witness: Witness, settings: WitnessSettings | None = None) -> FastAPI:
    """The app on an open witness. Closing the witness is the caller's business."""
    app = GuardedApp(title="Sanquan witness 三权见证人", openapi_url=None, redirect_slashes=False)
    app.state.settings = settings or WitnessSettings()
    app.add_middleware(Patience, seconds=app.state.settings.body_timeout)
    answers.install(app)

    @app.post(f"/{ADD_CHECKPOINT}")
    async def add_checkpoint(request: Request) -> Response:
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            return answers.words(415, "the body is sent as it is", "请求内容不得压缩", {"Accept-Encoding": "identity"})
        body = await read_body(request, MAX_BODY_BYTES)
        given = await run_in_threadpool(witness.add_checkpoint, body)
        logger.info("cosigned", origin=given.checkpoint.origin, size=given.checkpoint.size)
        return Response(format_cosignatures((given.line,)), media_type=TEXT_MEDIA_TYPE)

    @app.api_route(f"/{{path}}/{CHECKPOINT}", methods=_READ)
    def read_checkpoint(path: str) -> Response:
        return PlainTextResponse(witness.checkpoint(path), headers=_PUBLIC)

    @app.api_route("/evidence/{path}", methods=_READ)
    def read_evidence(path: str) -> Response:
        found = [answers.contradiction_members(each) for each in witness.contradictions(path)]
        return answers.json_answer({"witness": format_verifier_key(witness.key), "contradictions": found}, _PUBLIC)

    @app.api_route("/healthz", methods=_READ)
    def read_health() -> Response:
        return PlainTextResponse("ok\n")

    return app
