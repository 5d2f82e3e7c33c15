"""Which keys and signatures count: every vector is accepted, or refused for what is wrong with it. Contract section 2."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from dilithium_py.ml_dsa import ML_DSA_44
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import SignatureError
from ledger.keys import SIGNATURE_BYTES, Algorithm, KeySigner, check_public_key, verify_signature

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "ledger" / "keys.json").read_text())
FORM = r"not in its canonical form|out of range|bytes, not"
EQUATION = "does not match message and key"
ML_DSA = VECTORS["ML-DSA-44"]
CURVES = [(algorithm, case) for algorithm in (Algorithm.ED25519, Algorithm.ES256) for case in VECTORS[algorithm]]


def refusal(algorithm: Algorithm, key: bytes, message: bytes, signature: bytes) -> str | None:
    """What it is refused for."""
    try:
        check_public_key(algorithm, key)
    except SignatureError:
        with pytest.raises(SignatureError):
            verify_signature(algorithm, key, message, signature)
        return "key"
    with pytest.raises(SignatureError) as caught:
        verify_signature(algorithm, key, message, signature)
    return "equation" if EQUATION in str(caught.value) else "form" if caught.match(FORM) else None


@pytest.mark.parametrize(("algorithm", "case"), CURVES, ids=[f"{a} {n} {c['why']}" for n, (a, c) in enumerate(CURVES)])
def test_curves(algorithm: Algorithm, case: dict[str, Any]) -> None:
    key, message, signature = (bytes.fromhex(case[name]) for name in ("key", "message", "signature"))
    if case["holds"]:
        check_public_key(algorithm, key)
        verify_signature(algorithm, key, message, signature)
    else:
        assert refusal(algorithm, key, message, signature) == case["refused"]


def test_each_kind_of_refusal_is_among_the_vectors() -> None:
    for algorithm in (Algorithm.ED25519, Algorithm.ES256):
        assert {case.get("refused") for case in VECTORS[algorithm]} == {None, "key", "form", "equation"}


def ml_dsa() -> tuple[bytes, bytes, bytes]:
    key, message, signature = (bytes.fromhex(ML_DSA[name]) for name in ("key", "message", "signature"))
    return key, message, signature


def test_ml_dsa_of_a_seed() -> None:
    key, message, signature = ml_dsa()
    assert KeySigner.from_seed(bytes.fromhex(ML_DSA["seed"]), Algorithm.ML_DSA_44).public == key
    verify_signature(Algorithm.ML_DSA_44, key, message, signature)
    assert ML_DSA_44.verify(key, message, signature)


@pytest.mark.parametrize("case", ML_DSA["changed"], ids=[case["why"] for case in ML_DSA["changed"]])
def test_changed_ml_dsa_signatures(case: dict[str, Any]) -> None:
    """Hints have one encoding: rows in order, indices that rise, nothing in the padding (FIPS 204, algorithm 21)."""
    key, message, signature = ml_dsa()
    changed = bytearray(signature)
    for at, text in case["change"]:
        changed[at : at + len(text) // 2] = bytes.fromhex(text)
    assert refusal(Algorithm.ML_DSA_44, key, message, bytes(changed)) == case["refused"]
    assert not ML_DSA_44.verify(key, message, bytes(changed))


def test_an_ml_dsa_signature_with_a_context() -> None:
    key, message, _ = ml_dsa()
    _, private = ML_DSA_44.key_derive(bytes.fromhex(ML_DSA["seed"]))
    context = bytes.fromhex(ML_DSA["with_context"]["context"])
    signature = ML_DSA_44.sign(private, message, ctx=context, deterministic=True)
    assert sha256(signature).hexdigest() == ML_DSA["with_context"]["signature_sha256"]
    assert ML_DSA_44.verify(key, message, signature, ctx=context)
    assert refusal(Algorithm.ML_DSA_44, key, message, signature) == "equation"


@pytest.mark.parametrize("change", [-1, 1, -2420, 889])
def test_ml_dsa_of_other_lengths(change: int) -> None:
    key, message, signature = ml_dsa()
    longer = (signature + bytes(1000))[: 2420 + change]
    assert refusal(Algorithm.ML_DSA_44, key, message, longer) == "form"
    other = (key + bytes(1000))[: max(0, 1312 + change)]
    assert refusal(Algorithm.ML_DSA_44, other, message, signature) == "key"


# ---- properties ------------------------------------------------------------------------------------------------------


@cache
def signers() -> list[KeySigner]:
    """Two keys of each algorithm."""
    return [KeySigner.generate(algorithm) for algorithm in Algorithm for _ in range(2)]


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 5), st.integers(0, 5))
def test_a_signature_holds_under_its_own_key_and_algorithm_only(message: bytes, one: int, other: int) -> None:
    signer, stranger = signers()[one], signers()[other]
    signature = signer.sign(message)
    verify_signature(signer.algorithm, signer.public, message, signature)
    if signer is not stranger:
        with pytest.raises(SignatureError):
            verify_signature(stranger.algorithm, stranger.public, message, signature)
    for algorithm in Algorithm:
        if algorithm is not signer.algorithm:
            with pytest.raises(SignatureError):
                verify_signature(algorithm, signer.public, message, signature)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(Algorithm)), st.binary(max_size=2500), st.binary(max_size=2500))
def test_arbitrary_bytes_are_refused_and_nothing_worse(algorithm: Algorithm, key: bytes, signature: bytes) -> None:
    for public in (key, next(each.public for each in signers() if each.algorithm is algorithm)):
        for value in (signature, (signature + bytes(2420))[: SIGNATURE_BYTES[algorithm]]):
            with pytest.raises(SignatureError):
                verify_signature(algorithm, public, b"message", value)
