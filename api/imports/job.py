"""One import of a spreadsheet: whose it is, how far it is, and what became of it."""

from typing import Any, Literal

import msgspec

State = Literal["waiting", "running", "done", "failed"]
OPEN: frozenset[str] = frozenset({"waiting", "running"})


class Problem(msgspec.Struct, frozen=True):
    """Why a job ended before its rows did."""

    code: str
    zh: str
    en: str


class Job(msgspec.Struct, frozen=True):
    """A job as it is kept. `token`: whose scopes the job has, as long as it counts."""

    id: str
    party: str
    token: str
    language: Literal["zh", "en"]
    suffix: str
    trial: bool
    created: str
    state: State = "waiting"
    total: int = 0
    done: int = 0
    registered: int = 0
    passed: int = 0
    skipped: int = 0
    refused: int = 0
    ended: str | None = None
    problem: Problem | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self.state in OPEN

    def to_json(self, language: str) -> dict[str, Any]:
        """As answers show it."""
        members: dict[str, Any] = {
            "id": self.id, "state": self.state, "dry_run": self.trial, "done": self.done, "total": self.total,
            "registered": self.registered, "refused": self.refused, "skipped": self.skipped, "created": self.created,
        }  # fmt: skip
        if self.trial:
            members["passed"] = self.passed
        if self.ended is not None:
            members["ended"] = self.ended
        if self.problem is not None:
            words = self.problem.en if language == "en" else self.problem.zh
            members["problem"] = {"code": self.problem.code, "message": words}
        return members
