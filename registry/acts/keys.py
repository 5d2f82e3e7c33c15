"""`key.add`, `key.revoke`. Contract section 4 and section 2, "Keys"."""

import msgspec
from msgspec import UNSET, UnsetType

from ledger.identifiers import key_identifier
from ledger.statement import Statement
from registry.acts.act import Act, Context, Key, Names, Outcome
from registry.acts.parties import key_record, must_be_new_key
from registry.acts.roles import STAFF_ROLES
from registry.acts.shapes import (
    FreeText,
    KeyId,
    KeyShape,
    Shape,
    body_of,
    given,
    instant,
    invalid,
    must_be_confidential,
    plain,
)
from registry.refusals.refusal import refused
from registry.register.party import Revocation
from registry.register.register import Register


class AddBody(KeyShape, frozen=True):
    pass


class RevokeBody(Shape, frozen=True):
    key: KeyId
    reason: FreeText
    effective: str | UnsetType = UNSET


def _parse_add(statement: Statement) -> AddBody:
    body = body_of(statement, AddBody)
    body.checked("/body")
    return body


def _added(body: AddBody) -> tuple[Key, ...]:
    return (body.checked("/body"),)


def _add_names(_statement: Statement, body: AddBody) -> Names:
    return Names(keys=(key_identifier(_added(body)[0].public),))


def _decide_add(context: Context, body: AddBody, register: Register) -> Outcome:
    party = register.party(context.statement.by)
    assert party is not None
    record = key_record(context, _added(body)[0], body.custody)
    if record.custody != "self" and (staff := set(STAFF_ROLES) & set(party.live_roles())):
        raise invalid(
            "/body/custody",
            f"the role {min(staff)} needs keys that the person holds",
            f"角色 {min(staff)} 要求本人自持密钥",
        )
    must_be_new_key(register, record.key, "/body/public")
    after = msgspec.structs.replace(party, keys=(*party.keys, record))
    return Outcome(register.put(("party", party.id, after), ("key", record.key, (party.id,))), (party.id,))


def _parse_revoke(statement: Statement) -> RevokeBody:
    body = body_of(statement, RevokeBody)
    effective = given(body.effective)
    if effective is not None and instant(effective, "/body/effective") < statement.at:
        raise invalid("/body/effective", "a key cannot be revoked for the past", "密钥不能追溯吊销")
    return body


def _decide_revoke(context: Context, body: RevokeBody, register: Register) -> Outcome:
    owners = register.names("key", body.key)
    party = register.party(owners[0]) if owners else None
    key = party.key(body.key) if party else None
    if party is None or key is None:
        raise refused("NOT_FOUND", f"There is no key {body.key}.", f"没有密钥 {body.key}。", "/body/key")
    registry = register.registry()
    if context.statement.by != party.id and (registry is None or context.statement.by != registry.registrar):
        raise refused(
            "NOT_ENTITLED",
            "A key is revoked by its own party or by the registrar.",
            "密钥只能由其主体或登记机构吊销。",
            "/by",
        )
    if party.is_natural_person():
        must_be_confidential("/body/reason", body.reason)
    wanted = given(body.effective)
    effective = context.effective(instant(wanted, "/body/effective") if wanted else None)
    before = key.revoked()
    if before is not None and before <= effective:
        raise refused(
            "ALREADY_ENDED", f"The key {body.key} is revoked already.", f"密钥 {body.key} 已被吊销。", "/body/key"
        )
    revoked = msgspec.structs.replace(
        key, revocations=(*key.revocations, Revocation(context.seq, effective, plain(body.reason)))
    )
    keys = tuple(revoked if other.key == key.key else other for other in party.keys)
    return Outcome(register.put(("party", party.id, msgspec.structs.replace(party, keys=keys))), (party.id,))


KEY_ADD = Act("key.add", _parse_add, _decide_add, _add_names, proofs=_added)
KEY_REVOKE = Act(
    "key.revoke", _parse_revoke, _decide_revoke, lambda _statement, body: Names(keys=(body.key,)), shape=RevokeBody
)
