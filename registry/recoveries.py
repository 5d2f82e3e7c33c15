"""What recovered keys mean for every entry, whatever its act. Contract section 4, `key.recover`.

- Until a recovered key counts, an entry on the party's own folio that one of its live keys signed cancels the recovery:
  who has a key of the party has not lost it, or must be stopped by revoking that key first.
- What is signed with a recovered key says so: in the warnings of the receipt, and for ever on the rights that it makes.
"""

from datetime import datetime

import msgspec

from registry.acts.act import Outcome
from registry.admission import Admitted
from registry.register.party import Key, Party, Revocation
from registry.register.register import Register

CANCELLED = "recovery_cancelled"
"""Why a recovered key never counted; no text of anybody, so it may stand with natural persons."""


def with_recoveries(item: Admitted, before: Register, time: datetime, outcome: Outcome, seq: int) -> Outcome:
    """The outcome of an act on the register `before`, with what it means for recoveries and what they mean for it."""
    return _marked(item, before, _cancelling(item, before, time, outcome, seq))


def _signed_with(item: Admitted, party: Party) -> list[Key]:
    return [key for each in item.envelope.signatures if (key := party.key(each.key)) is not None]


def _cancelling(item: Admitted, before: Register, time: datetime, outcome: Outcome, seq: int) -> Outcome:
    register = outcome.register
    for folio in outcome.folios:
        party = before.party(folio)
        if party is None or not any(key.is_pending(time) for key in party.keys):
            continue
        if any(key.is_live(time) for key in _signed_with(item, party)):
            register = register.put(("party", folio, _cancelled(party, register.party(folio) or party, time, seq)))
    return outcome if register is outcome.register else msgspec.structs.replace(outcome, register=register)


def _cancelled(before: Party, after: Party, time: datetime, seq: int) -> Party:
    """The party after the act, with the recoveries that were pending before it revoked."""
    pending = {key.key for key in before.keys if key.is_pending(time)}
    revocation = Revocation(seq, time, CANCELLED)
    keys = tuple(
        msgspec.structs.replace(key, revocations=(*key.revocations, revocation)) if key.key in pending else key
        for key in after.keys
    )
    return msgspec.structs.replace(after, keys=keys)


def _marked(item: Admitted, before: Register, outcome: Outcome) -> Outcome:
    signers = (item.statement.by, *item.statement.with_)
    parties = [party for name in signers if (party := before.party(name)) is not None]
    used = dict.fromkeys(key.key for party in parties for key in _signed_with(item, party) if key.recovered)
    if not used:
        return outcome
    warnings = ({"code": "RECOVERED_KEY", "key": key} for key in used)
    rights = [right for made in outcome.made if (right := outcome.register.right(made.id)) is not None]
    register = outcome.register.put(
        *(("right", right.id, msgspec.structs.replace(right, recovered=True)) for right in rights)
    )
    return msgspec.structs.replace(outcome, register=register, warnings=(*outcome.warnings, *warnings))
