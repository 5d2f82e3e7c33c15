import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import format_base64
from ledger.errors import FormatError, SignatureError
from ledger.keys import KeySigner
from ledger.note import (
    ED25519,
    ED25519_COSIGNATURE,
    ML_DSA_44_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
    format_note,
    format_signature,
    format_verifier_key,
    parse_note,
    parse_signature,
    parse_verifier_key,
    verifier_key,
    verify_note,
)
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, flip, load, must_be_canonical, mutated

PUBLISHED = load("note")
PUBLISHED_NOTE = f"{PUBLISHED['text']}\n— example.com/foo {PUBLISHED['signature']}\n"
TEXT = "first\n\nthird 三权\n"
KEY = verifier_key("registry.example/a", ED25519, LOG_SIGNER.public)
LINE = Signature(KEY.name, KEY.key_id, LOG_SIGNER.sign(TEXT.encode()))
STRANGER = Signature("elsewhere.example", 7, b"whatever")

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1, max_size=20
)
LINES = st.builds(Signature, NAMES, st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=80))
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), min_size=1).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
NOTES = st.builds(Note, TEXTS, st.lists(LINES, min_size=1, max_size=5).map(tuple))


def test_published_note() -> None:
    key = parse_verifier_key(PUBLISHED["vkey"])
    note = parse_note(PUBLISHED_NOTE)
    assert note.text == PUBLISHED["text"]
    assert (key.kind, f"{key.key_id:08x}") == (ED25519, "530d903a")
    assert list(verify_note(note, [key])) == [key]
    assert format_note(note) == PUBLISHED_NOTE
    assert format_verifier_key(key) == PUBLISHED["vkey"]


@given(NOTES)
def test_notes_round_trip(note: Note) -> None:
    assert parse_note(format_note(note)) == note


@given(st.text("—ab+ =\n\x00", max_size=30) | st.text(max_size=30))
def test_whatever_parses_is_canonical(data: str) -> None:
    must_be_canonical(data, parse_note, format_note)


@given(NOTES, st.data())
def test_mutated_notes_parse_canonically_or_not_at_all(note: Note, data: st.DataObject) -> None:
    must_be_canonical(mutated(format_note(note), data), parse_note, format_note)


@given(NAMES, st.sampled_from([ED25519, ED25519_COSIGNATURE]), st.binary(min_size=32, max_size=32))
def test_verifier_keys_round_trip(name: str, kind: int, seed: bytes) -> None:
    key = verifier_key(name, kind, KeySigner.from_seed(seed).public)
    assert parse_verifier_key(format_verifier_key(key)) == key


GOOD = format_signature(STRANGER)


@pytest.mark.parametrize(
    "data",
    [
        "", "\n", "\n\n", "text\n", "text\n\n", "text\n\n\n", f"text\n{GOOD}", f"text{GOOD}", f"\n{GOOD}",
        f"text\n\n{GOOD[:-1]}", f"text\n\n{GOOD}rest", f"text\n\n{GOOD}rest\n", f"text\n\n{GOOD}\n",
        f"text\r\n\n{GOOD}", f"te\x00xt\n\n{GOOD}", f"te\txt\n\n{GOOD}", f"te\ud800xt\n\n{GOOD}",
        f"text\n\n{GOOD.replace('—', '-')}", f"text\n\n{GOOD.replace('— ', '—')}", f"text\n\n{GOOD.replace(' ', '  ')}",
        f"text\n\n {GOOD}", f"text\n\n{GOOD[:-1]} \n", f"text\n\n{GOOD.replace('elsewhere', 'else+where')}",
        "text\n\n" + GOOD.replace("where.", "\u2003."), f"text\n\n{GOOD.replace('elsewhere.example', '')}",
        "text\n\n" + GOOD.replace("where.", "\u2028."), "text\n\n" + GOOD.replace("where.", "\x01."),
        "text\n\n— name \n", "text\n\n— name AAAAAA==\n", "text\n\n— name AAAAAAB=\n", "text\n\n— name AAAAAAA\n",
        "text\n\n— name AAAA-AA=\n", "text\n\n— name ####\n", "text\n\n— name\n", f"text\n\n{GOOD * 101}",
    ],
)  # fmt: skip
def test_malformed_notes_are_refused(data: str) -> None:
    with pytest.raises(FormatError):
        parse_note(data)


def test_bounds_of_notes() -> None:
    assert len(parse_note(f"text\n\n{GOOD * 100}").signatures) == 100
    assert parse_note("\n\n— name AAAAAAE=\n") == Note("\n", (Signature("name", 0, b"\x01"),))
    assert parse_note(f"a\n\n{GOOD}\n{GOOD}").text == f"a\n\n{GOOD}"
    for text, lines in (("text", (STRANGER,)), ("", (STRANGER,)), ("a\rb\n", (STRANGER,)), ("text\n", ())):
        with pytest.raises(FormatError):
            Note(text, lines)


@pytest.mark.parametrize("line", [GOOD[:-1], GOOD + GOOD, "", "\n"])
def test_what_is_no_signature_line(line: str) -> None:
    with pytest.raises(FormatError):
        parse_signature(line)


def test_signature_lines_round_trip() -> None:
    assert parse_signature(GOOD) == STRANGER
    for name, key_id, payload in (("a b", 1, b"x"), ("a", -1, b"x"), ("a", 2**32, b"x"), ("a", 1, b"")):
        with pytest.raises(FormatError):
            Signature(name, key_id, payload)


def test_unknown_lines_are_ignored() -> None:
    same_name, same_id = Signature(KEY.name, KEY.key_id ^ 1, b"x"), Signature("other.example", KEY.key_id, b"x")
    note = Note(TEXT, (STRANGER, same_name, LINE, same_id))
    assert verify_note(note, [KEY, KEY]) == {KEY: LINE.payload}


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param((STRANGER,), id="no known line"),
        pytest.param((Signature(KEY.name, KEY.key_id, flip(LINE.payload)),), id="forged"),
        pytest.param((Signature(KEY.name, KEY.key_id, LINE.payload[:-1]),), id="short"),
        pytest.param((Signature(KEY.name, KEY.key_id, LINE.payload + b"\x00"),), id="long"),
        pytest.param((LINE, LINE), id="twice"),
    ],
)
def test_notes_that_do_not_verify(lines: tuple[Signature, ...]) -> None:
    with pytest.raises(SignatureError):
        verify_note(Note(TEXT, lines), [KEY])


def test_one_bad_known_line_spoils_the_note() -> None:
    other = KeySigner.from_seed(bytes(32))
    key = verifier_key("other.example", ED25519, other.public)
    good = Signature(key.name, key.key_id, other.sign(TEXT.encode()))
    bad = Signature(key.name, key.key_id, flip(good.payload))
    assert list(verify_note(Note(TEXT, (good, LINE)), [KEY, key])) == [key, KEY]
    for lines in ((LINE, bad), (bad, LINE)):
        with pytest.raises(SignatureError):
            verify_note(Note(TEXT, lines), [KEY, key])


def test_no_keys_and_another_text() -> None:
    with pytest.raises(SignatureError):
        verify_note(Note(TEXT, (LINE,)), [])
    with pytest.raises(SignatureError):
        verify_note(Note(TEXT + "\n", (LINE,)), [KEY])


def test_cosigners_sign_checkpoints_only() -> None:
    key = verifier_key(KEY.name, ED25519_COSIGNATURE, KEY.public)
    with pytest.raises(SignatureError, match="checkpoints"):
        verify_note(Note(TEXT, (Signature(key.name, key.key_id, LINE.payload),)), [key])


def test_keys_that_cannot_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.note._key_id", lambda *_: 1)
    keys = [verifier_key("a", ED25519, KeySigner.from_seed(bytes([n]) * 32).public) for n in range(2)]
    with pytest.raises(SignatureError, match="same id"):
        verify_note(Note(TEXT, (LINE,)), keys)


def test_kind_is_part_of_the_key_id() -> None:
    keys = {verifier_key("a", kind, LOG_SIGNER.public).key_id for kind in (ED25519, ED25519_COSIGNATURE)}
    assert len(keys) == 2
    assert verifier_key("a", ML_DSA_44_COSIGNATURE, ML_DSA_SIGNER.public).kind == 6


VKEY = format_verifier_key(KEY)
NAME, KEY_ID, MATERIAL = VKEY.split("+", 2)


@pytest.mark.parametrize(
    "text",
    [
        "", NAME, f"{NAME}+{KEY_ID}", f"{NAME}+{KEY_ID}+", f"+{KEY_ID}+{MATERIAL}", f"a b+{KEY_ID}+{MATERIAL}",
        f"{NAME}+{KEY_ID[:7]}+{MATERIAL}", f"{NAME}+0{KEY_ID}+{MATERIAL}", f"{NAME}+{'0' * 8}+{MATERIAL}",
        f"{NAME}+{KEY_ID.upper()}+{MATERIAL}", f"{NAME}+{KEY_ID}+{MATERIAL}=", f"{NAME}+{KEY_ID}+{MATERIAL}\n",
        f"other+{KEY_ID}+{MATERIAL}", f"{NAME}+{KEY_ID}+{format_base64(bytes([2]) + KEY.public)}",
        f"{NAME}+{KEY_ID}+{format_base64(bytes([255]) + KEY.public)}",
    ],
)  # fmt: skip
def test_malformed_verifier_keys_are_refused(text: str) -> None:
    assert KEY_ID.upper() != KEY_ID, "else one of the texts is well-formed"
    with pytest.raises(FormatError):
        parse_verifier_key(text)


def test_verifier_keys_are_usable_keys() -> None:
    for public in (b"", KEY.public[:-1], KEY.public + b"\x00", bytes(32)):
        with pytest.raises(SignatureError):
            verifier_key(KEY.name, ED25519, public)
        with pytest.raises(SignatureError):
            parse_verifier_key(f"{NAME}+{KEY_ID}+{format_base64(bytes([ED25519]) + public)}")
    with pytest.raises(FormatError):
        VerifierKey(KEY.name, KEY.key_id ^ 1, ED25519, KEY.public)
    for name, kind in (("a+b", ED25519), ("a", 2), ("a", 0), ("a", 256)):
        with pytest.raises(FormatError):
            verifier_key(name, kind, KEY.public)
