"""`log.key`: keys of the log, of its seal and of its clerk come and go. Contract section 4; ledger.md 0.10.

`{"use": "log", "add"?, "retire"?}` tells keys as verifier keys, as `log.open` does. For `seal` and `clerk` `add` is
`{"alg", "public"}`, proven by a signature behind, and `retire` a `key_…`. What is added counts from the next entry on,
what is retired until this one. Never is the log without a key of either kind, nor without seal and clerk.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.errors import FormatError, SignatureError
from ledger.identifiers import is_identifier, key_identifier
from ledger.keys import Algorithm
from ledger.note import ED25519, ML_DSA_44_COSIGNATURE, VerifierKey, format_verifier_key, parse_verifier_key
from ledger.statement import Statement
from registry.acts.act import Act, Context, Key, Names, Outcome, must_be_registrar
from registry.acts.parties import key_record, must_be_new_key
from registry.acts.shapes import KeyShape, Shape, body_of, given, invalid
from registry.refusals.refusal import RefusedError, refused
from registry.register.office_state import KeyChange, Registry, SealKey
from registry.register.party import Revocation
from registry.register.register import Register

MAX_LIVE = 8
"""Keys of one use that are live together: every checkpoint carries a line of each of the log's."""
LOG_KINDS = (ED25519, ML_DSA_44_COSIGNATURE)
_Text = Annotated[str, Meta(min_length=1, max_length=4_000)]


class AddedShape(Shape, frozen=True):
    alg: str
    public: str


class LogKeyBody(Shape, frozen=True):
    use: Literal["log", "seal", "clerk"]
    add: _Text | AddedShape | UnsetType = UNSET
    retire: _Text | UnsetType = UNSET


def _parse(statement: Statement) -> LogKeyBody:
    body = body_of(statement, LogKeyBody)
    if body.add is UNSET and body.retire is UNSET:
        raise invalid("/body", "a key is added or retired, or both", "须添加或停用密钥，或二者兼有")
    if body.use == "log":
        if isinstance(body.add, AddedShape):
            raise _malformed("/body/add", "a key of the log is told as a verifier key", "账本密钥以验证公钥文本表示")
        if (text := given(body.add)) is not None:
            _check_verifier_key(_verifier_key(str(text), "/body/add"), statement.log, "/body/add")
    else:
        if isinstance(body.add, str):
            raise _malformed("/body/add", "a key of seal or clerk has `alg` and `public`", "密钥须写明 alg 与 public")
        _check_added(body)
        if (retired := given(body.retire)) is not None:
            _check_key_identifier(retired)
    return body


def _check_key_identifier(text: str) -> None:
    if not is_identifier(text, "key"):
        raise invalid("/body/retire", "a key of seal or clerk is told by its identifier", "须写明密钥标识 key_…")


def _malformed(pointer: str, en: str, zh: str) -> RefusedError:
    return refused("MALFORMED", f"{pointer}: {en}.", f"{pointer}：{zh}。", pointer)


def _verifier_key(text: str, pointer: str) -> VerifierKey:
    try:
        return parse_verifier_key(text)
    except (FormatError, SignatureError) as error:
        raise invalid(pointer, str(error), "不是有效的验证公钥") from error


def _check_verifier_key(key: VerifierKey, origin: str, pointer: str) -> None:
    if key.name != origin:
        raise invalid(pointer, "a key of the log bears the name of its origin", "账本公钥须以 origin 命名")
    if key.kind not in LOG_KINDS:
        raise invalid(
            pointer, "a log signs with Ed25519 (01) and ML-DSA-44 (06)", "账本仅以 Ed25519（01）与 ML-DSA-44（06）签名"
        )


def _check_added(body: LogKeyBody) -> None:
    for key in _proofs(body):
        if body.use == "seal" and key.alg != Algorithm.ES256:
            raise invalid("/body/add/alg", "the seal signs with ES256", "登记专用章以 ES256 签名")


def _proofs(body: LogKeyBody) -> tuple[Key, ...]:
    """Keys that sign envelopes sign this one; verifier keys of the log never do."""
    if not isinstance(body.add, AddedShape):
        return ()
    return (KeyShape(body.add.alg, body.add.public).checked("/body/add"),)


def added_key(body: LogKeyBody) -> str | None:
    """The identifier of the key that is added."""
    if isinstance(body.add, str):
        return key_identifier(parse_verifier_key(body.add).public)
    return next((key_identifier(key.public) for key in _proofs(body)), None)


def _names(_statement: Statement, body: LogKeyBody) -> Names:
    retired = [body.retire] if body.use == "clerk" and isinstance(body.retire, str) else []
    return Names(keys=tuple(filter(None, (added_key(body), *retired))))


def _decide(context: Context, body: LogKeyBody, register: Register) -> Outcome:
    must_be_registrar(context, register)
    registry = register.registry()
    assert registry is not None
    if (added := added_key(body)) is not None:
        must_be_new_key(register, added, "/body/add")
    match body.use:
        case "log":
            after = register.put(("registry", "", _with_log_key(context, body, registry)))
        case "seal":
            after = register.put(("registry", "", _with_seal_key(context, body, registry)))
        case "clerk":
            after = _with_clerk_key(context, body, registry, register)
    return Outcome(after, (registry.registrar,))


def _with_log_key(context: Context, body: LogKeyBody, registry: Registry) -> Registry:
    retire = given(body.retire)
    before = registry.log_terms()
    if retire is not None:
        terms = {format_verifier_key(term.key): term.until for term in before}
        _must_be_live(retire, known=retire in terms, ended=terms.get(retire) is not None)
    after = _changed(context, registry, "log", body.add if isinstance(body.add, str) else None, retire)
    live = [term.key for term in after.log_terms() if term.until is None]
    _check_number(len(live))
    if len({term.key.key_id for term in after.log_terms()}) < len(after.log_terms()):
        raise invalid(
            "/body/add", "another key of the log has the same id of 32 bits", "与另一账本公钥的 32 位编号相同"
        )
    if not {key.kind for key in live} >= set(LOG_KINDS):
        raise invalid(
            "/body/retire", "a log always has a live Ed25519 and a live ML-DSA-44 key; add another first",
            "账本须始终各有一把有效的 Ed25519 与 ML-DSA-44 密钥；请先添加另一把",
        )  # fmt: skip
    return after


def _with_seal_key(context: Context, body: LogKeyBody, registry: Registry) -> Registry:
    retire = given(body.retire)
    if retire is not None:
        terms = {term.key.key: term.until for term in registry.seal_terms()}
        _must_be_live(retire, known=retire in terms, ended=terms.get(retire) is not None)
    key = SealKey(context.seq, body.add.alg, body.add.public) if isinstance(body.add, AddedShape) else None
    after = _changed(context, registry, "seal", key, retire)
    live = [term for term in after.seal_terms() if term.until is None]
    _check_number(len(live))
    if not live:
        raise _last_key("seal", "印章")
    return after


def _changed(
    context: Context, registry: Registry, use: Literal["log", "seal"], add: str | SealKey | None, retire: str | None
) -> Registry:
    change = KeyChange(context.stamp, use, add, retire)
    return msgspec.structs.replace(registry, key_changes=(*registry.key_changes, change))


def _with_clerk_key(context: Context, body: LogKeyBody, registry: Registry, register: Register) -> Register:
    """The clerk is a party: its keys are those of its record, though the entry stands in the registrar's folio."""
    clerk = register.party(registry.clerk)
    assert clerk is not None
    keys = clerk.keys
    if (retire := given(body.retire)) is not None:
        key = clerk.key(retire)
        _must_be_live(retire, known=key is not None, ended=key is not None and not key.is_live(context.time))
        revocation = Revocation(context.seq, context.time, "retired")
        keys = tuple(
            msgspec.structs.replace(each, revocations=(*each.revocations, revocation)) if each.key == retire else each
            for each in keys
        )
    added = tuple(key_record(context, key, UNSET) for key in _proofs(body))
    keys = (*keys, *added)
    live = [key for key in keys if key.is_live(context.time)]
    _check_number(len(live))
    if all(key.revoked() is not None for key in live):
        raise _last_key("clerk", "书记")
    after = msgspec.structs.replace(clerk, keys=keys)
    return register.put(("party", clerk.id, after), *(("key", key.key, (clerk.id,)) for key in added))


def _must_be_live(name: str, *, known: bool, ended: bool) -> None:
    if not known:
        raise refused(
            "NOT_FOUND", f"There is no key {name} of this use.", f"没有用于此目的的密钥 {name}。", "/body/retire"
        )
    if ended:
        raise refused("ALREADY_ENDED", f"The key {name} is retired already.", f"密钥 {name} 已经停用。", "/body/retire")


def _check_number(live: int) -> None:
    if live > MAX_LIVE:
        raise invalid("/body/add", f"at most {MAX_LIVE} keys are live together", f"同时有效的密钥至多 {MAX_LIVE} 把")


def _last_key(en: str, zh: str) -> RefusedError:
    return invalid(
        "/body/retire", f"it is the last key of the {en}; add another first", f"这是{zh}的最后一把密钥；请先添加另一把"
    )


LOG_KEY = Act("log.key", _parse, _decide, _names, proofs=_proofs)
