"""A client that knows only the contract: hashlib, json, base64, httpx and one Ed25519 implementation.

Nothing of this repository is imported but to start the server. What this file computes is what any stranger computes.
"""

import base64
import hashlib
import json
import os
from datetime import UTC, datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.api.live import Live

TYPE = "application/vnd.sanquan.statement.v1+json"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def ulid(bits: bytes) -> str:
    number = int.from_bytes(bits, "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def made(prefix: str, payload: bytes, count: int = 0) -> str:
    at = datetime.fromisoformat(json.loads(payload)["at"])
    milliseconds = round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    name = f"{prefix}_{ulid(milliseconds.to_bytes(6, 'big') + sha(payload)[:10])}"
    return f"{name}_{count}" if count else name


class Stranger:
    """A party with one key."""

    def __init__(self, http: httpx.Client, origin: str) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.bits = ulid(sha(self.public)[:16])
        self.http, self.origin = http, origin

    def payload(self, act: str, body: dict[str, Any]) -> bytes:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        members = {
            "act": act,
            "log": self.origin,
            "by": f"pty_{self.bits}",
            "at": at,
            "nonce": b64url(os.urandom(16)),
            "body": body,
        }
        return json.dumps(members).encode()

    def send(self, payload: bytes) -> dict[str, Any]:
        pae = b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)
        signature = {"keyid": f"key_{self.bits}", "sig": base64.b64encode(self.key.sign(pae)).decode()}
        envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": TYPE, "signatures": [signature]}
        answer = self.http.post("/v1/statements", json=envelope)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt


def node(left: bytes, right: bytes) -> bytes:
    return sha(b"\1" + left + right)


def merkle_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node(merkle_root(leaves[:half]), merkle_root(leaves[half:]))


def climb(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that an inclusion path leads to. RFC 9162, section 2.1.3.2."""
    found, last = leaf, size - 1
    for sibling in path:
        assert last > 0
        if index & 1 or index == last:
            found = node(sibling, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = node(found, sibling)
        index, last = index >> 1, last >> 1
    assert last == 0
    return found


def checkpoint(note: str, vkeys: list[str]) -> tuple[str, int, bytes]:
    """Origin, size and root of a note that the log's Ed25519 key signed."""
    text, signatures = note.split("\n\n", 1)
    origin, size, root = text.split("\n")[:3]
    for vkey in vkeys:
        name, key_hash, encoded = vkey.split("+", 2)
        kind_and_key = base64.b64decode(encoded)
        if kind_and_key[0] != 1:
            continue
        assert name == origin
        assert sha(name.encode() + b"\n" + kind_and_key)[:4].hex() == key_hash
        for line in signatures.splitlines():
            _, signer, encoded_signature = line.split(" ")
            raw = base64.b64decode(encoded_signature)
            if signer == name and raw[:4].hex() == key_hash:
                Ed25519PublicKey.from_public_bytes(kind_and_key[1:]).verify(raw[4:], text.encode() + b"\n")
                return origin, int(size), base64.b64decode(root)
    raise AssertionError("no signature of the log")


def prove(receipt: dict[str, Any], vkeys: list[str]) -> tuple[int, bytes]:
    """The size and root under which a receipt is proven."""
    head, note = receipt["proof"].split("\n\n", 1)
    first, *lines = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    (index,) = (line.removeprefix("index ") for line in lines if line.startswith("index "))
    path = [base64.b64decode(line) for line in lines if not line.startswith(("index ", "extra "))]
    _, size, root = checkpoint(note, vkeys)
    assert int(index) == receipt["seq"]
    assert climb(bytes.fromhex(receipt["leaf_hash"]), receipt["seq"], size, path) == root
    return size, root


def bundle(http: httpx.Client, size: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < size:
        number, width = len(found) // 256, min(256, size - len(found))
        data = http.get(f"/tile/entries/{number:03d}" + (f".p/{width}" if width < 256 else "")).content
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
    return found


def walk(entries: list[bytes]) -> list[bytes]:
    """The leaf hashes of a log whose chain, positions and folios hold."""
    leaves: list[bytes] = []
    folios: dict[str, tuple[int, int]] = {}
    for position, data in enumerate(entries):
        assert data.isascii()
        entry = json.loads(data)
        assert list(entry) == ["v", "seq", "prev", "time", "folios", "statement"]
        assert (entry["v"], entry["seq"]) == (1, position)
        assert entry["prev"] == (leaves[-1].hex() if leaves else "0" * 64)
        assert entry["folios"] == sorted(entry["folios"], key=lambda line: line["id"]) != []
        for line in entry["folios"]:
            number, previous = folios.get(line["id"], (0, None))
            assert (line["n"], line["prev"]) == (number + 1, previous)
            folios[line["id"]] = (number + 1, position)
        leaves.append(sha(b"\0" + data))
    return leaves


FORM = {
    "name": "2026年停车abc", "overview": "车位占用情况。", "form": "raw", "industry": "I65", "region_scope": "city",
    "update_frequency": "daily", "volume": {"records": 10}, "media": ["table"], "structure": "structured",
    "categories": ["enterprise"], "grade": "general", "personal_information": "none",
}  # fmt: skip


def test_the_vectors_of_the_contract() -> None:
    payload = b'{"at":"2026-11-24T05:49:29Z"}'
    assert made("ast", payload) == "ast_01m861m8h8ed7jf9427vqqa0k3"
    assert made("ast", payload, 1) == "ast_01m861m8h8ed7jf9427vqqa0k3_1"
    public = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
    assert "key_" + ulid(sha(public)[:16]) == "key_2p8xdaen338x6051ezbpzjqjnq"


def test_a_stranger_registers_computes_and_verifies_everything(live: Live) -> None:
    http = live.http
    facts = http.get("/.well-known/sanquan").json()
    vkeys, origin = facts["log_keys"], facts["origin"]
    me = Stranger(http, origin)
    keys = [{"alg": "Ed25519", "public": b64url(me.public)}]
    joined = me.send(me.payload("party.register", {"name": "A stranger", "kind": "legal_person", "keys": keys}))
    assert joined["ids"][0]["id"] == f"pty_{me.bits}"
    prove(joined, vkeys)

    source = {"origin": "generated", "basis": "own_operation", "facts": {}}
    claim = {"party": f"pty_{me.bits}", "rights": ["holding", "operating"]}
    payload = me.payload("case.file", {"kind": "initial", "asset": FORM, "sources": [source], "claims": [claim]})
    wanted = [made("ast", payload), made("cas", payload), made("rgt", payload), made("rgt", payload, 1)]
    filed = me.send(payload)
    assert filed["statement"] == sha(payload).hex()
    assert [item["id"] for item in filed["ids"]] == wanted
    assert [item.get("kind") for item in filed["ids"][2:]] == ["holding", "operating"]
    size, root = prove(filed, vkeys)
    assert size == filed["seq"] + 1

    entries = bundle(http, size)
    leaves = walk(entries)
    assert merkle_root(leaves) == root
    assert leaves[filed["seq"]].hex() == filed["leaf_hash"]
    for position, data in enumerate(entries):
        raw = http.get(f"/v1/entries/{position}", headers={"Accept": "application/octet-stream"}).content
        assert raw == data
    mine = json.loads(entries[filed["seq"]])
    assert base64.b64decode(mine["statement"]["payload"]) == payload
    assert (mine["time"], mine["folios"]) == (filed["time"], filed["folios"])
    assert http.get(f"/v1/assets/{wanted[0]}").json()["form"]["name"] == FORM["name"]
    opening = json.loads(base64.b64decode(json.loads(entries[0])["statement"]["payload"]))
    assert opening["body"]["log_keys"] == vkeys

    _, published, published_root = checkpoint(http.get("/checkpoint").text, vkeys)
    assert merkle_root(leaves[:published]) == published_root
