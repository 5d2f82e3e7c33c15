"""Every parser of the ledger under mutated bytes: no exception but its own, one text for each value, work as the input grows."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import format_checkpoint, parse_checkpoint, parse_decimal
from ledger.encoding import format_base64, format_base64url, parse_base64, parse_base64url, parse_hex
from ledger.entry import format_entry, parse_entry
from ledger.errors import FormatError, SignatureError
from ledger.evidence.bundle import format_evidence, parse_evidence
from ledger.instants import format_instant, parse_instant
from ledger.keys import Algorithm, KeySigner
from ledger.known import parse_known
from ledger.note import (
    format_note,
    format_signature,
    format_verifier_key,
    parse_note,
    parse_signature,
    parse_verifier_key,
)
from ledger.proof import format_proof, parse_proof
from ledger.statement import format_envelope, parse_envelope, parse_statement
from ledger.strict_json import format_compact, parse_strict
from ledger.tiles import decode_bundle, encode_bundle, parse_tile_path, split_hashes
from registry.admission import format_submission, open_submission
from registry.refusals.refusal import RefusedError
from tests.ledger.logs import KEYS, build_log, make_envelope
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, VECTORS

LOG = build_log(5)
ENVELOPE = format_envelope(make_envelope(1))
RECEIPT = {"seq": 2, "leaf_hash": LOG.leaves[2].hex(), "proof": LOG.receipt(2)}


@dataclass(frozen=True)
class Parser:
    """A parser with texts that it accepts; `write` makes of what it found the text that it was read from.

    `is_free`: several texts spell one value, so writing and reading again finds it again. `grow` makes inputs of about
    so many bytes that might cost more than their length.
    """

    name: str
    samples: Sequence[bytes]
    parse: Callable[[Any], Any]
    write: Callable[[Any], Any] | None = None
    errors: tuple[type[Exception], ...] = (FormatError,)
    is_text: bool = True
    is_free: bool = False
    grow: Sequence[Callable[[int], bytes]] = field(default_factory=tuple)

    def __call__(self, data: bytes) -> Any:
        """The value. Bytes that are not UTF-8 reach a parser of text as what Python makes of them in file names."""
        return self.parse(data.decode("utf-8", "surrogateescape") if self.is_text else data)

    def refuses(self, data: bytes) -> bool:
        try:
            self(data)
        except self.errors:
            return True
        return False


def many(part: bytes, start: bytes = b"", end: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: start + part * max(1, size // len(part)) + end


def numbered(size: int) -> bytes:
    """An object of many members."""
    return b"{" + b",".join(b'"%d":1' % number for number in range(size // 10)) + b"}"


def pem(signer: KeySigner) -> bytes:
    return signer.to_pem()


LINE = format_signature(parse_note(LOG.note).signatures[0]).encode()
HASH_LINE = format_base64(bytes(32)).encode() + b"\n"
PROOF_HEAD = b"c2sp.org/tlog-proof@v1\n"
NESTED = (
    many(b"["), many(b"{"), many(b'{"a":'), many(b"[[],"), many(b"]", b"["), numbered, many(b'"a":1,', b"{", b'"b":1}'),
    many(b"1"), many(b"-"), many(b"0", b"[1", b"]"), many(b"9", b"[", b".5]"), many(b"1,", b"[", b"1]"), many(b" "),
    many(b"\\u0041", b'"', b'"'), many(b"\\ud800", b'"', b'"'), many(b"\\", b'"'), many(b'"'), many(b"\xff", b'"', b'"'),
    many("数".encode(), b'"', b'"'), many(b"\xef\xbb\xbf"),
)  # fmt: skip
PAYLOAD_OF = (
    lambda size: ENVELOPE.replace('"payload":"', '"payload":"' + "A" * (size // 4 * 4)).encode(),
    lambda size: ENVELOPE.replace(
        '"signatures":[', '"signatures":[' + '{"keyid":"","sig":""},' * (size // 22)
    ).encode(),
)
LINES = (many(b"\n"), many(b"a\n"), many(b"\n", LOG.note.encode()), many(b"a\n\n"), many(LINE, LOG.note.encode()))  # fmt: skip
EVIDENCE = (VECTORS / "evidence" / "bundle.json").read_bytes()
EVIDENCE_PARTS = [
    (part, EVIDENCE.index(place) + len(place))
    for part, place in (
        (b'{"seq":0,"bytes":""},', b'"entries":['), (b"[],", b'"proofs":['), (b'"",', b'"log_keys":['), (b'"AAAA",', b'"proofs":[['),
        (b'"a":1,', b"{"), (b"a", b'"checkpoint":"'), (b"\\n", b'"checkpoint":"'), (b"a", b'"rulebooks":{"'),
    )
]  # fmt: skip
"""What is written again and again, and where."""

PARSERS = [
    Parser("note", [LOG.note.encode()], parse_note, format_note, grow=(*LINES, many(b"A", b"a\n\n\xe2\x80\x94 a "), many(b" ", b"a\n\n\xe2\x80\x94"))),
    Parser("signature line", [LINE], parse_signature, format_signature,
           grow=(many(b" "), many(b"A", b"\xe2\x80\x94 a ", b"\n"), many(b"a", b"\xe2\x80\x94 ", b" AAAAAAA=\n"), many(b"=", LINE[:-1]))),
    Parser("verifier key", [format_verifier_key(key).encode() for key in KEYS], parse_verifier_key, format_verifier_key,
           (FormatError, SignatureError), grow=(many(b"+"), many(b"a", b"", b"+00000000+AQ=="), many(b"A", b"a+00000000+"))),
    Parser("checkpoint", [parse_note(LOG.note).text.encode()], parse_checkpoint, format_checkpoint,
           grow=(*LINES, many(b"1", b"a\n"), many(b"A", b"a\n1\n"), many(b"a\n", parse_note(LOG.note).text.encode()))),
    Parser("decimal", [b"0", b"7", b"9223372036854775807"], parse_decimal, str, grow=(many(b"1"), many(b"0"))),
    Parser("tile path", [b"tile/0/000", b"tile/1/x001/x234/067.p/5", b"tile/entries/x036/x028/x797/x018/x963/967"],
           parse_tile_path, lambda tile: tile.path,
           grow=(many(b"x000/", b"tile/0/"), many(b"0", b"tile/0/"), many(b"x000/", b"tile/entries/", b"000"), many(b"1", b"tile/0/000.p/"))),
    Parser("bundle", [encode_bundle(LOG.datas), encode_bundle([b""])], decode_bundle, encode_bundle, is_text=False,
           grow=(many(b"\0\0"), many(b"\0\1"), many(b"\xff"))),
    Parser("hashes of a tile", [b"".join(LOG.leaves)], split_hashes, b"".join, is_text=False, grow=(many(b"\0"),)),
    Parser("proof", [LOG.receipt(index).encode() for index in (0, 4)], parse_proof, format_proof,
           grow=(*LINES, many(HASH_LINE, PROOF_HEAD + b"index 0\n"), many(b"1", PROOF_HEAD + b"index "), many(b"A", PROOF_HEAD + b"extra "),
                 many(b"\n", PROOF_HEAD + b"index 0"), many(LINE, LOG.receipt(0).encode()))),
    Parser("envelope", [ENVELOPE.encode(), json.dumps(json.loads(ENVELOPE), indent=1).encode()], parse_envelope,
           lambda found: format_envelope(found).encode(), is_text=False, is_free=True, grow=(*NESTED, *PAYLOAD_OF)),
    Parser("submission", [ENVELOPE.encode(), b'{"envelope":' + ENVELOPE.encode() + b',"disclosures":["YQ"]}'], open_submission,
           lambda found: format_submission(found.envelope, found.disclosures), (RefusedError,), is_text=False, is_free=True,
           grow=(*NESTED, many(b'"",', b'{"envelope":' + ENVELOPE.encode() + b',"disclosures":[', b'""]}'))),
    Parser("statement", [make_envelope(number).payload for number in (0, 1)],
           lambda data: parse_statement(make_envelope(1).__class__(data, ())), is_text=False, grow=NESTED),
    Parser("entry", LOG.datas[:2], parse_entry, format_entry, is_text=False,
           grow=(*NESTED, lambda size: LOG.datas[1].replace(b'"folios":[', b'"folios":[' + b'{"id":"","n":1,"prev":0},' * (size // 25)))),
    Parser("strict JSON", [b'{"a":[1,-2,"\\u6570",null,true]}', make_envelope(1).payload], parse_strict, format_compact,
           is_text=False, is_free=True, grow=NESTED),
    Parser("instant", [b"2026-11-24T05:49:29.123Z", b"2026-11-24T13:49:29+08:00"], parse_instant, format_instant, is_free=True,
           grow=(many(b"1", b"2026-11-24T05:49:29."), many(b"2"))),
    Parser("base64", [b"", b"AA==", b"AAA=", b"AAAA", b"+/8="], parse_base64, format_base64,
           grow=(many(b"A"), many(b"="), many(b"\n"), many(b"A=="), many(b"-"))),
    Parser("base64url", [b"", b"AA", b"AAA", b"_-8"], parse_base64url, format_base64url,
           grow=(many(b"A"), many(b"_"), many(b"\n"), many(b"A="))),
    Parser("hex", [b"", LOG.leaves[0].hex().encode()], parse_hex, bytes.hex, grow=(many(b"00"), many(b"0", b"", b"g"), many(b"A"))),
    Parser("kept receipt or checkpoint",
           [LOG.note.encode(), LOG.receipt(1).encode(), json.dumps(RECEIPT).encode(), json.dumps({"receipt": RECEIPT}).encode() * 1,
            b"\n".join([json.dumps(RECEIPT).encode()] * 3)],
           parse_known, is_text=False, grow=(*NESTED, *LINES, many(b"{}\n"), many(json.dumps(RECEIPT).encode() + b"\n"), many(b"\n", b"{"))),
    Parser("evidence", [EVIDENCE, json.dumps(json.loads(EVIDENCE), indent=1).encode()], parse_evidence, format_evidence, is_text=False, is_free=True,
           grow=(*NESTED, *(many(part, EVIDENCE[:at], EVIDENCE[at:]) for part, at in EVIDENCE_PARTS))),
    Parser("private key", [pem(LOG_SIGNER), pem(ML_DSA_SIGNER), pem(KeySigner.generate(Algorithm.ES256))], KeySigner.from_pem, pem,
           (SignatureError,), is_text=False, is_free=True,
           grow=(many(b"-"), many(b"A", b"-----BEGIN PRIVATE KEY-----\n"), many(b"-----BEGIN PRIVATE KEY-----\n"), many(b"\n"),
                 many(b"A\n", b"-----BEGIN PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----\n"))),
]  # fmt: skip
NAMES = [each.name for each in PARSERS]
ODD = [
    b"\n",
    b"\n\n",
    b" ",
    b"=",
    b"0",
    b"-",
    b"+",
    b'"',
    b"\\",
    b"{",
    b"[",
    b"\r",
    b"\x00",
    b"\xe2\x80\x94 ",
    b"\xff",
    b"\xed\xa0\x80",
]


@st.composite
def mutated(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """A sample with up to four places changed."""
    data = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        to = draw(st.integers(at, min(len(data), at + draw(st.sampled_from([0, 1, 2, 40])))))
        new = draw(st.one_of(st.sampled_from([b"", *ODD]), st.binary(max_size=4), st.just(data[at:to] * 2)))
        data = data[:at] + new + data[to:]
    return data


@pytest.mark.parametrize("parser", PARSERS, ids=NAMES)
def test_samples_are_read_and_written_back(parser: Parser) -> None:
    for sample in parser.samples:
        found = parser(sample)
        if parser.write and not parser.is_free:
            assert as_bytes(parser.write(found)) == sample


def as_bytes(written: Any) -> bytes:
    return written if isinstance(written, bytes) else written.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("parser", PARSERS, ids=NAMES)
@given(data=st.data())
def test_mutated_bytes_are_refused_or_written_back(parser: Parser, data: st.DataObject) -> None:
    text = data.draw(mutated(parser.samples))
    if parser.refuses(text) or parser.write is None:
        return
    found = parser(text)
    written = as_bytes(parser.write(found))
    if parser.is_free:
        assert as_bytes(parser.write(parser(written))) == written
    elif parser.name == "checkpoint":
        assert text.startswith(written)  # extension lines of other logs are passed over
    else:
        assert written == text


SMALL, FACTOR, SLACK = 2_000, 16, 5
"""A quadratic parser would need 16 times more than a linear one for the larger input; five times is taken for noise."""


def cost(parser: Parser, data: bytes) -> float:
    """The least seconds of this process that one call takes, of several measured for at least a millisecond each."""
    best, times = float("inf"), 1
    for _ in range(5):
        while True:
            start = time.process_time()
            for _ in range(times):
                parser.refuses(data)
            spent = time.process_time() - start
            if spent > 0.001:
                break
            times *= 2
        best = min(best, spent / times)
    return best


def grows_too_fast(parser: Parser, grow: Callable[[int], bytes]) -> bool:
    few, much = cost(parser, grow(SMALL)), cost(parser, grow(SMALL * FACTOR))
    return much > 5e-5 and much > few * FACTOR * SLACK


@pytest.mark.parametrize("parser", PARSERS, ids=NAMES)
def test_work_grows_no_faster_than_the_input(parser: Parser) -> None:
    assert [grow(20) for grow in parser.grow if grows_too_fast(parser, grow)] == []


def test_a_quadratic_parser_is_found() -> None:
    def parse(data: bytes) -> int:
        return sum(data[at:].count(b"b") for at in range(len(data)))

    assert grows_too_fast(Parser("quadratic", [], parse, is_text=False), many(b"a"))
