"""What statements cite that is kept beside the ledger: plain values of confidential members, and documents."""

from datetime import datetime

import msgspec


class Cited(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one statement cites, and whom it names. `digests`: of disclosures; `documents`: hex SHA-256."""

    digests: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    """Everyone concerned: who signs, for whom, and every party that the body names."""
    signed: int = 1
    """How many of them signed, from the first on."""

    @property
    def signers(self) -> tuple[str, ...]:
        return self.parties[: self.signed]


class Citation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A statement that cites something, as the register remembers it."""

    seq: int
    time: datetime
    act: str
    folios: tuple[str, ...]
    cited: Cited
    rulebook_sha256: str | None = None
    """Of the case that the statement belongs to."""

    def cites(self, digest: str) -> bool:
        """Whether it cites the value or document of this digest."""
        return digest in self.cited.digests or digest in self.cited.documents


class Withheld(msgspec.Struct, frozen=True):
    """An entry that restricts or erases what is kept under a digest."""

    seq: int
    digest: str
    how: str
    basis: str


RESTRICTED, ERASED = "restricted", "erased"


def is_erased(withheld: tuple[Withheld, ...]) -> bool:
    """Whether nothing is kept under the digest any more, and never again will be."""
    return any(each.how == ERASED for each in withheld)


def is_restricted(withheld: tuple[Withheld, ...]) -> bool:
    """Whether what is kept may be seen by few only."""
    return bool(withheld)
