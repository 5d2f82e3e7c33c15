"""Whether a receipt holds: every member that the log commits to, and the identifiers that a client can compute itself.

Position, time and folios stand in the entry, whose hash the signed root commits to. The identifiers follow from the
payload alone (contract section 1). Only `warnings`, and `ids` of acts that file changes, are the registry's own word;
an audit computes them again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.client.errors import TrustError
from api.client.trusted import Keys, TrustedKeys
from ledger.encoding import parse_base64url, parse_hex
from ledger.entry import Entry, FolioLine, format_entry, parse_entry
from ledger.errors import LedgerError, SignatureError
from ledger.identifiers import party_identifier
from ledger.instants import format_instant, parse_instant
from ledger.merkle import leaf_hash
from ledger.proof import parse_proof, verify_proof
from ledger.statement import Envelope, Statement, parse_statement
from registry.judging import NEWEST, oldest_of

Facts = Mapping[str, Any]
ReadEntry = Callable[[int], bytes]
"""Fetches the bytes of an entry."""


def verify_receipt(envelope: Envelope, facts: Facts, keys: Keys, before: Facts | None, read_entry: ReadEntry) -> str:
    """The checkpoint of a receipt that proves what it says of this very payload.

    `before`: a verified receipt; if its entry is the one just before, no entry needs to be fetched.

    Raises:
        TrustError: it does not.
    """
    try:
        if facts["statement"] != envelope.digest().hex():
            raise TrustError("the receipt is for another statement", "receipt_invalid")
        proof = parse_proof(facts["proof"])
        if type(facts["seq"]) is not int or proof.index != facts["seq"]:
            raise TrustError("the receipt's position is not the one that it proves", "receipt_invalid")
        leaf = parse_hex(facts["leaf_hash"])
        verify_proof(proof, leaf, TrustedKeys.of(keys).for_note(proof.checkpoint))
        _check_entry(envelope, facts, leaf, before, read_entry)
        statement = parse_statement(envelope)
        if not -NEWEST <= parse_instant(facts["time"]) - statement.at <= oldest_of(statement):
            raise TrustError("the entry's time is not one at which this statement could be entered", "receipt_invalid")
        _check_ids(statement, facts["ids"])
    except SignatureError as error:
        raise TrustError(f"the receipt does not hold: {error}", "checkpoint_signature") from error
    except (LedgerError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise TrustError(f"the receipt does not hold: {error}", "receipt_invalid") from error
    return proof.checkpoint


def _check_entry(envelope: Envelope, facts: Facts, leaf: bytes, before: Facts | None, read_entry: ReadEntry) -> None:
    """Time, folios and payload are those of the entry that the leaf hash commits to."""
    folios = tuple(FolioLine(line["id"], line["n"], line["prev"]) for line in facts["folios"])
    if before is not None and before["seq"] + 1 == facts["seq"]:
        previous, time = parse_hex(before["leaf_hash"]), parse_instant(facts["time"])
        if leaf_hash(format_entry(Entry(facts["seq"], previous, time, folios, envelope))) == leaf:
            return
    data = read_entry(facts["seq"])
    if leaf_hash(data) != leaf:
        raise TrustError("the registry shows another entry than the receipt proves", "entry_changed")
    entry = parse_entry(data)
    if (entry.envelope.payload, entry.folios) != (envelope.payload, folios):
        raise TrustError("the receipt says something else than its entry", "receipt_invalid")
    if format_instant(entry.time) != facts["time"]:
        raise TrustError("the receipt's time is not that of its entry", "receipt_invalid")


def verified_entry(seq: int, data: bytes, proof_text: str, origin: str, keys: Keys) -> tuple[Entry, str]:
    """The entry that stands at `seq` under a signed root, and the note of that root.

    Raises:
        TrustError: the bytes are no entry, stand elsewhere, are for another log, or the proof does not hold.
    """
    try:
        proof = parse_proof(proof_text)
        verify_proof(proof, leaf_hash(data), TrustedKeys.of(keys).for_note(proof.checkpoint))
        entry = parse_entry(data)
        statement = parse_statement(entry.envelope)
    except LedgerError as error:
        code = "checkpoint_signature" if isinstance(error, SignatureError) else "entry_changed"
        raise TrustError(f"entry {seq} does not hold: {error}", code) from error
    if (proof.index, entry.position) != (seq, seq):
        raise TrustError(f"what the registry shows as entry {seq} stands elsewhere", "entry_position")
    if statement.log != origin:
        raise TrustError(f"what the registry shows as entry {seq} is for another log", "origin_mismatch")
    return entry, proof.checkpoint


def identifiers_of(payload: bytes) -> list[tuple[str, str | None]] | None:
    """What a statement will make, as (identifier, kind of right), in the order of its receipt (contract section 1).

    None for acts of which the payload alone does not tell.

    Raises:
        FormatError: not the payload of a statement.
    """
    return _made(parse_statement(Envelope(payload, ())))


def _check_ids(statement: Statement, ids: Sequence[Mapping[str, str]]) -> None:
    """The identifiers are those that the statement makes, in order."""
    shown = [(made["id"], made.get("kind")) for made in ids]
    if (wanted := _made(statement)) is not None:
        if shown != wanted:
            raise TrustError("the receipt names other objects than the statement makes", "receipt_invalid")
        return
    counts: dict[str, int] = {}
    for identifier, _ in shown:
        prefix = identifier.partition("_")[0]
        number = counts[prefix] = counts.get(prefix, -1) + 1
        if prefix not in ("pty", "key") and identifier != statement.objects().identifier(prefix, number):
            raise TrustError(f"the receipt names {identifier}, which this statement does not make", "receipt_invalid")


def _made(statement: Statement) -> list[tuple[str, str | None]] | None:
    """What the statement makes, where the payload alone says it."""
    body, ids = statement.body, statement.objects()
    match statement.act:
        case "party.register":
            return [(party_identifier(parse_base64url(body["keys"][0]["public"])), None)]
        case "case.file" if body["kind"] == "initial":
            asset = [] if isinstance(body["asset"], str) else [(ids.identifier("ast"), None)]
            kinds = [kind for claim in body["claims"] for kind in claim["rights"]]
            return [*asset, (ids.identifier("cas"), None), *_rights(statement, kinds)]
        case "right.grant":
            return _rights(statement, body["rights"])
        case _:
            return None


def _rights(statement: Statement, kinds: Sequence[str]) -> list[tuple[str, str | None]]:
    return [(statement.objects().identifier("rgt", number), kind) for number, kind in enumerate(kinds)]
