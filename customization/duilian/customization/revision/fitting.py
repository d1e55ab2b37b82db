"""The fit under `weights.py`: coefficients at or above nought under a normal prior at the present weights."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import optimize, special

from duilian.customization.measurement.results import Floats

Criterion = Literal["decision", "outcome"]
PRIOR = 0.15  # standard deviation of a weight about the present one, as a share of all
WIDE = 0.01  # precision of the prior on the steepness: next to none, and enough where both sides part cleanly
TINY = 1e-9
STEPS = 25  # of Newton's method at most; five or six are usual


def scale_of(scores: Floats, criterion: Floats, start: Floats, basis: Criterion) -> float:
    """How steeply the criterion follows the total under the present weights; nought where it does not."""
    total = (scores @ start)[:, None]
    return float(_fitted(total, criterion, np.zeros(1), np.array([WIDE]), basis)[0])


def coefficients(scores: Floats, criterion: Floats, start: Floats, scale: float, basis: Criterion) -> Floats:
    """(k,), at or above nought, not all nought. scale: of the prior, from `scale_of`."""
    centre = scale * start
    precision = np.full(len(start), 1 / (scale * PRIOR) ** 2)
    found = _fitted(scores, criterion, centre, precision, basis)
    return found if found.sum() > TINY else centre


def _fitted(matrix: Floats, criterion: Floats, centre: Floats, precision: Floats, basis: Criterion) -> Floats:
    if basis == "outcome":
        values = _standard(criterion)
        away = values - (matrix - matrix.mean(axis=0)) @ centre
        trust = np.full(len(values), 1 / max(TINY, float(np.mean(away**2))))
        return _solved(matrix, values, trust, centre, precision)
    return _newton(matrix, criterion, centre, precision)


def _newton(matrix: Floats, happened: Floats, centre: Floats, precision: Floats) -> Floats:
    """Logistic regression by iterated weighted least squares; the intercept is free."""
    beta, share = centre, float(np.clip(happened.mean(), 0.01, 0.99))
    intercept = np.log(share / (1 - share)) - float((matrix @ beta).mean())
    for _ in range(STEPS):
        seen = np.clip(intercept + matrix @ beta, -30, 30)
        expected = special.expit(seen)
        trust = np.maximum(expected * (1 - expected), 1e-6)
        aim = seen + (happened - expected) / trust
        moved = _solved(matrix, aim, trust, centre, precision)
        intercept = float(trust @ (aim - matrix @ moved) / trust.sum())
        if np.abs(moved - beta).max() < 1e-8:
            break
        beta = moved
    return beta


def _solved(matrix: Floats, aim: Floats, trust: Floats, centre: Floats, precision: Floats) -> Floats:
    """Weighted least squares, coefficients at or above nought: (k × k) normal equations, then NNLS (Lawson & Hanson 1974)."""
    middle = trust @ matrix / trust.sum()
    apart, left = matrix - middle, aim - float(trust @ aim / trust.sum())
    square = (apart * trust[:, None]).T @ apart + np.diag(precision)
    right = apart.T @ (trust * left) + precision * centre
    root = np.linalg.cholesky(square)
    return optimize.nnls(root.T, np.linalg.solve(root, right))[0]


def _standard(values: Floats) -> Floats:
    spread = values.std()
    return (values - values.mean()) / spread if spread > TINY else values * 0.0
