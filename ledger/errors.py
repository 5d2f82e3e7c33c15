"""Errors of the ledger.

LedgerError
 ├─ FormatError            bytes or text that are not what the format demands
 │   ├─ DuplicateMemberError
 │   ├─ UnknownMemberError
 │   └─ TooLargeError
 ├─ ProofError             a proof that does not prove what it claims
 ├─ SignatureError         a signature that does not verify, or a key that cannot be used
 ├─ HeadConflictError      another writer appended first
 ├─ JournalConflictError   signing would contradict what was signed before
 │   ├─ JournalMovedError  another process has signed meanwhile
 │   └─ LogEndedError      the log has ended, nothing is signed any more
 ├─ BrokenJournalError     a signing journal that cannot be read or written
 ├─ BrokenLogError         an audited log that contradicts itself or what somebody kept
 ├─ AuditInterruptedError  an audit that could not be finished; says nothing about the log
 └─ EntryRejected          an entry that whoever listens to an audit cannot accept
"""


class LedgerError(Exception):
    """Base of all errors that the ledger raises on purpose."""


class FormatError(LedgerError):
    """The bytes or the text do not follow the format. `pointer` (RFC 6901) names the member, where one is known."""

    def __init__(self, detail: str, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.pointer = pointer


class DuplicateMemberError(FormatError):
    """A JSON object names a member twice."""


class UnknownMemberError(FormatError):
    """A JSON object has a member that the format does not know."""


class TooLargeError(FormatError):
    """The input is over one of the format's limits."""


class ProofError(LedgerError):
    """The proof does not lead where it claims."""


class SignatureError(LedgerError):
    """The signature does not verify, or the key is not acceptable."""


class HeadConflictError(LedgerError):
    """The log grew between reading its head and writing."""


class JournalConflictError(LedgerError):
    """Signing would contradict what the journal says was signed before."""


class JournalMovedError(JournalConflictError):
    """Another process has signed since this one looked; it looks again."""


class LogEndedError(JournalConflictError):
    """The log signs nothing any more, for good."""


class BrokenJournalError(LedgerError):
    """The signing journal is damaged, or cannot be read or written."""


class BrokenLogError(LedgerError):
    """The log contradicts itself or something that was kept from it."""


class AuditInterruptedError(LedgerError):
    """An audit could not be finished, because one of its processes ended or failed. Says nothing about the log."""


class EntryRejected(LedgerError):  # noqa: N818  a verdict on an entry, which the audit reports and does not raise
    """The entry at `position` is in the log and should not be: a signature does not verify, an act has no ground."""

    def __init__(self, position: int, words_en: str, words_zh: str, code: str = "entry_rejected") -> None:
        super().__init__(words_en)
        self.position = position
        self.words_en = words_en
        self.words_zh = words_zh
        self.code = code
