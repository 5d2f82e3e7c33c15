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
    """Keys, history or a receipt are not what they must be. Keep what you have: it is evidence.

    `code` names what is wrong, in words that stay; those that an audit finds as well are named as there.

    | code                 | what contradicts                                                                   |
    |----------------------|------------------------------------------------------------------------------------|
    | keys_changed         | the keys shown are not those pinned or given                                       |
    | keys_form            | what is shown as a key is none, or is another log's                                |
    | pins_unreadable      | what this client remembers cannot be read                                          |
    | checkpoint_form      | what should be a checkpoint is none                                                |
    | checkpoint_signature | the trusted keys have not signed the checkpoint                                    |
    | origin_mismatch      | an answer belongs to another log                                                   |
    | entries_lost         | fewer entries than were shown before, or no proof that leads on from them          |
    | history_rewritten    | two roots of one size, or a history that does not begin with the one seen before   |
    | receipt_invalid      | a receipt does not prove what it says, or is for another statement                 |
    | evidence_invalid     | an evidence bundle does not hold                                                   |
    | entry_changed        | the bytes of an entry are not those that a signed root commits to                  |
    | entry_position       | another entry than the one asked for                                               |
    | folio_gap            | a line of a folio is missing between those shown                                   |
    | answer_changed       | an answer is to another question than the one asked                                |
    | evidence_invalid     | a bundle does not hold: a hole, a signature, a proof, or another subject            |
    | content_changed      | bytes that do not have the digest under which they were asked for                  |
    | draft_changed        | a draft says something else than its statement                                     |
    | untrusted            | anything else                                                                      |
    """

    def __init__(self, detail: str, code: str = "untrusted") -> None:
        super().__init__(detail)
        self.code = code


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
