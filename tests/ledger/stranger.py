"""A verifier of evidence bundles that shares no code with ours: written from `docs/reference/evidence.md` and the contract.

It knows the acts that the published bundle has, and says yes or no.
"""

import base64
import hashlib
import json
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from nacl.signing import VerifyKey

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class NoError(Exception):
    """The bundle does not hold."""


def must(holds: object, what: str) -> None:
    if not holds:
        raise NoError(what)


def holds(bundle: Any, vkey: str) -> bool:
    try:
        Stranger(bundle, vkey).look()
    except Exception:  # noqa: BLE001  whatever goes wrong, it does not hold
        return False
    return True


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def base32(bits: bytes) -> str:
    number = int.from_bytes(bits, "big")
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(26)))


def root_of(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes:
    """The root to which a path leads, by the recursion of RFC 9162 section 2.1.3.1."""
    if size == 1:
        must(not path, "the path is too long")
        return leaf
    half = 1 << (size - 1).bit_length() - 1
    *inner, last = path
    if index < half:
        return sha(b"\1" + root_of(index, half, leaf, inner) + last)
    return sha(b"\1" + last + root_of(index - half, size - half, leaf, inner))


def verify(alg: str, public: bytes, message: bytes, signature: bytes) -> None:
    if alg == "Ed25519":
        VerifyKey(public).verify(message, signature)
    else:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


class Stranger:
    def __init__(self, bundle: Any, vkey: str) -> None:
        must(bundle["format"] == "sanquan-evidence/1", "format")
        self.bundle, self.vkey = bundle, vkey
        self.entries = [json.loads(item["bytes"]) for item in bundle["entries"]]
        payloads = [base64.b64decode(entry["statement"]["payload"], validate=True) for entry in self.entries]
        self.payloads, self.statements = payloads, [json.loads(payload) for payload in payloads]
        self.shown: dict[str, list[int]] = {}
        self.keys: dict[str, tuple[str, str, bytes]] = {}

    def look(self) -> None:
        self.checkpoint()
        self.tree()
        self.order()
        self.folios()
        self.names()
        for entry, statement, payload in zip(self.entries, self.statements, self.payloads, strict=True):
            self.signatures(entry["statement"]["signatures"], statement, payload)
        self.around()

    def checkpoint(self) -> None:
        name, key_id, encoded = self.vkey.split("+", 2)
        text, _, lines = self.bundle["checkpoint"].rpartition("\n\n")
        origin, size, root = (text + "\n").splitlines()[:3]
        must(origin == name == self.bundle["origin"], "origin")
        self.size, self.root = int(size), base64.b64decode(root)
        signed = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines()]
        mine = [data[4:] for data in signed if data[:4].hex() == key_id]
        VerifyKey(base64.b64decode(encoded)[1:]).verify((text + "\n").encode(), mine[0])

    def tree(self) -> None:
        items, proofs = self.bundle["entries"], self.bundle["proofs"]
        must(items and len(items) == len(proofs), "proofs")
        for item, proof in zip(items, proofs, strict=True):
            path = [base64.b64decode(text, validate=True) for text in proof]
            must([base64.b64encode(each).decode() for each in path] == proof, "base64")
            must(all(len(each) == 32 for each in path) and item["seq"] < self.size, "hash")
            leaf = sha(b"\0" + item["bytes"].encode())
            must(root_of(item["seq"], self.size, leaf, path) == self.root, "inclusion")

    def order(self) -> None:
        seqs = [item["seq"] for item in self.bundle["entries"]]
        must(seqs == sorted(set(seqs)) == [entry["seq"] for entry in self.entries], "order")
        must(seqs[0] == 0 and self.statements[0]["act"] == "log.open", "opening")
        must(self.statements[0]["body"]["origin"] == self.bundle["origin"], "origin")
        must(all(statement["log"] == self.bundle["origin"] for statement in self.statements), "origin")
        must(len(set(self.payloads)) == len(self.payloads), "twice")
        times = [entry["time"] for entry in self.entries]
        must(times == sorted(times), "time")
        for before, item, entry in zip(
            [None, *self.bundle["entries"]], self.bundle["entries"], self.entries, strict=False
        ):
            text = json.dumps(entry, separators=(",", ":"))
            must(text == item["bytes"], "form")
            if before is None or before["seq"] == item["seq"] - 1:
                previous = sha(b"\0" + before["bytes"].encode()).hex() if before else "0" * 64
                must(entry["prev"] == previous, "chain")

    def folios(self) -> None:
        whole = {line["id"] for entry in self.entries for line in entry["folios"] if line["n"] == 1}
        seen: dict[str, tuple[int, int | None]] = {}
        for entry, statement, payload in zip(self.entries, self.statements, self.payloads, strict=True):
            must(whole & {line["id"] for line in entry["folios"]}, "stands on no folio")
            for folio, count in statement.get("expect", {}).items():
                must(folio not in whole or count == len(self.shown.get(folio, [])), "expect")
            for line in entry["folios"]:
                number, newest = seen.get(line["id"], (0, None))
                if line["id"] in whole or line["n"] == number + 1:
                    must((line["n"], line["prev"]) == (number + 1, newest), "folio")
                else:
                    must(line["n"] > number and (newest or -1) < line["prev"] < entry["seq"], "folio")
                if line["n"] == 1 and line["id"].startswith("ast_"):
                    made = _milliseconds(statement["at"]).to_bytes(6, "big") + sha(payload)[:10]
                    must(line["id"] == "ast_" + base32(made), "asset")
                seen[line["id"]] = (line["n"], entry["seq"])
                if line["id"] in whole:
                    self.shown.setdefault(line["id"], []).append(entry["seq"])

    def names(self) -> None:
        for entry, statement in zip(self.entries, self.statements, strict=True):
            wanted = {statement["by"], *statement.get("with", []), *([statement["for"]] if "for" in statement else [])}
            body, lines = statement["body"], [line["id"] for line in entry["folios"]]
            if any(line.startswith("ast_") and line in self.shown for line in lines):
                wanted |= {line for line in lines if line.startswith("pty_")}
                wanted |= {claim["party"] for claim in body.get("claims", [])} | (
                    {body["to"]} if "to" in body else set()
                )
                inputs = [item for source in body.get("sources", []) for item in source.get("inputs", [])]
                wanted |= {item["asset"] for item in inputs if "asset" in item}
            must(wanted <= set(self.shown), "named")

    def signatures(self, signatures: Any, statement: Any, payload: bytes) -> None:
        body, act = statement["body"], statement["act"]
        added = {"party.register": lambda: body["keys"], "log.open": lambda: body["registrar"]["keys"]}.get(act, list)()
        proofs = [*added[1:], *([body["clerk"], *body["seal_keys"]] if act == "log.open" else [])]
        for key in added:
            public = unpadded(key["public"])
            self.keys["key_" + base32(sha(public)[:16])] = (statement["by"], key["alg"], public)
        must(len(signatures) == 1 + len(statement.get("with", [])) + len(proofs), "count")
        kind = "application/vnd.sanquan.statement.v1+json"
        message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
        for place, signature in enumerate(signatures):
            if place == 0:
                party, alg, public = self.keys[signature["keyid"]]
                must(party == statement["by"], "key of another")
            else:
                alg, public = proofs[place - 1]["alg"], unpadded(proofs[place - 1]["public"])
            must(signature["keyid"] == "key_" + base32(sha(public)[:16]), "key")
            verify(alg, public, message, base64.b64decode(signature["sig"]))
        if act == "key.revoke":
            del self.keys[body["key"]]

    def around(self) -> None:
        rulebooks = self.bundle["rulebooks"]
        must(all(sha(text.encode()).hex() == digest for digest, text in rulebooks.items()), "rulebook")
        must(self.statements[0]["body"]["rulebook_sha256"] in rulebooks, "rulebook")
        must(not self.bundle.get("disclosures"), "nothing in these entries is confidential")
        subject = self.bundle.get("subject")
        must(
            subject in self.shown or (subject is None and any(name.startswith("ast_") for name in self.shown)),
            "subject",
        )


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
