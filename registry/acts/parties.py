"""`party.register`, `party.update`, `party.verify`. Contract section 4."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.encoding import format_base64url
from ledger.identifiers import key_identifier, party_of_first_key
from ledger.statement import Statement
from registry.acts.act import Act, Context, Key, Made, Names, Outcome, must_be_registrar, party_named
from registry.acts.shapes import (
    EvidenceShape,
    FreeText,
    KeyShape,
    PartyId,
    Sd,
    Shape,
    body_of,
    documents_beside,
    evidence,
    given,
    invalid,
    must_be_confidential,
    must_keep_titles_confidential,
    plain,
)
from registry.acts.uscc import is_uscc
from registry.refusals.refusal import refused
from registry.register import party as state
from registry.register.register import Register

MAX_KEYS = 8


class IdentifierShape(Shape, frozen=True):
    """An official number, such as a unified social credit code (`uscc`, GB 32100-2015)."""

    scheme: Annotated[str, Meta(pattern=r"^[a-z0-9_.-]{1,40}$")]
    value: Annotated[str, Meta(min_length=1, max_length=200)]


class PartyIdentifier(Shape, frozen=True):
    """An official number in plain, or the digest of its disclosure (`sd` alone)."""

    scheme: Annotated[str, Meta(pattern=r"^[a-z0-9_.-]{1,40}$")] | UnsetType = UNSET
    value: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    sd: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")] | UnsetType = UNSET

    def check(self) -> None:
        """Returns if it is one or the other.

        Raises:
            RefusedError: MALFORMED or INVALID_VALUE.
        """
        scheme, value, digest = given(self.scheme), given(self.value), given(self.sd)
        plain_form = scheme is not None and value is not None and digest is None
        if not plain_form and not (digest is not None and scheme is None and value is None):
            raise refused(
                "MALFORMED",
                "/body/identifier: an identifier has `scheme` and `value`, or `sd` alone.",
                "/body/identifier：证件须写明 scheme 与 value，或仅写 sd。",
                "/body/identifier",
            )
        if scheme == "uscc" and not is_uscc(value or ""):
            raise invalid(
                "/body/identifier/value", "not a valid unified social credit code", "不是有效的统一社会信用代码"
            )


Subkind = Literal["enterprise", "public_institution", "government_organ", "social_organisation", "utility", "foreign"]
PartyName = Annotated[str, Meta(min_length=1, max_length=200)] | Sd


class RegisterBody(Shape, frozen=True):
    name: PartyName
    kind: Literal["natural_person", "legal_person", "unincorporated"]
    keys: Annotated[tuple[KeyShape, ...], Meta(min_length=1, max_length=MAX_KEYS)]
    subkind: Subkind | UnsetType = UNSET
    identifier: PartyIdentifier | UnsetType = UNSET
    contact: FreeText | UnsetType = UNSET
    status: FreeText | UnsetType = UNSET


class UpdateBody(Shape, frozen=True):
    name: PartyName | UnsetType = UNSET
    subkind: Subkind | UnsetType = UNSET
    identifier: PartyIdentifier | UnsetType = UNSET
    contact: FreeText | UnsetType = UNSET
    status: FreeText | UnsetType = UNSET


class VerifyBody(Shape, frozen=True):
    party: PartyId
    level: Literal["self_declared", "documented", "qualified"]
    evidence: tuple[EvidenceShape, ...] | UnsetType = UNSET


def _check_details(body: RegisterBody | UpdateBody, *, natural: bool) -> None:
    identifier = given(body.identifier)
    if identifier is not None:
        identifier.check()
    if natural:
        must_be_confidential("/body/name", body.name)
        _check_texts(body)
        if identifier is not None and given(identifier.sd) is None:
            must_be_confidential("/body/identifier", identifier)


def _check_texts(body: RegisterBody | UpdateBody) -> None:
    must_be_confidential("/body/contact", body.contact)
    must_be_confidential("/body/status", body.status)


def key_record(context: Context, key: Key, custody: str | UnsetType) -> state.Key:
    """The record of a key that an entry adds; it counts from the entry on."""
    return state.Key(
        key=key_identifier(key.public),
        alg=key.alg,
        public=format_base64url(key.public),
        custody=given(custody) or "self",
        added=context.stamp,
        effective=context.time,
    )


def must_be_new_key(register: Register, key: str, pointer: str) -> None:
    """Returns if nobody has or had this key: one key serves one party, or the log, or its seal, and nothing else.

    Raises:
        RefusedError: KEY_TAKEN.
    """
    registry = register.registry()
    if register.names("key", key) or (registry is not None and key in registry.office_keys()):
        raise refused(
            "KEY_TAKEN", f"The key {key} is or was in use already; make a new one.",
            f"密钥 {key} 正在使用或曾经使用，请另行生成。", pointer,
        )  # fmt: skip


def _parse_register(statement: Statement) -> RegisterBody:
    body = body_of(statement, RegisterBody)
    keys = [key.checked(f"/body/keys/{n}") for n, key in enumerate(body.keys)]
    names = [key_identifier(key.public) for key in keys]
    if len(set(names)) != len(names):
        raise invalid("/body/keys", "a key is listed twice", "同一密钥重复列出")
    if (statement.for_ or statement.by) != party_of_first_key(names[0]):
        raise invalid(
            "/for" if statement.for_ else "/by",
            f"the party of the first key is {party_of_first_key(names[0])}",
            "主体标识须由第一把密钥得出",
        )
    _check_details(body, natural=body.kind == "natural_person")
    if body.kind == "natural_person":
        must_keep_titles_confidential(documents_beside(statement), "/body/evidence")
    return body


def _founding(body: RegisterBody) -> tuple[Key, ...]:
    return tuple(key.checked("") for key in body.keys)


def _register_names(_statement: Statement, body: RegisterBody) -> Names:
    return Names(
        keys=tuple(key_identifier(key.public) for key in _founding(body)), identifiers=_identifiers(body.identifier)
    )


def _identifiers(identifier: PartyIdentifier | UnsetType) -> tuple[str, ...]:
    """`scheme:value` of a plain identifier: another statement of the same batch may verify it."""
    found = given(identifier)
    return () if found is None or found.scheme is UNSET else (f"{found.scheme}:{found.value}",)


def _decide_register(context: Context, body: RegisterBody, register: Register) -> Outcome:
    name = context.principal
    if register.party(name) is not None:
        pointer = "/for" if context.window else "/by"
        raise refused("ID_TAKEN", f"The party {name} is registered already.", f"主体 {name} 已经登记。", pointer)
    keys = _founding(body)
    records = tuple(key_record(context, key, shape.custody) for key, shape in zip(keys, body.keys, strict=True))
    for number, record in enumerate(records):
        must_be_new_key(register, record.key, f"/body/keys/{number}")
    details = state.Details(
        context.seq, plain(body.name), body.kind, given(body.subkind), _plain(body.identifier),
        _plain(body.contact), _plain(body.status),
    )  # fmt: skip
    party = state.Party(name, context.ref(), context.stamp, (details,), records, window=context.window)
    after = register.put(("party", name, party), *(("key", record.key, (name,)) for record in records))
    return Outcome(after, (name,), (Made(name),))


def _plain(value: Any) -> Any:
    return None if value is UNSET else plain(value)


def _parse_update(statement: Statement) -> UpdateBody:
    body = body_of(statement, UpdateBody)
    if all(getattr(body, name) is UNSET for name in body.__struct_fields__):
        raise invalid("/body", "nothing is to be changed", "没有需要变更的内容")
    _check_details(body, natural=False)
    return body


def _decide_update(context: Context, body: UpdateBody, register: Register) -> Outcome:
    party = party_named(register, context.principal, "/by")
    _check_details(body, natural=party.is_natural_person())
    sender = register.party(context.statement.by)
    if sender is not None and sender.is_natural_person():
        _check_texts(body)
    changed = {name: _plain(value) for name in body.__struct_fields__ if (value := getattr(body, name)) is not UNSET}
    details = msgspec.structs.replace(party.current, seq=context.seq, **changed)
    levels = party.levels
    same = (details.name, details.identifier) == (party.current.name, party.current.identifier)
    if not same and party.level != state.UNVERIFIED:
        levels = (*levels, state.Level(context.seq, state.UNVERIFIED))
    after = msgspec.structs.replace(party, details=(*party.details, details), levels=levels)
    return Outcome(_with_verified(register.put(("party", party.id, after)), party, after), (party.id,))


def _decide_verify(context: Context, body: VerifyBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    party = party_named(register, body.party, "/body/party")
    evidence(body.evidence, "/body/evidence")
    if party.is_natural_person():
        must_keep_titles_confidential(body.evidence, "/body/evidence")
    identifier = party.identifier_text()
    if body.level != state.UNVERIFIED and identifier is not None:
        others = [other for other in register.names("verified", identifier) if other != party.id]
        if others:
            raise refused(
                "IDENTIFIER_TAKEN",
                f"The identifier {identifier} belongs to the verified party {others[0]}.",
                f"证件号码 {identifier} 已属于经核验的主体 {others[0]}。",
                "/body/party",
            )
    after = msgspec.structs.replace(party, levels=(*party.levels, state.Level(context.seq, body.level)))
    return Outcome(_with_verified(register.put(("party", party.id, after)), party, after), (party.id,))


def _with_verified(register: Register, before: state.Party, after: state.Party) -> Register:
    """The index of verified parties follows a change of level or identifier."""
    for party, present in ((before, False), (after, after.level != state.UNVERIFIED)):
        if (identifier := party.identifier_text()) is not None:
            others = tuple(name for name in register.names("verified", identifier) if name != party.id)
            register = register.put(("verified", identifier, (*others, party.id) if present else others))
    return register


PARTY_REGISTER = Act(
    "party.register", _parse_register, _decide_register, _register_names,
    proofs=lambda body: _founding(body)[1:], founding=_founding, shape=RegisterBody,
)  # fmt: skip
PARTY_UPDATE = Act(
    "party.update", _parse_update, _decide_update,
    lambda statement, body: Names(
        identifiers_of=(statement.for_ or statement.by,), identifiers=_identifiers(body.identifier)
    ),
    shape=UpdateBody,
)  # fmt: skip
PARTY_VERIFY = Act(
    "party.verify", lambda statement: body_of(statement, VerifyBody), _decide_verify,
    lambda _statement, body: Names(parties=(body.party,), identifiers_of=(body.party,)),
    shape=VerifyBody,
)  # fmt: skip
