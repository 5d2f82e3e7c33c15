"""What the registry says of itself: keys, rulebooks, health, the simulated clock."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import FOREVER, JSON, check_parameters, json_response
from api.bodies import media_type_of
from api.deps import PublisherDep, RegistryDep, SettingsDep
from api.guards.bodies import read_body
from api.problems import language_of
from api.v1 import schemas
from ledger.errors import FormatError
from ledger.instants import format_instant, parse_instant
from ledger.note import format_verifier_key
from ledger.strict_json import parse_strict
from registry.acts.shapes import invalid
from registry.admission import refusal_of
from registry.clock import SimulatedClock
from registry.reading import not_found
from registry.refusals.refusal import refused
from registry.register.office_state import Adoption, KeyChange, SealTerm

router = APIRouter(tags=["system"])
_MAX_CLOCK_BYTES = 1_000


def _adoption(adoption: Adoption) -> dict[str, object]:
    return {
        "id": adoption.id, "version": adoption.version, "sha256": adoption.sha256, "default": adoption.default,
        "open": adoption.open, "adopted": adoption.seq,
    }  # fmt: skip


def _key_change(change: KeyChange, size: int) -> dict[str, object]:
    """An entry that adds or retires keys of the log; the checkpoint of `size` is the first that covers it."""
    members = {"seq": change.recorded.seq, "size": size, "add": change.add, "retire": change.retire}
    return {name: value for name, value in members.items() if value is not None}


def _seal_key(term: SealTerm) -> dict[str, str]:
    """A seal signature holds if its `iat` lies in [`from`, `until`)."""
    found = {
        "key": term.key.key, "alg": term.key.alg, "public": term.key.public, "from": format_instant(term.since.time),
    }  # fmt: skip
    return found if term.until is None else found | {"until": format_instant(term.until.time)}


@router.get("/.well-known/sanquan", response_model=None, responses=schemas.WELL_KNOWN)
def well_known(registry: RegistryDep, publisher: PublisherDep, settings: SettingsDep) -> Response:
    """Origin, keys, registrar, rulebooks. Pin the log keys on first sight; later changes prove themselves.

    `log_keys` are those live at the published size, so that they verify what `/checkpoint` shows.
    """
    facts = registry.reader.registry()
    size = publisher.checkpoint().size
    terms = [(format_verifier_key(term.key), term) for term in facts.log_terms()]
    return json_response(
        {
            "origin": facts.origin,
            "log_keys": [text for text, term in terms if term.is_live(size)],
            "retired_log_keys": [text for text, term in terms if term.since < size and not term.is_live(size)],
            "log_key_changes": [_key_change(change, size) for change, size in registry.reader.log_key_changes()],
            "seal_keys": [_seal_key(term) for term in facts.seal_terms()],
            "registrar": facts.registrar,
            "clerk": facts.clerk,
            "rulebooks": [_adoption(adoption) for adoption in facts.rulebooks],
            "spec": facts.spec,
            "visibility": settings.visibility,
        }
    )


@router.get("/v1/rulebooks", response_model=None, responses=schemas.LIST)
def list_rulebooks(request: Request, registry: RegistryDep) -> Response:
    """Every rulebook that was ever adopted, in the order of adoption."""
    check_parameters(request, ())
    items = [_adoption(adoption) for adoption in registry.reader.registry().rulebooks]
    return json_response({"items": items, "size": registry.reader.moment().size})


@router.get("/v1/rulebooks/{sha256}", response_model=None, responses=schemas.OCTETS_ANSWER)
def read_rulebook(sha256: str, registry: RegistryDep) -> Response:
    """The bytes of an adopted rulebook."""
    adopted = any(adoption.sha256 == sha256 for adoption in registry.reader.registry().rulebooks)
    data = registry.documents.get(sha256) if adopted else None
    if data is None:
        raise not_found(f"rulebook {sha256}", f"规则簿 {sha256}")
    return Response(data, headers={"Cache-Control": FOREVER}, media_type="application/toml")


@router.get("/healthz", response_model=None)
def healthz() -> Response:
    """The process answers."""
    return json_response({"status": "ok"})


@router.get("/readyz", response_model=None)
def readyz(request: Request, registry: RegistryDep, publisher: PublisherDep) -> Response:
    """The registry writes and publishes: `ready`, or `degraded` where what is published lacks its quorum."""
    registry.office.must_be_writable()
    state = publisher.state()
    answer: dict[str, object] = {
        "status": "ready" if state.degraded is None else "degraded", "published": state.published, "signed": state.signed,
    }  # fmt: skip
    if state.degraded is not None:
        answer["detail"] = state.degraded.get(language_of(request))
    if state.silent:
        answer["silent"] = state.silent
    return json_response(answer)


def _simulated(registry: RegistryDep) -> SimulatedClock:
    if not isinstance(registry.clock, SimulatedClock):
        raise not_found("simulated clock", "模拟时钟")
    return registry.clock


@router.get("/v1/clock", response_model=None)
def read_clock(registry: RegistryDep) -> Response:
    """The simulated clock; 404 on a registry that runs on real time."""
    return json_response({"now": format_instant(_simulated(registry).now())})


@router.post("/v1/clock", response_model=None)
async def set_clock(request: Request, registry: RegistryDep, settings: SettingsDep) -> Response:
    """Set the simulated clock, equal or forward: `{"now": "2026-11-24T05:49:29Z"}`."""
    clock = _simulated(registry)
    if media_type_of(request) != JSON or not settings.on_loopback:
        raise refused("MEDIA_TYPE", f"Send {JSON}.", f"请以 {JSON} 提交。")
    try:
        value = parse_strict(await read_body(request, _MAX_CLOCK_BYTES))
    except FormatError as error:
        raise refusal_of(error) from error
    if not isinstance(value, dict) or value.keys() != {"now"} or not isinstance(value["now"], str):
        raise refused("MALFORMED", 'Send {"now": "<instant>"}.', '请提交 {"now": "<时刻>"}。', "/now")
    try:
        now = parse_instant(value["now"])
    except FormatError as error:
        raise invalid("/now", str(error), "不是带时区的 RFC 3339 时刻") from error
    return json_response({"now": format_instant(clock.set(now))})
