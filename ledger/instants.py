"""Instants: RFC 3339 text with `Z` or an offset, at most milliseconds, and aware UTC datetimes.

Written form: `2026-11-24T05:49:29.000Z`, always three decimals. Read form: none to three decimals, upper-case `T` and
`Z` or a numeric offset; no leap second. Source: contract, "Values"; RFC 3339 section 5.6.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ledger.errors import FormatError

_INSTANT = re.compile(
    r"([0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])"
    r"(\.[0-9]{1,3})?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def parse_instant(text: str) -> datetime:
    """The instant that `text` names, aware and in UTC.

    Raises:
        FormatError: another form, a day that does not exist, or a year outside 1970 to 9998.
    """
    if not (match := _INSTANT.fullmatch(text)):
        raise FormatError("not an RFC 3339 instant with `Z` or an offset and at most milliseconds")
    try:
        value = datetime.fromisoformat(text)
        value = value if match[3] == "Z" else value.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FormatError("this day does not exist") from error
    if not 1970 <= value.year <= 9998:
        raise FormatError("the year must lie between 1970 and 9998")
    return value


@lru_cache(maxsize=256)
def format_instant(instant: datetime) -> str:
    """Inverse of `parse_instant`, with exactly three decimals. All entries of a batch have one time, so the newest texts are kept."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def to_milliseconds(instant: datetime) -> int:
    """Unix time in milliseconds."""
    return (instant - _EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """Inverse of `to_milliseconds`."""
    return _EPOCH + milliseconds * _MILLISECOND


def truncate(instant: datetime) -> datetime:
    """The instant without what is finer than a millisecond, in UTC."""
    return from_milliseconds(to_milliseconds(instant))
