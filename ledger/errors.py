"""Errors of the ledger.

LedgerError
 ├─ FormatError        bytes or text that are not what the format demands
 ├─ ProofError         a proof that does not prove what it claims
 ├─ SignatureError     a signature that does not verify, or a key that cannot be used
 ├─ HeadConflictError  another writer appended first
 └─ BrokenLogError     an audited log that contradicts itself or what somebody kept
"""


class LedgerError(Exception):
    """Base of all errors that the ledger raises on purpose."""


class FormatError(LedgerError):
    """The bytes or the text do not follow the format."""


class ProofError(LedgerError):
    """The proof does not lead where it claims."""


class SignatureError(LedgerError):
    """The signature does not verify, or the key is not acceptable."""


class HeadConflictError(LedgerError):
    """The log grew between reading its head and writing."""


class BrokenLogError(LedgerError):
    """The log contradicts itself or something that was kept from it."""
