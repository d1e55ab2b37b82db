"""Weights (权重) that foretell what people decided, held near the weights there are.

A score per competency against what was decided (logistic) or what came of people later (least squares), coefficients
at or above nought, with a normal prior at the present weights: few cases move them little. No step is large, and one is
proposed only where cases the fit has not seen are told apart no worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from duilian.customization.measurement.bootstrap import SEED, paired_difference
from duilian.customization.measurement.results import Estimate, Floats, estimate, refused
from duilian.customization.revision.fitting import Criterion, coefficients, scale_of
from duilian.customization.revision.folds import folds
from duilian.customization.revision.ranking import concordance, ranks_alike

LEAST = 60  # interviews with a criterion
LEAST_EACH = 15  # of them on either side, where it is a decision
LEAST_SCORED = 30  # of them in which a competency could be scored; with fewer its weight stays
STEP = 10  # points a weight moves at most in one proposal
LEAST_STEP = 2  # points: less is not worth a version
LOWEST = 5  # points that a competency keeps, unless it had less
REPLICATES = 200
Why = Literal["", "few", "one_sided", "unrelated", "same", "not_better"]


class Weight(msgspec.Struct, frozen=True, kw_only=True):
    """Points of a hundred. fitted: what the cases say, with its interval; proposed: as far as one step goes."""

    competency: str
    present: int
    fitted: Estimate
    proposed: int


class WeightFit(msgspec.Struct, frozen=True, kw_only=True):
    """why: nothing is proposed; "" where something is. held_out: how much better cases left out are told apart."""

    basis: Criterion
    n: int
    positive: int
    least: int
    least_each: int
    rows: list[Weight]
    held_out: Estimate
    before: Estimate
    why: Why


def fit(
    competencies: Sequence[str], present: Sequence[int], scores: Floats, criterion: Floats, basis: Criterion,
    people: Sequence[str],
) -> WeightFit:  # fmt: skip
    """scores: (n, k) on 0–10, nan where there is none; criterion: (n,) nought or one, or a number."""
    n, positive = len(criterion), int((criterion > 0).sum()) if basis == "decision" else len(criterion)
    start = np.array(present, dtype=np.float64) / 100
    sides = min(positive, n - positive) if basis == "decision" else LEAST_EACH
    if n < LEAST or sides < LEAST_EACH:
        return _refused(competencies, present, basis, n, positive, "few" if n < LEAST else "one_sided")
    known = np.isfinite(scores).sum(axis=0)
    free = known >= LEAST_SCORED
    if free.sum() < 2:
        return _refused(competencies, present, basis, n, positive, "few")
    # What is hardly ever scored keeps its weight; the others share what is left, as they did.
    share, filled = start[free].sum(), _filled(scores[:, free])
    inside = start[free] / share
    scale = scale_of(filled, criterion, inside, basis)
    if scale <= 0:
        return _refused(competencies, present, basis, n, positive, "unrelated")
    found = _shares(coefficients(filled, criterion, inside, scale, basis)) * share
    drawn = _replicates(filled, criterion, inside, scale, basis) * share
    moved = _bounded(start[free], found)
    rows = [
        _kept(key, was, int(known[i])) for i, (key, was) in enumerate(zip(competencies, present, strict=True))
    ]
    for at, i in enumerate(map(int, np.flatnonzero(free))):
        rows[i] = _row(competencies[i], present[i], found[at], drawn[:, at], int(moved[at]), n)
    before, held_out = _held_out(filled, criterion, start[free], basis, people)
    return WeightFit(
        basis=basis, n=n, positive=positive, least=LEAST, least_each=LEAST_EACH, rows=rows, held_out=held_out,
        before=before, why=_why(rows, held_out),
    )  # fmt: skip


def _why(rows: list[Weight], held_out: Estimate) -> Why:
    clear = any(
        r.fitted.low is not None and r.fitted.high is not None and not r.fitted.low <= r.present <= r.fitted.high
        for r in rows
    )  # fmt: skip
    if not clear or max(abs(r.proposed - r.present) for r in rows) < LEAST_STEP:
        return "same"
    return "" if held_out.value is not None and held_out.value >= 0 else "not_better"


def _filled(scores: Floats) -> Floats:
    """What could not be scored counts as the mean of what could: the total leaves it out in the same way."""
    known = np.isfinite(scores)
    means = np.where(known, scores, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known, scores, means[:, None])


def _shares(betas: Floats) -> Floats:
    return betas / betas.sum()


def _bounded(start: Floats, found: Floats) -> NDArray[np.int64]:
    """In whole points, of the same sum as before: as far towards what was found as one step goes."""
    change = (found - start) * 100
    room = [1.0]
    for was, by in zip(start * 100, change, strict=True):
        room.append(STEP / abs(by) if abs(by) > STEP else 1.0)
        if by < 0:
            room.append((was - min(LOWEST, was)) / -by)
    exact = start * 100 + change * min(room)
    whole = np.floor(exact + 1e-9).astype(np.int64)
    for place in np.argsort(whole - exact, kind="stable")[: round(start.sum() * 100) - int(whole.sum())]:
        whole[place] += 1
    return whole


def _replicates(scores: Floats, criterion: Floats, start: Floats, scale: float, basis: Criterion) -> Floats:
    random, n = np.random.default_rng(SEED), len(criterion)
    rows = [random.integers(0, n, n) for _ in range(REPLICATES)]
    return np.array([_shares(coefficients(scores[r], criterion[r], start, scale, basis)) for r in rows])


def _kept(key: str, present: int, known: int) -> Weight:
    return Weight(
        competency=key, present=present, fitted=refused("few", known, LEAST_SCORED), proposed=present
    )


def _row(key: str, present: int, found: float, drawn: Floats, proposed: int, n: int) -> Weight:
    low, high = np.quantile(drawn, [0.025, 0.975]) * 100
    fitted = estimate(found * 100, float(low), float(high), n, LEAST)
    return Weight(competency=key, present=present, fitted=fitted, proposed=int(proposed))


def _held_out(
    scores: Floats, criterion: Floats, start: Floats, basis: Criterion, people: Sequence[str]
) -> tuple[Estimate, Estimate]:
    """How well the present weights tell cases apart, and by how much better weights fitted without them do."""
    statistic = concordance if basis == "decision" else ranks_alike
    share, before, after = start.sum(), scores @ start, np.empty(len(criterion))
    for inside, outside in folds(people):
        scale = scale_of(scores[inside], criterion[inside], start / share, basis)
        weights = start
        if scale > 0:
            found = _shares(coefficients(scores[inside], criterion[inside], start / share, scale, basis))
            weights = _bounded(start, found * share) / 100
        after[outside] = scores[outside] @ weights
    options = {"clusters": people, "least": LEAST, "replicates": 300}
    now = statistic(criterion, before)
    return (
        estimate(now, nan, nan, len(criterion), LEAST),
        paired_difference(statistic, criterion, before, after, **options),
    )


def _refused(
    competencies: Sequence[str], present: Sequence[int], basis: Criterion, n: int, positive: int, why: Why
) -> WeightFit:
    nothing = refused("few" if why in ("few", "one_sided") else "not_estimable", n, LEAST)
    rows = [Weight(competency=key, present=was, fitted=nothing, proposed=was) for key, was in zip(competencies, present, strict=True)]  # fmt: skip
    return WeightFit(
        basis=basis, n=n, positive=positive, least=LEAST, least_each=LEAST_EACH, rows=rows, held_out=nothing,
        before=nothing, why=why,
    )  # fmt: skip
