"""The format of an evidence bundle. Contract section 9.

    {"format":"sanquan-evidence/1","origin":…,"subject":…?,"log_keys":["<vkey>"…],"checkpoint":"<note>",
     "entries":[{"seq":0,"bytes":"<the entry's text>"}…],"proofs":[["<base64 hash>"…]…],
     "rulebooks":{"<sha256>":"<text>"…},"disclosures":[…]?,"question":{…}?,"answer":{…}?}

One strict JSON object. Entries ascend by `seq`; `proofs` has the inclusion path of each, in the same order, its hashes
from the leaf's sibling to the root's child in base64 with padding, as in c2sp.org/tlog-proof. `subject` is the asset,
right or case that was asked for. `subject` and `log_keys` are hints: nobody signed them. Members that are not named
here are passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ledger.checkpoint import MAX_NUMBER, parse_checkpoint
from ledger.encoding import format_base64, parse_base64
from ledger.entry import MAX_ENTRY_BYTES
from ledger.errors import FormatError, TooLargeError
from ledger.identifiers import check_identifier
from ledger.merkle import HASH_BYTES
from ledger.note import parse_note
from ledger.proof import MAX_PATH
from ledger.strict_json import format_compact, parse_strict

FORMAT = "sanquan-evidence/1"
MAX_ENTRIES = 20_000
MAX_EVIDENCE_BYTES = 64 << 20
"""20,000 entries of 2.5 KB with their paths in a log of a million: the usual size of statements by one key."""
_MAX_ITEMS = 1_024
"""Verifier keys, rulebooks, disclosures: of each at most so many."""
_FAMILY = "sanquan-evidence/"


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """The bytes of an entry and the path from its leaf to the checkpoint's root."""

    seq: int
    data: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A bundle of which nothing has been verified. `checkpoint` is the verbatim note of a checkpoint."""

    origin: str
    checkpoint: str
    entries: tuple[EvidenceEntry, ...]
    rulebooks: Mapping[str, str] = field(default_factory=dict)
    log_keys: tuple[str, ...] = ()
    subject: str | None = None
    disclosures: tuple[str, ...] | None = None
    question: Mapping[str, Any] | None = None
    answer: Any = None


class _Head(msgspec.Struct):
    format: str
    origin: Any = None


_HEAD = msgspec.json.Decoder(_Head)


def is_evidence(data: bytes) -> bool:
    """Whether this is meant as an evidence bundle, well formed or not, of this version or another."""
    try:
        return _HEAD.decode(data).format.startswith(_FAMILY)
    except (ValueError, RecursionError):
        return False


def claimed_origin(data: bytes) -> str:
    """The log of which `is_evidence` says that it is a bundle; empty where it does not say. For looking up pinned keys."""
    try:
        found = _HEAD.decode(data).origin
    except (ValueError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def format_evidence(evidence: Evidence) -> bytes:
    """The bytes of a bundle: compact JSON, members in the order above, absent ones left out."""
    members: dict[str, Any] = {"format": FORMAT, "origin": evidence.origin}
    if evidence.subject is not None:
        members["subject"] = evidence.subject
    members |= {
        "log_keys": list(evidence.log_keys),
        "checkpoint": evidence.checkpoint,
        "entries": [{"seq": entry.seq, "bytes": entry.data.decode()} for entry in evidence.entries],
        "proofs": [list(map(format_base64, entry.path)) for entry in evidence.entries],
        "rulebooks": dict(evidence.rulebooks),
    }
    if evidence.disclosures is not None:
        members["disclosures"] = list(evidence.disclosures)
    if evidence.question is not None:
        members["question"] = dict(evidence.question)
    if evidence.answer is not None:
        members["answer"] = evidence.answer
    return format_compact(members)


def parse_evidence(data: bytes) -> Evidence:
    """Inverse of `format_evidence`. Whether the entries are entries is not looked at.

    Raises:
        TooLargeError: more than 64 MiB or 20,000 entries.
        FormatError: another form; `pointer` says where.
    """
    if len(data) > MAX_EVIDENCE_BYTES:
        raise TooLargeError(f"an evidence bundle has at most {MAX_EVIDENCE_BYTES} bytes")
    value = parse_strict(data)
    if not isinstance(value, dict):
        raise FormatError("an evidence bundle is a JSON object")
    if value.get("format") != FORMAT:
        raise FormatError(f"`format` is {FORMAT}", "/format")
    disclosures, subject = value.get("disclosures"), value.get("subject")
    question = value.get("question")
    if question is not None and not isinstance(question, dict):
        raise FormatError("a question is an object", "/question")
    return Evidence(
        origin=_text(value, "origin"),
        checkpoint=_checkpoint(_text(value, "checkpoint")),
        entries=_entries(value),
        rulebooks=_rulebooks(value.get("rulebooks")),
        log_keys=_texts(value.get("log_keys"), "/log_keys"),
        subject=None if subject is None else check_identifier(subject, "ast", "rgt", "cas"),
        disclosures=None if disclosures is None else _texts(disclosures, "/disclosures"),
        question=question,
        answer=value.get("answer"),
    )


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise FormatError(f"`{name}` is a string", f"/{name}")
    return found


def _texts(value: Any, pointer: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS or not all(isinstance(item, str) for item in value):
        raise FormatError(f"a list of at most {_MAX_ITEMS} strings is meant", pointer)
    return tuple(value)


def _checkpoint(note: str) -> str:
    try:
        parse_checkpoint(parse_note(note).text)
    except FormatError as error:
        raise FormatError(str(error), "/checkpoint") from error
    return note


def _rulebooks(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > _MAX_ITEMS or not all(isinstance(t, str) for t in value.values()):
        raise FormatError("`rulebooks` holds texts by their SHA-256", "/rulebooks")
    return value


def _entries(value: Mapping[str, Any]) -> tuple[EvidenceEntry, ...]:
    items, paths = value.get("entries"), value.get("proofs")
    if not isinstance(items, list) or not items:
        raise FormatError("`entries` is a list of at least one entry", "/entries")
    if len(items) > MAX_ENTRIES:
        raise TooLargeError(f"an evidence bundle has at most {MAX_ENTRIES} entries", "/entries")
    if not isinstance(paths, list) or len(paths) != len(items):
        raise FormatError("`proofs` has a path for each entry, and no more", "/proofs")
    found: list[EvidenceEntry] = []
    for number, (item, path) in enumerate(zip(items, paths, strict=True)):
        seq, data = _entry(item, f"/entries/{number}")
        if found and seq <= found[-1].seq:
            raise FormatError("entries ascend by their positions, each named once", f"/entries/{number}/seq")
        found.append(EvidenceEntry(seq, data, _path(path, f"/proofs/{number}")))
    return tuple(found)


def _entry(item: Any, pointer: str) -> tuple[int, bytes]:
    match item:
        case {"seq": int(seq), "bytes": str(text)} if type(seq) is int and 0 <= seq <= MAX_NUMBER:
            data = text.encode()
            if len(data) > MAX_ENTRY_BYTES:
                raise TooLargeError(f"an entry has at most {MAX_ENTRY_BYTES} bytes", pointer)
            return seq, data
        case _:
            raise FormatError("an entry is a position `seq` and its text `bytes`", pointer)


def _path(value: Any, pointer: str) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > MAX_PATH or not all(isinstance(text, str) for text in value):
        raise FormatError(f"a path is a list of at most {MAX_PATH} hashes", pointer)
    try:
        path = tuple(map(parse_base64, value))
    except FormatError as error:
        raise FormatError(str(error), pointer) from error
    if any(len(each) != HASH_BYTES for each in path):
        raise FormatError(f"a hash has {HASH_BYTES} bytes", pointer)
    return path
