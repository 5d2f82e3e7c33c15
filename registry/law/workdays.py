"""Working days in China, for time limits that the guideline counts in them.

Up to the last year that the State Council's notices cover here they are those of the notices, with the weekends that
are worked; other years count Monday to Friday. An entry is judged by these days for ever, so the years are a constant:
an auditor whose library knows more of them must come to the same.
"""

from datetime import date, timedelta
from typing import Final

from chinese_calendar import is_workday

FIRST_YEAR: Final = 2004
LAST_YEAR: Final = 2026
_SATURDAY = 5
_DAY = timedelta(days=1)


def is_working_day(day: date) -> bool:
    """Whether offices work on this day."""
    if FIRST_YEAR <= day.year <= LAST_YEAR:
        return bool(is_workday(day))
    return day.weekday() < _SATURDAY


def working_day_after(day: date, number: int) -> date:
    """The `number`-th working day after a day, which is itself not counted; a limit of so many days ends with it."""
    while number > 0:
        day += _DAY
        number -= is_working_day(day)
    return day
