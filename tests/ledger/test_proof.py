import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoint import MAX_NUMBER, Checkpoint, log_verifier_keys, sign_checkpoint
from ledger.errors import FormatError, ProofError, SignatureError
from ledger.merkle import InclusionPaths, inclusion_path, leaf_hash, root, verify_inclusion
from ledger.note import parse_verifier_key
from ledger.proof import ProofTexts, TlogProof, format_proof, parse_proof, verify_proof
from tests.ledger.support import (
    CHECKPOINT,
    LEAVES,
    LOG_SIGNER,
    ML_DSA_SIGNER,
    ORIGIN,
    Nodes,
    flip,
    load,
    must_be_canonical,
    mutated,
)

PUBLISHED = load("proof")["tlogproof"]
NOTE = CHECKPOINT["note"]
KEYS = [parse_verifier_key(CHECKPOINT["log_vkey"]), parse_verifier_key(CHECKPOINT["witness_vkey"])]
NODES = Nodes(LEAVES)
MANY = [leaf_hash(b"%d" % number) for number in range(1_100)]
MANY_NODES = Nodes(MANY)
HASHES = st.binary(min_size=32, max_size=32)


def proof_of(index: int, size: int) -> TlogProof:
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root(LEAVES[:size])), [LOG_SIGNER], 0)
    return TlogProof(index, tuple(inclusion_path(index, size, NODES)), note)


def test_proof_matches_vector() -> None:
    proof = TlogProof(2, tuple(inclusion_path(2, 7, NODES)), NOTE)
    assert format_proof(proof) == PUBLISHED
    assert parse_proof(PUBLISHED) == proof
    verified = verify_proof(proof, LEAVES[2], KEYS)
    assert verified.checkpoint == Checkpoint(ORIGIN, 7, root(LEAVES[:7]))
    assert verified.signed_by == tuple(KEYS)


@given(
    st.integers(0, MAX_NUMBER),
    st.lists(HASHES, max_size=63).map(tuple),
    st.none() | st.binary(min_size=1, max_size=99),
)
def test_proofs_round_trip(index: int, path: tuple[bytes, ...], extra: bytes | None) -> None:
    proof = TlogProof(index, path, NOTE, extra)
    assert parse_proof(format_proof(proof)) == proof


@given(st.data())
def test_mutated_proofs_parse_canonically_or_not_at_all(data: st.DataObject) -> None:
    text = format_proof(TlogProof(2, tuple(inclusion_path(2, 7, NODES)), NOTE, b"extra"))
    must_be_canonical(mutated(text, data), parse_proof, format_proof)


@given(st.integers(1, 300), st.data())
def test_every_entry_of_every_tree_is_provable(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = parse_proof(format_proof(proof_of(index, size)))
    assert verify_proof(proof, LEAVES[index], KEYS).checkpoint.size == size
    with pytest.raises(ProofError):
        verify_proof(proof, flip(LEAVES[index]), KEYS)
    with pytest.raises(ProofError):
        verify_proof(TlogProof(index, (*proof.path, LEAVES[0]), proof.checkpoint), LEAVES[index], KEYS)
    with pytest.raises(ProofError):
        verify_proof(TlogProof(size, proof.path, proof.checkpoint), LEAVES[index], KEYS)


def test_proof_with_both_lines_of_the_log() -> None:
    signers = [LOG_SIGNER, ML_DSA_SIGNER]
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, LEAVES[0]), signers, 1_790_000_000)
    keys = log_verifier_keys(ORIGIN, signers)
    text = format_proof(TlogProof(0, (), note))
    assert verify_proof(parse_proof(text), LEAVES[0], keys).signed_by == keys


def test_proof_under_a_checkpoint_that_nobody_known_signed() -> None:
    proof = proof_of(2, 7)
    with pytest.raises(SignatureError):
        verify_proof(proof, LEAVES[2], KEYS[1:])
    with pytest.raises(SignatureError):
        verify_proof(TlogProof(2, proof.path, proof.checkpoint.replace("\n7\n", "\n8\n")), LEAVES[2], KEYS)


HEAD, REST = PUBLISHED.split("\nindex 2\n")
PATH, _ = REST.split("\n\n", 1)
LINE = PATH.split("\n")[0]


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", NOTE, PUBLISHED[1:], "\n" + PUBLISHED, PUBLISHED + "\n", PUBLISHED[:-1], PUBLISHED.rstrip(),
        PUBLISHED.replace("@v1", "@v2"), PUBLISHED.replace("@v1", "@v1 "), f"{HEAD}\n{REST}", f"{HEAD}\n\n{NOTE}",
        PUBLISHED.replace("index 2", "index 02"), PUBLISHED.replace("index 2", "index -2"),
        PUBLISHED.replace("index 2", "index  2"), PUBLISHED.replace("index 2", "index"),
        PUBLISHED.replace("index 2", "index "), PUBLISHED.replace("index 2", f"index {2**63}"),
        PUBLISHED.replace("index 2", "index 2\nindex 2"), PUBLISHED.replace("index 2", "Index 2"),
        PUBLISHED.replace("index 2", "extra \nindex 2"), PUBLISHED.replace("index 2", "extra\nindex 2"),
        PUBLISHED.replace("index 2", "extra AAB=\nindex 2"), PUBLISHED.replace("index 2", "extra AA\nindex 2"),
        PUBLISHED.replace("index 2", "extra AA==\nextra AA==\nindex 2"),
        PUBLISHED.replace("index 2", "index 2\nextra AA=="), PUBLISHED.replace("index 2", "\nindex 2"),
        PUBLISHED.replace(LINE, LINE[:-1]), PUBLISHED.replace(LINE, f"{LINE} "), PUBLISHED.replace(LINE, "AAAA"),
        PUBLISHED.replace(LINE, "\n".join([LINE] * 62)), PUBLISHED.replace(LINE, "\n".join([LINE] * 9999)),
        PUBLISHED.replace("\n", "\r\n"), PUBLISHED.replace("\n7\n", "\n07\n"), PUBLISHED.replace("— ", "- "),
        f"{HEAD}\nindex 2\n{PATH}\n{NOTE}", f"{HEAD}\nindex 2\n{PATH}\n\n\n{NOTE}", f"{HEAD}\nindex 2\n{PATH}\n\n",
    ],
)  # fmt: skip
def test_malformed_proofs_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_proof(text)


@pytest.mark.parametrize(
    ("index", "path", "extra"),
    [(-1, (), None), (2**63, (), None), (0, (b"",), None), (0, (bytes(32),) * 64, None), (0, (), b"")],
)
def test_proofs_that_cannot_be(index: int, path: tuple[bytes, ...], extra: bytes | None) -> None:
    with pytest.raises(FormatError):
        TlogProof(index, path, NOTE, extra)


@given(st.integers(1, 1_100), st.data())
def test_proofs_of_neighbours_are_those_written_alone(size: int, data: st.DataObject) -> None:
    texts = ProofTexts(InclusionPaths(size, MANY_NODES), NOTE)
    root_hash = root(MANY[:size])
    for index in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=8)):
        text = texts.text(index)
        path = parse_proof(text).path
        verify_inclusion(MANY[index], index, size, path, root_hash)
        assert text == format_proof(TlogProof(index, path, NOTE))
    with pytest.raises(ProofError):
        texts.text(size)
