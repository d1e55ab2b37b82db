"""Probabilities of the five levels (行为等级)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import erf, sqrt

EDGES = (1.5, 2.5, 3.5, 4.5)  # borders between levels


def level_posterior(mean: float, spread: float) -> list[float]:
    """A normal distribution around `mean`, cut at the borders between levels; in levels. Sums to 1."""
    cumulative = [0.0, *(0.5 * (1 + erf((edge - mean) / (spread * sqrt(2)))) for edge in EDGES), 1.0]
    return [high - low for low, high in itertools.pairwise(cumulative)]


def mean_and_spread(posterior: Sequence[float]) -> tuple[float, float]:
    """Of a distribution over levels 1-5, in levels."""
    mean = sum(level * p for level, p in enumerate(posterior, 1))
    variance = sum((level - mean) ** 2 * p for level, p in enumerate(posterior, 1))
    return mean, max(sqrt(variance), 0.05)
