from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.entry import FIRST_PREVIOUS, Entry, FolioLine, format_entry, parse_entry
from ledger.errors import FormatError, TooLargeError
from ledger.identifiers import ObjectIdentifiers, party_identifier
from ledger.instants import from_milliseconds
from ledger.statement import MAX_PAYLOAD_BYTES, Envelope, EnvelopeSignature
from tests.ledger.logs import ASSETS, PARTY, make_envelope
from tests.ledger.support import must_be_canonical

ENTRY = Entry(
    18,
    bytes(range(32)),
    datetime(2026, 11, 24, 5, 49, 29, 7000, tzinfo=UTC),
    (FolioLine(ASSETS[0], 3, 17), FolioLine(PARTY, 1, None)),
    make_envelope(18),
)
DATA = format_entry(ENTRY)

IDS = st.binary(min_size=32, max_size=32).map(lambda seed: ObjectIdentifiers.of_statement(1, seed).identifier("ast"))
PARTIES = st.binary(max_size=4).map(party_identifier)
ENVELOPES = st.builds(
    Envelope,
    st.binary(max_size=200),
    st.lists(
        st.builds(EnvelopeSignature, st.just("key_" + PARTY[4:]), st.binary(min_size=1, max_size=70)), max_size=8
    ).map(tuple),
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    names = sorted(draw(st.sets(IDS | PARTIES, min_size=1, max_size=6)))
    positions = st.integers(0, 2**40)
    numbers = [draw(st.integers(1, 2**40)) for _ in names]
    lines = tuple(
        FolioLine(name, number, None if number == 1 else draw(positions))
        for name, number in zip(names, numbers, strict=True)
    )
    previous = draw(st.binary(min_size=32, max_size=32))
    time = from_milliseconds(draw(st.integers(0, 10**14)))
    return Entry(draw(positions), previous, time, lines, draw(ENVELOPES))


def test_form_is_that_of_the_contract() -> None:
    expected = (
        f'{{"v":1,"seq":18,"prev":"{bytes(range(32)).hex()}","time":"2026-11-24T05:49:29.007Z",'
        f'"folios":[{{"id":"{ASSETS[0]}","n":3,"prev":17}},{{"id":"{PARTY}","n":1,"prev":null}}],"statement":{{"payload":"'
    )
    assert DATA.decode("ascii").startswith(expected)
    assert f'"prev":"{"0" * 64}"'.encode() in format_entry(replace(ENTRY, position=0, previous=FIRST_PREVIOUS))


@given(entries())
def test_entries_round_trip(entry: Entry) -> None:
    assert parse_entry(format_entry(entry)) == entry


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"v":1', '{"v":2'),
        ('{"v":1,', "{"),
        ('{"v":1', '{ "v":1'),
        ('"seq":18', '"seq":-18'),
        ('"seq":18', '"seq":018'),
        ('"seq":18', '"seq":"18"'),
        ('"seq":18', '"seq":true'),
        # lists and objects print in Python as they stand in JSON, and passed for numbers
        ('"seq":18', '"seq":[18]'),
        ('"seq":18', '"seq":{}'),
        ('"seq":18', '"seq":"é"'),
        ('"n":3', '"n":[3]'),
        ('"n":3', '"n":0'),
        ('"n":3', '"n":1'),
        ('"n":1', '"n":2'),
        ('"prev":17', '"prev":[17]'),
        ('"prev":17', '"prev":-1'),
        ('"prev":"0001', '"prev":"'),
        ('"prev":"0001', '"prev":"000001'),
        ('"prev":"0001', '"prev":"000G'),
        (".007Z", "Z"),
        (".007Z", ".007+00:00"),
        ("2026-11", "2026-13"),
        (PARTY, "pty_1"),
        ('"statement":', '"statement":{},"statement":'),
        (DATA.decode()[DATA.index(b'{"id"') : DATA.index(b"],")], ""),
        (f'{{"id":"{PARTY}"', f'{{"id":"{ASSETS[0]}"'),
        ('"v":1,"seq":18', '"seq":18,"v":1'),
    ],
)
def test_other_forms_are_refused(old: str, new: str) -> None:
    text = DATA.decode()
    assert old in text
    changed = text.replace(old, new, 1)
    with pytest.raises(FormatError):
        parse_entry(changed.encode())


@pytest.mark.parametrize("folios", [(), ENTRY.folios[::-1], (ENTRY.folios[0],) * 2])
def test_folios_are_sorted_once_each_and_some(folios: tuple[FolioLine, ...]) -> None:
    with pytest.raises(FormatError, match="sorted"):
        format_entry(replace(ENTRY, folios=folios))


def test_limits() -> None:
    names = [f"ast_{'0' * 24}{a}{b}" for a in "0123456789" for b in "0123456789"][:65]
    lines = tuple(FolioLine(name, 1, None) for name in names)
    assert len(parse_entry(format_entry(replace(ENTRY, folios=lines[:64]))).folios) == 64
    with pytest.raises(TooLargeError):
        format_entry(replace(ENTRY, folios=lines))
    largest = Envelope(bytes(MAX_PAYLOAD_BYTES), ())
    assert parse_entry(format_entry(replace(ENTRY, envelope=largest))).envelope == largest
    with pytest.raises(TooLargeError):
        format_entry(replace(ENTRY, envelope=Envelope(bytes(50_000), ())))
    with pytest.raises(TooLargeError):
        parse_entry(bytes(65_536))


@given(st.binary())
def test_arbitrary_bytes_are_no_entry(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_entry(data)


@given(
    st.integers(0, len(DATA) - 1), st.sampled_from([b"", b"0", b"1", b"[", b"]", b"{", b'"', b",", b" ", b"\xff", b"-"])
)
def test_changed_entries_parse_canonically_or_not_at_all(at: int, new: bytes) -> None:
    must_be_canonical(DATA[:at] + new + DATA[at + 1 :], parse_entry, format_entry)
