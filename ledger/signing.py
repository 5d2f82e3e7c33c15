"""Who signs a statement, and what the statement does to keys, as anyone reads it without the register.

Signatures come in one order: `by`, then `with`, then the keys that the statement adds and that prove so that their
holders have them. What adds or ends a key:

| act              | keys                                                                                               |
|------------------|----------------------------------------------------------------------------------------------------|
| `log.open`       | the registrar's and the clerk's are added, `by` signs with the first; all others, and seals, prove  |
| `party.register` | all are added, to `for` if there is one, else to `by`, which signs with the first; the others prove |
| `key.add`        | one is added to `by`; it proves                                                                     |
| `key.recover`    | one is added to `party`, effective later; it proves                                                 |
| `key.revoke`     | one ends                                                                                            |
| `log.key`        | `use` clerk: one is added to the clerk, or one ends; seal: one proves; log: no party's key          |

Source: contract section 2, "Who signs" and "Keys"; section 3, `log.open`; section 4.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from ledger.encoding import parse_base64url
from ledger.errors import FormatError
from ledger.identifiers import check_identifier, key_identifier, party_identifier
from ledger.instants import parse_instant
from ledger.keys import Algorithm, check_public_key
from ledger.statement import Envelope, Statement

MAX_KEYS = 64
"""Far more than any act may add; what is listed beyond is not looked at."""


class PublicKey(msgspec.Struct, frozen=True):
    """A public key and the identifier that follows from it."""

    key: str
    algorithm: Algorithm
    public: bytes


class AddedKey(msgspec.Struct, frozen=True):
    """A key that a statement gives to a party. `party` is empty where it is the clerk, whom the log names."""

    party: str
    key: PublicKey
    recovered: bool = False
    """It counts only after a time in which the party may object."""


class EndedKey(msgspec.Struct, frozen=True):
    """A key that a statement ends: from `effective` on, or from the entry on."""

    key: str
    effective: datetime | None = None


class Signing(msgspec.Struct, frozen=True):
    """Who has to sign, whose signatures are there, and what becomes of keys."""

    by: str
    with_: tuple[str, ...]
    at: datetime
    keys: tuple[str, ...]
    """The identifiers that the signatures name, in their order."""
    founding: PublicKey | None = None
    """The key that counts for this entry because it lists it, and that `by` signs with."""
    proofs: tuple[PublicKey, ...] = ()
    added: tuple[AddedKey, ...] = ()
    ended: tuple[EndedKey, ...] = ()
    clerk: str = ""
    """The party of the clerk, where the statement names it."""


def signing_of(envelope: Envelope, statement: Statement) -> Signing:
    """What the statement in the envelope says of signers and keys. No signature is verified.

    Raises:
        FormatError: the body of an act of the table above is not in its form.
        SignatureError: a key that it lists is not a usable public key.
    """
    keys = tuple(signature.key for signature in envelope.signatures)
    plain = Signing(statement.by, statement.with_, statement.at, keys)
    read = _READERS.get(statement.act)
    if read is None:
        return plain
    try:
        return read(plain, statement)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormatError(f"the keys in the body of {statement.act} are not in their form") from error


def _public_key(value: Any) -> PublicKey:
    algorithm, public = Algorithm(value["alg"]), parse_base64url(value["public"])
    check_public_key(algorithm, public)
    return PublicKey(key_identifier(public), algorithm, public)


def _public_keys(values: Any) -> tuple[PublicKey, ...]:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_KEYS:
        raise FormatError(f"not a list of 1 to {MAX_KEYS} keys")
    return tuple(map(_public_key, values))


def _given(party: str, keys: Iterable[PublicKey]) -> tuple[AddedKey, ...]:
    return tuple(AddedKey(party, key) for key in keys)


def _open(plain: Signing, statement: Statement) -> Signing:
    body = statement.body
    registrar, clerk = _public_keys(body["registrar"]["keys"]), _public_key(body["clerk"])
    party = party_identifier(clerk.public)
    return msgspec.structs.replace(
        plain,
        founding=registrar[0],
        proofs=(*registrar[1:], clerk, *_public_keys(body["seal_keys"])),
        added=_given(plain.by, registrar) + _given(party, [clerk]),
        clerk=party,
    )


def _register(plain: Signing, statement: Statement) -> Signing:
    keys = _public_keys(statement.body["keys"])
    party = statement.for_ or plain.by
    if party != party_identifier(keys[0].public):
        raise FormatError("a party is named by its first key")
    founding = keys[0] if statement.for_ is None else None
    return msgspec.structs.replace(plain, founding=founding, proofs=keys[1:], added=_given(party, keys))


def _add(plain: Signing, statement: Statement) -> Signing:
    key = _public_key(statement.body)
    return msgspec.structs.replace(plain, proofs=(key,), added=_given(plain.by, [key]))


def _recover(plain: Signing, statement: Statement) -> Signing:
    key = _public_key(statement.body)
    party = check_identifier(statement.body["party"], "pty")
    return msgspec.structs.replace(plain, proofs=(key,), added=(AddedKey(party, key, recovered=True),))


def _revoke(plain: Signing, statement: Statement) -> Signing:
    body = statement.body
    effective = parse_instant(body["effective"]) if "effective" in body else None
    return msgspec.structs.replace(plain, ended=(EndedKey(check_identifier(body["key"], "key"), effective),))


def _log_key(plain: Signing, statement: Statement) -> Signing:
    body: Mapping[str, Any] = statement.body
    if body["use"] == "log":
        return plain
    proofs = (_public_key(body["add"]),) if "add" in body else ()
    if body["use"] != "clerk":
        return msgspec.structs.replace(plain, proofs=proofs)
    ended = (EndedKey(check_identifier(body["retire"], "key")),) if "retire" in body else ()
    return msgspec.structs.replace(plain, proofs=proofs, added=_given("", proofs), ended=ended)


_READERS = {
    "log.open": _open,
    "party.register": _register,
    "key.add": _add,
    "key.recover": _recover,
    "key.revoke": _revoke,
    "log.key": _log_key,
}
KEY_ACTS = frozenset(_READERS)
"""The acts of the table above. All others add and end no key, and nobody signs them but `by` and `with`."""
