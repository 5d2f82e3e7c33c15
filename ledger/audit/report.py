"""What an audit saw."""

from dataclasses import dataclass

from ledger.finding import Finding
from ledger.note import VerifierKey


@dataclass(frozen=True, slots=True)
class AuditReport:
    """`size` and `root` are the checkpoint's, `entries` is how many entries held, in whole bundles.

    `pinned` is whether the auditor brought keys: without, nobody says that this is the right log. `signatures` is
    whether those of the statements were verified; without, nobody says who made them. `resumed` is the size from which
    on entries were read, because everything before was audited earlier.
    """

    origin: str
    size: int
    root: bytes
    pinned: bool
    findings: tuple[Finding, ...]
    known_checked: int
    entries: int
    seconds: float
    signatures: bool = True
    workers: int = 1
    resumed: int = 0
    log_keys: tuple[VerifierKey, ...] = ()
    """All keys of the log that auditor or entries name."""

    @property
    def holds(self) -> bool:
        """Whether nothing was found broken."""
        return not self.findings

    @property
    def is_complete(self) -> bool:
        """Whether the answer says all that an audit can say."""
        return self.pinned and self.signatures

    @property
    def entries_per_second(self) -> float:
        """Entries read in this audit, by its whole time."""
        return max(0, self.entries - self.resumed) / self.seconds if self.seconds else 0.0
