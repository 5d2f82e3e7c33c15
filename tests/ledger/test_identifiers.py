from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormatError
from ledger.identifiers import (
    OBJECT_PREFIXES,
    ObjectIdentifiers,
    check_identifier,
    is_identifier,
    key_identifier,
    party_identifier,
    party_of_first_key,
)
from ledger.instants import parse_instant, to_milliseconds
from ledger.keys import KeySigner

PAYLOAD = b'{"at":"2026-11-24T05:49:29Z"}'
STEM = "01m861m8h8ed7jf9427vqqa0k3"


def test_objects_match_the_contract() -> None:
    assert len(PAYLOAD) == 29
    at = to_milliseconds(parse_instant("2026-11-24T05:49:29Z"))
    made = ObjectIdentifiers.of_statement(at, sha256(PAYLOAD).digest())
    assert made.identifier("ast") == f"ast_{STEM}"
    assert made.identifier("ast", 1) == f"ast_{STEM}_1"


def test_keys_match_the_contract() -> None:
    public = KeySigner.from_seed(bytes(range(32))).public
    assert public.hex().startswith("03a107bf")
    assert public.hex().endswith("531b8")
    assert key_identifier(public) == "key_2p8xdaen338x6051ezbpzjqjnq"
    assert party_identifier(public) == party_of_first_key(key_identifier(public)) == "pty_2p8xdaen338x6051ezbpzjqjnq"


@pytest.mark.parametrize(
    "text",
    [f"ast_{STEM}", f"rgt_{STEM}_1", f"rgt_{STEM}_63", f"key_{STEM}", f"pty_{STEM}", "ast_7zzzzzzzzzzzzzzzzzzzzzzzzz"],
)
def test_well_formed(text: str) -> None:
    assert is_identifier(text)
    assert check_identifier(text, text[:3]) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        STEM,
        f"xxx_{STEM}",
        f"ast_{STEM[1:]}",
        f"ast_{STEM}0",
        f"ast_{STEM.upper()}",
        "ast_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        f"ast_{STEM[:-1]}u",
        f"ast_{STEM[:-1]}l",
        f"ast_{STEM}_0",
        f"ast_{STEM}_01",
        f"ast_{STEM}_100",
        f"key_{STEM}_1",
        f"ast_{STEM}\n",
        f"ast_{STEM}_١",
    ],
)
def test_malformed(text: str) -> None:
    assert not is_identifier(text)
    with pytest.raises(FormatError):
        check_identifier(text)


@pytest.mark.parametrize("value", [None, 1, b"ast", ["ast"], f"pty_{STEM}"])
def test_of_another_kind(value: object) -> None:
    with pytest.raises(FormatError, match="ast_… or cas_…"):
        check_identifier(value, "ast", "cas")


@given(
    st.integers(0, 2**48 - 1), st.binary(min_size=32, max_size=32), st.sampled_from(OBJECT_PREFIXES), st.integers(0, 63)
)
def test_all_that_is_made_is_well_formed(at: int, digest: bytes, prefix: str, number: int) -> None:
    assert is_identifier(ObjectIdentifiers.of_statement(at, digest).identifier(prefix, number), prefix)


@given(
    st.tuples(st.integers(0, 2**48 - 1), st.binary(min_size=32)),
    st.tuples(st.integers(0, 2**48 - 1), st.binary(min_size=32)),
)
def test_identifiers_sort_by_time(one: tuple[int, bytes], two: tuple[int, bytes]) -> None:
    names = [ObjectIdentifiers.of_statement(*each).identifier("ast") for each in (one, two)]
    if one[0] != two[0]:
        assert (names[0] < names[1]) == (one[0] < two[0])
