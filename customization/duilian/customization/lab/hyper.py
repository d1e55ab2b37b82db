"""Finding the hyperparameters: those under which the labels are most probable, held near what is usual.

Type-II maximum a posteriori (Rasmussen & Williams 2006, §5.4.1): the marginal likelihood with a log-normal prior on
every amplitude and on the weight of every fact (automatic relevance determination), so that few labels move little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from duilian.serving.scoring.learned.facts import FACTS
from duilian.serving.scoring.learned.kernel import (
    BETWEEN,
    REACH,
    WITHIN,
    Frame,
    Hyper,
    Matrix,
    distance,
    standardised,
)
from duilian.serving.scoring.learned.model import DOUBT, Labels, targets_of
from duilian.serving.scoring.similarity import unit

USUAL = 0.2  # amplitude of a measure, in the variance of the labels
USUAL_NOISE = 0.3
FURTHEST = 4.0  # of those from what is usual
LOOSE = 1.0  # standard deviation of the prior, in logarithms
MOST_READ = 900  # labels; more tell hyperparameters little and cost much
STEPS = 20
JITTER = 1e-6  # keeps the covariance positive definite in floating point
NAMES = (*WITHIN, *BETWEEN)
FIXED = ("level", "grams", "vector", "vector_squared")


def fit_hyper(items: Sequence[Labels], scale: list[float], low: float, high: float) -> Hyper:
    """Deterministic. Costs some seconds for MOST_READ labels."""
    search = _Search(items, scale, low, high)
    usual = search.usual
    bounds = [(value - FURTHEST * LOOSE, value + FURTHEST * LOOSE) for value in usual]
    found = minimize(
        search.cost, usual, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}
    )
    return search.hyper(found.x)


class _Search:
    """The labels as arrays over all answers read, and the cost of a choice of hyperparameters."""

    def __init__(self, items: Sequence[Labels], scale: list[float], low: float, high: float) -> None:
        step = max(1.0, sum(len(item.scores) for item in items) / MOST_READ)
        read = [_every(item, step) for item in items]
        labelled = np.concatenate([r.facts[r.marked] for r in read])
        self.mean = labelled.mean(axis=0).astype(float)
        self.deviation = np.maximum(labelled.std(axis=0), 1e-3).astype(float)
        marked = np.concatenate([r.marked for r in read])
        self._noise = np.where(marked, 1.0, DOUBT)
        targets = targets_of(np.concatenate([r.scores for r in read]), scale, low, high)
        targets = targets - targets[marked].mean(axis=0)
        self._targets = targets / np.sqrt(targets[marked].var(axis=0) + 1e-3)
        facts = np.concatenate([r.facts for r in read])
        self._facts = standardised(facts, self.mean.tolist(), self.deviation.tolist())
        self._same, self._parts = self._blocks(read)
        self.usual = np.log([*[USUAL] * len(NAMES), USUAL_NOISE, *[1.0] * FACTS])

    def _blocks(self, read: list[_Read]) -> tuple[Matrix, dict[str, Matrix]]:
        """Which pairs are of one item, and the measures within items that do not hang on the weights."""
        size = len(self._facts)
        same, parts = np.zeros((size, size)), {name: np.zeros((size, size)) for name in FIXED}
        first = 0
        for one in read:
            span = slice(first, first + len(one.scores))
            vectors, grams = one.vectors, one.grams
            same[span, span] = 1.0
            parts["level"][span, span] = 1.0
            parts["grams"][span, span] = grams
            parts["vector"][span, span], parts["vector_squared"][span, span] = vectors, vectors**2
            first = span.stop
        return same, parts

    def cost(self, chosen: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Negative logarithm of the posterior, and its gradient; `chosen` are logarithms."""
        amplitudes = dict(zip(NAMES, np.exp(chosen[: len(NAMES)]), strict=True))
        noise, weights = float(np.exp(chosen[len(NAMES)])), np.exp(chosen[len(NAMES) + 1 :])
        facts = self._facts * np.sqrt(weights)
        linear, apart = facts @ facts.T / FACTS, distance(facts, facts)
        near, far = np.exp(-apart / 2), np.exp(-apart / (2 * REACH**2))
        parts = self._parts | {
            "facts": self._same * linear, "facts_near": self._same * near, "shared": linear, "shared_near": far,
        }  # fmt: skip
        covariance = sum(amplitudes[name] * parts[name] for name in NAMES) + np.diag(
            noise * self._noise + JITTER
        )
        root = np.linalg.cholesky(covariance)
        inverse = np.linalg.inv(covariance)
        own, outputs = inverse @ self._targets, self._targets.shape[1]
        slope = (inverse - own @ own.T / outputs) / 2
        value = 0.5 * float(np.sum(self._targets * own)) / outputs + float(np.log(np.diag(root)).sum())
        by_amplitude = [amplitudes[name] * float(np.sum(slope * parts[name])) for name in NAMES]
        by_noise = noise * float(np.diag(slope) @ self._noise)
        straight = slope * (amplitudes["facts"] * self._same + amplitudes["shared"])
        bent = amplitudes["facts_near"] * parts["facts_near"] + amplitudes["shared_near"] * far / REACH**2
        by_weight = _by_weight(facts, straight, slope * bent)
        away = (chosen - self.usual) / LOOSE
        gradient = np.array([*by_amplitude, by_noise, *by_weight]) + away / LOOSE
        return value + 0.5 * float(away @ away), gradient

    def hyper(self, chosen: NDArray[np.float64]) -> Hyper:
        values = np.exp(chosen)
        return Hyper(
            amplitudes=dict(zip(NAMES, map(float, values[: len(NAMES)]), strict=True)),
            noise=float(values[len(NAMES)]),
            weights=values[len(NAMES) + 1 :].tolist(),
            mean=self.mean.tolist(),
            deviation=self.deviation.tolist(),
        )


def _by_weight(facts: Matrix, straight: Matrix, bent: Matrix) -> NDArray[np.float64]:
    """Gradient by the logarithm of each weight: through the linear measures, and through the distances of the others."""
    along = np.einsum("nd,nd->d", facts, straight @ facts)
    across = bent.sum(axis=1) @ facts**2 - np.einsum("nd,nd->d", facts, bent @ facts)
    return (along - across) / FACTS


@dataclass(frozen=True)
class _Read:
    """Of one item, the rows that are read: likeness by vectors and n-grams (n, n), facts, scores, which are labels."""

    vectors: Matrix
    grams: Matrix
    facts: NDArray[np.float32]
    scores: NDArray[np.float64]
    marked: NDArray[np.bool_]


def _every(item: Labels, step: float) -> _Read:
    """Every `step`-th row of an item, at least one."""
    places = np.unique(np.arange(0, len(item.scores), step).astype(np.intp))
    rows = item.rows()
    centred = unit(rows.vectors - rows.vectors.mean(axis=0))[places]
    rarity = Frame.of(rows).rarity
    grams = rows.grams.scaled(rarity).dense()[places]
    return _Read(
        vectors=np.asarray(centred @ centred.T, np.float64),
        grams=np.asarray(grams @ grams.T, np.float64),
        facts=rows.facts[places],
        scores=np.array(item.scores)[places],
        marked=places < len(item.scores) - item.examples,
    )
