import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import MAX_NUMBER, Checkpoint, format_checkpoint
from ledger.errors import FormatError, TooLargeError
from ledger.merkle import consistency_path
from ledger.note import Note, Signature, format_note, parse_signature
from ledger.witness.protocol import (
    MAX_BODY_BYTES,
    MAX_PATH_HASHES,
    AddCheckpoint,
    format_add_checkpoint,
    format_cosignatures,
    format_size,
    origin_path,
    parse_add_checkpoint,
    parse_cosignatures,
    parse_size,
)
from tests.ledger.support import CHECKPOINT, LEAVES, ORIGIN, Nodes, flip, load, must_be_canonical

VECTOR = load("witness")
BODY = VECTOR["addcheckpoint"].encode()
COSIGNATURE = parse_signature(CHECKPOINT["note"].splitlines(keepends=True)[-1])
ML_DSA_COSIGNATURE = parse_signature(load("mldsa")["note_line"].rstrip("\n") + "\n")

HASHES = st.binary(min_size=32, max_size=32)
LINES = st.builds(Signature, st.just("a.example"), st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=80))


@st.composite
def requests(draw: st.DrawFn) -> AddCheckpoint:
    size = draw(st.integers(0, MAX_NUMBER))
    text = format_checkpoint(Checkpoint(ORIGIN, size, draw(HASHES))) + draw(st.sampled_from(["", "extension 三权\n"]))
    note = format_note(Note(text, tuple(draw(st.lists(LINES, min_size=1, max_size=3)))))
    return AddCheckpoint(draw(st.integers(0, size)), tuple(draw(st.lists(HASHES, max_size=MAX_PATH_HASHES))), note)


def test_published_request() -> None:
    request = parse_add_checkpoint(BODY)
    assert request.old_size == 3
    assert request.path == tuple(consistency_path(3, 7, Nodes(LEAVES[:7])))
    assert CHECKPOINT["note"].startswith(request.note)
    assert format_add_checkpoint(request) == BODY


def test_published_path_of_a_log() -> None:
    assert origin_path(ORIGIN) == VECTOR["origin_hash"]


def test_published_cosignatures() -> None:
    lines = (COSIGNATURE, ML_DSA_COSIGNATURE)
    assert parse_cosignatures(format_cosignatures(lines)) == lines


@given(requests())
def test_requests_round_trip(request: AddCheckpoint) -> None:
    assert parse_add_checkpoint(format_add_checkpoint(request)) == request


@given(st.integers(0, MAX_NUMBER))
def test_sizes_round_trip(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.lists(LINES, min_size=1, max_size=5).map(tuple))
def test_cosignatures_round_trip(lines: tuple[Signature, ...]) -> None:
    assert parse_cosignatures(format_cosignatures(lines)) == lines


def mutated_bytes(body: bytes, data: st.DataObject) -> bytes:
    """`body` with bytes dropped, replaced, inserted, repeated or cut off."""
    at = data.draw(st.integers(0, len(body)))
    match data.draw(st.sampled_from(["drop", "put", "cut", "repeat", "flip"])):
        case "drop":
            return body[:at] + body[at + data.draw(st.integers(1, 60)) :]
        case "put":
            piece = st.binary(max_size=4) | st.sampled_from(
                [b"\n", b"\r\n", b"\n\n", b" ", b"=", b"0", b"\xe2\x80\x94"]
            )
            return body[:at] + data.draw(piece) + body[at + data.draw(st.integers(0, 2)) :]
        case "cut":
            return body[:at]
        case "repeat":
            return body[:at] + body[data.draw(st.integers(0, at)) :]
        case _:
            return flip(body, data.draw(st.integers(0, 8 * len(body) - 1)))


@given(requests(), st.data())
def test_mutated_requests_parse_canonically_or_not_at_all(request: AddCheckpoint, data: st.DataObject) -> None:
    body = mutated_bytes(mutated_bytes(format_add_checkpoint(request), data) or b"\n", data)
    must_be_canonical(body, parse_add_checkpoint, format_add_checkpoint)


@given(st.lists(LINES, min_size=1, max_size=3).map(tuple), st.data())
def test_mutated_answers_parse_canonically_or_not_at_all(lines: tuple[Signature, ...], data: st.DataObject) -> None:
    body = mutated_bytes(mutated_bytes(format_cosignatures(lines), data) or b"\n", data)
    must_be_canonical(body, parse_cosignatures, format_cosignatures)
    must_be_canonical(mutated_bytes(b"1234567\n", data), parse_size, format_size)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("old 3\n", "old 03\n"), ("old 3\n", "old -3\n"), ("old 3\n", "old 3 \n"), ("old 3\n", "old  3\n"),
        ("old 3\n", "Old 3\n"), ("old 3\n", "\nold 3\n"), ("old 3\n", "size 3\n"), ("old 3\n", "old \n"),
        ("old 3\n", "old 8\n"),  # larger than the checkpoint's size
        ("old 3\n", f"old {MAX_NUMBER + 1}\n"), ("old 3\n", "old 3\r\n"), ("old 3\n", "old 三\n"), ("old 3\n", ""),
        ("BJ19", "BJ1"), ("BJ19", "BJ1 9"), ("GR8Kg=", "GR8Kh="), ("GR8Kg=", "GR8Kg"), ("GR8Kg=\n", "GR8Kg=\n\n"),
        ("\n\nregistry", "\nregistry"), ("\n7\n", "\n07\n"), ("\n7\n", "\n"), ("=\n\n—", "=\n—"),
    ],
)  # fmt: skip
def test_malformed_requests(old: str, new: str) -> None:
    text = BODY.decode()
    assert old in text
    with pytest.raises(FormatError):
        parse_add_checkpoint(text.replace(old, new, 1).encode())


@pytest.mark.parametrize("body", [b"", b"\n", b"\n\n", b"old 0\n\n", b"\xff" + BODY, BODY + b"\n", BODY[:-1], b"old 0"])
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(FormatError):
        parse_add_checkpoint(body)


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"7", b"07\n", b"-1\n", b"7\n\n", b" 7\n", b"7\r\n", b"9223372036854775808\n"]
)
def test_what_is_no_size(body: bytes) -> None:
    with pytest.raises(FormatError):
        parse_size(body)


@pytest.mark.parametrize(
    ("front", "end"), [("\n", "\n"), ("", ""), ("", "\n\n"), ("", "\nx"), ("x\n", "\n"), ("-", "\n")]
)
def test_what_are_no_cosignatures(front: str, end: str) -> None:
    line = format_cosignatures((COSIGNATURE,)).decode()[:-1]
    for body in (front + line + end, ""):
        with pytest.raises(FormatError):
            parse_cosignatures(body.encode())


def test_what_cannot_be_said() -> None:
    note = parse_add_checkpoint(BODY).note
    for old, path in ((-1, ()), (8, ()), (3, (bytes(31),)), (3, (bytes(32),) * 64)):
        with pytest.raises(FormatError):
            AddCheckpoint(old, path, note)
    for size in (-1, MAX_NUMBER + 1):
        with pytest.raises(FormatError):
            format_size(size)
    for lines in ((), (COSIGNATURE,) * 101):
        with pytest.raises(FormatError):
            format_cosignatures(lines)


def test_limits() -> None:
    head, _, note = BODY.decode().partition("\n\n")
    line = head.split("\n")[1]
    longest = "old 3\n" + f"{line}\n" * MAX_PATH_HASHES + "\n" + note
    assert len(parse_add_checkpoint(longest.encode()).path) == MAX_PATH_HASHES
    with pytest.raises(FormatError, match="at most 63"):
        parse_add_checkpoint(longest.replace("old 3\n", f"old 3\n{line}\n").encode())
    for parse in (parse_add_checkpoint, parse_cosignatures, parse_size):
        with pytest.raises(TooLargeError):
            parse(bytes(MAX_BODY_BYTES + 1))
    sixteen = note + format_cosignatures((ML_DSA_COSIGNATURE,) * 16).decode()
    assert parse_add_checkpoint(f"old 0\n\n{sixteen}".encode()).note == sixteen


@pytest.mark.parametrize("piece", [b"\n", b"a", b"\n\n", b"old 0\n", b"AAAA\n", b"\xe2\x80\x94 ", b"0", b"=", b"\xff"])
def test_time_to_refuse_grows_no_faster_than_the_body(piece: bytes) -> None:
    def seconds(size: int) -> float:
        body = b"old 0\n\n" + piece * (size // len(piece))
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            with pytest.raises(FormatError):
                parse_add_checkpoint(body)
            times.append(time.perf_counter() - begun)
        return min(times)

    assert seconds(64_000) < 64 * seconds(4_000) + 0.005
