"""The columns of each list's export. Their names are stable; new ones come at the end."""

from collections.abc import Mapping
from typing import Any

from api.spreadsheets.columns import COLUMNS
from ledger.strict_json import format_compact

View = Mapping[str, Any]
Steps = tuple[str, ...]

_ASSET = "/asset/"
_RECORDED = (("recorded_seq", "recorded/seq"), ("recorded_time", "recorded/time"))
_FORM = tuple(
    (column.member, "form/" + column.pointer.removeprefix(_ASSET))
    for column in COLUMNS
    if column.pointer.startswith(_ASSET)
)
"""The form of annex 1, under the names of the template."""
_SCOPE = ("purposes", "territory", "fields", "from", "until", "actions", "rights", "depth", "duties")


def _same(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name) for name in names)


_LISTS: dict[str, tuple[tuple[str, str], ...]] = {
    "assets": (*_same("id", "applicant"), *_FORM, *_RECORDED),
    "rights": (
        *_same("id", "asset", "kind", "holder", "from_right", "previous", "case"),
        *((name, f"scope/{name}") for name in _SCOPE),
        *_same("exclusivity", "status", "basis", "survives", "registered_until"),
        ("ended_effective", "ended/effective"), ("ended_ground", "ended/ground"), ("ended_cause", "ended/cause"),
        *_RECORDED,
    ),
    "cases": (
        *_same("id", "kind", "rulebook", "rulebook_sha256", "state", "asset", "applicant", "filed_at", "accepted_on"),
        *_same("due", "findings", "certificates"), *_RECORDED,
    ),
    "parties": (
        *_same("id", "name", "kind", "subkind"), ("identifier_scheme", "identifier/scheme"),
        ("identifier_value", "identifier/value"), *_same("contact", "status", "level", "roles", "keys"), *_RECORDED,
    ),
    "entries": (
        *_same("seq", "time", "leaf_hash"),
        *((name, f"statement/{name}") for name in ("act", "by", "for", "with", "at")),
        ("statement", "statement/id"), ("body", "statement/body"),
    ),
}  # fmt: skip

EXPORTS: dict[str, tuple[tuple[str, Steps], ...]] = {
    what: tuple((name, tuple(path.split("/"))) for name, path in columns) for what, columns in _LISTS.items()
}


def titles(what: str) -> list[str]:
    """The first line."""
    return [name for name, _ in EXPORTS[what]]


def line(what: str, view: View) -> list[str | int | bool | None]:
    """An item of the list, a value a column."""
    return [flat(_at(view, steps)) for _, steps in EXPORTS[what]]


def _at(view: View, steps: Steps) -> Any:
    value: Any = view
    for step in steps:
        if not isinstance(value, Mapping):
            return None
        if "sd" in value:
            return value
        value = value.get(step)
    return value


def flat(value: Any) -> str | int | bool | None:
    """The value in one cell: lists divided by semicolons, confidential members as their digests."""
    match value:
        case None | bool() | int() | str():
            return value
        case Mapping():
            return _named(value)
        case _:
            return "; ".join(str(flat(each)) for each in value)


def _named(value: View) -> str:
    """As the template writes fields, fingerprints and identifiers; anything else as JSON."""
    match dict(value):
        case {"sd": str() as digest}:
            return f"sd:{digest}"
        case {"name": str() as name, "personal": str() as mark}:
            return f"{name}:{mark}"
        case {"alg": str() as alg, "value": str() as text}:
            return f"{alg}:{text}"
        case {"scheme": str() as scheme, "value": str() as text}:
            return f"{scheme}:{text}"
        case {"key": str() as key, "alg": str()}:
            return key
        case _:
            return format_compact(dict(value)).decode()
