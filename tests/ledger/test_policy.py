from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import Checkpoint, subtree_message
from ledger.errors import FormatError, ProofError, SignatureError, TooLargeError
from ledger.merkle import inclusion_path, leaf_hash, root
from ledger.note import Note, Signature, format_note, format_verifier_key, parse_note, verifier_key
from ledger.policy import MAX_POLICY_BYTES, Policy, format_policy, parse_policy
from ledger.proof import TlogProof
from tests.ledger.policies import (
    CHECKPOINT,
    LOG_KEYS,
    LOG_LINES,
    TIME,
    cosigned,
    line_of,
    policy_of,
    quantum_witness,
    signed,
    witness,
)
from tests.ledger.support import LOG_SIGNER, ML_DSA_SIGNER, ORIGIN, Nodes

TWO_OF_THREE = "group q 2 w0 w1 w2\nquorum q\n"
NESTED = "group X 2 w0 w1 w2\ngroup Y any w3 w4 w5\ngroup both all X Y\nquorum both\n"


def refused(text: str | bytes) -> str:
    with pytest.raises(FormatError) as error:
        parse_policy(text.encode() if isinstance(text, str) else text)
    return str(error.value)


def test_the_shape_that_is_in_use() -> None:
    """Two of three operators, as the policies that Sigsum ships."""
    text = f"""# 2-of-3

{LOG_LINES}
\twitness operator.one  {format_verifier_key(witness(0)[1])}\thttps://one.example/submit\t
{line_of(1, "operator.two")}
  # between
witness operator.three {format_verifier_key(witness(2)[1])}
group operators 2 operator.one operator.two operator.three
quorum operators"""
    policy = parse_policy(text.encode())
    assert [log.key for log in policy.logs] == list(LOG_KEYS)
    assert [(w.name, w.url) for w in policy.witnesses] == [
        ("operator.one", "https://one.example/submit"), ("operator.two", None), ("operator.three", None),
    ]  # fmt: skip
    assert (policy.groups[0].threshold, policy.groups[0].members[1]) == (2, "operator.two")
    assert policy.verify(cosigned([0, 2])).checkpoint == CHECKPOINT
    with pytest.raises(
        SignatureError, match=r"quorum operators \(2 of 3\) is not met; .* operator.two, operator.three"
    ):
        policy.verify(cosigned([0]))
    assert parse_policy(format_policy(policy)) == policy


@pytest.mark.parametrize(
    ("rules", "count", "enough", "missing"),
    [
        ("quorum none\n", 0, [], None),
        ("quorum none\n", 2, [], None),
        ("quorum w0\n", 2, [0], [1]),
        ("group q all w0 w1\nquorum q\n", 2, [0, 1], [0]),
        ("group q any w0 w1\nquorum q\n", 2, [1], []),
        (TWO_OF_THREE, 3, [1, 2], [1]),
        (NESTED, 6, [0, 2, 4], [0, 1, 2]),
        (NESTED, 6, [0, 1, 2, 3, 4, 5], [0, 3, 4, 5]),
        ("quorum w1\ngroup unused all w0 w1\n", 2, [1], [0]),
    ],
)
def test_quorums(rules: str, count: int, enough: list[int], missing: list[int] | None) -> None:
    policy = policy_of(rules, count)
    verified = policy.verify(cosigned(enough))
    assert verified.checkpoint == CHECKPOINT
    assert {key for key in verified.signed_by if key not in LOG_KEYS} <= {witness(n)[1] for n in range(count)}
    if missing is not None:
        with pytest.raises(SignatureError, match="quorum"):
            policy.verify(cosigned(missing))


def test_a_witness_with_ml_dsa_counts() -> None:
    signer, key = quantum_witness()
    policy = parse_policy(f"{LOG_LINES}witness pq {format_verifier_key(key)}\nquorum pq\n".encode())
    for time, holds in ((TIME, True), (0, False)):
        message = subtree_message(key.name, time, ORIGIN, CHECKPOINT.root, end=CHECKPOINT.size)
        line = Signature(key.name, key.key_id, time.to_bytes(8, "big") + signer.sign(message))
        note = parse_note(signed())
        text = format_note(Note(note.text, (*note.signatures, line)))
        if holds:
            assert policy.verify(text).timestamps[-1] == TIME
        else:
            with pytest.raises(SignatureError, match="no cosignature by pq"):
                policy.verify(text)


def test_a_cosignature_without_a_time_does_not_count() -> None:
    with pytest.raises(SignatureError, match="no cosignature by w0"):
        policy_of("quorum w0\n", 1).verify(cosigned([0], time=0))


def test_a_known_line_that_does_not_verify_spoils_the_note() -> None:
    note = parse_note(cosigned([0, 1]))
    forged = Signature(note.signatures[-1].name, note.signatures[-1].key_id, bytes(72))
    text = format_note(Note(note.text, (*note.signatures[:-1], forged)))
    with pytest.raises(SignatureError, match="signature"):
        policy_of("quorum w0\n", 2).verify(text)
    assert policy_of("quorum w0\n", 1).verify(text), "to this policy the forged line is by a stranger"


def test_only_a_log_of_the_policy_may_have_signed() -> None:
    witnesses_only = parse_policy((line_of(0) + "quorum w0\n").encode())
    with pytest.raises(SignatureError):
        witnesses_only.verify(cosigned([0]))
    assert witnesses_only.verify(cosigned([0]), LOG_KEYS[:1]).checkpoint == CHECKPOINT
    other = verifier_key("registry.example/other", 1, LOG_SIGNER.public)
    misnamed = parse_policy(f"log {format_verifier_key(other)}\n{line_of(0)}quorum w0\n".encode())
    with pytest.raises(SignatureError, match="has signed"):
        misnamed.verify(cosigned([0]))
    as_witness = verifier_key(ORIGIN, 6, ML_DSA_SIGNER.public)
    text = f"log {format_verifier_key(other)}\nwitness w {format_verifier_key(as_witness)}\nquorum w\n"
    with pytest.raises(SignatureError, match=f"no log of the policy has signed a checkpoint of {ORIGIN}"):
        parse_policy(text.encode()).verify(signed())


def test_proofs_under_a_policy() -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(5)]
    policy = policy_of("quorum w0\n", 1)
    note = cosigned([0], Checkpoint(ORIGIN, 5, root(leaves)))
    proof = TlogProof(3, tuple(inclusion_path(3, 5, Nodes(leaves))), note)
    assert policy.verify_proof(proof, leaves[3]).checkpoint.size == 5
    with pytest.raises(ProofError):
        policy.verify_proof(proof, leaves[2])
    with pytest.raises(SignatureError, match="no cosignature by w0"):
        policy.verify_proof(TlogProof(3, proof.path, signed(Checkpoint(ORIGIN, 5, root(leaves)))), leaves[3])


KEY = format_verifier_key(witness(0)[1])
OTHER = format_verifier_key(witness(1)[1])
SAME_KEY = format_verifier_key(verifier_key("another.name", 4, witness(0)[0].public))
LOG = format_verifier_key(LOG_KEYS[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no line `quorum"),
        ("# quorum none", "there is no line `quorum"),
        ("quorum none\r\n", "line 1: the octet 0d"),
        (b"quorum none\0", "line 1: the octet 00"),
        (b"quorum none\n#\x7f", "line 2: the octet 7f"),
        ("quorum\n", "line 1: a quorum is"),
        ("quorum none none\n", "line 1: a quorum is"),
        ("quorum none # why\n", "line 1: a quorum is"),
        ("\n\nquorum none\nquorum none\n", "line 4: there is a quorum already"),
        ("quorum a\n", "line 1: a is not defined above"),
        (f"quorum w\nwitness w {KEY}\n", "line 1: w is not defined above"),
        ("Quorum none\n", "line 1: a line begins with"),
        ("quorum none\nmember x\n", "line 2: a line begins with"),
        ("log\nquorum none", "line 1: a log is"),
        (f"log {LOG} https://a b\nquorum none", "line 1: a log is"),
        ("log x\nquorum none", "line 1: a verifier key is"),
        (f"log {LOG[:-1]}\nquorum none", "line 1: not base64"),
        (f"log {KEY}\nquorum none", "line 1: a log signs with kind 01 or 06, not with 04"),
        (f"log {LOG}\nlog {LOG}\nquorum none", "line 2: another log has the same public key"),
        ("witness w\nquorum none", "line 1: a witness is"),
        (f"witness w {KEY} u v\nquorum none", "line 1: a witness is"),
        (f"witness w {LOG}\nquorum none", "line 1: a witness signs with kind 04 or 06, not with 01"),
        (f"witness none {KEY}\nquorum none", "line 1: the name none is taken"),
        (f"witness w {KEY}\nwitness w {OTHER}\nquorum none", "line 2: the name w is taken"),
        (f"witness w {KEY}\nwitness v {SAME_KEY}\nquorum none", "line 2: another witness has the same public key"),
        (f"witness w {KEY}\ngroup w all w\nquorum w", "line 2: the name w is taken"),
        (f"witness w {KEY}\ngroup none all w\nquorum w", "line 2: the name none is taken"),
        (f"witness w {KEY}\ngroup g all g\nquorum g", "line 2: g is not defined above"),
        (f"witness w {KEY}\ngroup g all none\nquorum g", "line 2: none is not defined above"),
        (f"group g all w\nwitness w {KEY}\nquorum g", "line 1: w is not defined above"),
        (f"witness w {KEY}\ngroup g all\nquorum g", "line 2: a group is"),
        (f"witness w {KEY}\ngroup g w\nquorum g", "line 2: a group is"),
        (f"witness w {KEY}\ngroup g 1 w w\nquorum g", "line 2: w is a member already"),
        (f"witness w {KEY}\ngroup g 1 w\ngroup h 1 w\nquorum g", "line 3: w is a member already"),
        *[
            (f"witness w {KEY}\ngroup g {k} w\nquorum g", "line 2: of 1 members")
            for k in ("0", "2", "-1", "+1", "01", "1.0", "ALL", "１", "9999999")
        ],
        (b"quorum \xff", "line 1: \\xff is not defined above"),
        (f"witness K {KEY}\nquorum \N{KELVIN SIGN}\n", "line 2: \N{KELVIN SIGN} is not defined above"),
    ],
)
def test_what_is_no_policy(text: str | bytes, said: str) -> None:
    assert said in refused(text)


def test_large_policies() -> None:
    with pytest.raises(TooLargeError):
        parse_policy(b"#" * MAX_POLICY_BYTES + b"\n")
    count = 32
    groups = "".join(f"group g{n} any {f'g{n - 1}' if n else 'w0'} {f'w{n}' if n else ''}\n" for n in range(count))
    policy = policy_of(groups + "quorum g31\n", count)
    assert policy.is_met_by(["w0"])
    assert policy.verify(cosigned([31]))
    deep = b"".join(b"group g%d all %s\n" % (n, b"g%d" % (n - 1) if n else b"w0") for n in range(5_000))
    tower = parse_policy(line_of(0).encode() + deep + b"quorum g4999")
    assert tower.is_met_by(["w0"]) and not tower.is_met_by([])


def test_names_are_octets() -> None:
    data = (
        b"witness \xff\xfe "
        + KEY.encode()
        + b" http://\xe4\xbe\x8b/\ngroup \xe7\xbb\x84 all \xff\xfe\nquorum \xe7\xbb\x84\n"
    )
    policy = parse_policy(data)
    assert format_policy(policy) == data
    assert policy.groups[0].name == "组"


class Tree:
    """A quorum as a tree: a witness, or a threshold over trees. Evaluated by plain recursion."""

    def __init__(self, name: str, threshold: int = 0, members: Sequence["Tree"] = ()) -> None:
        self.name, self.threshold, self.members = name, threshold, members

    def holds(self, cosigned: set[str]) -> bool:
        if not self.members:
            return self.name in cosigned
        return sum(member.holds(cosigned) for member in self.members) >= self.threshold

    def lines(self) -> list[str]:
        if not self.members:
            return []
        below = [line for member in self.members for line in member.lines()]
        return [*below, f"group {self.name} {self.threshold} {' '.join(m.name for m in self.members)}"]


@st.composite
def trees(draw: Any) -> tuple[Tree, int]:
    """A tree over some of eight witnesses, every one a member once at most."""
    roots = [Tree(f"w{n}") for n in range(draw(st.integers(1, 8)))]
    count = len(roots)
    for number in range(draw(st.integers(0, 6))):
        chosen = draw(st.lists(st.integers(0, len(roots) - 1), min_size=1, max_size=4, unique=True))
        members = [roots[n] for n in chosen]
        group = Tree(f"g{number}", draw(st.integers(1, len(members))), members)
        roots = [tree for tree in roots if tree not in members] + [group]
    return draw(st.sampled_from(roots)), count


@given(trees(), st.sets(st.sampled_from([f"w{n}" for n in range(8)])))
def test_a_quorum_is_what_plain_recursion_says(made: tuple[Tree, int], names: set[str]) -> None:
    tree, count = made
    policy = policy_of("".join(f"{line}\n" for line in tree.lines()) + f"quorum {tree.name}\n", count)
    assert policy.is_met_by(names) == tree.holds(names)
    assert parse_policy(format_policy(policy)) == policy


SAMPLE = format_policy(policy_of(NESTED, 6))


@given(st.data())
def test_changed_policies_are_refused_or_say_what_they_say(data: st.DataObject) -> None:
    text = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b" ", b"\n", b"#", b"0", b"w1", b"\xff", b"\r"])
        )
    try:
        policy: Policy = parse_policy(bytes(text))
    except FormatError:
        return
    assert parse_policy(format_policy(policy)) == policy


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    try:
        assert parse_policy(data + b"\nquorum none")
    except FormatError:
        return
