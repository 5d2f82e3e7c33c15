"""Reads the tables of rights.md: a date is midnight in Asia/Shanghai, a grant comes from a title that is older."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from ledger.instants import format_instant
from tests.registry.desk import ALL, Actor, Desk, ids, scope

VECTORS = Path(__file__).parents[2] / "vectors" / "rights"
NOBODY = "pty_" + "0" * 26
NOTHING = "rgt_" + "0" * 26
OLD = {"from": "2025-06-01T00:00:00Z"}


def vectors(name: str) -> Any:
    return yaml.safe_load((VECTORS / f"{name}.yaml").read_text("utf-8"))


def midnight(day: Any) -> datetime:
    year, month, date = map(int, str(day).split("-"))
    return datetime(year, month, date, tzinfo=UTC) - timedelta(hours=8)


def wire(members: dict[str, Any]) -> dict[str, Any]:
    """A scope of a table as a statement writes it."""
    times = ("from", "until")
    return {k: format_instant(midnight(v)) if k in times and v is not None else v for k, v in members.items()}


def titled(desk: Desk, holder: Actor) -> tuple[str, str, str]:
    """An asset on which the holder has all rights since long ago: asset, processing title, operating title."""
    claim = {"party": holder.id, "rights": ALL, "scope": scope(purposes=["*"], territory=["*"], **OLD)}
    receipt = desk.ok("case.file", holder, desk.filing([claim]))
    return ids(receipt, "ast")[0], ids(receipt, "rgt")[1], ids(receipt, "rgt")[2]
