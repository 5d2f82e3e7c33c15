"""One line of the ledger. Its bytes are pure ASCII, at most 65,535, in exactly this order and without spaces:

    {"v":1,"seq":i,"prev":"<hex leaf hash of entry i-1, 64 zeros at 0>","time":"…Z",
     "folios":[{"id":"ast_…","n":3,"prev":17},…],"statement":{…the envelope…}}

The chain lives inside what the Merkle tree commits to: `prev` is the leaf hash of the line before. A folio is the page
of one asset or party; `n` counts its lines from 1 and `prev` is the position of its line before (null at 1).
Source: contract section 3.
"""

from datetime import datetime
from typing import Any

import msgspec

from ledger.encoding import parse_hex
from ledger.errors import FormatError, TooLargeError
from ledger.identifiers import check_identifier
from ledger.instants import format_instant, parse_instant
from ledger.statement import Envelope, envelope_from_json, format_envelope
from ledger.strict_json import parse_strict

MAX_ENTRY_BYTES = 65_535
MAX_FOLIOS = 64
HASH_BYTES = 32
FIRST_PREVIOUS = bytes(HASH_BYTES)


class FolioLine(msgspec.Struct, frozen=True):
    """Where an entry stands on one folio."""

    folio: str
    number: int
    previous: int | None


class Entry(msgspec.Struct, frozen=True):
    """A line of the ledger."""

    position: int
    previous: bytes
    time: datetime
    folios: tuple[FolioLine, ...]
    envelope: Envelope


def format_entry(entry: Entry, statement: str | None = None) -> bytes:
    """The bytes that are hashed. `statement` is what `format_envelope` writes, where the caller has it already.

    Raises:
        TooLargeError: more than 65,535 bytes or 64 folios.
        FormatError: no folio, folios out of order or named twice, or a number that is out of range.
    """
    _check(entry)
    folios = ",".join(
        f'{{"id":"{line.folio}","n":{line.number},"prev":{"null" if line.previous is None else line.previous}}}'
        for line in entry.folios
    )
    data = (
        f'{{"v":1,"seq":{entry.position},"prev":"{entry.previous.hex()}","time":"{format_instant(entry.time)}",'
        f'"folios":[{folios}],"statement":{statement or format_envelope(entry.envelope)}}}'
    ).encode("ascii")
    if len(data) > MAX_ENTRY_BYTES:
        raise TooLargeError(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    return data


def parse_entry(data: bytes) -> Entry:
    """Inverse of `format_entry`: parses, formats again and compares.

    Raises:
        FormatError: the bytes are not exactly those that `format_entry` would write.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise TooLargeError(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    value = parse_strict(data)
    try:
        entry = Entry(
            position=value["seq"],
            previous=parse_hex(value["prev"]),
            time=parse_instant(value["time"]),
            folios=tuple(map(_folio_line, value["folios"])),
            envelope=envelope_from_json(value["statement"], "/statement"),
        )
    except (KeyError, TypeError) as error:
        raise FormatError("not an entry: a member is missing or of another type") from error
    if format_entry(entry) != data:
        raise FormatError("the entry is not written in its only form")
    return entry


def _is_number(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _check(entry: Entry) -> None:
    if not _is_number(entry.position, 0):
        raise FormatError("a position is a whole number", "/seq")
    if len(entry.previous) != HASH_BYTES:
        raise FormatError(f"the hash of the line before has {HASH_BYTES} bytes", "/prev")
    if len(entry.folios) > MAX_FOLIOS:
        raise TooLargeError(f"an entry is written into at most {MAX_FOLIOS} folios", "/folios")
    names = [line.folio for line in entry.folios]
    if not names or names != sorted(set(names)):
        raise FormatError("the folios of an entry are sorted, each named once, and never empty", "/folios")
    for line in entry.folios:
        if not _is_number(line.number, 1):
            raise FormatError("the lines of a folio are counted from 1", "/folios")
        if (line.previous is not None or line.number > 1) and not _is_number(line.previous, 0):
            raise FormatError("the line before has a position, unless there is none", "/folios")
        if line.number == 1 and line.previous is not None:
            raise FormatError("the first line of a folio has no line before it", "/folios")


def _folio_line(line: Any) -> FolioLine:
    return FolioLine(check_identifier(line["id"], "ast", "pty"), line["n"], line["prev"])
