"""How strict each rater is (评分者严格度), with what is known of few ratings drawn towards the middle."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from duilian.customization.measurement.results import Estimate, Floats, estimate, floats, refused

LEAST = 10  # ratings of answers that somebody else rated too
ROUNDS, CLOSE = 500, 1e-8
FLOOR = 1e-6  # of a variance


class Rater(msgspec.Struct, frozen=True, kw_only=True):
    """severity: scale points below (positive, strict) or above (negative, lenient) what the raters' mean would give.

    fit: mean squared residual over the common one; near 1, well above it the rater is erratic, well below too even.
    """

    rater: str
    severity: Estimate
    fit: float | None
    ratings: int


class Severities(msgspec.Struct, frozen=True, kw_only=True):
    """spread: standard deviation between raters; error: that of one rating, scale points. raters: strictest first."""

    raters: list[Rater]
    spread: float | None
    error: float | None
    answers: int


def severities(
    answers: Sequence[str],
    raters: Sequence[str],
    marks: ArrayLike,
    least: int = LEAST,
    confidence: float = 0.95,
) -> Severities:
    """Additive model: mark = answer + rater + error, the rater's part normal around nought. All: one entry a rating.

    The linear counterpart of many-facet Rasch measurement (Linacre 1989), estimated by restricted maximum likelihood
    (EM): answers are fixed, raters random, so a rater of few answers is drawn towards nought (shrinkage). Only
    answers with two raters or more say anything. Refused below `least` such ratings, and where raters share no
    answers, however indirectly, with the largest circle of raters: who marked nothing in common cannot be compared.
    """
    names = sorted(set(raters))
    rows, columns, values = _shared(answers, raters, marks, names)
    counts = np.bincount(columns, minlength=len(names))
    linked = _largest_circle(rows, columns, len(names))
    inside = linked[columns]
    rows, columns, values = rows[inside], columns[inside], values[inside]
    size = len(np.unique(rows))
    if len(values) - size < 2 or linked.sum() < 2:
        found = [
            Rater(rater=r, severity=refused("few", int(c), least), fit=None, ratings=int(c))
            for r, c in zip(names, counts, strict=True)
        ]
        return Severities(raters=found, spread=None, error=None, answers=size)
    effect, covariance, between, error, left = _fitted(rows, columns, values, len(names))
    effect, covariance = _against_mean(effect, covariance, linked)
    common = max(float(np.mean(left**2)), FLOOR)
    reach = stats.norm.ppf(0.5 + confidence / 2)
    found: list[Rater] = []
    for number, name in enumerate(names):
        n = int(counts[number])
        if not linked[number] or n < least:
            reason = "few" if linked[number] or n < least else "not_linked"
            found.append(Rater(rater=name, severity=refused(reason, n, least), fit=None, ratings=n))
            continue
        value, wide = -effect[number], reach * sqrt(covariance[number, number])
        fit = float(np.mean(left[columns == number] ** 2)) / common
        severity = estimate(value, value - wide, value + wide, n, least)
        found.append(Rater(rater=name, severity=severity, fit=fit, ratings=n))
    found.sort(key=lambda one: -(one.severity.value if one.severity.value is not None else -np.inf))
    return Severities(raters=found, spread=sqrt(between), error=sqrt(error), answers=size)


def _shared(
    answers: Sequence[str], raters: Sequence[str], marks: ArrayLike, names: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Row, rater's number and mark of the ratings of answers that at least two raters marked."""
    values = floats(marks)
    place = {name: number for number, name in enumerate(names)}
    _, rows = np.unique(np.asarray(answers, dtype=str), return_inverse=True)
    columns = np.array([place[r] for r in raters], dtype=np.int64)
    seen = {(int(row), int(column)) for row, column in zip(rows, columns, strict=True)}
    raters_of = np.bincount([row for row, _ in seen], minlength=int(rows.max(initial=-1)) + 1)
    kept = (raters_of[rows] > 1) & np.isfinite(values)
    _, renumbered = np.unique(rows[kept], return_inverse=True)
    return renumbered.astype(np.int64), columns[kept], values[kept]


def _largest_circle(rows: NDArray[np.int64], columns: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Which raters belong to the largest set that shared answers connect."""
    circle = np.arange(size)
    for row in np.unique(rows):
        together = np.unique(circle[columns[rows == row]])
        circle[np.isin(circle, together)] = together[0]
    present = np.isin(np.arange(size), columns)
    if not present.any():
        return present
    largest = np.bincount(circle[present]).argmax()
    return present & (circle == largest)


def _fitted(
    rows: NDArray[np.int64], columns: NDArray[np.int64], values: Floats, size: int
) -> tuple[Floats, Floats, float, float, Floats]:
    """Raters' effects, their covariance, variance between raters and of error, residuals."""
    design = np.zeros((len(values), size))
    design[np.arange(len(values)), columns] = 1.0
    inner, target = _centred(design, rows), _centred(values[:, None], rows)[:, 0]
    gram, aim = inner.T @ inner, inner.T @ target
    freedom = len(values) - len(np.unique(rows))
    raters = len(np.unique(columns))
    between, error = max(float(target.var()) / 2, FLOOR), max(float(target.var()), FLOOR)
    for _ in range(ROUNDS):
        covariance = np.linalg.inv(gram / error + np.eye(size) / between)
        effect = covariance @ aim / error
        left = target - inner @ effect
        known = np.isin(np.arange(size), columns)
        new_between = float((effect[known] ** 2).sum() + np.trace(covariance[np.ix_(known, known)])) / raters
        new_error = float((left**2).sum() + np.trace(gram @ covariance)) / freedom
        moved = abs(new_between - between) + abs(new_error - error)
        between, error = max(new_between, FLOOR), max(new_error, FLOOR)
        if moved < CLOSE:
            break
    covariance = np.linalg.inv(gram / error + np.eye(size) / between)
    effect = covariance @ aim / error
    return floats(effect), floats(covariance), between, error, target - inner @ effect


def _against_mean(effect: Floats, covariance: Floats, linked: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Each rater less the mean of those compared: the data know differences between raters, not where nought lies."""
    weight = linked / linked.sum()
    contrast = floats(np.eye(len(effect)) - np.outer(np.ones(len(effect)), weight))
    return floats(contrast @ effect), floats(contrast @ covariance @ contrast.T)


def _centred(table: Floats, rows: NDArray[np.int64]) -> Floats:
    """Less each answer's mean: what the fixed answers explain is gone."""
    sums = np.zeros((int(rows.max()) + 1, table.shape[1]))
    np.add.at(sums, rows, table)
    return table - (sums / np.bincount(rows)[:, None])[rows]
