"""Whether scores foretell what comes later (效标关联效度), and what selection hides of it."""

from __future__ import annotations

from math import sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from duilian.customization.measurement.items import correlation
from duilian.customization.measurement.results import Estimate, estimate, floats, refused

LEAST = 30


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """raw: correlation among those whose outcome is known. corrected: for the spread of all who were scored.

    restriction: standard deviation of scores among these over that of all (1: not restricted).
    """

    raw: Estimate
    corrected: Estimate
    restriction: float | None
    known: int
    all: int


def criterion(scores: ArrayLike, outcomes: ArrayLike, least: int = LEAST) -> Validity:
    """scores: (n,) of all who were scored; outcomes: (n,), nan for whom none is known (not hired, not yet there).

    corrected: Thorndike's case 2 (1949): direct selection on the score, a straight relation, equal spread around it.
    Where people were chosen on something else as well, or relation and spread differ below the cut, it is wrong;
    it therefore stands beside the raw figure, never instead of it.
    """
    every, later = floats(scores), floats(outcomes)
    scored = np.isfinite(every)
    both = scored & np.isfinite(later)
    raw = correlation(every[both], later[both], least)
    known, n = int(both.sum()), int(scored.sum())
    if raw.value is None:
        return Validity(raw=raw, corrected=raw, restriction=None, known=known, all=n)
    restricted, whole = float(every[both].std(ddof=1)), float(every[scored].std(ddof=1))
    return Validity(
        raw=raw,
        corrected=_widened(raw, whole / restricted),
        restriction=restricted / whole,
        known=known,
        all=n,
    )


def thorndike_2(r: float, widening: float) -> float:
    """r among the selected; widening: standard deviation of all over that of the selected."""
    return r * widening / sqrt(1 + r**2 * (widening**2 - 1))


def _widened(raw: Estimate, widening: float) -> Estimate:
    """The interval's ends are corrected as its middle is (Bobko & Rieck 1980)."""
    if raw.value is None or raw.low is None or raw.high is None:
        return refused("not_estimable", raw.n, raw.least)
    value, low, high = (thorndike_2(one, widening) for one in (raw.value, raw.low, raw.high))
    return estimate(value, low, high, raw.n, raw.least)
