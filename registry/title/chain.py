"""The chain of title: from the registration that a right goes back to, link by link, to the right.

A grant that survives its parent hangs, from the parent's end on, on what the parent hung on (attornment). That is read
off the ends as they are recorded, so it does not matter in which order they were recorded or whether one was moved.
"""

from datetime import datetime

import msgspec

from registry.register.register import Register
from registry.register.right import Right
from registry.register.scope import Scope

MAX_LINKS = 128
"""More than the deepest chain has: a depth is at most 64."""


def chain_of(register: Register, right: Right, at: datetime) -> tuple[Right, ...]:
    """The links from the title to `right` as they hang together at an instant, the title first."""
    links = [right]
    while len(links) < MAX_LINKS and (parent := parent_of(register, links[-1], at)) is not None:
        links.append(parent)
    return tuple(reversed(links))


def parent_of(register: Register, right: Right, at: datetime) -> Right | None:
    """What a grant hangs on at an instant; None for a title. `register` holds all rights on the asset."""
    parent = register.right(right.granted_from) if right.granted_from else None
    while right.survives and parent is not None and not parent.is_title() and parent.ended_at(at) is not None:
        parent = parent_of(register, parent, at)
    return parent


def until_end(right: Right) -> Scope | None:
    """The scope with the term cut where an end of the right takes effect; None if nothing is left of it."""
    end, scope = right.ended(), right.scope
    if end is None or (scope.ends is not None and scope.ends <= end.effective):
        return scope
    return msgspec.structs.replace(scope, ends=end.effective) if scope.starts < end.effective else None
