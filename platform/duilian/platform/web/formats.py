"""Times, durations and numbers as the reader writes them, in the tenant's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_name
from babel.numbers import format_decimal, format_percent


def _babel(locale: str) -> str:
    return locale.replace("-", "_")


def moment(at: datetime, locale: str, zone: str) -> str:
    """Date and time with the zone named."""
    local = at.astimezone(ZoneInfo(zone))
    words = format_datetime(
        local, "yyyy年M月d日 HH:mm" if locale.startswith("zh") else "d MMM yyyy, HH:mm", locale=_babel(locale)
    )
    return f"{words} ({get_timezone_name(local, width='long', locale=_babel(locale), zone_variant=None)})"


def short_moment(at: datetime, locale: str, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return format_datetime(
        local, "M月d日 HH:mm" if locale.startswith("zh") else "d MMM, HH:mm", locale=_babel(locale)
    )


def clock(seconds: float) -> str:
    """m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def number(value: float, digits: int = 1, *, locale: str) -> str:
    return format_decimal(value, format=f"0.{'0' * digits}" if digits else "0", locale=_babel(locale))


def percent(share: float, locale: str) -> str:
    return format_percent(share, locale=_babel(locale))


def for_reader(locale: str, zone: str) -> dict[str, Callable[..., str]]:
    """The formats bound to a reader, for templates."""
    return {
        "moment": partial(moment, locale=locale, zone=zone),
        "short_moment": partial(short_moment, locale=locale, zone=zone),
        "number": partial(number, locale=locale),
        "percent": partial(percent, locale=locale),
    }
