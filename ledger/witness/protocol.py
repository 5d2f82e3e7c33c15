"""What goes over the wire between a log and a witness. Nothing here verifies a signature or a proof.

    POST <submission prefix>/add-checkpoint

    old <size> LF
    <base64 hash> LF              0 to 63: the consistency proof from the old size to the checkpoint's
    LF
    <note of the checkpoint>      verbatim

| answer | body                                              | media type                  |
|--------|---------------------------------------------------|-----------------------------|
| 200    | signature lines of the witness, one or more       | `text/plain; charset=utf-8` |
| 409    | `<size>` LF, what the witness cosigned last or 0  | `text/x.tlog.size`          |
| other  | words for people                                  | `text/plain; charset=utf-8` |

    GET <monitoring prefix>/<hex SHA-256 of the origin>/checkpoint      the note that the witness cosigned last

Source: https://c2sp.org/tlog-witness.
"""

from dataclasses import dataclass
from hashlib import sha256

from ledger.checkpoint import MAX_NUMBER, parse_checkpoint, parse_decimal
from ledger.encoding import format_base64, parse_base64
from ledger.errors import FormatError, TooLargeError
from ledger.merkle import HASH_BYTES
from ledger.note import MAX_SIGNATURES, Signature, format_signature, parse_note, parse_signature

ADD_CHECKPOINT = "add-checkpoint"
"""The path below the submission prefix."""
CHECKPOINT = "checkpoint"
"""The last step of the path below the monitoring prefix; the one before is `origin_path`."""
TEXT_MEDIA_TYPE = "text/plain; charset=utf-8"
SIZE_MEDIA_TYPE = "text/x.tlog.size"

MAX_PATH_HASHES = 63
MAX_BODY_BYTES = 65_536
"""Of a request, and of an answer that is worth reading: room for 16 lines of ML-DSA-44, of 3.3 kB each."""

_OLD = "old "


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The wish that a witness cosigns the checkpoint in `note`, which continues the one of `old_size` by `path`.

    Raises:
        FormatError: a number out of range, more than 63 hashes or one that has not 32 bytes, not the note of a
            checkpoint, or a checkpoint that is smaller than `old_size`.
    """

    old_size: int
    path: tuple[bytes, ...]
    note: str

    def __post_init__(self) -> None:
        if not 0 <= self.old_size <= MAX_NUMBER:
            raise FormatError("the old size lies between 0 and 2^63-1")
        if len(self.path) > MAX_PATH_HASHES:
            raise FormatError(f"a consistency proof has at most {MAX_PATH_HASHES} hashes")
        if any(len(each) != HASH_BYTES for each in self.path):
            raise FormatError(f"a hash in a proof has {HASH_BYTES} bytes")
        size = parse_checkpoint(parse_note(self.note).text).size
        if self.old_size > size:
            raise FormatError(f"the old size {self.old_size} is larger than the checkpoint's size {size}")


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """The body of the request."""
    proof = "".join(format_base64(each) + "\n" for each in request.path)
    return f"{_OLD}{request.old_size}\n{proof}\n{request.note}".encode()


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Inverse of `format_add_checkpoint`.

    Raises:
        FormatError: another form; TooLargeError beyond `MAX_BODY_BYTES`.
    """
    head, blank, note = _decode(data).partition("\n\n")
    if not blank or not head.startswith(_OLD):
        raise FormatError("a request is `old <size>`, a proof, a blank line and a checkpoint")
    if head.count("\n") > MAX_PATH_HASHES:  # before any of them is looked at
        raise FormatError(f"a consistency proof has at most {MAX_PATH_HASHES} hashes")
    old, *proof = head.split("\n")
    request = AddCheckpoint(parse_decimal(old.removeprefix(_OLD)), tuple(map(parse_base64, proof)), note)
    if format_add_checkpoint(request) != data:
        raise FormatError("the request is not in its canonical form")
    return request


def format_size(size: int) -> bytes:
    """The body by which a witness says which size it cosigned last.

    Raises:
        FormatError: not a number from 0 to 2^63-1.
    """
    if not 0 <= size <= MAX_NUMBER:
        raise FormatError("a size lies between 0 and 2^63-1")
    return b"%d\n" % size


def parse_size(body: bytes) -> int:
    """Inverse of `format_size`.

    Raises:
        FormatError: another form.
    """
    text = _decode(body)
    if not text.endswith("\n"):
        raise FormatError("a size ends in a newline")
    return parse_decimal(text[:-1])


def format_cosignatures(lines: tuple[Signature, ...]) -> bytes:
    """The body by which a witness cosigns.

    Raises:
        FormatError: not 1 to 100 signatures.
    """
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise FormatError(f"an answer has 1 to {MAX_SIGNATURES} signatures, not {len(lines)}")
    return "".join(map(format_signature, lines)).encode()


def parse_cosignatures(body: bytes) -> tuple[Signature, ...]:
    """Inverse of `format_cosignatures`. One malformed line spoils the answer; none of them is verified.

    Raises:
        FormatError: another form; TooLargeError beyond `MAX_BODY_BYTES`.
    """
    text = _decode(body)
    if not text.endswith("\n") or text.count("\n") > MAX_SIGNATURES:
        raise FormatError(f"an answer is 1 to {MAX_SIGNATURES} signature lines, each ending in a newline")
    return tuple(parse_signature(line + "\n") for line in text[:-1].split("\n"))


def origin_path(origin: str) -> str:
    """The step of a path that stands for the log `origin`: its SHA-256 in lower-case hex."""
    return sha256(origin.encode()).hexdigest()


def _decode(data: bytes) -> str:
    if len(data) > MAX_BODY_BYTES:
        raise TooLargeError(f"a message between log and witness has at most {MAX_BODY_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FormatError("not UTF-8") from error
