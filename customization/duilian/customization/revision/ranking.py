"""How well a score puts people in order: against a decision, against a number, against another score."""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from duilian.customization.measurement.agreement import pearson
from duilian.customization.measurement.results import floats


def concordance(happened: ArrayLike, score: ArrayLike) -> float:
    """Share of pairs, one of each side, in which the one that went on scored higher; ties count half (area under ROC)."""
    side, ranks = floats(happened) > 0, stats.rankdata(floats(score))
    yes, no = int(side.sum()), int((~side).sum())
    if not yes or not no:
        return nan
    return float((ranks[side].sum() - yes * (yes + 1) / 2) / (yes * no))


def ranks_alike(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation (1904)."""
    return pearson(stats.rankdata(floats(first)), stats.rankdata(floats(second)))


def border_of(totals: ArrayLike, advanced: ArrayLike) -> tuple[float, float]:
    """The total from which on people went on, as well as one number can say it, in tenths; and how well that is: the
    share at or above it among those who went on, less the share among the others (Youden 1950)."""
    values, side = floats(totals), floats(advanced) > 0
    tried = np.unique(np.round(values, 1))
    gain = [(values[side] >= at).mean() - (values[~side] >= at).mean() for at in tried]
    best = int(np.argmax(gain))
    return float(tried[best]), float(gain[best])
