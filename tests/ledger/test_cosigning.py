"""The log's side of tlog-witness, against witnesses that tell the truth, lie, answer rubbish, or do not answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from ledger.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from ledger.cosigning import Asked, Dispute, Witnessed, Witnesses, add_lines, own_lines, witnessed_sizes
from ledger.merkle import consistency_path, leaf_hash, root
from ledger.note import ED25519_COSIGNATURE, parse_note, verifier_key
from ledger.policy import parse_policy
from ledger.witness.protocol import AddCheckpoint, format_cosignatures, format_size
from tests.ledger.fake_witness import Answer, FakeWitness, fake_witness, silent_server
from tests.ledger.policies import LOG_KEYS, LOG_LINES, TIME, cosigned, line_of, policy_of, signed, witness
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, ORIGIN, Nodes

LEAVES = [leaf_hash(b"%d" % n) for n in range(40)]
OTHERS = [leaf_hash(b"other %d" % n) for n in range(40)]


def checkpoint(size: int, leaves: Sequence[bytes] = LEAVES) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root(leaves[:size]))


class Grown:
    """A log of forty entries, signed at a size."""

    def __init__(self, size: int, newest: int | None = None) -> None:
        self.size, self.newest = size, newest or size

    @property
    def note(self) -> str:
        return signed(checkpoint(self.size))

    def path(self, old: int) -> Sequence[bytes]:
        return consistency_path(old, self.size, Nodes(LEAVES))

    def signed(self) -> int:
        return self.newest

    def root(self, size: int) -> bytes:
        return root(LEAVES[:size])


@contextmanager
def asking(*found: FakeWitness, deadline: float = 2.0, also: str = "") -> Iterator[Witnesses]:
    lines = "".join(each.policy_line for each in found)
    policy = parse_policy(f"{LOG_LINES}{lines}{also}quorum none\n".encode())
    with Witnesses(policy, ORIGIN, LOG_KEYS, deadline) as witnesses:
        yield witnesses


def ask(witnesses: Witnesses, size: int, newest: int | None = None) -> Asked:
    log = Grown(size, newest)
    return witnesses.ask(log.note, log)


def test_all_witnesses_are_asked_and_their_lines_hold() -> None:
    with fake_witness(0) as one, fake_witness(1, size=0) as two, asking(one, two) as witnesses:
        for size in (3, 4, 7, 7, 32, 40):
            asked = ask(witnesses, size)
            assert (set(asked.lines), asked.silent, asked.disputes) == ({"w0", "w1"}, {}, ())
            note = add_lines(Grown(size).note, list(asked.lines.values()))
            verified = policy_of("group q all w0 w1\nquorum q\n", 2).verify(note)
            assert verified.checkpoint.size == size
            assert verified.timestamps[-2:] == (TIME, TIME)
        assert [request.old_size for request in one.asked] == [0, 3, 4, 7, 7, 32]


def test_a_witness_is_asked_again_from_the_size_that_it_names() -> None:
    """A new process knows nothing; a witness that lost its memory says so."""
    with fake_witness(0) as one:
        with asking(one) as witnesses:
            assert ask(witnesses, 8).lines
        with asking(one) as witnesses:
            assert ask(witnesses, 9).lines
            one.size, one.root = 5, root(LEAVES[:5])
            assert ask(witnesses, 11).lines
        assert [request.old_size for request in one.asked] == [0, 0, 8, 9, 5]


def test_a_witness_is_sent_the_lines_of_the_log_alone() -> None:
    with fake_witness(0) as one, asking(one) as witnesses:
        note = cosigned([1, 2, 3], checkpoint(5))
        assert witnesses.ask(note, Grown(5)).lines
        assert one.asked[0].note == signed(checkpoint(5)) == own_lines(note, LOG_KEYS)


def test_newer_lines_stand_in_the_place_of_older_ones() -> None:
    old, new = cosigned([0, 1]), cosigned([1, 2], time=TIME + 60)
    merged = add_lines(old, parse_note(new).signatures)
    verified = verify_checkpoint(merged, [*LOG_KEYS, *(witness(n)[1] for n in range(3))])
    assert verified.timestamps == (None, TIME, TIME, TIME + 60, TIME + 60)
    assert add_lines(merged, parse_note(new).signatures) == merged


def other_key(found: FakeWitness, request: AddCheckpoint) -> Answer:
    """A good line, by a key that nobody asked for."""
    lines = parse_note(cosigned([5], checkpoint(found.size or 7))).signatures[-1:]
    return 200, format_cosignatures(lines)


def forged(found: FakeWitness, request: AddCheckpoint) -> Answer:
    """The witness's name and key id over another key's signature."""
    answer = found.cosign(request, witness(6)[0])
    line = parse_note(f"x\n\n{answer.decode()}").signatures[0]
    return 200, format_cosignatures((type(line)(line.name, found.key.key_id, line.payload),))


def of_another(found: FakeWitness, request: AddCheckpoint) -> Answer:
    """The witness's own signature of another checkpoint."""
    return 200, found.cosign(AddCheckpoint(0, (), signed(checkpoint(6))))


def timeless(found: FakeWitness, request: AddCheckpoint) -> Answer:
    found.time = 0
    return 200, found.cosign(request)


LIES: dict[str, tuple[Callable[[FakeWitness, AddCheckpoint], Answer | None], str]] = {
    "nothing": (lambda *_: (200, b""), "signature line"),
    "rubbish": (lambda *_: (200, b"\xff\xfe\x00 <html>"), "UTF-8"),
    "a page": (lambda *_: (200, b"<html>hello</html>\n"), "signature line"),
    "a key that nobody asked for": (other_key, "no line by its key"),
    "a forged line": (forged, "signature"),
    "a line of another checkpoint": (of_another, "signature"),
    "a line without a time": (timeless, "says no time"),
    "more than is read": (lambda *_: (200, b"\xe2\x80\x94 a " + b"A" * 200_000 + b"\n"), "more than 65536 bytes"),
    "a redirect": (lambda *_: (302, b""), "answers 302"),
    "push-back": (lambda *_: (429, b""), "answers 429"),
    "a fault": (lambda *_: (500, b""), "answers 500"),
    "an unknown log": (lambda *_: (404, b""), "answers 404"),
    "an unknown key": (lambda *_: (403, b""), "answers 403"),
    "a size that is none": (lambda *_: (409, b"+5\n"), "decimal"),
    "no size": (lambda *_: (409, b""), "ends in a newline"),
    "another size each time": (
        lambda _, request: (409, format_size((request.old_size + 1) % 3)),
        "another size each time",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_witness_that_lies_does_no_harm(lie: str) -> None:
    with fake_witness(0, lie=LIES[lie][0]) as liar, fake_witness(1) as honest, asking(liar, honest) as witnesses:
        asked = ask(witnesses, 7)
        assert set(asked.lines) == {"w1"}
        assert LIES[lie][1] in asked.silent["w0"]
        assert asked.disputes == ()
        liar.lie, liar.time = lambda *_: None, TIME
        assert set(ask(witnesses, 8).lines) == {"w0", "w1"}, "it is believed when it cosigns"


def test_a_good_line_among_others_is_taken() -> None:
    def chatty(found: FakeWitness, request: AddCheckpoint) -> Answer:
        return 200, other_key(found, request)[1] + found.cosign(request) + found.cosign(request)

    with fake_witness(0, lie=chatty) as one, asking(one) as witnesses:
        assert set(ask(witnesses, 7).lines) == {"w0"}


def test_witnesses_that_do_not_end_their_answer_hold_up_nobody() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999
    endless = b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9999
    with ExitStack() as stack:
        urls = [stack.enter_context(silent_server(drip)) for drip in (b"", head, endless)]
        honest = stack.enter_context(fake_witness(0))
        also = "".join(line_of(n, url=url) for n, url in enumerate(urls, 1))
        nowhere = (
            line_of(4, url="http://127.0.0.1:1")
            + line_of(5)
            + line_of(6, url="ftp://127.0.0.1/")
            + line_of(7, url="http://[")
        )
        witnesses = stack.enter_context(asking(honest, deadline=0.5, also=also + nowhere))
        for size in (7, 8):
            begun = time.monotonic()
            asked = ask(witnesses, size)
            assert set(asked.lines) == {"w0"}
            assert set(asked.silent) == {f"w{n}" for n in range(1, 8)}
            assert asked.silent["w1"] == "no answer within 0.5 s"
            assert asked.silent["w5"] == "the policy gives no address of it"
            assert time.monotonic() - begun < 5


@pytest.mark.parametrize("shows", [True, False])
def test_a_witness_that_saw_more_than_there_is(shows: bool) -> None:
    with fake_witness(0, size=12, root=b"", note=signed(checkpoint(12)), shows=shows) as one, asking(one) as witnesses:
        asked = ask(witnesses, 7)
        assert asked.disputes == (Dispute("w0", 12, signed(checkpoint(12)) if shows else None),)
        assert (asked.lines, asked.silent) == ({}, {})


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize("shows", [True, False])
def test_a_witness_that_saw_another_history(status: int, shows: bool) -> None:
    def refuse(_: FakeWitness, request: AddCheckpoint) -> Answer:
        return (422, b"") if status == 422 else (409, format_size(7))

    note = sign_checkpoint(checkpoint(7, OTHERS), (LOG_SIGNER, ML_DSA_SIGNER), TIME)
    with fake_witness(0, lie=refuse, note=note, shows=shows) as one, asking(one) as witnesses:
        assert ask(witnesses, 7).disputes == (Dispute("w0", 7, note) if shows else Dispute("w0"),)


def test_what_a_witness_shows_is_a_proof_only_if_the_log_signed_it() -> None:
    mine = verifier_key(ORIGIN, ED25519_COSIGNATURE, witness(0)[0].public)
    assert mine not in LOG_KEYS
    for note in (
        cosigned([0], checkpoint(12)).replace("\n12\n", "\n13\n"),
        sign_checkpoint(Checkpoint("registry.example/log2", 12, root(OTHERS)), (LOG_SIGNER,), TIME),
        sign_checkpoint(checkpoint(12, OTHERS), (witness(3)[0],), TIME),
        "rubbish",
    ):
        with fake_witness(0, size=12, note=note) as one, asking(one) as witnesses:
            assert ask(witnesses, 7).disputes == (Dispute("w0", 12),)


def test_another_process_may_have_been_first() -> None:
    """Between reading the newest checkpoint and asking, a greater one was signed and cosigned."""
    for shows in (True, False):
        with fake_witness(0, size=9, note=signed(checkpoint(9)), shows=shows) as one, asking(one) as witnesses:
            asked = ask(witnesses, 7, newest=9)
            assert (asked.disputes, asked.silent) == ((), {"w0": "it has cosigned 9 entries meanwhile"})


def test_sizes_that_witnesses_cosigned_last() -> None:
    newest = signed(checkpoint(12))
    with ExitStack() as stack:
        shows = stack.enter_context(fake_witness(0, size=12, note=newest))
        only_says = stack.enter_context(fake_witness(1, size=5, shows=False))
        never = stack.enter_context(fake_witness(2))
        broken = stack.enter_context(fake_witness(3, lie=lambda *_: (500, b""), shows=False))
        policy = parse_policy(
            (LOG_LINES + "".join(w.policy_line for w in (shows, only_says, never, broken)) + "quorum none\n").encode()
        )
        assert witnessed_sizes(policy, ORIGIN, LOG_KEYS) == {"w0": Witnessed(12, newest)}
        assert witnessed_sizes(policy, ORIGIN, LOG_KEYS, signed(checkpoint(7))) == {
            "w0": Witnessed(12, newest), "w1": Witnessed(5), "w2": Witnessed(7),
        }  # fmt: skip
        assert never.size == 7
