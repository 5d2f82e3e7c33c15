"""Bearer tokens: who a request comes from and what it may do. RFC 6750.

`sqt_<id>_<secret>`: the id finds the row, the digest of the whole is compared in constant time. A token is bound to one
party, says what it may be used for, expires, and can be revoked. Nobody can read it again: only its digest is kept.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ledger.instants import from_milliseconds, to_milliseconds
from registry.refusals.refusal import refused

PREFIX = "sqt"
DEFAULT_LIFE = timedelta(days=90)
LONGEST_LIFE = timedelta(days=366)
_ID_BYTES = 8
_SECRET_BYTES = 32
_FORM = re.compile(r"sqt_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")
_ACT = re.compile(r"act(:[a-z_]+\.([a-z_]+|\*))?")

READ, MANAGE, ACT = "read", "tokens", "act"
EVERYTHING = (ACT, READ, MANAGE)
"""`read`: what is private to the party; `tokens`: its tokens; `act`: every act, or one of them, or a family of them."""


class Token(msgspec.Struct, frozen=True):
    """A token without its secret."""

    id: str
    party: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime
    revoked: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it counts at an instant."""
        return now < self.expires and (self.revoked is None or now < self.revoked)

    def may(self, scope: str) -> bool:
        """Whether it may be used so."""
        return scope in self.scopes

    def may_act(self, act: str) -> bool:
        """Whether it may be used for an act."""
        family = act.partition(".")[0]
        return bool({ACT, f"{ACT}:{act}", f"{ACT}:{family}.*"} & set(self.scopes))

    def covers(self, scope: str) -> bool:
        """Whether it may be used for all that `scope` allows."""
        kind, _, act = scope.partition(":")
        if kind != ACT or not act:
            return scope in self.scopes
        return self.may_act(act)


class NewToken(msgspec.Struct, frozen=True):
    """A token as it is given out, once."""

    text: str
    token: Token

    def row(self) -> dict[str, Any]:
        """The row that lets it be recognised."""
        token = self.token
        return {
            "id": token.id,
            "digest": token_digest(self.text),
            "party": token.party,
            "name": token.name,
            "scopes": " ".join(token.scopes),
            "created": to_milliseconds(token.created),
            "expires": to_milliseconds(token.expires),
            "revoked": None,
        }


def is_scope(text: str) -> bool:
    """Whether `text` is a scope: `read`, `tokens`, `act`, `act:right.grant`, `act:right.*`."""
    return text in (READ, MANAGE) or _ACT.fullmatch(text) is not None


def must_be_scopes(scopes: Sequence[str]) -> None:
    """Returns if all are scopes.

    Raises:
        RefusedError: INVALID_VALUE.
    """
    for number, scope in enumerate(scopes):
        if not is_scope(scope):
            raise refused(
                "INVALID_VALUE", f"/scopes/{number}: {scope!r} is not read, tokens, act, act:<act> or act:<family>.*.",
                f"/scopes/{number}：权限范围只能是 read、tokens、act、act:<行为> 或 act:<类别>.*。", f"/scopes/{number}",
            )  # fmt: skip


def new_token(party: str, scopes: Sequence[str], name: str, now: datetime, life: timedelta) -> NewToken:
    """A fresh token of a party."""
    identifier = secrets.token_hex(_ID_BYTES)
    text = f"{PREFIX}_{identifier}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return NewToken(text, Token(identifier, party, name, tuple(scopes), now, now + life))


def identifier_in(text: str) -> str | None:
    """The public part of a token, if the text has the form of one."""
    match = _FORM.fullmatch(text)
    return match[1] if match else None


def token_digest(text: str) -> str:
    """The digest under which a token is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def token_of(row: Mapping[str, Any]) -> Token:
    """The token of a row."""
    return Token(
        row["id"], row["party"], row["name"], tuple(row["scopes"].split()), from_milliseconds(row["created"]),
        from_milliseconds(row["expires"]), None if row["revoked"] is None else from_milliseconds(row["revoked"]),
    )  # fmt: skip


def is_same(text: str, digest: str) -> bool:
    """Whether `text` is the token of this digest; takes as long for every text."""
    return hmac.compare_digest(token_digest(text), digest)
