"""`key.recover`: the registrar gives a party that lost its keys a new one, on a document. Contract section 4.

The key counts 72 hours after the entry, so that a party that still has a key can stop it: what cancels a recovery says
`registry.recoveries`. It is marked for ever.
"""

from datetime import timedelta

import msgspec

from ledger.encoding import format_base64url
from ledger.identifiers import key_identifier
from ledger.statement import Statement
from registry.acts.act import Act, Context, Key, Names, Outcome, must_be_registrar, party_named
from registry.acts.parties import must_be_new_key
from registry.acts.shapes import Digest, KeyShape, PartyId, Shape, body_of
from registry.register import party as state
from registry.register.register import Register

WAIT = timedelta(hours=72)


class RecoverBody(Shape, frozen=True):
    party: PartyId
    alg: str
    public: str
    document: Digest


def _recovered(body: RecoverBody) -> tuple[Key, ...]:
    return (KeyShape(body.alg, body.public).checked("/body"),)


def _parse(statement: Statement) -> RecoverBody:
    body = body_of(statement, RecoverBody)
    _recovered(body)
    return body


def _names(_statement: Statement, body: RecoverBody) -> Names:
    return Names(parties=(body.party,), keys=(key_identifier(_recovered(body)[0].public),))


def _decide(context: Context, body: RecoverBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    party = party_named(register, body.party, "/body/party")
    (key,) = _recovered(body)
    record = state.Key(
        key=key_identifier(key.public),
        alg=key.alg,
        public=format_base64url(key.public),
        custody="self",
        added=context.stamp,
        effective=context.time + WAIT,
        recovered=True,
    )
    must_be_new_key(register, record.key, "/body/public")
    after = msgspec.structs.replace(party, keys=(*party.keys, record))
    return Outcome(register.put(("party", party.id, after), ("key", record.key, (party.id,))), (party.id,))


KEY_RECOVER = Act("key.recover", _parse, _decide, _names, proofs=_recovered)
