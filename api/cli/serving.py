"""`sanquan serve`: the API and pages. The first start makes keys and entry 0."""

import errno
import gc
import logging
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import USAGE, fail, warn
from ledger.errors import FormatError
from ledger.instants import parse_instant
from registry.clock import Clock, SimulatedClock, SystemClock
from registry.refusals.form_words import form_words

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic_core import ErrorDetails

    from api.settings import Settings
    from registry.registry import Registry
    from registry.succession import Continues

_NOW = "now"
_GARBAGE = (500_000, 50, 100)
"""Collecting garbage less often than a script: a bulk load makes millions of values, none of them in cycles."""


def _settings(**options: object) -> "Settings":
    from pydantic import ValidationError

    from api.settings import make_settings

    try:
        return make_settings(**options)
    except ValidationError as error:
        items = error.errors()
        words = "; ".join(item["msg"].removeprefix("Value error, ") for item in items)
        fail(USAGE, f"cannot start: {words}", "无法启动：" + "；".join(map(_zh_of, items)))


def _zh_of(item: "ErrorDetails") -> str:
    """A wrong setting in Chinese: the words of our own checks, else its name and what was given."""
    from api.settings import SettingError

    found = item.get("ctx", {}).get("error")
    name = "、".join(f"--{str(step).replace('_', '-')}" for step in item["loc"])
    return found.zh if isinstance(found, SettingError) else f"{name} 的取值 {item['input']} 不可用"


def _clock(settings: "Settings") -> Clock:
    if settings.simulated_clock is None:
        return SystemClock()
    start: datetime | None = None
    if settings.simulated_clock not in ("", _NOW):
        try:
            start = parse_instant(settings.simulated_clock)
        except FormatError as error:
            fail(USAGE, f"--simulated-clock: {error}", f"--simulated-clock：{form_words(str(error))}")
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SimulatedClock(start, settings.data / "clock")


def open_for(settings: "Settings") -> "Registry":
    """The registry that the settings describe; the command ends with words if it cannot start."""
    from registry.founding import FoundingError
    from registry.registry import DEFAULT_NAME, Options, open_registry

    options = Options(
        folder=settings.data, origin=settings.origin, database=settings.database, name=settings.name or DEFAULT_NAME,
        verified_only=settings.verified_only, continues=_continues(settings.continues),
    )  # fmt: skip
    try:
        registry = open_registry(options, _clock(settings))
    except FoundingError as error:
        fail(USAGE, f"cannot start: {error.words.en}", f"无法启动：{error.words.zh}")
    if settings.simulated_clock is not None and not registry.origin.endswith(".test"):
        registry.close()
        fail(
            USAGE,
            f"cannot start: {registry.origin} is no test registry; a simulated clock needs an origin that ends in .test",
            f"无法启动：{registry.origin} 不是测试登记簿，模拟时钟只用于以 .test 结尾的名称",
        )
    return registry


def _continues(path: Path | None) -> "Continues | None":
    from registry.succession import parse_continues

    try:
        return parse_continues(path.read_bytes()) if path else None
    except (OSError, FormatError) as error:
        fail(USAGE, f"--continues: {error}", f"--continues：{path} 不是 `sanquan recover --end` 写出的文件（{error}）")


def listen(host: str, port: int) -> socket.socket:
    """The address, taken before anything is said of it; the command ends with words if it is not free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        place = f"{host}:{port}"
        why = "地址已被占用" if error.errno == errno.EADDRINUSE else f"系统错误 {error.errno}"
        fail(USAGE, f"cannot listen on {place}: {error}", f"无法在 {place} 监听：{why}")


def configure_logging() -> None:
    """One JSON line an event on stderr: identifiers and hashes, never payloads."""
    import structlog
    from structlog.tracebacks import ExceptionDictTransformer

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def serve(
    data: Annotated[Path | None, typer.Option(help="The data folder (./sanquan-data).")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (8000); 0 takes a free one.")] = None,
    origin: Annotated[str | None, typer.Option(help="Name of the log; required off loopback.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the registrar, at the first start.")] = None,
    continues: Annotated[
        Path | None,
        typer.Option(help="The file that `sanquan recover --end` wrote of the log that this one continues."),
    ] = None,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy URL (a SQLite file in the data folder).")] = None,
    admission: Annotated[str | None, typer.Option(help="open or verified.")] = None,
    visibility: Annotated[str | None, typer.Option(help="public or members.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Which witnesses cosign what is published: a file (tlog-policy).")
    ] = None,
    simulated_clock: Annotated[
        str | None, typer.Option(help="A clock that stands still at INSTANT or `now`; for tests, on loopback.")
    ] = None,
) -> None:
    """Serve the API and pages of a registry."""
    settings = _settings(
        data=data, host=host, port=port, origin=origin, name=name, database=database, admission=admission,
        visibility=visibility, policy=policy, simulated_clock=simulated_clock, continues=continues,
    )  # fmt: skip
    configure_logging()
    listener = listen(settings.host, settings.port)
    registry = open_for(settings)
    try:
        import uvicorn

        from api.guards import http_protocol  # what takes long to load comes after all that may refuse to start

        app = _app(registry, settings)
        gc.set_threshold(*_GARBAGE)
        gc.freeze()
        _greet(registry, settings, listener.getsockname()[1])
        config = uvicorn.Config(
            app, host=settings.host, port=settings.port, log_level="warning",
            server_header=False, timeout_graceful_shutdown=10, http=http_protocol(settings.head_timeout), ws="none",
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
        registry.close()


def _app(registry: "Registry", settings: "Settings") -> "FastAPI":
    """The app; the command ends with words if the policy is none for this log."""
    from api.app import create_app
    from api.settings import SettingError

    try:
        return create_app(registry, settings)
    except SettingError as error:
        fail(USAGE, f"cannot start: {error}", f"无法启动：{error.zh}")


def _greet(registry: "Registry", settings: "Settings", port: int) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    place = f"{registry.origin}  http://{host}:{port}/"
    warn(f"sanquan: {place}", f"三权登记系统：{place}")
    if registry.is_new:
        keys = settings.data / "keys"
        warn(f"  a new registry; its keys are in {keys}", f"  新建登记簿；其密钥在 {keys}")
    token = settings.data / "admin.token"
    warn(f"  administrator's token: {token}", f"  管理员令牌：{token}")
    if settings.only_for_here:
        warn(
            "  for this machine only: anyone on it may register; behind a proxy start with --admission",
            "  仅供本机：本机上任何人均可登记；置于代理之后时须写明 --admission",
        )
    key = registry.keys.log_keys(registry.origin)[0]
    warn(f"  pin this key: {key}", f"  请固定此公钥：{key}")
    if registry.office.read_only:
        warn(f"  READ-ONLY: {registry.office.read_only.en}", f"  只读：{registry.office.read_only.zh}")


def install(app: typer.Typer) -> None:
    """The command is there."""
    app.command()(serve)
