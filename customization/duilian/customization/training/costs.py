"""What a training run costs (训练成本): told from the number of labels before it starts, measured when it is over.

Money is core hours at the price of the installation (`DUILIAN_CORE_HOUR_PRICE`), in minor units of each currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from statistics import median
from typing import Literal

import msgspec

Money = dict[str, int]  # minor units by currency (ISO 4217); empty where no price is set
Where = Literal["local", "ray"]
HOUR = 3600
# Measured with one BLAS thread on x86-64: 10 to 1,200 labels of one item.
CORE_SECONDS, CORE_SECONDS_EACH, CORE_SECONDS_SQUARED = 0.3, 0.007, 1.55e-5
TIER_SECONDS_EACH = 0.12  # of waiting for the model tier: a vector, and the answer judged by what is in force
MOST_PAST = 5  # earlier runs that correct the estimate


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """seconds: by the clock, nobody else computing; core_seconds: of one core, for learning and checking."""

    seconds: int
    core_seconds: int
    money: Money


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """As measured. seconds: by the clock. core_seconds: CPU time of learning and checking, wherever that ran; tier_seconds:
    of them waiting for the model tier, whose computing is not in `core_seconds`. bytes: of the artefact."""

    seconds: float
    core_seconds: float
    tier_seconds: float
    bytes: int
    where: Where
    money: Money


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier run: what it learned from, what it took."""

    labels: int
    seconds: float
    core_seconds: float


def prices(text: str) -> Money:
    """ "CNY:45,USD:7" → minor units a core hour by currency. The setting's pattern has refused anything else."""
    rows = (part.split(":") for part in text.split(",") if part)
    return {currency: int(minor) for currency, minor in rows}


def money(core_seconds: float, price: Mapping[str, int]) -> Money:
    """Rounded up, so that what was used is never free."""
    return {currency: ceil(core_seconds / HOUR * minor) for currency, minor in price.items()}


def estimate(labels: int, past: Sequence[Past], price: Mapping[str, int]) -> Estimate:
    """By the label count, corrected by how far earlier runs were from it (the median of their ratios)."""
    core, seconds = _usual(labels)
    core *= _off([(one.core_seconds, _usual(one.labels)[0]) for one in past])
    seconds *= _off([(one.seconds, _usual(one.labels)[1]) for one in past])
    return Estimate(seconds=ceil(seconds), core_seconds=ceil(core), money=money(core, price))


def _usual(labels: int) -> tuple[float, float]:
    """Core seconds, seconds by the clock."""
    core = CORE_SECONDS + CORE_SECONDS_EACH * labels + CORE_SECONDS_SQUARED * labels**2
    return core, core + TIER_SECONDS_EACH * labels


def _off(pairs: Sequence[tuple[float, float]]) -> float:
    return median(measured / usual for measured, usual in pairs) if pairs else 1.0
