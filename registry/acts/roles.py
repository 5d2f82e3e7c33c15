"""`role.grant`, `role.revoke`. Contract section 4: staff roles need self-held keys."""

from typing import Literal

import msgspec

from registry.acts.act import Act, Context, Names, Outcome, must_be_registrar, party_named
from registry.acts.shapes import PartyId, Shape, body_of
from registry.refusals.refusal import refused
from registry.register.party import Role
from registry.register.register import Register

STAFF_ROLES = ("reviewer", "approver")


class RoleBody(Shape, frozen=True):
    party: PartyId
    role: Literal["reviewer", "approver", "authority", "regulator", "auditor", "trustee"]


def _decide_grant(context: Context, body: RoleBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    party = party_named(register, body.party, "/body/party")
    if body.role in party.live_roles():
        raise refused(
            "INVALID_VALUE",
            f"The party has the role {body.role} already.",
            f"该主体已有角色 {body.role}。",
            "/body/role",
        )
    if body.role in STAFF_ROLES and any(k.custody != "self" and k.is_live(context.time) for k in party.keys):
        raise refused(
            "INVALID_VALUE",
            f"The role {body.role} needs keys that the person holds; a live key of the party is in custody.",
            f"角色 {body.role} 要求本人自持密钥，而该主体有托管中的有效密钥。",
            "/body/party",
        )
    after = msgspec.structs.replace(party, roles=(*party.roles, Role(body.role, context.seq)))
    return Outcome(register.put(("party", party.id, after)), (party.id,))


def _decide_revoke(context: Context, body: RoleBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    party = party_named(register, body.party, "/body/party")
    if body.role not in party.live_roles():
        raise refused(
            "ALREADY_ENDED",
            f"The party does not have the role {body.role}.",
            f"该主体没有角色 {body.role}。",
            "/body/role",
        )
    roles = tuple(
        msgspec.structs.replace(role, ended=context.seq) if role.role == body.role and role.ended is None else role
        for role in party.roles
    )
    return Outcome(register.put(("party", party.id, msgspec.structs.replace(party, roles=roles))), (party.id,))


def _names(_statement: object, body: RoleBody) -> Names:
    return Names(parties=(body.party,))


ROLE_GRANT = Act("role.grant", lambda statement: body_of(statement, RoleBody), _decide_grant, _names)
ROLE_REVOKE = Act("role.revoke", lambda statement: body_of(statement, RoleBody), _decide_revoke, _names)
