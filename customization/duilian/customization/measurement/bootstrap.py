"""Intervals by resampling (自助法): whole people are drawn, so that one person's answers stay together."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from duilian.customization.measurement.results import Estimate, Floats, estimate, floats, refused

Statistic = Callable[..., float]
Indices = NDArray[np.int64]
REPLICATES, SEED = 1000, 20260101
LEAST_SHARE = 0.5  # of replicates that must give a number


def interval(
    statistic: Statistic,
    *columns: ArrayLike,
    clusters: ArrayLike | None = None,
    least: int = 2,
    bca: bool = False,
    replicates: int = REPLICATES,
    confidence: float = 0.95,
    seed: int = SEED,
) -> Estimate:
    """Of statistic(*columns), columns of shape (n,) that are resampled together. The same seed gives the same ends.

    clusters: (n,) who each row belongs to; whole clusters are drawn (Field & Welsh 2007). bca: bias-corrected and
    accelerated (Efron 1987), otherwise percentile. Replicates without a number (no variance) are passed over; where
    more than half have none there is no interval. Refused below `least` rows.
    """
    rows = [floats(column) for column in columns]
    n = len(rows[0])
    if n < least:
        return refused("few", n, least)
    value = statistic(*rows)
    groups = _groups(n, clusters)
    drawn = _replicates(statistic, rows, groups, replicates, seed)
    low, high = _ends(drawn, confidence)
    if bca and np.isfinite(low):
        low, high = _bca(statistic, rows, groups, drawn, value, confidence)
    return estimate(value, low, high, n, least)


def paired_difference(
    statistic: Statistic,
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    **options: object,
) -> Estimate:
    """statistic(truth, second) - statistic(truth, first): by how much the second scorer agrees better.

    Both are judged on the same resamples, so what they share cancels. Options as for `interval`.
    """

    def gap(truth: Floats, first: Floats, second: Floats) -> float:
        return statistic(truth, second) - statistic(truth, first)

    return interval(gap, truth, first, second, **options)  # pyright: ignore[reportArgumentType]  # passed on as given


def _groups(n: int, clusters: ArrayLike | None) -> list[Indices]:
    """The rows of each cluster, in order of their labels."""
    if clusters is None:
        return [np.array([row]) for row in range(n)]
    _, inverse = np.unique(np.asarray(clusters), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)


def _replicates(
    statistic: Statistic, rows: list[Floats], groups: list[Indices], replicates: int, seed: int
) -> Floats:
    random, found = np.random.default_rng(seed), np.empty(replicates)
    single = all(len(group) == 1 for group in groups)
    alone = np.concatenate(groups)
    for number in range(replicates):
        chosen = random.integers(0, len(groups), len(groups))
        drawn = alone[chosen] if single else np.concatenate([groups[one] for one in chosen])
        found[number] = statistic(*(row[drawn] for row in rows))
    return found


def _ends(drawn: Floats, confidence: float) -> tuple[float, float]:
    numbers = drawn[np.isfinite(drawn)]
    if len(numbers) < LEAST_SHARE * len(drawn):
        return nan, nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(numbers, [tail, 1 - tail])
    return float(low), float(high)


def _bca(
    statistic: Statistic,
    rows: list[Floats],
    groups: list[Indices],
    drawn: Floats,
    value: float,
    confidence: float,
) -> tuple[float, float]:
    """Percentile where the correction is not defined: one cluster, or every replicate on one side."""
    numbers = drawn[np.isfinite(drawn)]
    below = (np.sum(numbers < value) + np.sum(numbers <= value)) / (2 * len(numbers))
    left = _without_each(statistic, rows, groups)
    if not 0 < below < 1 or len(groups) < 3 or not np.isfinite(left).all() or np.ptp(left) == 0:
        return _ends(drawn, confidence)
    bias = stats.norm.ppf(below)
    away = left.mean() - left
    speed = (away**3).sum() / (6 * ((away**2).sum()) ** 1.5)
    tails = stats.norm.ppf([(1 - confidence) / 2, 1 - (1 - confidence) / 2])
    shares = stats.norm.cdf(bias + (bias + tails) / (1 - speed * (bias + tails)))
    low, high = np.quantile(numbers, shares)
    return float(low), float(high)


def _without_each(statistic: Statistic, rows: list[Floats], groups: list[Indices]) -> Floats:
    """The statistic without one cluster at a time (jackknife)."""
    found, every = np.empty(len(groups)), np.arange(len(rows[0]))
    for number, group in enumerate(groups):
        kept = np.delete(every, group)
        found[number] = statistic(*(row[kept] for row in rows))
    return found
