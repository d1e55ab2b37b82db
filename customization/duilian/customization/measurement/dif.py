"""Differential item functioning (DIF, 题目功能差异): do equally able people of two groups fare alike on one question?"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats
from scipy.special import expit

from duilian.customization.measurement.fairness import holm
from duilian.customization.measurement.results import Floats, Reason, floats

LEAST = 100  # people of each group: below it both tests miss more than they find
STRATA = 5
MODERATE, LARGE = 0.035, 0.070  # change of Nagelkerke's R2: Jodoin & Gierl 2001
ALPHA = 0.05
Size = Literal["negligible", "moderate", "large", ""]


class Dif(msgspec.Struct, frozen=True, kw_only=True):
    """One question, one group against the reference. n_reference, n_group: people with a mark and an ability.

    uniform_p: one group fares worse at every ability; any_p: or at some (likelihood ratio tests of the ordinal
    model). mantel_p: Mantel's test in strata of ability. r2: what the group adds to Nagelkerke's R2; size: its band.
    favours: "reference" or "group", whom the question favours. flagged: found after correction, and not negligible.
    """

    item: str
    group: str
    n_reference: int
    n_group: int
    least: int
    reason: Reason = ""
    uniform_p: float | None = None
    any_p: float | None = None
    holm: float | None = None
    mantel_p: float | None = None
    mean_gap: float | None = None
    r2: float | None = None
    size: Size = ""
    favours: str = ""
    flagged: bool = False


def dif(
    item: str,
    group: str,
    marks: ArrayLike,
    ability: ArrayLike,
    is_group: ArrayLike,
    least: int = LEAST,
) -> Dif:
    """marks: (n,) levels on the question; ability: (n,) the same people's mean on the others; is_group: (n,) bool.

    Refused below `least` people in either group, and where a model cannot be fitted.
    """
    levels, able, member = floats(marks), floats(ability), np.asarray(is_group, dtype=bool)
    known = np.isfinite(levels) & np.isfinite(able)
    levels, able, member = levels[known], able[known], member[known]
    n, others = int(member.sum()), int((~member).sum())
    row = Dif(item=item, group=group, n_reference=others, n_group=n, least=least)
    if min(n, others) < least:
        return replace(row, reason="few")
    if np.ptp(levels) == 0 or np.ptp(able) == 0:
        return replace(row, reason="no_variance")
    return _tested(row, levels, able, member)


def _tested(row: Dif, levels: Floats, able: Floats, member: NDArray[np.bool_]) -> Dif:
    centre = (able - able.mean()) / able.std()
    side = member.astype(np.float64)
    columns = [centre, side, centre * side]
    none = log_likelihood(levels, np.empty((len(levels), 0)))
    base, uniform, every = (log_likelihood(levels, np.column_stack(columns[:k])) for k in (1, 2, 3))
    if not np.isfinite([none, base, uniform, every]).all():
        return replace(row, reason="not_estimable")
    r2 = max(0.0, nagelkerke(none, every, len(levels)) - nagelkerke(none, base, len(levels)))
    mantel_p, gap = mantel(levels, member, strata(able))
    return replace(
        row,
        uniform_p=float(stats.chi2.sf(max(0.0, 2 * (uniform - base)), 1)),
        any_p=float(stats.chi2.sf(max(0.0, 2 * (every - base)), 2)),
        mantel_p=mantel_p,
        mean_gap=gap,
        r2=r2,
        size="large" if r2 >= LARGE else "moderate" if r2 >= MODERATE else "negligible",
        favours="" if not gap else "group" if gap > 0 else "reference",
    )


def corrected(found: list[Dif]) -> list[Dif]:
    """The same with Holm's correction over all that were tested; flagged where that finds it and it is not negligible."""
    tested = [one for one in found if one.any_p is not None]
    adjusted = iter(holm([one.any_p for one in tested if one.any_p is not None]))
    return [one if one.any_p is None else _with(one, next(adjusted)) for one in found]


def _with(one: Dif, adjusted: float) -> Dif:
    flagged = adjusted < ALPHA and one.size in ("moderate", "large")
    return replace(one, holm=adjusted, flagged=flagged)


def nagelkerke(none: float, fitted: float, n: int) -> float:
    """R2 of a model from its log-likelihood and that of no predictors (Nagelkerke 1991)."""
    return float((1 - np.exp(2 * (none - fitted) / n)) / (1 - np.exp(2 * none / n)))


def log_likelihood(levels: ArrayLike, predictors: Floats) -> float:
    """Maximum of the cumulative logit model (McCullagh 1980) of `levels` (n,) on `predictors` (n, p); nan where not found.

    Zumbo 1999 tests DIF by comparing such models.
    """
    _, codes = np.unique(floats(levels), return_inverse=True)
    cuts = int(codes.max())
    below = np.cumsum(np.bincount(codes))[:-1] / len(codes)
    start = np.log(below / (1 - below))
    steps = np.concatenate(
        [start[:1], np.log(np.maximum(np.diff(start), 1e-3)), np.zeros(predictors.shape[1])]
    )

    def loss(parameters: Floats) -> tuple[float, Floats]:
        return _loss(parameters, codes, cuts, predictors)

    found = optimize.minimize(loss, steps, jac=True, method="BFGS", options={"gtol": 1e-6 * len(codes)})
    return -float(found.fun) if np.isfinite(found.fun) else float("nan")


def _loss(
    parameters: Floats, codes: NDArray[np.int64], cuts: int, predictors: Floats
) -> tuple[float, Floats]:
    """Minus log-likelihood and its gradient. The first cut is free, the others are it plus exponentials: ordered."""
    widths = np.exp(parameters[1:cuts])
    thresholds = np.concatenate([parameters[:1], parameters[0] + np.cumsum(widths)])
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    line = predictors @ parameters[cuts:]
    above, below = expit(edges[codes + 1] - line), expit(edges[codes] - line)
    chance = np.maximum(above - below, 1e-12)
    slope_above, slope_below = above * (1 - above) / chance, below * (1 - below) / chance
    by_cut = np.zeros(cuts)
    np.add.at(by_cut, codes[codes < cuts], slope_above[codes < cuts])
    np.add.at(by_cut, codes[codes > 0] - 1, -slope_below[codes > 0])
    after = np.cumsum(by_cut[::-1])[::-1]
    gradient = np.concatenate([[after[0]], after[1:] * widths, -predictors.T @ (slope_above - slope_below)])
    return -float(np.log(chance).sum()), -gradient


def strata(ability: ArrayLike, count: int = STRATA) -> NDArray[np.int64]:
    """Fifths of ability, by rank; equal abilities stay together."""
    able = floats(ability)
    return np.searchsorted(
        np.unique(np.quantile(able, np.arange(1, count) / count)), able, side="right"
    ).astype(np.int64)


def mantel(levels: ArrayLike, is_group: ArrayLike, stratum: ArrayLike) -> tuple[float | None, float | None]:
    """Mantel's test for ordered levels (Mantel 1963; Zwick, Donoghue & Grima 1993), and the mean gap within strata.

    p of chi-square with one degree of freedom, no continuity correction; the gap is group minus reference in levels,
    weighted by the group's numbers (Dorans & Schmitt 1991). None, None where no stratum holds both.
    """
    marks, member, strata_ = floats(levels), np.asarray(is_group, dtype=bool), np.asarray(stratum)
    surplus = variance = weighted = weight = 0.0
    for one in np.unique(strata_):
        here = strata_ == one
        y, g = marks[here], member[here]
        n, own = len(y), int(g.sum())
        if n < 2 or own in (0, n):
            continue
        surplus += float(y[g].sum() - own * y.mean())
        variance += float(own * (n - own) * y.var() / (n - 1))
        weighted += own * float(y[g].mean() - y[~g].mean())
        weight += own
    if not weight or variance <= 0:
        return None, None
    return float(stats.chi2.sf(surplus**2 / variance, 1)), weighted / weight
