"""Who signed: exactly one signature a signer, `by` first, then `with` in order, then proofs of possession.

The algorithm comes from the key's record; a key counts if it is added, effective and not revoked at the time of the
entry. Contract section 2, "Who signs" and "Keys".
"""

from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from ledger.identifiers import key_identifier
from ledger.keys import Algorithm
from ledger.statement import Envelope, EnvelopeSignature
from registry.acts.act import Key
from registry.acts.agents import must_be_sendable_for_another
from registry.refusals.refusal import RefusedError, refused
from registry.register.register import Register
from registry.verifying import Job, verify_jobs


class Verification(msgspec.Struct, frozen=True):
    """A signature to be verified: the heavy part, which needs nothing of the register any more."""

    position: int
    algorithm: Algorithm
    public: bytes
    signature: EnvelopeSignature

    def job(self, envelope: Envelope) -> Job:
        """What has to be verified."""
        return Job(self.algorithm, self.public, envelope.signed_bytes(), self.signature.value)

    def run(self, envelope: Envelope) -> None:
        """Returns if the signature is one of the envelope's payload.

        Raises:
            RefusedError: SIGNATURE_INVALID.
        """
        (wrong,) = verify_jobs([self.job(envelope)])
        if wrong is not None:
            raise self.refusal(wrong)

    def refusal(self, wrong: str) -> RefusedError:
        """SIGNATURE_INVALID."""
        return refused(
            "SIGNATURE_INVALID",
            f"Signature {self.position + 1} by {self.signature.key} does not verify: {wrong}.",
            f"第 {self.position + 1} 个签名（{self.signature.key}）验证不通过。",
            f"/signatures/{self.position}",
        )


class Signers(msgspec.Struct, frozen=True):
    """Who has to sign a statement."""

    by: str
    with_: tuple[str, ...]
    for_: str | None
    act: str
    founding: tuple[Key, ...]
    proofs: tuple[Key, ...]


def required_verifications(
    register: Register, signers: Signers, signatures: tuple[EnvelopeSignature, ...], time: datetime
) -> tuple[Verification, ...]:
    """The signatures to be verified, each with the key that must have made it, at the key state of `time`.

    Raises:
        RefusedError: SIGNATURE_MISSING, SIGNATURE_SURPLUS, KEY_UNKNOWN, KEY_INACTIVE or NOT_ENTITLED.
    """
    if signers.for_ is not None:
        must_be_sendable_for_another(signers.act)
    expected = 1 + len(signers.with_) + len(signers.proofs)
    if len(signatures) < expected:
        raise refused(
            "SIGNATURE_MISSING",
            f"{expected} signatures are needed (by, with, then keys that the statement adds), {len(signatures)} are there.",
            f"需要 {expected} 个签名（依次为 by、with、所添加的密钥），现有 {len(signatures)} 个。",
            "/signatures",
        )
    if len(signatures) > expected:
        raise refused(
            "SIGNATURE_SURPLUS",
            f"Exactly {expected} signatures are expected, {len(signatures)} are there.",
            f"应当恰有 {expected} 个签名，现有 {len(signatures)} 个。",
            f"/signatures/{expected}",
        )
    found = []
    for position, party in enumerate((signers.by, *signers.with_)):
        founding = signers.founding[0] if position == 0 and signers.founding else None
        found.append(_of_party(register, party, signatures[position], position, time, founding))
    for offset, key in enumerate(signers.proofs):
        position = 1 + len(signers.with_) + offset
        found.append(_of_key(key, signatures[position], position))
    return tuple(found)


class Needed(msgspec.Struct, frozen=True):
    """Who has to make a signature: a party by one of its keys, or the holder of this key. A founder is both."""

    party: str = ""
    key: str = ""


def needed_signers(signers: Signers) -> tuple[Needed, ...]:
    """Who has to sign, in the order of the signatures."""
    founding = key_identifier(signers.founding[0].public) if signers.founding else ""
    joining = (Needed(party) for party in signers.with_)
    proofs = (Needed(key=key_identifier(key.public)) for key in signers.proofs)
    return (Needed(signers.by, founding), *joining, *proofs)


def placed_verifications(
    register: Register, signers: Signers, signatures: tuple[EnvelopeSignature, ...], time: datetime
) -> dict[int, Verification]:
    """The signatures to be verified where others may still be missing, by the places where they belong.

    Raises:
        RefusedError: SIGNATURE_SURPLUS, KEY_UNKNOWN or KEY_INACTIVE.
    """
    needed = needed_signers(signers)
    found: dict[int, Verification] = {}
    for position, signature in enumerate(signatures):
        place = next((n for n, who in enumerate(needed) if _may_be_of(register, who, signature)), None)
        if place is None:
            raise _unknown(position, f"{signature.key} is not a key of anybody whose signature is needed")
        if place in found:
            raise refused(
                "SIGNATURE_SURPLUS",
                f"Signature {position + 1} is a second one of {needed[place].party or needed[place].key}.",
                f"第 {position + 1} 个签名多余：{needed[place].party or needed[place].key} 已签署。",
                f"/signatures/{position}",
            )
        proof = place - 1 - len(signers.with_)
        if proof >= 0:
            found[place] = _of_key(signers.proofs[proof], signature, position)
        else:
            founding = signers.founding[0] if place == 0 and signers.founding else None
            found[place] = _of_party(register, needed[place].party, signature, position, time, founding)
    return found


def _may_be_of(register: Register, needed: Needed, signature: EnvelopeSignature) -> bool:
    party = register.party(needed.party) if needed.party else None
    return signature.key == needed.key if party is None else party.key(signature.key) is not None


def is_signed_alone(
    register: Register, signers: Signers, signatures: tuple[EnvelopeSignature, ...],
    verified: AbstractSet[tuple[int, str]], time: datetime,
) -> bool:  # fmt: skip
    """Whether a party alone signed, as most do, by a key that counts at `time` and whose signature is verified.

    Then `required_verifications` asks for nothing else. False says nothing: that function says what is wrong.
    """
    if len(signatures) != 1 or signers.with_ or signers.for_ is not None or signers.proofs:
        return False
    party = register.party(signers.by)
    key = party.key(signatures[0].key) if party else None
    return key is not None and key.is_live(time) and (0, key.key) in verified


def _of_key(key: Key, signature: EnvelopeSignature, position: int) -> Verification:
    if key_identifier(key.public) != signature.key:
        raise _unknown(position, f"signature {position + 1} must be made by the key {key_identifier(key.public)}")
    return Verification(position, Algorithm(key.alg), key.public, signature)


def _of_party(
    register: Register, party_id: str, signature: EnvelopeSignature, position: int, time: datetime, founding: Key | None
) -> Verification:
    party = register.party(party_id)
    if party is None:
        if founding is not None:
            return _of_key(founding, signature, position)
        raise _unknown(position, f"the party {party_id} is not registered here")
    key = party.key(signature.key)
    if key is None:
        raise _unknown(position, f"{signature.key} is not a key of {party_id}")
    if not key.is_live(time):
        raise refused(
            "KEY_INACTIVE",
            f"The key {key.key} does not count at {time.isoformat()}: it is revoked or not yet effective.",
            f"密钥 {key.key} 此时不生效：已吊销或尚未生效。",
            f"/signatures/{position}",
        )
    return Verification(position, key.algorithm(), key.public_bytes(), signature)


def _unknown(position: int, en: str) -> RefusedError:
    return refused(
        "KEY_UNKNOWN",
        f"The key of signature {position + 1} is not known: {en}.",
        f"第 {position + 1} 个签名的密钥未知，或不属于应当签名的主体。",
        f"/signatures/{position}",
    )
