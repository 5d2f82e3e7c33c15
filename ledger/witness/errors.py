"""Why a witness does not cosign, beyond form (`FormatError`), signature (`SignatureError`) and proof (`ProofError`)."""

from ledger.errors import LedgerError


class UnknownOriginError(LedgerError):
    """The witness does not know this log."""


class OldSizeError(LedgerError):
    """The request does not start from what the witness cosigned last: `size` entries, 0 if it never did."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the last checkpoint that was cosigned has size {size}")
        self.size = size


class UnavailableError(LedgerError):
    """The witness cannot keep what it would cosign, or cannot tell the time. Nothing was cosigned."""


class WitnessStartError(LedgerError):
    """The witness cannot start with what it found. The words say what to do."""

    def __init__(self, words_en: str, words_zh: str) -> None:
        super().__init__(words_en)
        self.words_en = words_en
        self.words_zh = words_zh
