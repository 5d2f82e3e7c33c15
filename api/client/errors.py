"""What can go wrong for a client.

ClientError
 ├─ TransportError  the registry could not be reached, or answered what is no answer
 ├─ ProblemError    the registry refused, with a code and reasons
 └─ TrustError      the registry shows something that contradicts what it showed before or what was signed
"""

from typing import Any


class ClientError(Exception):
    """Base of the errors of the SDK."""


class TransportError(ClientError):
    """No answer, or one that cannot be read."""


class TrustError(ClientError):
    """Keys, history or a receipt are not what they must be. Keep what you have: it is evidence."""


class ProblemError(ClientError):
    """The registry refused (RFC 9457)."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail", problem.get("title", "refused"))))
        self.problem = problem
        status = problem.get("status")
        self.status = status if isinstance(status, int) else 0
        self.code = str(problem.get("code", ""))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        reasons = problem.get("reasons")
        self.reasons: list[dict[str, Any]] = reasons if isinstance(reasons, list) else []
