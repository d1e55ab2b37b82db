"""How well two markers agree (一致性): quadratic weighted kappa, shares, intraclass correlation, mean difference."""

from __future__ import annotations

from math import nan, sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from duilian.customization.measurement.results import Floats, floats, pairs

TINY = 1e-12


def on_scale(values: ArrayLike, points: ArrayLike) -> Floats:
    """Each value moved to the nearest point of the scale; halfway goes to the higher one. values: (n,), points: (k,)."""
    marks, scale = floats(values), np.unique(floats(points))
    middles = (scale[1:] + scale[:-1]) / 2
    return np.where(np.isnan(marks), nan, scale[np.searchsorted(middles, marks, side="right")])


def qwk(a: ArrayLike, b: ArrayLike, points: ArrayLike | None = None) -> float:
    """Quadratic weighted kappa (Cohen 1968): 1 - observed / expected squared difference. a, b: shape (n,).

    points: the scale's points; marks are moved to the nearest one first (a score of 3.4 counts as 3). Distances are
    those of the values, so that a level nobody used still lies between its neighbours; on an equally spaced scale
    this is sklearn's `cohen_kappa_score(..., labels=points, weights="quadratic")`.

    nan without marks, and where neither marker varies and both say the same: expected difference is then nought,
    chance alone would have agreed as well, and kappa is not defined. It is not 1.
    """
    first, second = pairs(a, b)
    if points is not None:
        first, second = on_scale(first, points), on_scale(second, points)
    if not first.size:
        return nan
    observed = np.mean((first - second) ** 2)
    expected = first.var() + second.var() + (first.mean() - second.mean()) ** 2
    return float(1 - observed / expected) if expected > TINY else nan


def exact(a: ArrayLike, b: ArrayLike) -> float:
    """Share of pairs that are equal; nan without any."""
    return adjacent(a, b, 0.0)


def adjacent(a: ArrayLike, b: ArrayLike, step: float = 1.0) -> float:
    """Share of pairs at most one step of the scale apart; nan without any."""
    first, second = pairs(a, b)
    return float(np.mean(np.abs(first - second) <= step + 1e-9)) if first.size else nan


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Product-moment correlation; nan where either does not vary."""
    first, second = pairs(a, b)
    if first.size < 2 or first.std() < TINY or second.std() < TINY:
        return nan
    return float(np.corrcoef(first, second)[0, 1])


def smd(human: ArrayLike, machine: ArrayLike) -> float:
    """Standardised mean difference, machine minus human, over the root of the mean variance.

    After Williamson, Xi & Breyer 2012, who want |SMD| <= 0.15 overall and <= 0.10 in each group. nan where neither varies.
    """
    first, second = pairs(human, machine)
    return difference(first, second)


def difference(first: ArrayLike, second: ArrayLike) -> float:
    """As `smd`, of two samples that need not be paired: second minus first."""
    a, b = floats(first), floats(second)
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if min(a.size, b.size) < 2:
        return nan
    spread = sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    return float((b.mean() - a.mean()) / spread) if spread > TINY else nan


class Icc(msgspec.Struct, frozen=True):
    """An intraclass correlation with its interval; n answers by k raters."""

    value: float
    low: float
    high: float
    n: int
    k: int


def icc_2_1(ratings: ArrayLike, confidence: float = 0.95) -> Icc:
    """Two-way random effects, absolute agreement, one rater: ICC(2,1) of Shrout & Fleiss 1979, with their interval.

    ratings: shape (answers, raters); rows with a missing mark (nan) are left out. nan where nothing varies or fewer
    than two rows or columns are left.
    """
    rows, columns, error, n, k = _mean_squares(ratings)
    if min(n, k) < 2 or rows + columns + error < TINY:
        return Icc(nan, nan, nan, n, k)
    value = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    low, high = _limits(rows, columns, error, value, n, k, confidence)
    return Icc(float(value), low, high, n, k)


def icc_2_k(ratings: ArrayLike, confidence: float = 0.95) -> Icc:
    """As `icc_2_1` for the mean of the k raters: ICC(2,k)."""
    rows, columns, error, n, k = _mean_squares(ratings)
    if min(n, k) < 2 or rows + columns + error < TINY or abs(rows + (columns - error) / n) < TINY:
        return Icc(nan, nan, nan, n, k)
    value = (rows - error) / (rows + (columns - error) / n)
    one = icc_2_1(ratings, confidence)
    return Icc(float(value), _stepped(one.low, k), _stepped(one.high, k), n, k)


def _mean_squares(ratings: ArrayLike) -> tuple[float, float, float, int, int]:
    """Between answers, between raters, residual; n and k. Noughts where there is too little."""
    table = floats(ratings)
    if table.ndim != 2:
        raise ValueError("ratings are a table of answers by raters")
    table = table[np.isfinite(table).all(axis=1)]
    n, k = table.shape
    if min(n, k) < 2:
        return 0.0, 0.0, 0.0, n, k
    by_row, by_column = table.mean(axis=1), table.mean(axis=0)
    rows = k * by_row.var(ddof=1)
    columns = n * by_column.var(ddof=1)
    left = table - by_row[:, None] - by_column[None, :] + table.mean()
    return float(rows), float(columns), float((left**2).sum() / ((n - 1) * (k - 1))), n, k


def _limits(
    rows: float, columns: float, error: float, value: float, n: int, k: int, confidence: float
) -> tuple[float, float]:
    """Shrout & Fleiss 1979, p. 424: Satterthwaite's degrees of freedom for the raters' part."""
    if error < TINY:
        return nan, nan
    ratio = columns / error
    above = (k - 1) * (n - 1) * (k * value * ratio + n * (1 + (k - 1) * value) - k * value) ** 2
    below = (n - 1) * k**2 * value**2 * ratio**2 + (n * (1 + (k - 1) * value) - k * value) ** 2
    freedom, tail = above / below, 1 - (1 - confidence) / 2
    upper = float(stats.f.ppf(tail, n - 1, freedom))
    lower = float(stats.f.ppf(tail, freedom, n - 1))
    share = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * share + n * rows)
    high = n * (lower * rows - error) / (share + n * lower * rows)
    return low, high


def _stepped(one: float, k: int) -> float:
    """Spearman-Brown: the reliability of k raters' mean from that of one."""
    return k * one / (1 + (k - 1) * one)
