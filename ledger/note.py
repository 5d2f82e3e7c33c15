"""Signed notes: a text and signature lines by named keys.

    <text, every line ending in LF>
    LF
    — <key name> <base64(u32 key id ‖ payload)> LF          one or more

The last blank line parts text and signatures. A key is written as a verifier key, and its id is derived from it:

    <key name>+<key id, 8 hex digits>+<base64(kind ‖ public key)>
    key id = first 4 bytes of SHA-256(key name ‖ 0x0A ‖ kind ‖ public key)

| kind | algorithm | signs                                              | payload                    |
|------|-----------|----------------------------------------------------|----------------------------|
| 01   | Ed25519   | the text                                           | signature                  |
| 04   | Ed25519   | time and text of a checkpoint (`checkpoint`)       | u64 seconds ‖ signature    |
| 06   | ML-DSA-44 | time, origin, size and root (`checkpoint`)         | u64 seconds ‖ signature    |

Source: https://c2sp.org/signed-note; https://c2sp.org/tlog-cosignature for kinds 04 and 06.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger.encoding import format_base64, parse_base64, parse_hex
from ledger.errors import FormatError, SignatureError
from ledger.keys import Algorithm, check_public_key, verify_signature

ED25519 = 0x01
ED25519_COSIGNATURE = 0x04
ML_DSA_44_COSIGNATURE = 0x06
ALGORITHMS = {
    ED25519: Algorithm.ED25519,
    ED25519_COSIGNATURE: Algorithm.ED25519,
    ML_DSA_44_COSIGNATURE: Algorithm.ML_DSA_44,
}

MAX_SIGNATURES = 100
_KEY_ID_BYTES = 4
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # control characters but LF, and what UTF-8 cannot hold


def _check_name(name: str) -> None:
    if not name or "+" in name or any(each.isspace() for each in name) or _FORBIDDEN.search(name):
        raise FormatError("a key name is not empty and has neither spaces nor `+` nor control characters")


def _key_id(name: str, kind: int, public: bytes) -> int:
    return int.from_bytes(sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_KEY_ID_BYTES], "big")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name, for one kind of signature. See `verifier_key`.

    Raises:
        FormatError: a name, kind or id that is not in the form above.
        SignatureError: not a usable public key of the kind's algorithm.
    """

    name: str
    key_id: int
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.kind not in ALGORITHMS:
            raise FormatError(f"signatures of kind {self.kind} are not used here")
        check_public_key(ALGORITHMS[self.kind], self.public)
        if self.key_id != _key_id(self.name, self.kind, self.public):
            raise FormatError(f"the id of a key of {self.name} does not follow from the key")


def verifier_key(name: str, kind: int, public: bytes) -> VerifierKey:
    """The key with the id that follows from it.

    Raises:
        FormatError: a name or kind that is not in the form above.
        SignatureError: not a usable public key of the kind's algorithm.
    """
    if kind not in ALGORITHMS:
        raise FormatError(f"signatures of kind {kind} are not used here")
    _check_name(name)
    return VerifierKey(name, _key_id(name, kind, public), kind, public)


def format_verifier_key(key: VerifierKey) -> str:
    """The text that configurations and the log's first entry carry."""
    return f"{key.name}+{key.key_id:08x}+{format_base64(bytes([key.kind]) + key.public)}"


def parse_verifier_key(text: str) -> VerifierKey:
    """Inverse of `format_verifier_key`.

    Raises:
        FormatError: another form, a kind that is not used here, or an id that does not follow from the key.
        SignatureError: not a usable public key of the kind's algorithm.
    """
    match text.split("+", 2):
        case [name, key_id, encoded] if len(key_id) == 2 * _KEY_ID_BYTES:
            material = parse_base64(encoded)
            if not material:
                raise FormatError("the verifier key is empty")
            return VerifierKey(name, int.from_bytes(parse_hex(key_id), "big"), material[0], material[1:])
        case _:
            raise FormatError("a verifier key is <name>+<8 hex digits>+<base64>")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line. `payload` is what stands behind the key id; at least one byte.

    Raises:
        FormatError: a name, id or payload that is not in the form above.
    """

    name: str
    key_id: int
    payload: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not 0 <= self.key_id < 1 << (8 * _KEY_ID_BYTES) or not self.payload:
            raise FormatError("a signature is a key id of four bytes and at least one byte behind it")


def format_signature(signature: Signature) -> str:
    """The signature line, with its LF."""
    encoded = format_base64(signature.key_id.to_bytes(_KEY_ID_BYTES, "big") + signature.payload)
    return f"— {signature.name} {encoded}\n"


def parse_signature(line: str) -> Signature:
    """Inverse of `format_signature`.

    Raises:
        FormatError: another form.
    """
    match line.split(" "):
        case ["—", name, encoded] if encoded.endswith("\n"):
            data = parse_base64(encoded[:-1])
            if len(data) <= _KEY_ID_BYTES:
                raise FormatError("a signature line holds at least five bytes")
            key_id = int.from_bytes(data[:_KEY_ID_BYTES], "big")
            return Signature(name, key_id, data[_KEY_ID_BYTES:])
        case _:
            raise FormatError("a signature line is `— <name> <base64>`")


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, of which nothing has been verified.

    Raises:
        FormatError: the text does not end in LF or has control characters, or not 1 to 100 signatures.
    """

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n") or _FORBIDDEN.search(self.text):
            raise FormatError("the text of a note ends in a newline and has no other control characters")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise FormatError(f"a note has 1 to {MAX_SIGNATURES} signatures, not {len(self.signatures)}")


def format_note(note: Note) -> str:
    """The whole note as text, to be written as UTF-8."""
    return f"{note.text}\n{''.join(map(format_signature, note.signatures))}"


def parse_note(data: str) -> Note:
    """Inverse of `format_note`. One malformed signature line, known or not, spoils the note.

    Raises:
        FormatError: another form.
    """
    text, blank, lines = data.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise FormatError("a note is a text, a blank line and signature lines that end in a newline")
    if lines.count("\n") > MAX_SIGNATURES:  # before any of them is looked at
        raise FormatError(f"a note has at most {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(parse_signature(line + "\n") for line in lines[:-1].split("\n")))


def verify_text(text: str, key: VerifierKey, payload: bytes) -> None:
    """Returns if `payload` is a signature of kind 01 of the text.

    Raises:
        SignatureError: it is not, or the key is of another kind.
    """
    if key.kind != ED25519:
        raise SignatureError(f"signatures of kind {key.kind} are made of checkpoints only")
    verify_signature(ALGORITHMS[key.kind], key.public, text.encode(), payload)


def verify_note(
    note: Note, keys: Sequence[VerifierKey], verify_line: Callable[[str, VerifierKey, bytes], None] = verify_text
) -> dict[VerifierKey, bytes]:
    """The keys that signed the note, with the payloads of their lines, in the order of the lines.

    Lines by other keys are ignored. `verify_line` is called with text, key and payload.

    Raises:
        SignatureError: a line by a key of `keys` does not verify, such a key has two lines, there is no line by any
            of them, or two of `keys` cannot be told apart by name and id.
    """
    known: dict[tuple[str, int], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.key_id), key) != key:
            raise SignatureError(f"two keys of {key.name} have the same id")
    signed: dict[VerifierKey, bytes] = {}
    for signature in note.signatures:
        found = known.get((signature.name, signature.key_id))
        if found is None:
            continue
        if found in signed:
            raise SignatureError(f"two lines by one key of {found.name}")
        verify_line(note.text, found, signature.payload)
        signed[found] = signature.payload
    if not signed:
        raise SignatureError("the note is not signed by any of the keys")
    return signed
