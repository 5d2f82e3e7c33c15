"""A registry in a temporary folder and parties that act in it: what tests of acts, checks and routes stand on."""

import copy
import hashlib
import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.encoding import format_base64url
from ledger.entry import parse_entry
from ledger.identifiers import party_identifier
from ledger.keys import Algorithm, KeySigner
from ledger.merkle import leaf_hash
from ledger.proof import parse_proof, verify_proof
from ledger.statement import Envelope, format_envelope
from registry.clock import SimulatedClock
from registry.drafting import make_payload, sign_payload
from registry.refusals.refusal import RefusedError
from registry.registry import Options, Registry, open_registry
from registry.title.question import Question
from registry.writer import Answer

ORIGIN = "desk.test"
START = datetime(2026, 1, 1, tzinfo=UTC)

FORM: dict[str, Any] = {
    "name": "2026年济南市停车数据",
    "overview": "公共停车场的车位占用情况，按小时汇总，用于选址分析。",
    "form": "product",
    "industry": "I65",
    "region_scope": "city",
    "update_frequency": "daily",
    "volume": {"records": 1000},
    "media": ["table"],
    "structure": "structured",
    "categories": ["enterprise"],
    "grade": "general",
    "personal_information": "none",
}
OWN = {"origin": "generated", "basis": "own_operation", "facts": {}}
CRAWLED = {
    "origin": "public_collection",
    "basis": "public_collection",
    "facts": {
        "is_public": True,
        "graded": True,
        "intrusion": False,
        "disturbance": False,
        "circumvention": False,
        "harm": False,
    },
}
ALL = ["holding", "processing", "operating"]


@dataclass
class Actor:
    """A party with its keys; the first names it."""

    name: str
    signers: list[KeySigner]

    @property
    def id(self) -> str:
        return party_identifier(self.signers[0].public)


def key_shape(signer: KeySigner) -> dict[str, str]:
    return {"alg": signer.algorithm.value, "public": format_base64url(signer.public)}


@dataclass
class Desk:
    """Sends statements to one registry."""

    registry: Registry
    clock: SimulatedClock
    registrar: Actor
    last: Answer = field(default_factory=Answer)

    def payload(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> bytes:
        with_ = [actor.id for actor in more.pop("with_", [])]
        at = more.pop("at", self.clock.now())
        return make_payload(act, more.pop("log", self.registry.origin), by.id, at, body, with_=with_, **more)

    def envelope(self, act: str, by: Actor, body: dict[str, Any], *, extra: list[KeySigner] = [], **more: Any) -> bytes:  # noqa: B006
        signers = [by.signers[0], *(actor.signers[0] for actor in more.get("with_", [])), *extra]
        return format_envelope(sign_payload(self.payload(act, by, body, **more), signers)).encode()

    def send(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> Answer:
        disclosures = more.pop("disclosures", None)
        data = self.envelope(act, by, body, **more)
        if disclosures is not None:
            data = b'{"envelope":' + data + b',"disclosures":' + json.dumps(disclosures).encode() + b"}"
        self.last = self.answer(data)
        return self.last

    def answer(self, data: bytes, **more: Any) -> Answer:
        """The answer to one statement as it comes in."""
        (answer,) = self.submit(data, **more)
        return answer

    def submit(self, *envelopes: bytes, **more: Any) -> list[Answer]:
        """Several statements in one call."""
        return self.registry.office.submit(list(envelopes), **more)

    def code(self, envelope: bytes, **more: Any) -> str | None:
        """The code of the refusal; None if the statement took effect."""
        answer = self.answer(envelope, **more)
        return answer.refusal.code if answer.refusal else None

    def ok(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.send(act, by, body, **more)
        assert answer.refusal is None, (answer.refusal.code, answer.refusal.reasons)
        assert answer.receipt is not None
        return answer.receipt

    def refused(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> str:
        before = self.registry.reader.moment().size
        answer = self.send(act, by, body, **more)
        assert answer.refusal is not None, answer.receipt
        assert self.registry.reader.moment().size == before
        for reason in answer.refusal.reasons:
            assert reason.message.en and reason.message.zh
        return answer.refusal.code

    def refusal(self, act: str, by: Actor, body: dict[str, Any], **more: Any) -> RefusedError:
        """The refusal; nothing was written."""
        self.refused(act, by, body, **more)
        refusal = self.last.refusal
        assert refusal is not None
        return refusal

    def expect(
        self, refusal: tuple[str, int, str | None], act: str, by: Actor, body: dict[str, Any], **more: Any
    ) -> RefusedError:
        """The refusal, which has this code, HTTP status and pointer."""
        found = self.refusal(act, by, body, **more)
        assert (found.code, found.status, found.reasons[0].pointer) == refusal, found.reasons
        return found

    def deliver(self, payload: bytes, signers: list[KeySigner], disclosures: list[str] | None = None) -> Answer:
        """The answer to a payload, signed by these keys in this order."""
        return self.post(sign_payload(payload, signers), disclosures)

    def post(self, envelope: Envelope, disclosures: list[str] | None = None) -> Answer:
        """The answer to an envelope, with disclosures beside it where there are any."""
        data = format_envelope(envelope)
        if disclosures is not None:
            data = f'{{"envelope":{data},"disclosures":{json.dumps(disclosures)}}}'
        return self.answer(data.encode())

    def size(self) -> int:
        return self.registry.reader.moment().size

    def view(self, identifier: str, at: datetime | None = None, size: int | None = None) -> dict[str, Any]:
        """What GET shows of a party, asset, right or case."""
        reader = self.registry.reader
        read = {"pty": reader.party, "ast": reader.asset, "rgt": reader.right, "cas": reader.case}[identifier[:3]]
        return read(identifier, at, size)[0]

    def grant(self, by: Actor, from_right: str, to: Actor, rights: list[str], **more: Any) -> dict[str, Any]:
        """The receipt of a grant of research in CN, unless `scope` or other members say otherwise."""
        envelope = {name: more.pop(name) for name in ("with_", "for_", "at", "expect") if name in more}
        return self.ok("right.grant", by, granting(from_right, to, rights, more.pop("scope", None), **more), **envelope)

    def party(self, name: str, algorithm: Algorithm = Algorithm.ED25519, **details: Any) -> Actor:
        actor = Actor(name, [KeySigner.generate(algorithm)])
        body = {"name": name, "kind": "legal_person", "keys": [key_shape(actor.signers[0])], **details}
        self.ok("party.register", actor, body)
        return actor

    def filing(self, claims: list[dict[str, Any]], source: dict[str, Any] = OWN, **form: Any) -> dict[str, Any]:
        asset = copy.deepcopy(FORM) | form
        return {"kind": "initial", "asset": asset, "sources": [copy.deepcopy(source)], "claims": claims}

    def register(self, by: Actor, rights: list[str] = ALL, source: dict[str, Any] = OWN, **form: Any) -> dict[str, Any]:
        return self.ok("case.file", by, self.filing([{"party": by.id, "rights": rights}], source, **form))

    def check(self, party: Actor, asset: str, purpose: str = "research", **more: Any) -> Any:
        at, size = more.pop("at", None), more.pop("size", None)
        answers, _ = self.registry.reader.check([Question(party.id, asset, purpose, **more)], at, size)
        return answers[0]

    def pass_time(self, **delta: Any) -> None:
        self.clock.set(self.clock.now() + timedelta(**delta))


def beside(envelope: bytes, *disclosures: Any) -> bytes:
    """A submission of an envelope with disclosures beside it."""
    return b'{"envelope":' + envelope + b',"disclosures":' + json.dumps(disclosures).encode() + b"}"


def newcomer(name: str = "newcomer") -> Actor:
    """A party that is not registered yet."""
    return Actor(name, [KeySigner.generate()])


def party_body(actor: Actor, **more: Any) -> dict[str, Any]:
    return {"name": actor.name, "kind": "legal_person", "keys": [key_shape(s) for s in actor.signers], **more}


def sd(name: str, value: Any) -> tuple[dict[str, str], str]:
    """A confidential member and its disclosure, made with nothing but the contract's section 8."""
    salt = format_base64url(secrets.token_bytes(16))
    text = format_base64url(json.dumps([salt, name, value], ensure_ascii=False).encode())
    return {"sd": format_base64url(hashlib.sha256(text.encode("ascii")).digest())}, text


def granting(from_right: str, to: Actor, rights: list[str], given: dict[str, Any] | None = None, **more: Any) -> Any:
    """The body of a grant: of research in CN, unless the scope is given."""
    return {"from_right": from_right, "to": to.id, "rights": rights, "scope": given or scope()} | more


def scope(**members: Any) -> dict[str, Any]:
    return {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None} | members


def ids(receipt: dict[str, Any], prefix: str) -> list[str]:
    return [made["id"] for made in receipt["ids"] if made["id"].startswith(prefix)]


def refusal(answer: Answer) -> tuple[str, int, str | None]:
    """Code, HTTP status and pointer of a refusal."""
    found = answer.refusal
    assert found is not None, answer.receipt
    return found.code, found.status, found.reasons[0].pointer


def update(desk: Desk, actor: Actor, **more: Any) -> bytes:
    """The payload of an update of a party."""
    return desk.payload("party.update", actor, {"contact": "1"}, **more)


def updates(desk: Desk, by: Actor, number: int) -> list[bytes]:
    """Different updates of a party, signed."""
    return [desk.envelope("party.update", by, {"contact": str(n)}) for n in range(number)]


def codes(answers: list[Answer]) -> list[str]:
    """What became of each statement: the code of its refusal, `known` or `ok`."""
    return [answer.refusal.code if answer.refusal else "known" if answer.known else "ok" for answer in answers]


def proven(desk: Desk, answers: list[Answer]) -> list[int]:
    """The positions of accepted statements, each proven to be in a signed root from the entry's bytes alone."""
    found = []
    for answer in answers:
        if (receipt := answer.receipt) is None:
            continue
        data = desk.registry.reader.entry(receipt["seq"]).data
        leaf = leaf_hash(data)
        assert receipt["leaf_hash"] == leaf.hex()
        proof = parse_proof(receipt["proof"])
        assert proof.index == receipt["seq"] == parse_entry(data).position
        verified = verify_proof(proof, leaf, desk.registry.log.verifier_keys())
        assert verified.checkpoint.size > receipt["seq"]
        found.append(receipt["seq"])
    return found


@contextmanager
def open_desk(folder: Path, **options: Any) -> Any:
    """A desk on a new registry whose simulated clock shows 2026-01-01."""
    clock = SimulatedClock(START)
    registry = open_registry(Options(folder, ORIGIN, **options), clock)
    try:
        yield Desk(registry, clock, Actor("registrar", [registry.keys.registrar]))
    finally:
        registry.close()
