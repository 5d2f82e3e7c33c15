"""Every lie, who refuses it and by which name. `docs/threat-model.md` shows the same table.

`client`: the code of the SDK's `TrustError`, or `TransportError` where there is no answer to speak of. `auditor`: the
code of the first finding. `None`: nobody who has only the answers can tell; `why` says so.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from ledger.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from ledger.entry import Entry, parse_entry
from ledger.instants import format_instant, parse_instant
from ledger.keys import KeySigner
from ledger.merkle import consistency_path, inclusion_path, leaf_hash, root
from ledger.note import parse_note
from ledger.proof import TlogProof, format_proof, parse_proof
from ledger.statement import Envelope, EnvelopeSignature
from ledger.tiles import encode_bundle
from tests.hostile.liar import Asked, Tell, Told
from tests.hostile.world import COMMON, ORIGIN, SIZE, World
from tests.ledger.logs import files_of, rewrite
from tests.ledger.support import Nodes, flip

SENT = SIZE - 1
"""The entry whose statement the client sends again: it has not seen it in the log."""
NOTE = "text/plain; charset=utf-8"
BUNDLE, TILE = f"/tile/entries/000.p/{SIZE}", f"/tile/0/000.p/{SIZE}"


@dataclass(frozen=True)
class Lie:
    """`words` are those of the table."""

    words: str
    tell: Callable[[World], Tell]
    client: str | None
    auditor: str | None
    why: str = ""

    @property
    def name(self) -> str:
        return self.tell.__name__


LIES: list[Lie] = []


def lie(words: str, *, client: str | None, auditor: str | None, why: str = "") -> Callable[[Any], Any]:
    def kept(tell: Callable[[World], Tell]) -> Callable[[World], Tell]:
        LIES.append(Lie(words, tell, client, auditor, why))
        return tell

    return kept


def _altered(world: World, alter: Callable[[Asked, Told], Told]) -> Tell:
    """The truth, with what `alter` makes of it."""
    return lambda asked: alter(asked, world.ask["truth"](asked))


def _at(world: World, path: str, body: Callable[[bytes], bytes]) -> Tell:
    """The truth, but at one path."""
    return _altered(world, lambda asked, told: told.but(body(told.body)) if asked.path == path else told)


def _as_json(path: str, change: Callable[[dict[str, Any]], None], method: str = "GET") -> Callable[[World], Tell]:
    """The truth, with one JSON answer changed."""

    def alter(asked: Asked, told: Told) -> Told:
        if not asked.path.startswith(path) or asked.method != method or told.status >= 300:
            return told
        facts = json.loads(told.body)
        change(facts)
        return told.but(json.dumps(facts).encode())

    return lambda world: _altered(world, alter)


def _entries(world: World) -> list[bytes]:
    bundle = world.ask["truth"](Asked("GET", BUNDLE, {}, {}, b"")).body
    datas, at = [], 0
    while at < len(bundle):
        size = int.from_bytes(bundle[at : at + 2], "big")
        datas.append(bundle[at + 2 : at + 2 + size])
        at += 2 + size
    return datas


def _signed(world: World, datas: Sequence[bytes]) -> Tell:
    """A log of these entries, signed with the log's own keys, with all the proofs that it has."""
    leaves = [leaf_hash(data) for data in datas]
    note = sign_checkpoint(Checkpoint(ORIGIN, len(datas), root(leaves)), world.signers, 1)
    files, nodes = files_of(datas, note), Nodes(leaves)

    def receipt(told: Told) -> Told:
        facts = json.loads(told.body)
        index = facts["seq"]
        proof = format_proof(TlogProof(index, tuple(inclusion_path(index, len(datas), nodes)), note))
        time = format_instant(parse_entry(datas[index]).time)
        return told.but(json.dumps(facts | {"leaf_hash": leaves[index].hex(), "proof": proof, "time": time}).encode())

    def tell(asked: Asked) -> Told:
        data = files.get(asked.path.removeprefix("/"))
        if data is not None:
            return Told(data)
        if asked.path == "/v1/log/consistency":
            path = consistency_path(int(asked.query["from"]), int(asked.query["to"]), nodes)
            return Told(json.dumps({"hashes": [each.hex() for each in path]}).encode())
        if asked.path == "/v1/log/inclusion":
            index = int(asked.query["seq"])
            path = inclusion_path(index, len(datas), nodes)
            return Told(format_proof(TlogProof(index, tuple(path), note)).encode(), media_type=NOTE)
        if asked.path.startswith("/v1/entries/"):
            return Told(datas[int(asked.path.rpartition("/")[2])])
        if asked.method == "POST":
            return receipt(world.ask["truth"](asked))
        return world.ask["truth"](asked)

    return tell


def _changed(world: World, position: int, change: Callable[[Entry], Entry]) -> Tell:
    """One entry is another, what is behind it chained to it, and all of it signed."""
    return _signed(world, rewrite(_entries(world), position, change))


# Whole histories


@lie("signs another history than the one seen", client="history_rewritten", auditor="history_rewritten")
def fork(world: World) -> Tell:
    return world.ask["fork"]


@lie("leaves an entry out of history and signs anew", client="history_rewritten", auditor="history_rewritten")
def rewritten(world: World) -> Tell:
    return world.ask["rewritten"]


@lie("forks after a while: the true checkpoint first, then another history", client="history_rewritten", auditor=None,
     why="an auditor reads one checkpoint and what it commits to; the next audit, or `--known`, sees it")  # fmt: skip
def fork_after_a_while(world: World) -> Tell:
    def tell(asked: Asked) -> Told:
        is_later = asked.path in ("/v1/log/inclusion", "/v1/statements") or asked.path.startswith("/v1/entries")
        return world.ask["fork" if is_later else "truth"](asked)

    return tell


@lie("shows the log as it was (truncates, serves a stale head)", client="entries_lost", auditor="entries_lost")
def old(world: World) -> Tell:
    return world.ask["old"]


@lie("replays an old checkpoint before a longer log", client="entries_lost", auditor="entries_lost")
def old_checkpoint(world: World) -> Tell:
    return lambda asked: world.ask["old" if asked.path == "/checkpoint" else "truth"](asked)


@lie("ships its own keys and a log signed with them", client="keys_changed", auditor="checkpoint_signature")
def own_keys(world: World) -> Tell:
    return world.ask["impostor"]


@lie("shows the right keys and signs with its own", client="checkpoint_signature", auditor="checkpoint_signature")
def other_signatures(world: World) -> Tell:
    return lambda asked: world.ask["truth" if asked.path.startswith("/.well-known") else "impostor"](asked)


@lie("shows a key of its own beside the right ones and signs with it", client="checkpoint_signature",
     auditor="checkpoint_signature")  # fmt: skip
def a_key_beside(world: World) -> Tell:
    def tell(asked: Asked) -> Told:
        told = world.ask["impostor"](asked)
        if not asked.path.startswith("/.well-known"):
            return told
        both, own = json.loads(world.ask["truth"](asked).body), json.loads(told.body)
        return told.but(json.dumps(both | {"log_keys": both["log_keys"] + own["log_keys"]}).encode())

    return tell


# Heads and proofs


@lie("changes the size in the checkpoint", client="checkpoint_signature", auditor="checkpoint_signature")
def another_size(world: World) -> Tell:
    return _at(world, "/checkpoint", lambda note: note.replace(b"\n%d\n" % SIZE, b"\n%d\n" % (SIZE + 1), 1))


@lie("changes a signature of the checkpoint", client="checkpoint_signature", auditor="checkpoint_signature")
def another_signature(world: World) -> Tell:
    return _at(world, "/checkpoint", lambda note: note[:-40] + (b"A" if note[-40:-39] != b"A" else b"B") + note[-39:])


@lie("answers something that is no checkpoint", client="checkpoint_form", auditor="checkpoint_form")
def no_checkpoint(world: World) -> Tell:
    return _at(world, "/checkpoint", lambda _: b"all is well\n")


@lie("proves the consistency of something else", client="history_rewritten", auditor=None,
     why="an auditor asks for no proof: it computes the roots from the entries")  # fmt: skip
def another_consistency(world: World) -> Tell:
    return _as_json("/v1/log/consistency", lambda facts: facts.update(hashes=[each[::-1] for each in facts["hashes"]]))(
        world
    )


@lie("sends a consistency proof that cannot be read", client="TransportError", auditor=None, why="as above")
def malformed_consistency(world: World) -> Tell:
    return _as_json("/v1/log/consistency", lambda facts: facts.update(hashes=["zz", None]))(world)


@lie("says that it knows nothing of the size seen before", client="entries_lost", auditor=None, why="as above")
def no_consistency(world: World) -> Tell:
    body = json.dumps({"status": 503, "code": "BEHIND", "title": "Behind", "detail": "Not here yet."}).encode()

    def alter(asked: Asked, told: Told) -> Told:
        return Told(body, 503, "application/problem+json") if asked.path == "/v1/log/consistency" else told

    return _altered(world, alter)


# Entries


@lie("changes a byte of an entry", client="entry_changed", auditor="entry_changed")
def changed_byte(world: World) -> Tell:
    datas = _entries(world)
    datas[3] = flip(datas[3], 8 * 400)

    def tell(asked: Asked) -> Told:
        if asked.path == "/v1/entries/3":
            return Told(datas[3])
        return Told(encode_bundle(datas)) if asked.path == BUNDLE else world.ask["truth"](asked)

    return tell


@lie("swaps two entries", client="entry_changed", auditor="entry_changed")
def swapped(world: World) -> Tell:
    datas = _entries(world)
    datas[3], datas[4] = datas[4], datas[3]

    def tell(asked: Asked) -> Told:
        if asked.path in ("/v1/entries/3", "/v1/entries/4"):
            return Told(datas[int(asked.path[-1])])
        return Told(encode_bundle(datas)) if asked.path == BUNDLE else world.ask["truth"](asked)

    return tell


@lie("shows one entry, with its own proof, as another", client="entry_position", auditor=None,
     why="a log has one place for each entry; in the files it would be the lie above")  # fmt: skip
def another_position(world: World) -> Tell:
    def tell(asked: Asked) -> Told:
        if asked.path == "/v1/entries/3":
            return world.ask["truth"](asked.of("/v1/entries/4"))
        if asked.path == "/v1/log/inclusion" and asked.query.get("seq") == "3":
            return world.ask["truth"](asked.of(asked.path, seq="4"))
        return world.ask["truth"](asked)

    return tell


@lie("swaps two entries and signs anew", client="history_rewritten", auditor="entry_position")
def swapped_and_signed(world: World) -> Tell:
    datas = _entries(world)
    datas[3], datas[4] = datas[4], datas[3]
    return _signed(world, datas)


@lie("drops an entry, keeps the rest as it is, signs anew", client="history_rewritten", auditor="entry_position")
def dropped_and_signed(world: World) -> Tell:
    datas = _entries(world)
    return _signed(world, datas[:3] + datas[4:] + datas[-1:])


@lie("back-dates an entry and signs anew", client="history_rewritten", auditor="time_backwards")
def back_dated(world: World) -> Tell:
    return _changed(world, 4, lambda entry: replace(entry, time=entry.time - timedelta(days=1)))


@lie("numbers a line of a folio twice and signs anew", client="history_rewritten", auditor="folio_gap")
def folio_twice(world: World) -> Tell:
    def again(entry: Entry) -> Entry:
        return replace(entry, folios=tuple(replace(line, number=1, previous=None) for line in entry.folios))

    return _changed(world, 5, again)


@lie("enters a statement once more and signs anew", client="history_rewritten", auditor="statement_twice")
def entered_twice(world: World) -> Tell:
    datas = _entries(world)
    envelope = parse_entry(datas[3]).envelope
    return _changed(world, 4, lambda entry: replace(entry, envelope=envelope))


@lie("changes a statement under its signature and signs anew", client="history_rewritten", auditor="SIGNATURE_INVALID")
def changed_statement(world: World) -> Tell:
    def change(entry: Entry) -> Entry:
        payload = entry.envelope.payload.replace("停车".encode(), "行车".encode())
        assert payload != entry.envelope.payload
        return replace(entry, envelope=Envelope(payload, entry.envelope.signatures))

    return _changed(world, 3, change)


@lie("signs in the name of a party with another key", client="history_rewritten", auditor="SIGNATURE_INVALID")
def signed_for_a_party(world: World) -> Tell:
    def change(entry: Entry) -> Entry:
        other = KeySigner.generate().sign(entry.envelope.signed_bytes())
        signatures = (EnvelopeSignature(entry.envelope.signatures[0].key, other),)
        return replace(entry, envelope=Envelope(entry.envelope.payload, signatures))

    return _changed(world, 3, change)


# Receipts. The client submits entry SENT's statement again and must get the receipt that it got before.


def _receipt(change: Callable[[dict[str, Any]], None]) -> Callable[[World], Tell]:
    return _as_json("/v1/statements", change, "POST")


def _old_receipt(world: World) -> dict[str, Any]:
    statement = parse_entry(_entries(world)[2]).envelope.digest().hex()
    facts: dict[str, Any] = json.loads(
        world.ask["truth"](Asked("GET", f"/v1/statements/{statement}", {}, {}, b"")).body
    )
    receipt: dict[str, Any] = facts["receipt"]
    return receipt


@lie("replays an old receipt for a new statement", client="receipt_invalid", auditor=None, why="the receipt is true")
def old_receipt(world: World) -> Tell:
    return _receipt(lambda facts: facts.update(_old_receipt(world)))(world)


@lie("dresses an old receipt up as that of a new statement", client="receipt_invalid", auditor=None,
     why="what it proves is true")  # fmt: skip
def dressed_receipt(world: World) -> Tell:
    return _receipt(lambda facts: facts.update(_old_receipt(world) | {"statement": facts["statement"]}))(world)


@lie("gives a receipt of another history", client="history_rewritten", auditor=None,
     why="with `--known` and that receipt: `history_rewritten`")  # fmt: skip
def receipt_of_a_fork(world: World) -> Tell:
    forged = _changed(world, 4, lambda entry: replace(entry, time=entry.time + timedelta(milliseconds=1)))
    was_sent = []

    def tell(asked: Asked) -> Told:
        was_sent.append(asked.method == "POST")
        return forged(asked) if any(was_sent) else world.ask["truth"](asked)

    return tell


@lie("signs a receipt with its own keys", client="checkpoint_signature", auditor=None,
     why="with `--known` and that receipt: `known_signature`")  # fmt: skip
def receipt_under_other_keys(world: World) -> Tell:
    def change(facts: dict[str, Any]) -> None:
        proof = parse_proof(facts["proof"])
        checkpoint = parse_checkpoint(parse_note(proof.checkpoint).text)
        note = sign_checkpoint(checkpoint, [KeySigner.generate()], 0)
        facts["proof"] = format_proof(TlogProof(proof.index, proof.path, note))

    return _receipt(change)(world)


@lie("proves another entry in a receipt", client="receipt_invalid", auditor=None,
     why="with `--known` and that receipt: `receipt_invalid`")  # fmt: skip
def receipt_of_another_entry(world: World) -> Tell:
    return _receipt(lambda facts: facts.update(proof=_old_receipt(world)["proof"]))(world)


@lie("back-dates a receipt", client="receipt_invalid", auditor=None, why="only position and hash are compared")
def back_dated_receipt(world: World) -> Tell:
    def change(facts: dict[str, Any]) -> None:
        facts["time"] = format_instant(parse_instant(facts["time"]) - timedelta(hours=1))

    return _receipt(change)(world)


@lie("enters a statement under a time that is not its own", client="receipt_invalid", auditor="AT_STALE",
     why="the client judges the times of its own statements, the auditor those of all")  # fmt: skip
def late_entry(world: World) -> Tell:
    return _changed(world, SENT, lambda entry: replace(entry, time=entry.time + timedelta(days=30)))


@lie("names other objects in a receipt than the statement makes", client="receipt_invalid", auditor=None,
     why="identifiers follow from the statement")  # fmt: skip
def other_objects(world: World) -> Tell:
    return _receipt(lambda facts: facts["ids"].pop())(world)


# Tiles and bundles, which clients do not read


_FILES = "clients ask for proofs, not for tiles"


@lie("cuts a tile", client=None, auditor="entry_changed", why=_FILES)
def cut_tile(world: World) -> Tell:
    return _at(world, TILE, lambda data: data[:-32])


@lie("changes a hash in a tile", client=None, auditor="entry_changed", why=_FILES)
def changed_tile(world: World) -> Tell:
    return _at(world, TILE, lambda data: flip(data, 32 * 8 * 4))


@lie("serves the tile of another history", client=None, auditor="entry_changed", why=_FILES)
def tile_of_a_fork(world: World) -> Tell:
    return lambda asked: world.ask["fork" if asked.path == TILE else "truth"](asked)


@lie("leaves a tile out", client=None, auditor="unreadable", why=_FILES)
def missing_tile(world: World) -> Tell:
    return _altered(world, lambda asked, told: Told(status=404) if asked.path.startswith("/tile/0/") else told)


@lie("cuts a bundle inside an entry", client=None, auditor="bundle_truncated", why=_FILES)
def cut_bundle(world: World) -> Tell:
    return _at(world, BUNDLE, lambda data: data[:-7])


@lie("leaves the last entry out of a bundle", client=None, auditor="bundle_truncated", why=_FILES)
def short_bundle(world: World) -> Tell:
    return _at(world, BUNDLE, lambda _: encode_bundle(_entries(world)[:-1]))


@lie("adds an entry to a bundle", client=None, auditor="bundle_too_long", why=_FILES)
def long_bundle(world: World) -> Tell:
    return _at(world, BUNDLE, lambda _: encode_bundle([*_entries(world), b"{}"]))


@lie("serves the bundle of another history", client=None, auditor="entry_changed", why=_FILES)
def bundle_of_a_fork(world: World) -> Tell:
    return lambda asked: world.ask["fork" if asked.path == BUNDLE else "truth"](asked)


@lie("serves other bytes for a rulebook", client="content_changed", auditor="INVALID_VALUE")
def other_rulebook(world: World) -> Tell:
    return _altered(
        world, lambda asked, told: told.but(told.body + b"\n") if asked.path.startswith("/v1/rulebooks/") else told
    )


# Answers that are none


@lie("answers 500 to everything", client="TransportError", auditor="unreadable")
def faults(_: World) -> Tell:
    return lambda asked: Told(b"oops", 500, NOTE)


@lie("answers garbage to everything", client="TransportError", auditor="checkpoint_form")
def garbage(_: World) -> Tell:
    return lambda asked: Told(bytes(range(128)) * 8)


@lie("never ends an answer", client="TransportError", auditor="unreadable")
def endless(world: World) -> Tell:
    return _altered(world, lambda asked, told: Told(endless=True) if asked.path == "/checkpoint" else told)


@lie("never ends a file", client=None, auditor="unreadable", why=_FILES)
def endless_file(world: World) -> Tell:
    return _altered(world, lambda asked, told: Told(endless=True) if asked.path.startswith("/tile/") else told)


# Views, lists and answers


@lie("leaves an entry out of an asset's history", client="folio_gap", auditor=None,
     why="an auditor reads the entries themselves")  # fmt: skip
def history_with_a_hole(world: World) -> Tell:
    return _as_json(f"/v1/assets/{world.asset}/history", lambda facts: facts["items"].pop(0))(world)


@lie("leaves the newest entry out of an asset's history", client=None, auditor=None,
     why="nothing in this version proves what comes last: an audit, or a client that keeps the entries")  # fmt: skip
def history_without_its_end(world: World) -> Tell:
    return _as_json(f"/v1/assets/{world.asset}/history", lambda facts: facts["items"].pop())(world)


@lie(
    "leaves an entry out of the evidence of an asset",
    client="evidence_invalid",
    auditor=None,
    why="it reads the entries themselves",
)
def evidence_with_a_hole(world: World) -> Tell:
    def change(facts: dict[str, Any]) -> None:
        for parts in (facts["entries"], facts["proofs"]):
            parts.pop(2)

    return _as_json(f"/v1/assets/{world.asset}/evidence", change)(world)


@lie("gives evidence of an older size", client="entries_lost", auditor=None, why="it reads the entries themselves")
def old_evidence(world: World) -> Tell:
    path = f"/v1/assets/{world.asset}/evidence"
    return lambda asked: world.ask["old" if asked.path == path else "truth"](asked)


@lie(
    "gives evidence of another history", client="history_rewritten", auditor=None, why="it reads the entries themselves"
)
def evidence_of_a_fork(world: World) -> Tell:
    path = f"/v1/assets/{world.asset}/evidence"
    return lambda asked: world.ask["fork" if asked.path == path else "truth"](asked)


@lie(
    "leaves an asset out of a list",
    client=None,
    auditor=None,
    why="lists carry no proof; an audit replays the register",
)
def list_without_an_asset(world: World) -> Tell:
    return _as_json("/v1/assets", lambda facts: facts.get("items", [0]).pop())(world)


@lie("denies what is allowed", client=None, auditor=None, why="an answer carries no proof; a replay computes it")
def wrong_answer(world: World) -> Tell:
    return _as_json("/v1/check", lambda facts: facts.update(decision=False, status="DENIED"))(world)


@lie("answers a check from an older state", client="entries_lost", auditor=None, why="it reads no answers")
def stale_answer(world: World) -> Tell:
    return _as_json("/v1/check", lambda facts: facts["evaluated"].update(size=COMMON))(world)


@lie("answers a check for another time than asked", client="answer_changed", auditor=None, why="as above")
def answer_for_another_time(world: World) -> Tell:
    return _as_json("/v1/check", lambda facts: facts["evaluated"].update(at="2020-01-01T00:00:00.000Z"))(world)


@lie("answers a check from another log", client="origin_mismatch", auditor=None, why="as above")
def answer_of_another_log(world: World) -> Tell:
    return _as_json("/v1/check", lambda facts: facts["ledger"].update(origin="other.test"))(world)


@lie("is another log than the one that was at this address", client="origin_mismatch", auditor="origin_mismatch")
def elsewhere(world: World) -> Tell:
    return world.ask["elsewhere"]
