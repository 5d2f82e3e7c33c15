"""Makes `tests/vectors/ledger/evidence/` anew: `python -m tests.ledger.evidence_vector`. Everything in it is fixed.

A small log: registrar R, owner A with two keys, deriver B, bystander C. A registers an asset and lets B process it; B
derives the asset that the bundle is about; A revokes its second key; B attaches a document. What C does is not in the
bundle. Ed25519 signs deterministically, ES256 (the seal key in entry 0) by RFC 6979; the checkpoint has its Ed25519 line.
"""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from msgspec.structs import replace as changed

from ledger import merkle
from ledger.checkpoint import Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.encoding import format_base64, format_base64url
from ledger.entry import FIRST_PREVIOUS, Entry, FolioLine, format_entry
from ledger.evidence.bundle import Evidence, EvidenceEntry, format_evidence
from ledger.identifiers import key_identifier, party_identifier
from ledger.instants import format_instant
from ledger.keys import Algorithm, KeySigner
from ledger.note import format_verifier_key
from ledger.statement import Envelope, EnvelopeSignature, parse_statement
from ledger.strict_json import format_compact
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, ORIGIN, VECTORS, Nodes

FOLDER = VECTORS / "evidence"
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


def other_logs(log: Base) -> dict[str, tuple[Evidence, list[str], str]]:
    """Logs whose last entry should not be there, signed by the log all the same: the bundle, what fails, why."""

    def line(**change: Any) -> Callable[[Entry], Entry]:
        return lambda entry: changed(entry, folios=tuple(changed(each, **change) for each in entry.folios))

    owned = log.last([A2], by=party(A1), expect={})
    plain = log.last([B])
    turned = bytearray(plain.signatures[0].value)
    turned[40] ^= 1
    return {
        "revoked_key": (log.bundle(owned, [log.raw]), ["signatures"], "signed by a key that was revoked before"),
        "foreign_key": (log.bundle(log.last([C], by=party(B))), ["signatures"], "signed by a key of another party"),
        "unknown_key": (log.bundle(log.last([FORGER], by=party(B))), ["signatures"], "signed by a key that nobody added"),
        "signature_wrong": (
            log.bundle(replace_signatures(plain, bytes(turned))), ["signatures"], "the signature does not verify"),
        "signature_missing": (log.bundle(Envelope(plain.payload, ())), ["signatures"], "nobody has signed"),
        "signature_surplus": (
            log.bundle(log.last([B, A1])), ["signatures"], "one more has signed than the statement names"),
        "folio_number": (log.bundle(change=line(number=3)), ["folios"], "the folio's line 2 calls itself line 3"),
        "folio_previous": (log.bundle(change=line(previous=7)), ["folios"], "the folio's line names another line before it"),
        "folio_begins_again": (
            log.bundle(change=line(number=1, previous=None)), ["folios"], "the folio has a second line 1"),
        "folio_of_another": (
            log.bundle(log.last(expect={}), [log.raw[:-1] + ("0" if log.raw[-1] != "0" else "1")]), ["folios"],
            "an asset's folio begins with a statement that does not make it"),
        "other_log": (log.bundle(log.last(log="registry.example/log2")), ["origin"], "a statement made for another log"),
        "chain": (
            log.bundle(change=lambda entry: changed(entry, previous=bytes(32))), ["chain"], "the chain of two neighbours is broken"),
        "time": (
            log.bundle(change=lambda entry: changed(entry, time=START)), ["chain", "signatures"], "time goes backwards"),
        "statement_twice": (
            log.bundle(log.book.entries[9].envelope), ["statements"], "a statement stands there twice"),
        "expectation": (
            log.bundle(log.last(expect={party(B): 3})), ["expectations"], "its author saw a line more of a folio than there is"),
    }  # fmt: skip


def replace_signatures(envelope: Envelope, value: bytes) -> Envelope:
    return Envelope(envelope.payload, (EnvelopeSignature(envelope.signatures[0].key, value),))


Patch = list[dict[str, Any]]


def patches(log: Base, valid: Any) -> dict[str, tuple[Patch, list[str], str]]:
    """What is done to the bundle: RFC 6902 operations, the checks that fail, why."""
    entries, proofs = valid["entries"], valid["proofs"]
    place = {entry["seq"]: number for number, entry in enumerate(entries)}

    def put(path: str, value: Any) -> Patch:
        return [{"op": "replace", "path": path, "value": value}]

    def left_out(*seqs: int) -> Patch:
        places = sorted((place[seq] for seq in seqs), reverse=True)
        return [{"op": "remove", "path": f"/{what}/{at}"} for at in places for what in ("entries", "proofs")]

    forged = Book(list(log.book.entries), list(log.book.datas))
    forged.add(log.last(), [log.derived])
    by_forger = forged.checkpoint(FORGER)
    forger_key = format_verifier_key(log_verifier_keys(ORIGIN, [FORGER])[0])
    smaller = valid["checkpoint"].replace("\n12\n", "\n13\n")
    raw, grant, derived, attached = (place[seq] for seq in (5, 7, 9, 11))
    text = entries[raw]["bytes"]
    digest = next(iter(valid["rulebooks"]))
    return {
        "unknown_member": ([{"op": "add", "path": "/x", "value": {"note": 1}}], [], "members that are not known are passed over"),
        "no_subject": ([{"op": "remove", "path": "/subject"}], [], "what it is about follows from the entries"),
        "no_log_keys": (put("/log_keys", []), [], "they are a hint"),
        "newest_line_left_out": (left_out(11), [], "it holds, and shows one line less of the asset's folio"),
        "question": (
            [{"op": "add", "path": "/question", "value": {"party": party(B)}}, {"op": "add", "path": "/answer", "value": {"decision": True}}],
            [], "carried, not replayed: the verifier says so"),
        "byte_flipped": (
            put(f"/entries/{raw}/bytes", text.replace('"payload":"eyJhY3', '"payload":"eyJhY2')),
            ["inclusion", "entries"], "one character of an entry is another"),
        "time_changed": (
            put(f"/entries/{attached}/bytes", entries[attached]["bytes"].replace("06:11:01", "06:11:02")),
            ["inclusion"], "an entry says another time; only the tree tells"),
        "line_left_out": (left_out(7), ["folios"], "the second of three lines of a folio is missing"),
        "input_left_out": (left_out(5, 7, 8), ["named"], "the folio of what the asset was made from is missing"),
        "asset_left_out": (left_out(9), ["folios", "subject"], "the first line of the asset's folio is missing"),
        "signer_left_out": (left_out(2, 4), ["named", "signatures"], "the folio of a party that signs is missing"),
        "opening_left_out": (left_out(0), ["origin", "named", "signatures"], "the registrar's folio is missing"),
        "seen_line_left_out": (left_out(4), ["expectations"], "the newest line of a party's folio is missing, which an author saw"),
        "proof_of_another": (put(f"/proofs/{raw}", proofs[grant]), ["inclusion"], "the path is that of another entry"),
        "proof_too_long": (
            [{"op": "add", "path": f"/proofs/{raw}/0", "value": proofs[raw][0]}], ["inclusion"], "the path has a hash too many"),
        "proof_too_short": ([{"op": "remove", "path": f"/proofs/{raw}/0"}], ["inclusion"], "the path has a hash too few"),
        "swapped": (
            put(f"/entries/{grant}/bytes", entries[derived]["bytes"]) + put(f"/entries/{derived}/bytes", entries[grant]["bytes"]),
            ["inclusion", "entries"], "two entries have changed places"),
        "seq_changed": (put(f"/entries/{raw}/seq", 6), ["inclusion", "entries"], "an entry is said to stand elsewhere"),
        "other_checkpoint_key": (put("/checkpoint", by_forger), ["checkpoint"], "the checkpoint is signed by another key"),
        "forgers_log_keys": (
            put("/checkpoint", by_forger) + put("/log_keys", [forger_key]), ["checkpoint"],
            "the same, and the bundle brings that key itself: what it brings is never trusted"),
        "size_changed": (put("/checkpoint", smaller), ["checkpoint", "inclusion"], "the size under the signature is another"),
        "origin_changed": (put("/origin", "registry.example/log2"), ["checkpoint", "origin"], "it calls itself one of another log"),
        "subject_changed": (put("/subject", "ast" + "_" + "0" * 26), ["subject"], "it is said to be about what it does not show"),
        "rulebook_changed": (put(f"/rulebooks/{digest}", RULEBOOK + " "), ["rulebooks"], "the text is not that of its digest"),
        "rulebook_left_out": (put("/rulebooks", {}), ["rulebooks"], "an adopted rulebook is missing"),
        "disclosure_of_nothing": (
            [{"op": "add", "path": "/disclosures", "value": ["WyJhIl0"]}], ["disclosures"], "it opens no digest of these entries"),
        "other_format": (put("/format", "sanquan-evidence/2"), ["form"], "another version"),
        "proof_missing": ([{"op": "remove", "path": f"/proofs/{attached}"}], ["form"], "an entry without a path"),
        "proof_surplus": ([{"op": "add", "path": "/proofs/-", "value": proofs[raw]}], ["form"], "a path without an entry"),
        "entry_twice": (
            [{"op": "add", "path": "/entries/-", "value": entries[attached]}, {"op": "add", "path": "/proofs/-", "value": proofs[attached]}],
            ["form"], "an entry stands there twice"),
        "descending": (
            put(f"/entries/{grant}", entries[derived]) + put(f"/entries/{derived}", entries[grant]), ["form"], "entries do not ascend"),
        "hash_without_padding": (put(f"/proofs/{raw}/0", proofs[raw][0].rstrip("=")), ["form"], "base64 without padding"),
        "hash_too_short": (put(f"/proofs/{raw}/0", format_base64(bytes(31))), ["form"], "a hash of 31 bytes"),
        "no_entries": (put("/entries", []) + put("/proofs", []), ["form"], "nothing is there"),
    }  # fmt: skip


def made() -> dict[str, bytes]:
    """The files by name."""
    log = base()
    bundle = format_evidence(log.bundle())
    valid = json.loads(bundle)
    cases = [
        {"name": name, "fails": fails, "why": why, "patch": patch}
        for name, (patch, fails, why) in patches(log, valid).items()
    ]
    for name, (evidence, fails, why) in other_logs(log).items():
        other = json.loads(format_evidence(evidence))
        patch = [
            {"op": "replace", "path": "/entries/9", "value": other["entries"][9]},
            {"op": "replace", "path": "/proofs", "value": other["proofs"]},
            {"op": "replace", "path": "/checkpoint", "value": other["checkpoint"]},
        ]
        assert patched(valid, patch) == other
        cases.append({"name": name, "fails": fails, "why": why, "patch": patch})
    table = {"keys": LOG_KEYS[:1], "bundle": "bundle.json", "cases": cases}
    text = json.dumps(table, ensure_ascii=False, indent=1) + "\n"
    return {"bundle.json": bundle, "cases.json": text.encode()}


def patched(value: Any, patch: Patch) -> Any:
    """The value after RFC 6902 operations of the kinds that are used here."""
    value = copy.deepcopy(value)
    for operation in patch:
        *path, last = operation["path"].removeprefix("/").split("/")
        place = value
        for step in path:
            place = place[int(step)] if isinstance(place, list) else place[step]
        key: Any = last if isinstance(place, dict) else len(place) if last == "-" else int(last)
        match operation["op"]:
            case "remove":
                del place[key]
            case "add" if isinstance(place, list):
                place.insert(key, operation["value"])
            case _:
                place[key] = operation["value"]
    return value


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, data in made().items():
        (FOLDER / name).write_bytes(data)
