"""A real registry behind a real server on loopback, and parties that send statements to it over HTTP."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api.app import create_app
from api.client import Client, Pins, Profile
from api.demo.server import serving
from api.settings import Settings
from ledger.encoding import parse_hex
from ledger.keys import KeySigner
from ledger.note import parse_verifier_key
from ledger.proof import parse_proof, verify_proof
from ledger.statement import format_envelope
from registry.clock import Clock, SimulatedClock, SystemClock
from registry.drafting import make_payload, sign_payload
from registry.registry import Options, Registry, open_registry
from tests.registry.desk import ALL, FORM, OWN, Actor, key_shape

ORIGIN = "live.test"
START = datetime(2026, 1, 1, tzinfo=UTC)
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


@dataclass
class Live:
    """A served registry and an HTTP client of it."""

    url: str
    http: httpx.Client
    registry: Registry
    folder: Path
    app: FastAPI

    @property
    def registrar(self) -> Actor:
        return Actor("registrar", [self.registry.keys.registrar])

    def payload(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> bytes:
        with_ = [actor.id for actor in more.pop("with_", [])]
        at = more.pop("at", self.registry.clock.now())
        return make_payload(act, more.pop("log", self.registry.origin), by.id, at, body, with_=with_, **more)

    def envelope(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> bytes:
        signers = [by.signers[0], *(actor.signers[0] for actor in more.get("with_", []))]
        return format_envelope(sign_payload(self.payload(act, by, body, **more), signers)).encode()

    def send(self, envelope: bytes, **more: Any) -> httpx.Response:
        return self.http.post("/v1/statements", content=envelope, headers=JSON | more.pop("headers", {}), **more)

    def ok(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.send(self.envelope(act, by, body, **more))
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    def file(self, lines: bytes, **more: Any) -> list[dict[str, Any]]:
        answer = self.http.post("/v1/statements", content=lines, headers=NDJSON, **more)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].split(";")[0] == "application/x-ndjson"
        return [json.loads(line) for line in answer.content.split(b"\n") if line]

    def party(self, name: str = "Firm A", **details: Any) -> Actor:
        actor = Actor(name, [KeySigner.generate()])
        self.ok("party.register", actor, party_body(actor, **details))
        return actor

    def send_added_key(self, by: Actor, added: KeySigner) -> None:
        """The party has one more key."""
        payload = self.payload("key.add", by, key_shape(added))
        answer = self.send(format_envelope(sign_payload(payload, [by.signers[0], added])).encode())
        assert answer.status_code == 201, answer.text

    def filing(self, by: Actor, rights: Sequence[str] = ALL, **form: Any) -> dict[str, Any]:
        claim = {"party": by.id, "rights": list(rights)}
        return {"kind": "initial", "asset": FORM | form, "sources": [OWN], "claims": [claim]}

    def asset(self, by: Actor, rights: Sequence[str] = ALL, **form: Any) -> dict[str, Any]:
        return self.ok("case.file", by, self.filing(by, rights, **form))

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def forward(self, **delta: float) -> None:
        """The simulated clock stands so much later."""
        clock = self.registry.clock
        assert isinstance(clock, SimulatedClock)
        clock.set(clock.now() + timedelta(**delta))

    def size(self) -> int:
        return self.registry.reader.moment().size

    def proven(self, receipt: dict[str, Any]) -> int:
        """The number of the log's signatures under the receipt's proof, which holds."""
        proof = parse_proof(receipt["proof"])
        keys = [parse_verifier_key(text) for text in self.registry.keys.log_keys(self.registry.origin)]
        assert proof.index == receipt["seq"]
        verify_proof(proof, parse_hex(receipt["leaf_hash"]), keys)
        return sum(line.startswith("— ") for line in proof.checkpoint.splitlines())

    def client(self, folder: Path, name: str = "Firm A", **more: Any) -> Client:
        pins = more.pop("pins", None) or Pins(folder / "pins")
        return Client(self.url, Profile.open(folder / "profile", name=name), pins=pins, **more)


def party_body(actor: Actor, **details: Any) -> dict[str, Any]:
    return {"name": actor.name, "kind": "legal_person", "keys": [key_shape(actor.signers[0])], **details}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, which has every member that the contract names."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] and body["title"] and body["detail"] and body["reasons"]
    assert all(reason["code"] and reason["message"] for reason in body["reasons"])
    return body


@contextmanager
def live_registry(folder: Path, *, clock: Clock | None = None, origin: str = ORIGIN, **settings: Any) -> Iterator[Live]:
    """A registry in `folder`, served while the block runs."""
    wanted = Settings(data=folder, origin=origin, **settings)
    registry = open_registry(Options(folder, origin, verified_only=wanted.verified_only), clock or SystemClock())
    try:
        app = create_app(registry, wanted)
        with serving(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            yield Live(url, http, registry, folder, app)
    finally:
        registry.close()


def simulated(folder: Path) -> SimulatedClock:
    """A clock that stands at 2026-01-01 and is kept with the data, as `--simulated-clock` makes it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SimulatedClock(START, folder / "clock")
