"""Keys that are added, ended and recovered. Contract section 2, "Keys"; section 4, `key.recover` and `log.key`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.encoding import format_base64url
from ledger.errors import FormatError, SignatureError
from ledger.identifiers import key_identifier, party_identifier
from ledger.instants import format_instant
from ledger.key_state import KeyState, KeyStateError, Signing, signing_of
from ledger.keys import Algorithm, KeySigner
from ledger.statement import Envelope, EnvelopeSignature, Statement

START = datetime(2026, 11, 24, tzinfo=UTC)
HOURS = timedelta(hours=1)
OWNER, REGISTRAR, NEW, OTHER, CLERK, SEAL = (KeySigner.from_seed(bytes([n]) * 32) for n in range(1, 7))
PARTY, OFFICE = party_identifier(OWNER.public), party_identifier(REGISTRAR.public)


def shape(signer: KeySigner) -> dict[str, str]:
    return {"alg": signer.algorithm.value, "public": format_base64url(signer.public)}


def statement(act: str, by: str, body: dict[str, Any], at: datetime = START) -> Statement:
    return Statement(bytes(32), act, "log", by, None, (), at, bytes(16), {}, body)


def signing(act: str, by: str, body: dict[str, Any], *signers: KeySigner, at: datetime = START) -> Signing:
    signatures = tuple(EnvelopeSignature(key_identifier(signer.public), b"") for signer in signers)
    return signing_of(Envelope(b"", signatures), statement(act, by, body, at))


OPEN = {
    "registrar": {"name": "Office", "keys": [shape(REGISTRAR)]}, "clerk": shape(CLERK), "seal_keys": [shape(SEAL)],
}  # fmt: skip


class Keys:
    """A state in which registrar, clerk and one party have their keys."""

    def __init__(self) -> None:
        self.state = KeyState()
        self.position = 0
        self.enter(0, [OFFICE], "log.open", OFFICE, OPEN, REGISTRAR, CLERK, SEAL)
        self.enter(0, [PARTY], "party.register", PARTY, {"keys": [shape(OWNER)]}, OWNER)

    def code(self, hours: float, act: str, by: str, body: dict[str, Any], *signers: KeySigner) -> str | None:
        try:
            self.state.check(self.position, START + hours * HOURS, signing(act, by, body, *signers))
        except KeyStateError as error:
            return error.code
        return None

    def enter(
        self, hours: float, folios: list[str], act: str, by: str, body: dict[str, Any], *signers: KeySigner
    ) -> None:
        assert self.code(hours, act, by, body, *signers) is None
        self.state.apply(START + hours * HOURS, folios, signing(act, by, body, *signers))
        self.position += 1

    def recover(self, hours: float = 0) -> None:
        body = {"party": PARTY, "document": "ab" * 32, **shape(NEW)}
        self.enter(hours, [PARTY], "key.recover", OFFICE, body, REGISTRAR, NEW)

    def counts(self, hours: float, signer: KeySigner = NEW, by: str = PARTY) -> bool:
        return self.code(hours, "case.file", by, {}, signer) is None


def test_a_recovered_key_counts_after_72_hours() -> None:
    keys = Keys()
    keys.recover(1)
    assert [keys.counts(hours) for hours in (1, 72.9, 73, 10_000)] == [False, False, True, True]
    assert keys.counts(73, OWNER)


@pytest.mark.parametrize(("hours", "folio", "signer", "stands"), [
    (72.9, PARTY, OWNER, False),
    (73, PARTY, OWNER, True),
    (20, OFFICE, OWNER, True),
])  # fmt: skip
def test_the_party_stops_a_recovery_by_an_entry_on_its_own_folio(
    hours: float, folio: str, signer: KeySigner, *, stands: bool
) -> None:
    keys = Keys()
    keys.recover(1)
    keys.enter(hours, [folio], "party.update", PARTY, {}, signer)
    assert keys.counts(1_000) is stands


def test_the_registrar_alone_does_not_stop_a_recovery() -> None:
    keys = Keys()
    keys.recover()
    keys.enter(5, [PARTY], "party.verify", OFFICE, {"party": PARTY}, REGISTRAR)
    assert keys.counts(72)


def test_a_recovered_key_that_is_revoked_before_it_counts_never_does() -> None:
    keys = Keys()
    keys.recover()
    keys.enter(5, [PARTY], "key.revoke", OFFICE, {"key": key_identifier(NEW.public)}, REGISTRAR)
    assert not keys.counts(73)
    assert keys.counts(73, OWNER)


def test_a_key_ends_when_its_revocation_says_and_not_later_for_another() -> None:
    keys = Keys()
    body = {"key": key_identifier(OWNER.public), "effective": format_instant(START + 9 * HOURS)}
    keys.enter(1, [PARTY], "key.revoke", PARTY, body, OWNER)
    assert [keys.counts(hours, OWNER) for hours in (8.9, 9)] == [True, False]
    keys.enter(2, [PARTY], "key.revoke", OFFICE, body | {"effective": format_instant(START + 99 * HOURS)}, REGISTRAR)
    assert not keys.counts(9, OWNER)
    keys.enter(3, [PARTY], "key.revoke", OFFICE, {"key": body["key"]}, REGISTRAR)
    assert not keys.counts(4, OWNER)


def test_an_end_between_statement_and_entry_counts_from_the_entry() -> None:
    keys = Keys()
    body = {"key": key_identifier(OWNER.public), "effective": format_instant(START + 1 * HOURS)}
    keys.enter(2, [PARTY], "key.revoke", PARTY, body, OWNER)
    assert [keys.counts(hours, OWNER) for hours in (1.5, 2)] == [True, False]


def test_the_clerk_gets_and_loses_keys() -> None:
    keys, clerk = Keys(), party_identifier(CLERK.public)
    keys.enter(1, [OFFICE], "log.key", OFFICE, {"use": "clerk", "add": shape(NEW)}, REGISTRAR, NEW)
    assert keys.counts(2, NEW, clerk)
    assert keys.counts(2, CLERK, clerk)
    keys.enter(3, [OFFICE], "log.key", OFFICE, {"use": "clerk", "retire": key_identifier(CLERK.public)}, REGISTRAR)
    assert keys.counts(4, NEW, clerk)
    assert not keys.counts(4, CLERK, clerk)


def test_keys_of_seal_and_log_are_no_party_s() -> None:
    keys = Keys()
    keys.enter(1, [OFFICE], "log.key", OFFICE, {"use": "seal", "add": shape(OTHER)}, REGISTRAR, OTHER)
    keys.enter(1, [OFFICE], "log.key", OFFICE, {"use": "log", "add": "a vkey"}, REGISTRAR)
    assert keys.code(2, "log.key", OFFICE, {"use": "seal", "add": shape(NEW)}, REGISTRAR) == "SIGNATURE_MISSING"
    assert not keys.counts(2, OTHER, OFFICE)
    assert not keys.counts(2, SEAL, OFFICE)


def test_every_other_signer_is_refused_by_name() -> None:
    keys = Keys()
    assert keys.code(1, "party.update", PARTY, {}) == "SIGNATURE_MISSING"
    assert keys.code(1, "party.update", PARTY, {}, OWNER, OWNER) == "SIGNATURE_SURPLUS"
    assert keys.code(1, "party.update", PARTY, {}, REGISTRAR) == "KEY_UNKNOWN"
    assert keys.code(1, "key.add", PARTY, shape(NEW), OWNER, OTHER) == "KEY_UNKNOWN"
    assert keys.code(1, "key.add", PARTY, shape(REGISTRAR), OWNER, REGISTRAR) == "KEY_TAKEN"


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.sampled_from(["log", "clerk", "Ed25519", "ES256", "AA"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["keys", "registrar", "clerk", "seal_keys", "alg", "public", "key", "effective", "party", "use",
                         "add", "retire"]), inner, max_size=4,
    ),
    max_leaves=8,
)  # fmt: skip


@given(
    st.sampled_from(["log.open", "party.register", "key.add", "key.revoke", "key.recover", "log.key"]),
    st.dictionaries(
        st.sampled_from(["keys", "registrar", "clerk", "seal_keys", "alg", "public", "key", "use", "add"]), JSON
    ),
)
def test_a_body_of_any_form_is_read_or_refused(act: str, body: dict[str, Any]) -> None:
    try:
        signing(act, PARTY, body, OWNER)
    except (FormatError, SignatureError):
        return


def test_es256_and_ml_dsa_keys_are_read() -> None:
    for algorithm in Algorithm:
        signer = KeySigner.generate(algorithm)
        assert signing("key.add", PARTY, shape(signer), OWNER).added[0].key.public == signer.public
