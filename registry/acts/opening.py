"""`log.open`: entry 0. The registrar names itself, its clerk, and the keys of log and seal. Contract section 3."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.errors import FormatError, SignatureError
from ledger.identifiers import party_identifier, party_of_first_key
from ledger.note import parse_verifier_key
from ledger.statement import Statement
from registry.acts.act import Act, Context, Key, Made, Outcome
from registry.acts.parties import IdentifierShape, key_record
from registry.acts.shapes import Digest, KeyShape, Shape, body_of, given, invalid, plain
from registry.acts.uscc import is_uscc
from registry.refusals.refusal import refused
from registry.register.office_state import Adoption, Registry, SealKey
from registry.register.party import Details, Level, Party
from registry.register.register import Register
from registry.succession import Continues, check_continues

SPEC = 1
_NEEDED_KINDS = {1, 6}
"""Ed25519 and ML-DSA-44: both sign every checkpoint from the first entry on."""


class RegistrarShape(Shape, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    keys: Annotated[tuple[KeyShape, ...], Meta(min_length=1, max_length=4)]
    identifier: IdentifierShape | UnsetType = UNSET


class OpenBody(Shape, frozen=True):
    origin: Annotated[str, Meta(min_length=1, max_length=255)]
    registrar: RegistrarShape
    clerk: KeyShape
    log_keys: Annotated[tuple[str, ...], Meta(min_length=2, max_length=8)]
    seal_keys: Annotated[tuple[KeyShape, ...], Meta(min_length=1, max_length=2)]
    rulebook: str
    rulebook_sha256: Digest
    spec: Literal[1]
    continues: Continues | UnsetType = UNSET


def _parse(statement: Statement) -> OpenBody:
    body = body_of(statement, OpenBody)
    if body.origin != statement.log:
        raise invalid("/body/origin", "the origin is that of `log`", "origin 必须与 log 一致")
    keys = _founding(body)
    if statement.by != party_identifier(keys[0].public):
        raise invalid("/by", "the registrar is named by its first key", "登记机构标识须由其第一把密钥得出")
    identifier = given(body.registrar.identifier)
    if identifier is not None and identifier.scheme == "uscc" and not is_uscc(identifier.value):
        raise invalid(
            "/body/registrar/identifier/value", "not a valid unified social credit code", "不是有效的统一社会信用代码"
        )
    _check_continues(body)
    kinds, publics = set(), [key.public for key in keys]
    for number, text in enumerate(body.log_keys):
        try:
            key = parse_verifier_key(text)
        except (FormatError, SignatureError) as error:
            raise invalid(f"/body/log_keys/{number}", str(error), "不是有效的验证公钥") from error
        if key.name != body.origin:
            raise invalid(
                f"/body/log_keys/{number}", "a key of the log bears the name of its origin", "账本公钥须以 origin 命名"
            )
        kinds.add(key.kind)
        publics.append(key.public)
    if not kinds >= _NEEDED_KINDS:
        raise invalid(
            "/body/log_keys", "an Ed25519 and an ML-DSA-44 key are needed", "须同时列出 Ed25519 与 ML-DSA-44 公钥"
        )
    if len(set(publics)) != len(publics):
        raise invalid(
            "/body",
            "the keys of registrar, clerk, seal and log differ from each other",
            "登记机构、书记、印章与账本的密钥须各不相同",
        )
    return body


def _check_continues(body: OpenBody) -> None:
    """What the log says of one before it can be so."""
    continues = given(body.continues)
    if continues is None:
        return
    try:
        check_continues(continues, body.origin)
    except FormatError as error:
        raise invalid(
            f"/body/continues{error.pointer}", str(error), "不是另一账本的检查点，或其条数与尚存、丢失之和不符"
        ) from error


def _registrar_keys(body: OpenBody) -> tuple[Key, ...]:
    return tuple(key.checked(f"/body/registrar/keys/{n}") for n, key in enumerate(body.registrar.keys))


def _founding(body: OpenBody) -> tuple[Key, ...]:
    seals = tuple(key.checked(f"/body/seal_keys/{n}") for n, key in enumerate(body.seal_keys))
    return (*_registrar_keys(body), body.clerk.checked("/body/clerk"), *seals)


def _decide(context: Context, body: OpenBody, register: Register) -> Outcome:
    if context.seq != 0 or register.registry() is not None:
        raise refused("INVALID_VALUE", "The log is open already.", "登记簿已经开立。", "/act")
    book = context.rulebook(body.rulebook_sha256)
    if book is None or book.id != body.rulebook:
        raise invalid("/body/rulebook_sha256", "the bytes of the rulebook are not at hand", "找不到规则簿原文")
    if book.constants.review:
        raise invalid(
            "/body/rulebook_sha256", "procedures with review are not carried out by this version",
            "本版本尚不办理需审查的程序",
        )  # fmt: skip
    keys = tuple(key_record(context, key, UNSET) for key in _registrar_keys(body))
    clerk_key = key_record(context, body.clerk.checked("/body/clerk"), UNSET)
    identifier = None if body.registrar.identifier is UNSET else plain(body.registrar.identifier)
    registrar = Party(
        context.statement.by, context.ref(0), context.stamp,
        (Details(0, body.registrar.name, "legal_person", identifier=identifier),), keys, (Level(0, "qualified"),),
    )  # fmt: skip
    clerk = Party(
        party_of_first_key(clerk_key.key), context.ref(1), context.stamp,
        (Details(0, f"{body.registrar.name}（书记 / clerk）", "legal_person"),), (clerk_key,),
    )  # fmt: skip
    seals = tuple(SealKey(0, key.alg, key.public) for key in body.seal_keys)
    adoption = Adoption(0, book.id, book.version, book.sha256, default=True, review=book.constants.review)
    registry = Registry(body.origin, registrar.id, clerk.id, body.log_keys, seals, (adoption,), context.stamp, SPEC)
    verified = registrar.identifier_text()
    after = register.put(
        ("registry", "", registry),
        ("party", registrar.id, registrar),
        ("party", clerk.id, clerk),
        *(("key", key.key, (party.id,)) for party in (registrar, clerk) for key in party.keys),
        *([("verified", verified, (registrar.id,))] if verified else []),
    )
    return Outcome(after, (registrar.id, clerk.id), (Made(registrar.id), Made(clerk.id)))


LOG_OPEN = Act("log.open", _parse, _decide, proofs=lambda body: _founding(body)[1:], founding=_founding)
