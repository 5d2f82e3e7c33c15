"""Scopes on the wire and back. Contract section 4, "Scope"."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from ledger.instants import format_instant
from ledger.statement import Statement
from registry.acts.shapes import FreeText, KindName, Sd, Shape, given, instant, invalid
from registry.register.scope import Duty, Scope
from registry.title import scope as algebra
from registry.title.vocabulary import ACTIONS, OPERATING, is_purpose, is_territory

MAX_TERMS = 200
Terms = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(min_length=1, max_length=MAX_TERMS)
]
_ALL_ACTIONS = frozenset(action for actions in ACTIONS.values() for action in actions)


class DutyShape(Shape, frozen=True):
    id: Annotated[str, Meta(pattern=r"^[a-z0-9_.-]{1,64}$")]
    when: Literal["before", "during", "after"]
    text: FreeText | UnsetType = UNSET


class ScopeShape(Shape, frozen=True):
    purposes: Terms
    territory: Terms
    fields: Terms
    until: str | None
    from_: str | UnsetType = field(default=UNSET, name="from")
    duties: Annotated[tuple[DutyShape, ...], Meta(max_length=32)] | UnsetType = UNSET
    actions: Terms | UnsetType = UNSET
    rights: Annotated[tuple[KindName, ...], Meta(min_length=1, max_length=8)] | UnsetType = UNSET
    depth: Annotated[int, Meta(ge=0, le=64)] | UnsetType = UNSET

    def check(self, pointer: str, *, title: bool) -> None:
        """Returns if every term is a word of the vocabulary, and the term ends after it starts.

        Raises:
            RefusedError: INVALID_VALUE.
        """
        for number, purpose in enumerate(self.purposes):
            place = f"{pointer}/purposes/{number}"
            if purpose == "*" and not title:
                raise invalid(
                    place,
                    "`*` as purpose stands only on titles; name the purposes",
                    "只有登记取得的权利可用 *，许可须写明用途",
                )
            if purpose != "*" and not is_purpose(purpose):
                raise invalid(place, f"{purpose!r} is not a purpose of the vocabulary", "不是约定的用途")
        for number, place_name in enumerate(self.territory):
            if place_name != "*" and not is_territory(place_name):
                raise invalid(
                    f"{pointer}/territory/{number}", f"{place_name!r} is not an ISO 3166 code", "不是 ISO 3166 地域代码"
                )
        for number, action in enumerate(given(self.actions) or ()):
            if action not in _ALL_ACTIONS:
                raise invalid(f"{pointer}/actions/{number}", f"{action!r} is not an action", "不是约定的行为")
        duties = [duty.id for duty in given(self.duties) or ()]
        if len(set(duties)) != len(duties):
            raise invalid(f"{pointer}/duties", "a duty is listed twice", "义务重复列出")
        starts, ends = self.times(pointer)
        if starts is not None and ends is not None and ends <= starts:
            raise invalid(f"{pointer}/until", "the term ends before it starts", "期限的终点不晚于起点")

    def times(self, pointer: str) -> tuple[datetime | None, datetime | None]:
        """`from` and `until`, None where absent or open."""
        starts = given(self.from_)
        return (
            instant(starts, f"{pointer}/from") if starts is not None else None,
            instant(self.until, f"{pointer}/until") if self.until is not None else None,
        )

    def resolve(self, pointer: str, default_start: datetime, statement: Statement, *, title: bool) -> Scope:
        """The scope in force, `from` resolved against the entry's time (contract section 2, "Time").

        Raises:
            RefusedError: INVALID_VALUE if nothing of the term is left.
        """
        starts, ends = self.times(pointer)
        if starts is None or statement.at <= starts <= default_start:
            starts = default_start
        if ends is not None and ends <= starts:
            raise invalid(f"{pointer}/until", "the term ends before it starts", "期限的终点不晚于起点")
        depth = given(self.depth)
        return algebra.scope(
            purposes=self.purposes,
            territory=self.territory,
            fields=self.fields,
            starts=starts,
            ends=ends,
            duties=tuple(_duty(d) for d in given(self.duties) or ()),
            actions=given(self.actions),
            rights=given(self.rights),
            depth=depth if depth is not None or title else 0,
        )

    def free_texts(self, pointer: str) -> Iterator[tuple[str, Any]]:
        """Every text that a natural person must keep confidential."""
        for number, duty in enumerate(given(self.duties) or ()):
            yield f"{pointer}/duties/{number}/text", duty.text


def _duty(shape: DutyShape) -> Duty:
    text = shape.text
    if isinstance(text, Sd):
        return Duty(shape.id, shape.when, sd=text.sd)
    return Duty(shape.id, shape.when, text if isinstance(text, str) else None)


def format_scope(scope: Scope, kind: str) -> dict[str, Any]:
    """The scope as answers show it: contract section 4."""
    members: dict[str, Any] = {
        "purposes": list(scope.purposes),
        "territory": list(scope.territory),
        "fields": list(scope.fields),
        "from": format_instant(scope.starts),
        "until": format_instant(scope.ends) if scope.ends is not None else None,
    }
    if scope.duties:
        members["duties"] = [duty.to_json() for duty in scope.duties]
    if scope.actions is not None:
        members["actions"] = list(scope.actions)
    if kind == OPERATING:
        members["rights"] = list(scope.rights) if scope.rights is not None else ["holding", "processing", "operating"]
        if scope.depth is not None:
            members["depth"] = scope.depth
    return members
