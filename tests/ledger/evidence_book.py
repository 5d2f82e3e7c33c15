"""The log of `tests/vectors/ledger/evidence/`: written by hand, from fixed seeds and by a fixed clock.

A small log: registrar R, owner A with two keys, deriver B, bystander C. A registers an asset and lets B process it; B
derives the asset that the bundle is about; A revokes its second key; B attaches a document. What C does is not in the
bundle. Ed25519 signs deterministically, ES256 (the seal key in entry 0) by RFC 6979; the checkpoint has its Ed25519 line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ledger import merkle
from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.encoding import format_base64url
from ledger.entry import FIRST_PREVIOUS, Entry, FolioLine, format_entry
from ledger.evidence.bundle import Evidence, EvidenceEntry
from ledger.identifiers import key_identifier, party_identifier
from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from ledger.note import format_verifier_key
from ledger.statement import Envelope, EnvelopeSignature, parse_statement
from ledger.strict_json import format_compact
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, ORIGIN, Nodes

START = datetime(2026, 11, 24, 6, tzinfo=UTC)
RULEBOOK = '# 规则簿示例，仅供核对摘要。\nid = "example"\nversion = "1"\n'
LOG_KEYS = [format_verifier_key(key) for key in log_verifier_keys(ORIGIN, [LOG_SIGNER, ML_DSA_SIGNER])]
FORGER = KeySigner.from_seed(bytes(range(64, 96)))


def _seeded(first: int) -> KeySigner:
    return KeySigner.from_seed(bytes(range(first, first + 32)))


REGISTRAR, CLERK, A1, A2, B, C = (_seeded(first) for first in (96, 98, 100, 102, 104, 106))


class Seal:
    """The P-256 key 1, which signs as RFC 6979 says."""

    algorithm = Algorithm.ES256

    def __init__(self) -> None:
        self._key = ec.derive_private_key(1, ec.SECP256R1())
        self.public = KeySigner(self._key).public

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


SEAL = Seal()
Signing = KeySigner | Seal


def party(signer: Signing) -> str:
    return party_identifier(signer.public)


def shape(signer: Signing) -> dict[str, str]:
    return {"alg": signer.algorithm.value, "public": format_base64url(signer.public)}


@dataclass
class Book:
    """A log written by hand: whatever it is told to write."""

    entries: list[Entry] = field(default_factory=list)
    datas: list[bytes] = field(default_factory=list)

    def envelope(self, act: str, signers: Sequence[Signing], body: Any, **more: Any) -> Envelope:
        number = len(self.entries)
        members: dict[str, Any] = {
            "act": act,
            "log": more.pop("log", ORIGIN),
            "by": more.pop("by", party(signers[0])),
            "at": format_instant(START + timedelta(minutes=number)),
            "nonce": format_base64url(sha256(b"nonce %d" % number).digest()[:16]),
            **({"expect": more.pop("expect")} if "expect" in more else {}),
            "body": body,
        }
        payload = format_compact(members)
        message = Envelope(payload, ()).signed_bytes()
        return Envelope(
            payload, tuple(EnvelopeSignature(key_identifier(s.public), s.sign(message)) for s in signers)
        )  # fmt: skip

    def add(
        self, envelope: Envelope, folios: Sequence[str] = (), change: Callable[[Entry], Entry] | None = None
    ) -> str:
        """The statement is the next entry; answers the asset that it makes. Without `folios`: on this asset's."""
        number = len(self.entries)
        made = parse_statement(envelope).objects().identifier("ast")
        names = sorted(folios or [made])
        previous = merkle.leaf_hash(self.datas[-1]) if self.datas else FIRST_PREVIOUS
        lines = tuple(self._line(name) for name in names)
        entry = Entry(number, previous, START + timedelta(minutes=number, seconds=1), lines, envelope)
        entry = change(entry) if change else entry
        self.entries.append(entry)
        self.datas.append(format_entry(entry))
        return made

    def _line(self, folio: str) -> FolioLine:
        before = [(e.position, line) for e in self.entries for line in e.folios if line.folio == folio]
        return FolioLine(folio, len(before) + 1, before[-1][0] if before else None)

    def write(self, act: str, signers: Sequence[Signing], body: Any, folios: Sequence[str] = (), **more: Any) -> str:
        return self.add(self.envelope(act, signers, body, **more), folios)

    def checkpoint(self, *signers: KeySigner, origin: str = ORIGIN) -> str:
        leaves = [merkle.leaf_hash(data) for data in self.datas]
        return sign_checkpoint(Checkpoint(origin, len(leaves), merkle.root(leaves)), signers, 0)

    def bundle(self, subject: str, left_out: Sequence[int]) -> Evidence:
        leaves = [merkle.leaf_hash(data) for data in self.datas]
        nodes = Nodes(leaves)
        entries = tuple(
            EvidenceEntry(seq, data, tuple(merkle.inclusion_path(seq, len(leaves), nodes)))
            for seq, data in enumerate(self.datas)
            if seq not in left_out
        )
        rulebooks = {sha256(RULEBOOK.encode()).hexdigest(): RULEBOOK}
        return Evidence(ORIGIN, self.checkpoint(LOG_SIGNER), entries, rulebooks, tuple(LOG_KEYS), subject)


@dataclass(frozen=True)
class Base:
    """The log but for its last entry, and what is named in it."""

    book: Book
    raw: str
    derived: str

    def last(self, signers: Sequence[Signing] = (B,), **more: Any) -> Envelope:
        body = {"target": self.derived, "evidence": [{"kind": "report", "sha256": "11" * 32}]}
        seen = {self.derived: 1, party(B): 2}
        return self.book.envelope("evidence.attach", signers, body, **{"expect": seen} | more)

    def bundle(
        self,
        envelope: Envelope | None = None,
        folios: Sequence[str] = (),
        change: Callable[[Entry], Entry] | None = None,
    ) -> Evidence:
        book = Book(list(self.book.entries), list(self.book.datas))
        book.add(envelope or self.last(), folios or [self.derived], change)
        return book.bundle(self.derived, OUTSIDE)


OUTSIDE = (3, 6)
"""What C does."""


def base() -> Base:
    book = Book()
    opening = {
        "origin": ORIGIN, "registrar": {"name": "登记机构", "keys": [shape(REGISTRAR)]}, "clerk": shape(CLERK),
        "log_keys": LOG_KEYS, "seal_keys": [shape(SEAL)], "rulebook": "example",
        "rulebook_sha256": sha256(RULEBOOK.encode()).hexdigest(), "spec": 1,
    }  # fmt: skip
    book.write("log.open", [REGISTRAR, CLERK, SEAL], opening, [party(REGISTRAR), party(CLERK)])
    for name, keys in (("甲公司", [A1, A2]), ("乙公司", [B]), ("丙公司", [C])):
        body = {"name": name, "kind": "legal_person", "keys": [shape(key) for key in keys]}
        book.write("party.register", keys, body, [party(keys[0])])
    book.write("party.verify", [REGISTRAR], {"party": party(B), "level": "documented"}, [party(B)])
    owned = {"origin": "generated", "basis": "own_operation", "facts": {}}
    raw = book.write("case.file", [A2], _filing(A1, "停车数据", owned), by=party(A1))
    book.write("party.update", [C], {"status": "在业"}, [party(C)])
    right = "rgt" + raw.removeprefix("ast") + "_2"
    scope = {"purposes": ["research"], "territory": ["CN"], "fields": ["*"], "until": None}
    grant = {"from_right": right, "to": party(B), "rights": ["processing"], "scope": scope}
    granted = book.write("right.grant", [A1], grant, [raw]).replace("ast", "rgt")
    report = [{"kind": "report", "sha256": "22" * 32}]
    book.write("evidence.attach", [A2], {"target": raw, "evidence": report}, [raw], by=party(A1))
    source = {
        "origin": "derived", "basis": "derived",
        "facts": {"change": "derivative", "value_increase": True, "activity_time": format_instant(START)},
        "inputs": [{"asset": raw, "right": granted}],
    }  # fmt: skip
    derived = book.write("case.file", [B], _filing(B, "停车指数", source))
    book.write("key.revoke", [A1], {"key": key_identifier(A2.public), "reason": "遗失"}, [party(A1)])
    return Base(book, raw, derived)


def _filing(by: KeySigner, name: str, source: Any) -> Any:
    form = {
        "name": name, "overview": "示例。", "form": "product", "industry": "I65", "region_scope": "city",
        "update_frequency": "daily", "volume": {"records": 1000}, "media": ["table"], "structure": "structured",
        "categories": ["enterprise"], "grade": "general", "personal_information": "none",
    }  # fmt: skip
    claims = [{"party": party(by), "rights": ["holding", "processing", "operating"]}]
    return {"kind": "initial", "asset": form, "sources": [source], "claims": claims}
