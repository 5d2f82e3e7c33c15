"""The question that `check` answers, and its answer. Contract section 7."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.instants import format_instant
from registry.refusals.refusal import Reason
from registry.register.right import Right


@dataclass(frozen=True, slots=True)
class Question:
    """May `party` do `action` with `asset` for `purpose`? Absent `territory` or `fields` stand for the whole dimension."""

    party: str
    asset: str
    purpose: str
    action: str | None = None
    right: str | None = None
    territory: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None
    reviewed_only: bool = False
    explain: bool = False
    """Every path is wanted, each with why it fails."""


@dataclass(frozen=True, slots=True)
class Path:
    """A chain from a title to a right of the party, and every ground on which it fails; open if there is none."""

    links: tuple[Right, ...]
    passed: int
    """Links from the root before the first failing one."""
    reasons: tuple[Reason, ...]

    @property
    def leaf(self) -> Right:
        """The party's own right."""
        return self.links[-1]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register says, at an instant, as known at a size."""

    decision: bool
    status: str
    reasons: tuple[Reason, ...]
    chain: tuple[Right, ...]
    obligations: dict[str, list[dict[str, Any]]]
    warnings: tuple[str, ...]
    at: datetime
    size: int
    spec: int
    rulebook: str
    paths: tuple[Path, ...] | None = None
    """Of a question with `explain`: all paths, open ones first, then the nearest."""

    def to_json(self, language: str, ledger: dict[str, Any]) -> dict[str, Any]:
        """The answer as the contract writes it; `ledger` says origin, size and root."""
        members = {
            "decision": self.decision,
            "status": self.status,
            "reasons": [reason.to_json(language) for reason in self.reasons],
            "chain": _chain(self.chain),
            "obligations": self.obligations,
            "warnings": [{"code": code} for code in self.warnings],
            "evaluated": {
                "at": format_instant(self.at),
                "size": self.size,
                "spec": self.spec,
                "rulebook": self.rulebook,
            },
            "ledger": ledger,
        }
        if self.paths is not None:
            members["paths"] = [
                {"chain": _chain(path.links), "reasons": [reason.to_json(language) for reason in path.reasons]}
                for path in self.paths
            ]
        return members


def _chain(links: tuple[Right, ...]) -> list[dict[str, Any]]:
    return [
        {
            "right": link.id,
            "holder": link.holder,
            "basis": link.basis,
            "recorded": {"seq": link.recorded.seq, "time": format_instant(link.recorded.time)},
        }
        | ({"capacity": link.capacity} if link.is_for_principal() else {})
        for link in links
    ]
