"""What each question is worth (题目分析): difficulty, discrimination, exposure, time. Classical test theory."""

from __future__ import annotations

from collections.abc import Sequence
from math import atanh, nan, sqrt, tanh

import msgspec
import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from duilian.customization.measurement.agreement import pearson
from duilian.customization.measurement.results import Estimate, Floats, estimate, floats, refused

LEAST = 30
WEAK = 0.2  # a corrected item-total correlation below it separates hardly (Ebel & Frisbie 1991)
EASY, HARD = 0.9, 0.2


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """difficulty: mean mark as a share of the scale, 1 is easy. exposure: share of people who were given it.

    discrimination: correlation with the mean of the same person's other items, the item itself left out.
    seconds: median time of an answer, None where no time is known. notes: "weak", "easy", "hard".
    """

    item: str
    n: int
    difficulty: Estimate
    discrimination: Estimate
    exposure: float
    seconds: float | None
    seconds_from: float | None
    seconds_to: float | None
    notes: list[str]


def items(
    names: Sequence[str],
    marks: ArrayLike,
    lowest: float,
    highest: float,
    seconds: ArrayLike | None = None,
    given: ArrayLike | None = None,
    least: int = LEAST,
) -> list[Item]:
    """marks, seconds: shape (people, items), nan where there is none. given: bool, same shape, who was asked what.

    Without `given`, an item was given to whom has a mark on it.
    """
    table = floats(marks)
    asked = np.isfinite(table) if given is None else np.asarray(given, dtype=bool)
    times = np.full(table.shape, nan) if seconds is None else floats(seconds)
    return [
        _item(name, table, column, asked, times, (lowest, highest), least)
        for column, name in enumerate(names)
    ]


def _item(
    name: str,
    table: Floats,
    column: int,
    asked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    times: Floats,
    scale: tuple[float, float],
    least: int,
) -> Item:
    own = table[:, column]
    known = own[np.isfinite(own)]
    difficulty = _difficulty(known, scale, least)
    discrimination = correlation(own, _rest(table, column), least)
    spent = times[:, column]
    spent = spent[np.isfinite(spent)]
    quarters = np.quantile(spent, [0.25, 0.5, 0.75]) if spent.size else [None, None, None]
    low, middle, high = (None if one is None else float(one) for one in quarters)
    return Item(
        item=name,
        n=int(known.size),
        difficulty=difficulty,
        discrimination=discrimination,
        exposure=float(asked[:, column].mean()) if len(asked) else 0.0,
        seconds=middle,
        seconds_from=low,
        seconds_to=high,
        notes=_notes(difficulty, discrimination),
    )


def _difficulty(known: Floats, scale: tuple[float, float], least: int) -> Estimate:
    """The mean with its t interval."""
    n = int(known.size)
    if n < max(least, 2):
        return refused("few", n, least)
    shares = (known - scale[0]) / (scale[1] - scale[0])
    wide = float(stats.t.ppf(0.975, n - 1)) * float(shares.std(ddof=1)) / sqrt(n)
    middle = float(shares.mean())
    return estimate(middle, middle - wide, middle + wide, n, least)


def _rest(table: Floats, column: int) -> Floats:
    """The mean of each person's other marks, nan where there is none."""
    others = np.delete(table, column, axis=1)
    there = np.isfinite(others)
    count = there.sum(axis=1)
    total = np.where(there, others, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), nan)


def correlation(a: ArrayLike, b: ArrayLike, least: int, confidence: float = 0.95) -> Estimate:
    """Pearson's r with Fisher's z interval (Fisher 1921); refused below `least` complete pairs or without variance."""
    first, second = floats(a), floats(b)
    n = int((np.isfinite(first) & np.isfinite(second)).sum())
    if n < max(least, 4):
        return refused("few", n, least)
    r = pearson(first, second)
    if not np.isfinite(r):
        return refused("no_variance", n, least)
    middle = atanh(min(max(r, -1 + 1e-12), 1 - 1e-12))
    wide = float(stats.norm.ppf(0.5 + confidence / 2)) / sqrt(n - 3)
    return estimate(r, tanh(middle - wide), tanh(middle + wide), n, least)


def _notes(difficulty: Estimate, discrimination: Estimate) -> list[str]:
    found: list[str] = []
    if discrimination.value is not None and discrimination.value < WEAK:
        found.append("weak")
    if difficulty.value is not None and difficulty.value > EASY:
        found.append("easy")
    if difficulty.value is not None and difficulty.value < HARD:
        found.append("hard")
    return found
