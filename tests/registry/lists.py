"""Lists of the register, read to their end."""

from typing import Any

from tests.registry.desk import Desk


def listed(desk: Desk, what: str, *, limit: int = 100, **filters: Any) -> list[str]:
    """The identifiers in a list, all pages of it, at one size."""
    moment = {name: filters.pop(name, None) for name in ("at", "size")}
    found: list[str] = []
    after: int | None = -1
    while after is not None:
        items, after, seen = desk.registry.reader.page(what, filters, after=after, limit=limit, **moment)
        moment = {"at": seen.at, "size": seen.size}
        assert len(items) <= limit
        assert items or after is None
        found += [item["id"] for item in items]
    return found
