"""The chain of title: from the registration that a right goes back to, link by link, to the right."""

from datetime import datetime

from registry.register.register import Register
from registry.register.right import Right

MAX_LINKS = 64


def chain_of(register: Register, right: Right, at: datetime) -> tuple[Right, ...]:
    """The links from the title to `right` as they hang together at an instant, the title first."""
    links = [right]
    while (above := links[-1].parent_at(at)) is not None and len(links) < MAX_LINKS:
        parent = register.right(above)
        if parent is None:
            break
        links.append(parent)
    return tuple(reversed(links))
