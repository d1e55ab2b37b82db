"""Times, durations and numbers as the reader writes them, in the tenant's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_month_names, get_timezone_name
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from duilian.infra.clock import now


def _babel(locale: str) -> str:
    return locale.replace("-", "_")


def moment(at: datetime, locale: str, zone: str) -> str:
    """Date and time with the zone named."""
    local = at.astimezone(ZoneInfo(zone))
    if locale.startswith("zh"):
        words = f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    else:
        words = f"{local.day} {_months(locale)[local.month]} {local.year}, {local:%H:%M}"
    return f"{words} ({_zone_name(local, zone, locale)})"


def short_moment(at: datetime, locale: str, zone: str) -> str:
    """Day and time; with the year where it is not the present one."""
    local = at.astimezone(ZoneInfo(zone))
    this_year = local.year == now().astimezone(ZoneInfo(zone)).year
    if locale.startswith("zh"):
        form = "M月d日 HH:mm" if this_year else "y年M月d日 HH:mm"
    else:
        form = "d MMM, HH:mm" if this_year else "d MMM y, HH:mm"
    return format_datetime(local, form, locale=_babel(locale))


@cache
def _months(locale: str) -> dict[int, str]:
    return {
        number: str(name) for number, name in get_month_names("abbreviated", locale=_babel(locale)).items()
    }


_zone_names: dict[tuple[object, ...], str] = {}


def _zone_name(local: datetime, zone: str, locale: str) -> str:
    """Found once for each offset that the zone has; finding it takes longer than all the rest."""
    known = (zone, locale, local.utcoffset(), local.dst())
    if known not in _zone_names:
        _zone_names[known] = get_timezone_name(local, width="long", locale=_babel(locale), zone_variant=None)
    return _zone_names[known]


def clock(seconds: float) -> str:
    """m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def number(value: float, digits: int = 1, *, locale: str) -> str:
    return format_decimal(value, format=f"0.{'0' * digits}" if digits else "0", locale=_babel(locale))


def percent(share: float, locale: str) -> str:
    return format_percent(share, locale=_babel(locale))


def money(minor: int, currency: str, locale: str) -> str:
    """minor: units of the currency's smallest, as fen and cents; 1234 CNY → ¥12.34."""
    amount = Decimal(minor).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale=_babel(locale))


def for_reader(locale: str, zone: str) -> dict[str, Callable[..., str]]:
    """The formats bound to a reader, for templates."""
    return {
        "moment": partial(moment, locale=locale, zone=zone),
        "short_moment": partial(short_moment, locale=locale, zone=zone),
        "number": partial(number, locale=locale),
        "percent": partial(percent, locale=locale),
    }
