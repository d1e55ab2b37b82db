"""Cut points (分界点): where, on the scale that judges read an answer on, one level ends and the next begins.

A judgement's mean lies on 1–5. Moving it onto the scale of levels is one straight line between each two borders, with
1 and 5 fixed: what lies on a border becomes halfway between two levels. With the borders halfway nothing is moved.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right

from duilian.customization.schemas import HALFWAY, Cuts

LOWEST, HIGHEST = 1.0, 5.0
APART = 0.2  # levels; a narrower level would hardly ever be given
_LEVELS = (LOWEST, *HALFWAY, HIGHEST)


def rising(cuts: Cuts) -> bool:
    """Whether these are borders at all."""
    ends = (LOWEST, *cuts, HIGHEST)
    return all(high - low >= APART - 1e-9 for low, high in itertools.pairwise(ends))


def placed(mean: float, cuts: Cuts | None) -> float:
    """mean: on the judges' scale, 1–5. On the scale of levels, 1–5; the same number where no cuts are set."""
    return mean if cuts is None else _onto(mean, (LOWEST, *cuts, HIGHEST), _LEVELS)[0]


def stretch(mean: float, cuts: Cuts | None) -> float:
    """By how much a small error at `mean` grows or shrinks with it."""
    return 1.0 if cuts is None else _onto(mean, (LOWEST, *cuts, HIGHEST), _LEVELS)[1]


def stretched(level: float, cuts: Cuts | None) -> float:
    """As `stretch`, told from where the mean came to lie."""
    return 1.0 if cuts is None else 1 / _onto(level, _LEVELS, (LOWEST, *cuts, HIGHEST))[1]


def shifted(cuts: Cuts | None, by: float) -> Cuts:
    """All borders moved by `by` levels, as far as they stay borders; in hundredths."""
    first, second, third, fourth = cuts or HALFWAY
    low, high = LOWEST + APART - first, HIGHEST - APART - fourth
    by = min(max(by, low), high)
    return (round(first + by, 2), round(second + by, 2), round(third + by, 2), round(fourth + by, 2))


def _onto(value: float, old: tuple[float, ...], new: tuple[float, ...]) -> tuple[float, float]:
    """The value on the new scale, and the slope there."""
    place = min(max(bisect_right(old, value), 1), len(old) - 1)
    slope = (new[place] - new[place - 1]) / (old[place] - old[place - 1])
    return new[place - 1] + (value - old[place - 1]) * slope, slope
