"""Quotas of one party and of one address, in memory of this process."""

import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from fastapi import Request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from api.settings import Settings
from ledger.statement import Statement
from registry.refusals.refusal import Reason, RefusedError, Words

_NETWORK_BITS = 64
"""What one customer is given in IPv6 (RFC 6177): whoever has one address there has them all."""
_NOUNS = {
    "party": "statements of this party",
    "address": "submissions from this address",
    "request": "requests from this address",
    "token": "requests with this token",
}


class QuotaError(RefusedError):
    """RATE_LIMITED, and in how many seconds there is room again."""

    def __init__(self, *reasons: Reason, code: str | None = None, seconds: int = 1) -> None:
        super().__init__(*reasons, code=code)
        self.seconds = seconds


class Quotas:
    """Counts statements and requests. A limit that is not set is not counted."""

    def __init__(self, settings: Settings) -> None:
        storage = MemoryStorage()
        self._moving = MovingWindowRateLimiter(storage)
        self._fixed = FixedWindowRateLimiter(storage)
        self._party = _limit(settings.quota("party"))
        self._address = _limit(settings.quota("address"))
        self._requests = _limit(settings.quota("requests"))
        self._token = _limit(settings.quota("token"))

    def gate(self, address: str) -> "Gate | None":
        """What statements from this address pass through; None where nothing is limited."""
        return Gate(self, address) if self._party or self._address else None

    def take_address(self, address: str) -> None:
        """One submission more from this address.

        Raises:
            QuotaError: RATE_LIMITED.
        """
        _take(self._moving, self._address, "address", _neighbours(address))

    def take_party(self, party: str) -> None:
        """One statement more of this party.

        Raises:
            QuotaError: RATE_LIMITED.
        """
        _take(self._moving, self._party, "party", party)

    def take_token(self, token: str) -> None:
        """One request more with this token.

        Raises:
            QuotaError: RATE_LIMITED.
        """
        _take(self._moving, self._token, "token", token)

    def take_request(self, address: str) -> None:
        """One request more from this address. Counted by fixed windows, which cost the same however many there are.

        Raises:
            QuotaError: RATE_LIMITED.
        """
        _take(self._fixed, self._requests, "request", _neighbours(address))


def _take(limiter: RateLimiter, limit: RateLimitItem | None, kind: str, key: str) -> None:
    if limit is None or limiter.hit(limit, kind, key):
        return
    seconds = max(1, math.ceil(limiter.get_window_stats(limit, kind, key).reset_time - time.time()))
    raise QuotaError(
        Reason(
            "RATE_LIMITED",
            Words(
                f"More than {limit} {_NOUNS[kind]}; try again in {seconds} seconds.",
                f"超过限额（每 {limit.get_expiry()} 秒 {limit.amount} 次），请在 {seconds} 秒后再试。",
            ),
        ),
        seconds=seconds,
    )


def address_of(request: Request) -> str:
    """The address that a request is counted for."""
    return request.client.host if request.client else ""


def _neighbours(address: str) -> str:
    """Whom an address stands for: itself, or its network in IPv6."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, _NETWORK_BITS), strict=False))


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
