"""A statement that still lacks signatures, as a value. Contract section 6; ADR 0028.

It has a place for every signature that the statement needs: `by`, `with` in order, then the keys that it adds. A place
may be filled in any order and filled anew, as long as the signature holds and its key counts.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from ledger.statement import Envelope, EnvelopeSignature
from registry.admission import Admitted
from registry.judging import OLDEST, OLDEST_JOINT
from registry.refusals.refusal import RefusedError
from registry.register.register import Register
from registry.signatures import needed_signers


class Refusal(msgspec.Struct, frozen=True):
    """Why the statement was not accepted when it was complete."""

    code: str
    en: str
    zh: str

    @classmethod
    def of(cls, refusal: RefusedError) -> "Refusal":
        """The refusal in the words of its first reason."""
        words = refusal.reasons[0].message
        return cls(refusal.code, words.en, words.zh)


class Draft(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a draft. `signatures` has a member for each place, None where it is empty."""

    payload: bytes
    signatures: tuple[EnvelopeSignature | None, ...]
    opened_by: str
    disclosures: tuple[str, ...] = ()
    refused: Refusal | None = None

    @property
    def envelope(self) -> Envelope:
        """The envelope with the signatures that there are, in the order of their places."""
        return Envelope(self.payload, tuple(signature for signature in self.signatures if signature is not None))

    def signed(self, given: Mapping[int, EnvelopeSignature]) -> "Draft":
        """The draft with these signatures in their places."""
        filled = tuple(given.get(place, signature) for place, signature in enumerate(self.signatures))
        return msgspec.structs.replace(self, signatures=filled)


class Standing(msgspec.Struct, frozen=True):
    """Whose signatures are there, and whose are awaited: parties by `pty_…`, keys that the statement adds by `key_…`."""

    signed: tuple[str, ...]
    waiting: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        return not self.waiting


def standing(draft: Draft, item: Admitted, register: Register, now: datetime) -> Standing:
    """Who signed by the keys as they stand: a signature whose key was revoked since is awaited again."""
    signed: list[str] = []
    waiting: list[str] = []
    for needed, signature in zip(needed_signers(item.signers), draft.signatures, strict=True):
        party = register.party(needed.party) if needed.party else None
        key = party.key(signature.key) if party and signature else None
        counts = key.is_live(now) if key else signature is not None and party is None
        (signed if counts else waiting).append(needed.party or needed.key)
    return Standing(tuple(signed), tuple(waiting))


def expires(item: Admitted) -> datetime:
    """The last instant at which the statement could be accepted (contract section 2, "Time")."""
    return item.statement.at + (OLDEST_JOINT if item.statement.with_ else OLDEST)


def readers(item: Admitted) -> tuple[str, ...]:
    """Those who may see the draft: `by`, `for` and `with`."""
    principals = (item.statement.for_,) if item.statement.for_ else ()
    return tuple(dict.fromkeys((item.statement.by, *principals, *item.statement.with_)))
