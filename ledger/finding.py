"""What an audit finds wrong, in words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is broken. `position` is the entry, where it is about one; `what` a code for programs."""

    position: int | None
    what: str
    words_en: str
    words_zh: str


class BrokenError(Exception):
    """Carries a finding to the audit that reports it. Never leaves the package."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.words_en)
        self.finding = finding


def broken(position: int | None, what: str, words_en: str, words_zh: str) -> BrokenError:
    """The exception that carries this finding."""
    return BrokenError(Finding(position, what, words_en, words_zh))
