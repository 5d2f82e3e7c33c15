"""Makes `tests/vectors/ledger/evidence/` anew, byte for byte: `python -m tests.ledger.evidence_vector`.

`bundle.json` holds. `cases.json` lists changes of it with the names of the checks that then fail.
"""

import copy
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace as changed

from ledger.checkpoint import log_verifier_keys
from ledger.encoding import format_base64
from ledger.entry import Entry, FolioLine
from ledger.evidence.bundle import Evidence, format_evidence
from ledger.note import format_verifier_key
from ledger.statement import Envelope, EnvelopeSignature
from tests.ledger.evidence_book import A1, A2, FORGER, LOG_KEYS, RULEBOOK, START, B, Base, Book, C, base, party
from tests.ledger.support import ORIGIN, VECTORS

FOLDER = VECTORS / "evidence"
Patch = list[dict[str, Any]]
"""RFC 6902 operations."""


class Case(NamedTuple):
    """What is done to the bundle, the checks that then fail, and why they do or do not."""

    name: str
    patch: Patch
    fails: list[str]
    why: str


class Places:
    """Where in the bundle what stands, and patches of it."""

    def __init__(self, bundle: Any) -> None:
        self.entries, self.proofs = bundle["entries"], bundle["proofs"]
        self.checkpoint = bundle["checkpoint"]
        self.rulebook = "/rulebooks/" + next(iter(bundle["rulebooks"]))
        self._at = {entry["seq"]: number for number, entry in enumerate(self.entries)}
        self.raw, self.grant, self.derived, self.attached = (self._at[seq] for seq in (5, 7, 9, 11))

    def left_out(self, *seqs: int) -> Patch:
        """Without these entries and their paths."""
        places = sorted((self._at[seq] for seq in seqs), reverse=True)
        return [{"op": "remove", "path": f"/{what}/{at}"} for at in places for what in ("entries", "proofs")]

    def text(self, place: int, old: str, new: str) -> Patch:
        """The entry at a place with other text."""
        assert old in self.entries[place]["bytes"]
        return put(f"/entries/{place}/bytes", self.entries[place]["bytes"].replace(old, new))


def put(path: str, value: Any) -> Patch:
    return [{"op": "replace", "path": path, "value": value}]


def insert(path: str, value: Any) -> Patch:
    return [{"op": "add", "path": path, "value": value}]


def remove(path: str) -> Patch:
    return [{"op": "remove", "path": path}]


def harmless(at: Places) -> list[Case]:
    asked = insert("/question", {"party": party(B)}) + insert("/answer", {"decision": True})
    return [
        Case("unknown_member", insert("/x", {"note": 1}), [], "members that are not known are passed over"),
        Case("no_subject", remove("/subject"), [], "what it is about follows from the entries"),
        Case("no_log_keys", put("/log_keys", []), [], "they are a hint"),
        Case("newest_line_left_out", at.left_out(11), [], "it holds, and shows one line less of the asset's folio"),
        Case("question", asked, [], "carried, not replayed: the verifier says so"),
    ]


def left_out(at: Places) -> list[Case]:
    return [
        Case("line_left_out", at.left_out(7), ["folios"], "the second of three lines of a folio is missing"),
        Case("input_left_out", at.left_out(5, 7, 8), ["named"], "the folio of what the asset was made from is missing"),
        Case("asset_left_out", at.left_out(9), ["folios", "subject"], "the first line of the asset's folio is missing"),
        Case("signer_left_out", at.left_out(2, 4), ["named", "signatures"], "the folio of a party that signs is missing"),
        Case("opening_left_out", at.left_out(0), ["origin", "named", "signatures"], "the registrar's folio is missing"),
        Case("seen_line_left_out", at.left_out(4), ["expectations"], "the newest line of a party's folio is missing, which an author saw"),
    ]  # fmt: skip


def of_entries(at: Places) -> list[Case]:
    raw, texts = at.raw, [entry["bytes"] for entry in at.entries]
    flipped = at.text(raw, '"payload":"eyJhY3', '"payload":"eyJhY2')
    swapped = put(f"/entries/{at.grant}/bytes", texts[at.derived]) + put(
        f"/entries/{at.derived}/bytes", texts[at.grant]
    )
    return [
        Case("byte_flipped", flipped, ["inclusion", "entries"], "one character of an entry is another"),
        Case("time_changed", at.text(at.attached, "06:11:01", "06:11:02"), ["inclusion"], "an entry says another time; only the tree tells"),
        Case("swapped", swapped, ["inclusion", "entries"], "two entries have changed places"),
        Case("seq_changed", put(f"/entries/{raw}/seq", 6), ["inclusion", "entries"], "an entry is said to stand elsewhere"),
        Case("proof_of_another", put(f"/proofs/{raw}", at.proofs[at.grant]), ["inclusion"], "the path is that of another entry"),
        Case("proof_too_long", insert(f"/proofs/{raw}/0", at.proofs[raw][0]), ["inclusion"], "the path has a hash too many"),
        Case("proof_too_short", remove(f"/proofs/{raw}/0"), ["inclusion"], "the path has a hash too few"),
    ]  # fmt: skip


def of_what_is_around(log: Base, at: Places) -> list[Case]:
    forged = Book(list(log.book.entries), list(log.book.datas))
    forged.add(log.last(), [log.derived])
    by_forger = put("/checkpoint", forged.checkpoint(FORGER))
    forger_key = format_verifier_key(log_verifier_keys(ORIGIN, [FORGER])[0])
    larger = put("/checkpoint", at.checkpoint.replace("\n12\n", "\n13\n"))
    return [
        Case("other_checkpoint_key", by_forger, ["checkpoint"], "the checkpoint is signed by another key"),
        Case("forgers_log_keys", by_forger + put("/log_keys", [forger_key]), ["checkpoint"],
             "the same, and the bundle brings that key itself: what it brings is never trusted"),
        Case("size_changed", larger, ["checkpoint", "inclusion"], "the size under the signature is another"),
        Case("origin_changed", put("/origin", "registry.example/log2"), ["checkpoint", "origin"], "it calls itself one of another log"),
        Case("subject_changed", put("/subject", "ast_" + "0" * 26), ["subject"], "it is said to be about what it does not show"),
        Case("rulebook_changed", put(at.rulebook, RULEBOOK + " "), ["rulebooks"], "the text is not that of its digest"),
        Case("rulebook_left_out", put("/rulebooks", {}), ["rulebooks"], "an adopted rulebook is missing"),
        Case("disclosure_of_nothing", insert("/disclosures", ["WyJhIl0"]), ["disclosures"], "it opens no digest of these entries"),
    ]  # fmt: skip


def of_form(at: Places) -> list[Case]:
    raw, newest = at.raw, at.attached
    twice = insert("/entries/-", at.entries[newest]) + insert("/proofs/-", at.proofs[newest])
    descending = put(f"/entries/{at.grant}", at.entries[at.derived]) + put(
        f"/entries/{at.derived}", at.entries[at.grant]
    )
    return [
        Case("other_format", put("/format", "sanquan-evidence/2"), ["form"], "another version"),
        Case("proof_missing", remove(f"/proofs/{newest}"), ["form"], "an entry without a path"),
        Case("proof_surplus", insert("/proofs/-", at.proofs[raw]), ["form"], "a path without an entry"),
        Case("entry_twice", twice, ["form"], "an entry stands there twice"),
        Case("descending", descending, ["form"], "entries do not ascend"),
        Case("hash_without_padding", put(f"/proofs/{raw}/0", at.proofs[raw][0].rstrip("=")), ["form"], "base64 without padding"),
        Case("hash_too_short", put(f"/proofs/{raw}/0", format_base64(bytes(31))), ["form"], "a hash of 31 bytes"),
        Case("no_entries", put("/entries", []) + put("/proofs", []), ["form"], "nothing is there"),
    ]  # fmt: skip


Wrong = dict[str, tuple[Evidence, list[str], str]]


def wrongly_signed(log: Base) -> Wrong:
    """The last entry is not signed as it must be, and the log signed all the same."""
    plain = log.last([B])
    turned = bytearray(plain.signatures[0].value)
    turned[40] ^= 1
    wrong = Envelope(plain.payload, (EnvelopeSignature(plain.signatures[0].key, bytes(turned)),))
    revoked = log.last([A2], by=party(A1), expect={})
    return {
        "revoked_key": (log.bundle(revoked, [log.raw]), ["signatures"], "signed by a key that was revoked before"),
        "foreign_key": (log.bundle(log.last([C], by=party(B))), ["signatures"], "signed by a key of another party"),
        "unknown_key": (log.bundle(log.last([FORGER], by=party(B))), ["signatures"], "signed by a key that nobody added"),
        "signature_wrong": (log.bundle(wrong), ["signatures"], "the signature does not verify"),
        "signature_missing": (log.bundle(Envelope(plain.payload, ())), ["signatures"], "nobody has signed"),
        "signature_surplus": (log.bundle(log.last([B, A1])), ["signatures"], "one more has signed than the statement names"),
    }  # fmt: skip


def wrongly_placed(log: Base) -> Wrong:
    """The last entry does not continue the log, and the log signed all the same."""

    def line(**change: Any) -> Callable[[Entry], Entry]:
        return lambda entry: changed(entry, folios=tuple(changed(each, **change) for each in entry.folios))

    def other(**change: Any) -> Callable[[Entry], Entry]:
        return lambda entry: changed(entry, **change)

    def elsewhere(previous: int) -> Callable[[Entry], Entry]:
        also = FolioLine("ast_7" + "z" * 25, 3, previous)
        return lambda entry: changed(entry, folios=(*entry.folios, also))

    nobodys = log.raw[:-1] + ("0" if log.raw[-1] != "0" else "1")
    return {
        "folio_number": (log.bundle(change=line(number=3)), ["folios"], "the folio's line 2 calls itself line 3"),
        "folio_previous": (log.bundle(change=line(previous=7)), ["folios"], "the folio's line names another line before it"),
        "folio_begins_again": (log.bundle(change=line(number=1, previous=None)), ["folios"], "the folio has a second line 1"),
        "folio_not_shown": (log.bundle(change=elsewhere(6)), [], "it stands on a second folio, which need not be shown"),
        "folio_not_shown_previous": (log.bundle(change=elsewhere(11)), ["folios"], "there it is said to follow itself"),
        "folio_of_another": (log.bundle(log.last(expect={}), [nobodys]), ["folios"],
                             "an asset's folio begins with a statement that does not make it"),
        "other_log": (log.bundle(log.last(log="registry.example/log2")), ["origin"], "a statement made for another log"),
        "chain": (log.bundle(change=other(previous=bytes(32))), ["chain"], "the chain of two neighbours is broken"),
        "time": (log.bundle(change=other(time=START)), ["chain", "signatures"], "time goes backwards"),
        "statement_twice": (log.bundle(log.book.entries[9].envelope), ["statements"], "a statement stands there twice"),
        "expectation": (log.bundle(log.last(expect={party(B): 3})), ["expectations"],
                        "its author saw a line more of a folio than there is"),
    }  # fmt: skip


def as_patch(bundle: Any, evidence: Evidence) -> Patch:
    """What makes a bundle of the log with another last entry from that of the right one."""
    other = json.loads(format_evidence(evidence))
    patch = put("/entries/9", other["entries"][9]) + put("/proofs", other["proofs"])
    patch += put("/checkpoint", other["checkpoint"])
    assert patched(bundle, patch) == other
    return patch


def made() -> dict[str, bytes]:
    """The files by name."""
    log = base()
    bundle = format_evidence(log.bundle())
    value = json.loads(bundle)
    at = Places(value)
    cases = [*harmless(at), *left_out(at), *of_entries(at), *of_what_is_around(log, at), *of_form(at)]
    for name, (evidence, fails, why) in (wrongly_signed(log) | wrongly_placed(log)).items():
        cases.append(Case(name, as_patch(value, evidence), fails, why))
    shown = [{"name": case.name, "fails": case.fails, "why": case.why, "patch": case.patch} for case in cases]
    table = {"keys": LOG_KEYS[:1], "bundle": "bundle.json", "cases": shown}
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
