"""Business days (工作日) for periods of notice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

SATURDAY = 5
MONDAY, THURSDAY = 0, 3


def after_business_days(moment: datetime, count: int, calendar: str, zone: str) -> datetime:
    """The same time of day `count` business days later, in the zone; `moment` itself for none.

    moment: aware. calendar: a key of CALENDARS. The day of the notice does not count.
    """
    if not count:
        return moment
    local = moment.astimezone(ZoneInfo(zone))
    day, is_holiday = local.date(), CALENDARS[calendar]
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY and not is_holiday(day)
    return datetime.combine(day, local.time(), ZoneInfo(zone)).astimezone(moment.tzinfo)


def _no_holiday(_day: date) -> bool:
    return False


def _federal_holiday(day: date) -> bool:
    return day in _federal(day.year) or day in _federal(day.year + 1)


@cache
def _federal(year: int) -> frozenset[date]:
    """Legal public holidays of the United States as they are observed (5 U.S.C. 6103)."""
    fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
    days = {_observed(date(year, month, day)) for month, day in fixed}
    days |= {_nth(year, month, MONDAY, n) for month, n in ((1, 3), (2, 3), (9, 1), (10, 2))}
    return frozenset(days | {_nth(year, 11, THURSDAY, 4), _nth(year, 6, MONDAY, 1) - timedelta(days=7)})


def _observed(day: date) -> date:
    """On a Saturday: the Friday before; on a Sunday: the Monday after."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


CALENDARS: dict[str, Callable[[date], bool]] = {"weekdays": _no_holiday, "us-federal": _federal_holiday}
