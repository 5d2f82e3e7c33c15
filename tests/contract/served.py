"""A real registry on a temporary folder, served on a free port of loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.app import create_app
from api.demo.server import serving
from api.settings import Settings
from registry.clock import SimulatedClock
from registry.registry import Options, open_registry
from tests.registry.desk import ORIGIN, START, Actor, Desk


@dataclass
class Live:
    """A served registry: `desk` signs, `http` speaks."""

    url: str
    http: httpx.Client
    desk: Desk

    def post(self, envelope: bytes, **more: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json", "Accept-Language": "en"} | more.pop("headers", {})
        return self.http.post("/v1/statements", content=envelope, headers=headers, **more)

    def file(self, lines: list[bytes], **more: Any) -> httpx.Response:
        return self.post(b"\n".join(lines), headers={"Content-Type": "application/x-ndjson"}, **more)


@contextmanager
def serve(folder: Path, **settings: Any) -> Iterator[Live]:
    """The registry on a simulated clock."""
    clock = SimulatedClock(START, folder.parent / "clock")
    options = Settings(data=folder, **settings)
    registry = open_registry(Options(folder, ORIGIN, verified_only=options.verified_only), clock)
    try:
        with (
            serving(create_app(registry, options)) as url,
            httpx.Client(base_url=url, timeout=60, trust_env=False) as http,
        ):
            yield Live(url, http, Desk(registry, clock, Actor("registrar", [registry.keys.registrar])))
    finally:
        registry.close()
