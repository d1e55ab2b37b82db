"""How alike two answers are, by several measures with learned amplitudes.

Within an item everything counts: words, meaning, facts. Between items only the facts do, because they alone mean the
same everywhere. Amplitudes and weights are hyperparameters (Rasmussen & Williams 2006, ch. 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import msgspec
import numpy as np
from numpy.typing import NDArray

from duilian.serving.scoring.learned.facts import FACTS
from duilian.serving.scoring.learned.tokens import DIMENSIONS, Grams

Matrix = NDArray[np.float64]
WITHIN = ("level", "grams", "vector", "vector_squared", "facts", "facts_near")
BETWEEN = ("shared", "shared_near")
REACH = 1.0  # of the kernel between items, in standard deviations of a weighted fact
WAVES = 256  # random Fourier features (Rahimi & Recht 2007) that stand for it
FEW = 16  # rows: fewer are multiplied one by one
FURTHEST = 4.0  # standard deviations; what lies further is no further


class Hyper(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """amplitudes: variances by measure; noise: variance of a label; weights: of the facts; mean, deviation: of theirs."""

    amplitudes: dict[str, float]
    noise: float
    weights: list[float]
    mean: list[float]
    deviation: list[float]


@dataclass(frozen=True)
class Sparse:
    """Rows of hashed n-grams. starts: (rows + 1,); places and weights: one behind the other."""

    starts: NDArray[np.int64]
    places: NDArray[np.uint16]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Sequence[Grams]) -> Sparse:
        starts = np.cumsum([0, *(len(places) for places, _ in rows)])
        places = np.concatenate([np.zeros(0, np.uint16), *(places for places, _ in rows)])
        weights = np.concatenate([np.zeros(0, np.float32), *(weights for _, weights in rows)])
        return cls(starts.astype(np.int64), places, weights)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def scaled(self, rarity: NDArray[np.float32]) -> Sparse:
        """Weights times rarity, rows of length 1 (a row without n-grams stays empty)."""
        weights = self.weights * rarity[self.places]
        squares = self.sums(weights**2)
        lengths = np.sqrt(np.maximum(squares, 1e-12)).astype(np.float32)
        return Sparse(self.starts, self.places, weights / np.repeat(lengths, np.diff(self.starts)))

    def sums(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the values of each row, shape (rows,)."""
        total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return np.asarray(total[self.starts[1:]] - total[self.starts[:-1]], np.float32)

    def times(self, other: Sparse) -> Matrix:
        """Inner products, shape (len(self), len(other))."""
        if len(self) > FEW:
            return np.asarray(self.dense() @ other.dense().T, np.float64)
        return np.stack([other.sums(other.weights * row[other.places]) for row in self.dense()]).astype(
            np.float64
        )

    def dense(self) -> NDArray[np.float32]:
        """Shape (rows, DIMENSIONS)."""
        full = np.zeros((len(self), DIMENSIONS), np.float32)
        full[np.repeat(np.arange(len(self)), np.diff(self.starts)), self.places] = self.weights
        return full


@dataclass(frozen=True)
class Rows:
    """Answers to one item: vectors (n, dimension) of length 1, facts (n, FACTS), n-grams."""

    vectors: NDArray[np.float32]
    facts: NDArray[np.float32]
    grams: Sparse

    def __len__(self) -> int:
        return len(self.grams)


@dataclass(frozen=True)
class Frame:
    """What an item's answers are measured from: their middle, and how rare each n-gram is among them."""

    centre: NDArray[np.float32]
    rarity: NDArray[np.float32]

    @classmethod
    def of(cls, rows: Rows) -> Frame:
        seen = np.bincount(rows.grams.places, minlength=DIMENSIONS)
        rarity = np.log((1 + len(rows)) / (1 + seen)) + 1
        return cls(rows.vectors.mean(axis=0), rarity.astype(np.float32))


@dataclass(frozen=True)
class Framed:
    """Rows as the kernel sees them."""

    vectors: Matrix
    grams: Sparse
    facts: Matrix


def framed(rows: Rows, frame: Frame, hyper: Hyper) -> Framed:
    return Framed(
        vectors=_unit(rows.vectors - frame.centre),
        grams=rows.grams.scaled(frame.rarity),
        facts=weighted(rows.facts, hyper),
    )


def weighted(facts: NDArray[np.float32], hyper: Hyper) -> Matrix:
    """Standardised, times the roots of their weights; shape (n, FACTS)."""
    return standardised(facts, hyper.mean, hyper.deviation) * np.sqrt(np.array(hyper.weights))


def standardised(facts: NDArray[np.float32], mean: list[float], deviation: list[float]) -> Matrix:
    """Cut at FURTHEST."""
    return np.clip((facts - np.array(mean)) / np.array(deviation), -FURTHEST, FURTHEST)


def within(a: Framed, b: Framed, amplitudes: dict[str, float]) -> Matrix:
    """Covariance of answers to one item beyond what they share with all items, shape (len(a), len(b))."""
    parts = within_parts(a, b)
    return sum(
        (amplitudes[name] * part for name, part in parts.items()), np.zeros((len(a.facts), len(b.facts)))
    )


def within_parts(a: Framed, b: Framed) -> dict[str, Matrix]:
    """By name (WITHIN), each with amplitude 1."""
    meaning, facts = a.vectors @ b.vectors.T, a.facts @ b.facts.T / FACTS
    near = np.exp(-distance(a.facts, b.facts) / 2)
    parts = (np.ones_like(facts), a.grams.times(b.grams), meaning, meaning**2, facts, near)
    return dict(zip(WITHIN, parts, strict=True))


def within_alone(a: Framed, amplitudes: dict[str, float]) -> Matrix:
    """The diagonal of `within(a, a, …)`, shape (n,)."""
    meaning = (a.vectors**2).sum(axis=1)
    grams = a.grams.sums(a.grams.weights**2).astype(np.float64)
    one = np.ones_like(meaning)
    parts = (one, grams, meaning, meaning**2, (a.facts**2).sum(axis=1) / FACTS, one)
    return sum(
        (amplitudes[name] * part for name, part in zip(WITHIN, parts, strict=True)), np.zeros_like(one)
    )


def shared(facts: Matrix, amplitudes: dict[str, float]) -> Matrix:
    """Features whose inner product is the covariance between any two answers, shape (n, FACTS + WAVES)."""
    waves, phases = _waves()
    near = np.sqrt(2 / WAVES) * np.cos(facts @ waves.T + phases)
    return np.hstack([
        np.sqrt(amplitudes["shared"] / FACTS) * facts, np.sqrt(amplitudes["shared_near"]) * near,
    ])  # fmt: skip


def distance(a: Matrix, b: Matrix) -> Matrix:
    """Mean squared difference of facts, shape (len(a), len(b))."""
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    return np.maximum(square, 0) / FACTS


def _waves() -> tuple[Matrix, Matrix]:
    """The same for ever: a model is replayed with the waves it was made with."""
    dice = np.random.Generator(np.random.PCG64(20260101))
    return dice.standard_normal((WAVES, FACTS)) / (REACH * np.sqrt(FACTS)), dice.uniform(0, 2 * pi, WAVES)


def _unit(rows: NDArray[np.float32]) -> Matrix:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-9), np.float64)
