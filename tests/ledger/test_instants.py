from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import FormatError
from ledger.instants import format_instant, from_milliseconds, parse_instant, to_milliseconds, truncate

FIRST, LAST = datetime(1970, 1, 1), datetime(9998, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001  Hypothesis adds the zone
INSTANTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-24T05:49:29Z", "2026-11-24T05:49:29.000Z"),
        ("2026-11-24T05:49:29.1Z", "2026-11-24T05:49:29.100Z"),
        ("2026-11-24T05:49:29.12Z", "2026-11-24T05:49:29.120Z"),
        ("2026-11-24T05:49:29.123Z", "2026-11-24T05:49:29.123Z"),
        ("2026-11-24T13:49:29+08:00", "2026-11-24T05:49:29.000Z"),
        ("2026-11-24T00:19:29.5-05:30", "2026-11-24T05:49:29.500Z"),
        ("2026-11-24T05:49:29+00:00", "2026-11-24T05:49:29.000Z"),
        ("2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("1969-12-31T23:00:00-01:00", "1970-01-01T00:00:00.000Z"),
        ("9999-01-01T00:00:00+00:01", "9998-12-31T23:59:00.000Z"),
    ],
)
def test_forms(text: str, written: str) -> None:
    assert format_instant(parse_instant(text)) == written
    assert parse_instant(written) == parse_instant(text)
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-24", "2026-11-24T05:49Z", "2026-11-24T05:49:29", "2026-11-24T05:49:29z", "2026-11-24t05:49:29Z",
        "2026-11-24 05:49:29Z", "2026-11-24T05:49:29.Z", "2026-11-24T05:49:29.1234Z", "2026-11-24T05:49:29,1Z",
        "2026-11-24T05:49:60Z", "2026-11-24T24:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-24T05:49:29+0800", "2026-11-24T05:49:29+08",
        "2026-11-24T05:49:29+24:00", "2026-11-24T05:49:29+08:60", "2026-11-24T05:49:29 Z", "2026-11-24T05:49:29Z\n",
        " 2026-11-24T05:49:29Z", "2026-W48-2T05:49:29Z", "20261124T054929Z", "+2026-11-24T05:49:29Z",
        "٢٠٢٦-11-24T05:49:29Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00+00:01", "9999-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    ],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_instant(text)


@given(INSTANTS)
def test_instants_round_trip(instant: datetime) -> None:
    short = truncate(instant)
    assert parse_instant(format_instant(short)) == short
    assert format_instant(instant) == format_instant(short)
    assert from_milliseconds(to_milliseconds(instant)) == short
    assert timedelta(0) <= instant - short < timedelta(milliseconds=1)


@given(INSTANTS, INSTANTS)
def test_text_sorts_like_time(first: datetime, second: datetime) -> None:
    first, second = truncate(first), truncate(second)
    assert (first < second) == (format_instant(first) < format_instant(second))


def test_zones_do_not_matter() -> None:
    beijing = datetime(2026, 11, 24, 13, 49, 29, 999_999, tzinfo=timezone(timedelta(hours=8)))
    assert format_instant(beijing) == "2026-11-24T05:49:29.999Z"
    assert truncate(beijing).tzinfo is UTC
    assert to_milliseconds(beijing) == 1_795_499_369_999
