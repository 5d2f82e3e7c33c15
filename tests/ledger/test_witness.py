"""The rules of a witness against a plain dict, and its folder from one start to the next."""

import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.checkpoint import verify_checkpoint
from ledger.errors import FormatError, LedgerError, ProofError, SignatureError
from ledger.keys import Algorithm, KeySigner
from ledger.note import ED25519_COSIGNATURE, VerifierKey, format_verifier_key, parse_note, verifier_key
from ledger.witness import store as store_module
from ledger.witness.errors import OldSizeError, UnavailableError, UnknownOriginError, WitnessStartError
from ledger.witness.folder import Opened, open_witness
from ledger.witness.protocol import origin_path
from ledger.witness.store import Contradiction, Kind
from ledger.witness.witness import CLOCK_SLACK_S, Witness
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER
from tests.ledger.witnessed import FORK, HYBRID, LOG, STRANGER, TIME, SomeLog, spoiled, with_lines

NAME = "witness.example/w1"
HISTORIES = (LOG, FORK, LOG.forked(2))
OTHER = SomeLog("registry.example/other")
SIZES = st.integers(0, 12)


def timestamp(witness: Witness, log: SomeLog, note: str) -> int:
    """The time in the witness's line, which verifies."""
    verified = verify_checkpoint(note, [*log.keys, witness.key])
    assert verified.signed_by[-1] == witness.key
    return verified.timestamps[-1] or 0


# ---- a model ---------------------------------------------------------------------------------------------------------


class Model(RuleBasedStateMachine):
    """Logs show honest checkpoints, other histories, wrong proofs; the witness is stopped, started and opened twice."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.now = TIME
        self.stated = 0
        self.last: dict[str, tuple[int, bytes]] = {}
        self.roots: dict[tuple[str, int], bytes] = {}
        self.told: list[Contradiction] = []
        self.opened = [self.open(NAME, [*LOG.keys, *OTHER.keys]).witness]

    def open(self, *values: object) -> Opened:
        return open_witness(
            self.folder / "w", *values, clock=lambda: self.now, on_contradiction=self.told.append
        )  # fmt: skip

    def teardown(self) -> None:
        for each in self.opened:
            each.close()
        shutil.rmtree(self.folder)

    def expected(self, log: SomeLog, old: int, new: int, *, proof_holds: bool) -> type[LedgerError] | None:
        size, root = self.last.get(log.origin, (0, b""))
        if old > new:
            return FormatError
        if log.origin not in (LOG.origin, OTHER.origin):
            return UnknownOriginError
        if old != size:
            return OldSizeError
        if not proof_holds or (size and (log.root(size) != root)):
            return ProofError
        if self.now < self.stated - CLOCK_SLACK_S:
            return UnavailableError
        return None

    def ask(self, log: SomeLog, old: int | None, new: int, proof: str, who: int) -> None:
        witness = self.opened[who % len(self.opened)]
        start = self.last.get(log.origin, (0, b""))[0] if old is None else old
        right = log.path(start, new) if start <= new else ()
        path = {"right": right, "none": (), "more": (*right, bytes(32))}[proof]
        expected = self.expected(log, start, new, proof_holds=path == right)
        try:
            body = log.body(min(start, new), new, path=path).replace(b"old %d\n" % min(start, new), b"old %d\n" % start)
            given = witness.add_checkpoint(body)
        except LedgerError as error:
            assert expected is not None
            assert isinstance(error, expected), error
            if isinstance(error, OldSizeError):
                assert error.size == self.last.get(log.origin, (0, b""))[0]
            return
        assert expected is None
        assert self.roots.setdefault((log.origin, new), log.root(new)) == log.root(new)  # never two roots for a size
        assert new >= self.last.get(log.origin, (0, b""))[0]
        self.last[log.origin] = (new, log.root(new))
        stated = int.from_bytes(given.line.payload[:8], "big")
        assert stated == max(self.now, self.stated)
        self.stated = stated

    @rule(
        log=st.sampled_from([*HISTORIES, OTHER, STRANGER]), old=SIZES | st.none(), new=SIZES,
        proof=st.sampled_from(["right", "right", "right", "none", "more"]), who=st.integers(0, 5),
    )  # fmt: skip
    def ask_anything(self, log: SomeLog, old: int | None, new: int, proof: str, who: int) -> None:
        self.ask(log, old, new, proof, who)

    @rule(
        log=st.sampled_from([LOG, OTHER]), more=st.integers(0, 2), who=st.integers(0, 5),
        seconds=st.sampled_from([0, 1, 5, -1, -30]),
    )  # fmt: skip
    def ask_honestly(self, log: SomeLog, more: int, who: int, seconds: int) -> None:
        self.now += seconds
        self.ask(log, None, self.last.get(log.origin, (0, b""))[0] + more, "right", who)

    @rule(log=st.sampled_from(HISTORIES), new=SIZES)
    def ask_with_a_wrong_signature(self, log: SomeLog, new: int) -> None:
        with pytest.raises(SignatureError):
            self.opened[0].add_checkpoint(log.body(0, new, spoiled(log.note(new))))

    @rule(seconds=st.sampled_from([100, -100, -1000]))
    def move_the_clock(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def start_again(self) -> None:
        self.opened.pop().close()
        self.opened.append(self.open().witness)

    @precondition(lambda self: len(self.opened) < 3)
    @rule()
    def start_another(self) -> None:
        self.opened.append(self.open(NAME).witness)

    @invariant()
    def what_was_cosigned_last_is_published(self) -> None:
        for log in (LOG, OTHER):
            path = origin_path(log.origin)
            if log.origin not in self.last:
                with pytest.raises(UnknownOriginError):
                    self.opened[-1].checkpoint(path)
                continue
            note = self.opened[-1].checkpoint(path)
            size, root = self.last[log.origin]
            checkpoint = verify_checkpoint(note, log.keys).checkpoint
            assert (checkpoint.size, checkpoint.root) == (size, root)

    @invariant()
    def what_is_kept_convicts(self) -> None:
        kept = self.opened[-1].contradictions(origin_path(LOG.origin))
        for each in kept:
            assert each in self.told
            later = verify_checkpoint(each.note, LOG.keys).checkpoint
            assert (later.size, later.root) == (each.size, each.root)
            if each.kind is Kind.TWO_ROOTS:
                assert each.known is not None
                known = verify_checkpoint(each.known, LOG.keys).checkpoint
                assert known.size == later.size
                assert known.root != later.root
            else:
                assert self.roots.get((LOG.origin, each.size)) != each.root


def kept_of(witness: Witness, log: SomeLog) -> list[Contradiction]:
    return witness.contradictions(origin_path(log.origin))


Model.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
TestModel = Model.TestCase


# ---- what is kept ----------------------------------------------------------------------------------------------------


@pytest.fixture
def told() -> list[Contradiction]:
    return []


@pytest.fixture
def witness(tmp_path: Path, told: list[Contradiction]) -> Iterator[Witness]:
    keys = [*LOG.keys, *HYBRID.keys]
    found = open_witness(tmp_path / "w", NAME, keys, clock=lambda: TIME, on_contradiction=told.append).witness
    yield found
    found.close()


def refused(witness: Witness, body: bytes) -> None:
    with pytest.raises((OldSizeError, ProofError)):
        witness.add_checkpoint(body)


def test_what_is_cosigned_has_the_logs_lines_and_ours(witness: Witness) -> None:
    note = with_lines(HYBRID.note(7), SomeLog("cosigner.example/w", (LOG_SIGNER,)).note(7))
    line = witness.add_checkpoint(HYBRID.body(0, 7, note)).line
    kept = parse_note(witness.checkpoint(origin_path(HYBRID.origin)))
    assert kept.signatures == (*parse_note(HYBRID.note(7)).signatures[:1], kept.signatures[1], line)
    assert timestamp(witness, HYBRID, witness.checkpoint(origin_path(HYBRID.origin))) == TIME


def test_a_contradiction_is_told_once(witness: Witness, told: list[Contradiction]) -> None:
    witness.add_checkpoint(LOG.body(0, 7))
    for _ in range(3):
        refused(witness, FORK.body(7, 7))
        refused(witness, FORK.body(2, 7))
    refused(witness, LOG.body(7, 9, path=()))
    assert [each.kind for each in told] == [Kind.TWO_ROOTS, Kind.UNPROVEN]
    assert kept_of(witness, LOG) == told


def test_two_suspicions_of_one_size_convict(witness: Witness) -> None:
    witness.add_checkpoint(LOG.body(0, 1))
    for log in (FORK, LOG.forked(2)):
        refused(witness, log.body(1, 9, path=()))
    assert [each.kind for each in kept_of(witness, LOG)] == [Kind.UNPROVEN, Kind.TWO_ROOTS]
    assert kept_of(witness, LOG)[1].known == FORK.note(9)


def test_a_wrong_proof_before_anything_was_cosigned_says_nothing(witness: Witness) -> None:
    refused(witness, LOG.body(0, 7, path=[bytes(32)]))
    witness.add_checkpoint(LOG.body(0, 0))
    refused(witness, LOG.body(0, 7, path=[bytes(32)]))
    assert kept_of(witness, LOG) == []


def test_what_is_kept_is_bounded(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "KEPT_CONTRADICTIONS", 2)
    monkeypatch.setattr(store_module, "KEPT_CHECKPOINTS", 4)
    for size in range(5, 12):
        witness.add_checkpoint(LOG.body(size - 1 if size > 5 else 0, size))
    for size in range(5, 12):
        refused(witness, FORK.body(0, size))
    assert [each.size for each in kept_of(witness, LOG)] == [8, 9]  # the first ones among the sizes still known
    for size in range(12, 16):
        refused(witness, LOG.body(11, size, path=()))
    kept = kept_of(witness, LOG)
    assert [each.size for each in kept if each.kind is Kind.UNPROVEN] == [14, 15]
    assert [each.size for each in kept if each.kind is Kind.TWO_ROOTS] == [8, 9]
    (rows,) = witness._store._reader.execute("SELECT count(*) FROM cosigned").fetchone()
    assert rows == 4


# ---- the folder ------------------------------------------------------------------------------------------------------


def started(folder: Path, name: str | None = None, keys: tuple[VerifierKey, ...] = ()) -> Opened:
    opened = open_witness(folder, name, keys)
    opened.witness.close()
    return opened


def test_a_folder_keeps_name_key_and_logs(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "w"
    first = started(folder, NAME, LOG.keys)
    assert (first.is_new, first.added, first.logs) == (True, LOG.keys, (LOG.origin,))
    assert (folder / "witness.vkey").read_text() == format_verifier_key(first.witness.key) + "\n"
    assert first.witness.key.kind == ED25519_COSIGNATURE
    assert b"BEGIN PRIVATE KEY" in (folder / "witness.pem").read_bytes()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.glob("witness.[pd]*")} == {0o600}
    second = started(folder)
    assert (second.is_new, second.added, second.logs) == (False, (), (LOG.origin,))
    assert second.witness.key == first.witness.key


def test_logs_and_keys_are_added_and_never_dropped(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    started(folder, NAME, HYBRID.keys[:1])
    both = started(folder, NAME, (*LOG.keys, *HYBRID.keys))
    assert both.added == (*LOG.keys, HYBRID.keys[1])
    assert both.logs == (HYBRID.origin, LOG.origin)
    opened = open_witness(folder, None, LOG.keys)
    assert opened.witness.add_checkpoint(HYBRID.body(0, 7)).checkpoint.size == 7
    with pytest.raises(SignatureError):
        opened.witness.add_checkpoint(HYBRID.body(7, 7, spoiled(HYBRID.note(7), 1)))
    opened.witness.close()


def _another_key(folder: Path) -> None:
    (folder / "witness.pem").write_bytes(KeySigner.generate().to_pem())


def _key_of_another_algorithm(folder: Path) -> None:
    (folder / "witness.pem").write_bytes(KeySigner.generate(Algorithm.ES256).to_pem())


DAMAGES: dict[str, Callable[[Path], None]] = {
    "is missing beside": lambda folder: (folder / "witness.db").unlink(),
    "cannot be read": lambda folder: (folder / "witness.pem").unlink(),
    "not an unencrypted": lambda folder: (folder / "witness.pem").write_bytes(b"?") and None,
    "is not the key": _another_key,
    "no Ed25519 key": _key_of_another_algorithm,
}


@pytest.mark.parametrize("words", DAMAGES)
def test_a_damaged_folder_does_not_start(words: str, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    started(folder, NAME)
    DAMAGES[words](folder)
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    with pytest.raises(WitnessStartError, match=words) as error:
        started(folder)
    assert error.value.words_zh
    assert before.items() <= {each.name: each.read_bytes() for each in folder.iterdir()}.items()


def test_what_does_not_start(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with pytest.raises(WitnessStartError, match="needs a name"):
        started(folder)
    with pytest.raises(WitnessStartError, match="can be called"):
        started(folder, "two words")
    cosigner = verifier_key("cosigner.example", ED25519_COSIGNATURE, LOG_SIGNER.public)
    with pytest.raises(WitnessStartError, match="one of a witness"):
        started(folder, NAME, (cosigner,))
    with pytest.raises(WitnessStartError, match="255"):
        started(folder, NAME, SomeLog("x" * 256, (ML_DSA_SIGNER,)).keys)
    assert not (folder / "witness.pem").exists()
    assert started(folder, NAME).is_new
    with pytest.raises(WitnessStartError, match=f"called {NAME}, not"):
        started(folder, "witness.example/w2")


def test_a_first_start_that_was_interrupted_is_taken_up(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with pytest.raises(WitnessStartError):
        started(folder)  # leaves a store without an identity
    signer = KeySigner.generate()
    (folder / "witness.pem").write_bytes(signer.to_pem())
    assert started(folder, NAME).witness.key.public == signer.public


def test_a_store_that_is_no_store(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "witness.db").write_bytes(b"-" * 4096)
    with pytest.raises(UnavailableError):
        started(folder, NAME)
