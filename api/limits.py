"""Quotas for statements: of one party and from one address, in memory of this process."""

from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.settings import Settings
from ledger.statement import Statement
from registry.refusals.refusal import refused


class Quotas:
    """Counts statements. A limit that is not set is not counted."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._party = _limit(settings.quota("party"))
        self._address = _limit(settings.quota("address"))

    def gate(self, address: str) -> "Gate | None":
        """What statements from this address pass through; None where nothing is limited."""
        return Gate(self, address) if self._party or self._address else None

    def take_address(self, address: str) -> None:
        """One submission more from this address.

        Raises:
            RefusedError: RATE_LIMITED.
        """
        self._take(self._address, "address", address)

    def take_party(self, party: str) -> None:
        """One statement more of this party.

        Raises:
            RefusedError: RATE_LIMITED.
        """
        self._take(self._party, "party", party)

    def _take(self, limit: RateLimitItem | None, kind: str, key: str) -> None:
        if limit is not None and not self._limiter.hit(limit, kind, key):
            raise refused(
                "RATE_LIMITED",
                f"More than {limit} for this {kind}; try again later.",
                f"超过限额（每 {limit.get_expiry()} 秒 {limit.amount} 条），请稍后再试。",
            )


@dataclass(frozen=True, slots=True)
class Gate:
    """The quotas as the office asks for them; see `registry.counter.Gate`."""

    quotas: Quotas
    address: str

    def arrived(self) -> None:
        self.quotas.take_address(self.address)

    def signed(self, statement: Statement) -> None:
        self.quotas.take_party(statement.by)


def _limit(text: str | None) -> RateLimitItem | None:
    return parse(text) if text else None
