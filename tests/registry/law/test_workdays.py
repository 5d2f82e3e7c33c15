"""Working days: the State Council's notices up to 2026, Monday to Friday in other years."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.law.workdays import is_working_day, working_day_after


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-10-01", False),  # National Day
        ("2026-10-10", True),  # a Saturday that is worked instead
        ("2026-02-17", False),  # Spring Festival
        ("2026-11-24", True),
        ("2026-11-28", False),
        ("2003-10-01", True),  # no notice is known: an ordinary Wednesday
        ("2027-01-01", True),  # likewise, until a calendar of 2027 is adopted
        ("2027-01-02", False),
    ],
)
def test_days(day: str, works: bool) -> None:
    assert is_working_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("day", "number", "last"),
    [
        ("2026-11-23", 3, "2026-11-26"),
        ("2026-11-27", 1, "2026-11-30"),
        ("2026-11-28", 1, "2026-11-30"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2026-12-30", 3, "2027-01-04"),
        ("2026-11-24", 0, "2026-11-24"),
    ],
)
def test_limits(day: str, number: int, last: str) -> None:
    assert working_day_after(date.fromisoformat(day), number) == date.fromisoformat(last)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.integers(1, 10))
def test_a_limit_ends_on_a_working_day_with_so_many_after_the_first(day: date, number: int) -> None:
    last = working_day_after(day, number)
    days = [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]
    assert is_working_day(last)
    assert sum(map(is_working_day, days)) == number
