from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import format_base64, format_base64url, parse_base64, parse_base64url, parse_hex
from ledger.errors import FormatError
from tests.ledger.support import must_be_canonical

PARSERS = {parse_base64: format_base64, parse_base64url: format_base64url, parse_hex: bytes.hex}
ALPHABET = st.text("ABCDabcd0189+/-_= \n", max_size=12)


@pytest.mark.parametrize(
    ("data", "base64", "base64url"),
    [  # RFC 4648 section 10, and bytes in which the two alphabets differ
        (b"", "", ""), (b"f", "Zg==", "Zg"), (b"fo", "Zm8=", "Zm8"), (b"foo", "Zm9v", "Zm9v"),
        (b"foob", "Zm9vYg==", "Zm9vYg"), (b"fooba", "Zm9vYmE=", "Zm9vYmE"), (b"foobar", "Zm9vYmFy", "Zm9vYmFy"),
        (b"\xfb\xff\xfe", "+//+", "-__-"),
    ],
)  # fmt: skip
def test_published_encodings(data: bytes, base64: str, base64url: str) -> None:
    assert (format_base64(data), format_base64url(data)) == (base64, base64url)
    assert parse_base64(base64) == parse_base64url(base64url) == parse_hex(data.hex()) == data


@pytest.mark.parametrize(("parse", "form"), PARSERS.items())
def test_round_trips(parse: Callable[[str], bytes], form: Callable[[bytes], str]) -> None:
    @given(st.binary(max_size=99))
    def check(data: bytes) -> None:
        assert parse(form(data)) == data

    check()


@pytest.mark.parametrize(("parse", "form"), PARSERS.items())
def test_one_text_for_each_byte_string(parse: Callable[[str], bytes], form: Callable[[bytes], str]) -> None:
    @given(ALPHABET | st.text(max_size=12))
    def check(text: str) -> None:
        must_be_canonical(text, parse, form)

    check()


@pytest.mark.parametrize(
    "text",
    ["A", "AA", "AA=", "AA===", "AB==", "AAB=", "AA==\n", " AA==", "AA ==", "-_8=", "AA==AA==", "=", "é", "ＡＡ=="],
)
def test_base64_in_other_forms(text: str) -> None:
    with pytest.raises(FormatError):
        parse_base64(text)


@pytest.mark.parametrize("text", ["A", "AB", "AAB", "AA==", "AA=", "+/8", "AA\n", " AA", "é", "ＡＡ", "\ud800"])
def test_base64url_in_other_forms(text: str) -> None:
    with pytest.raises(FormatError):
        parse_base64url(text)


@pytest.mark.parametrize("text", ["0", "0A", "0g", " 00", "00 ", "00\n", "0 0", "0x00", "٠٠"])
def test_hex_in_other_forms(text: str) -> None:
    with pytest.raises(FormatError):
        parse_hex(text)
