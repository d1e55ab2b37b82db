"""Similarity that means something: centred on unrelated sentences and measured in their spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR_ITSELF = 3.0  # log odds from which a sentence counts among strangers
DROWNED = 2.0  # what the odds that sentences are on topic weigh, where fewer than half of them are
FAR = 6.0  # log odds beyond which one sentence weighs no more on its neighbours
Vectors = NDArray[np.float32]  # shape (n, dimension), rows of length 1


@dataclass(frozen=True)
class Calibrated:
    """centre: mean of the background, shape (dimension,); background: centred rows."""

    centre: Vectors
    background: Vectors

    @classmethod
    def of(cls, background: Vectors) -> Calibrated:
        centre = background.mean(axis=0)
        return cls(centre, unit(background - centre))

    def place(self, vectors: Vectors) -> Vectors:
        """Centred and normalised again: what all sentences share no longer counts."""
        return unit(vectors - self.centre)

    def strength(self, sentences: Vectors, targets: Vectors) -> NDArray[np.float64]:
        """z-values, shape (sentences, targets): how far a cosine lies above those of the background."""
        noise = self.background @ targets.T
        spread = np.maximum(noise.std(axis=0), 1e-3)
        return np.asarray((sentences @ targets.T - noise.mean(axis=0)) / spread, dtype=np.float64)

    def nearness(self, sentences: Vectors, targets: Vectors) -> float:
        """0–1: are the sentences, as a whole, nearer to the targets than to unrelated ones? 0 without any."""
        if not len(sentences):
            return 0.0
        strength, margin = self._against(sentences, targets)
        return float(1 / (1 + np.exp(-(_scale(np.sort(strength)[-3:].mean(), margin.mean())))))

    def related(self, sentences: Vectors, targets: Vectors) -> NDArray[np.bool_]:
        """Per sentence, shape (sentences,): near to the targets itself, or in the midst of what is.

        The time, the place, the people of an account are told between the sentences that speak of the matter.
        """
        if not len(sentences):
            return np.zeros(0, dtype=bool)
        near = np.clip(_scale(*self._against(sentences, targets)), -FAR, FAR)
        share = np.clip((near >= 0).mean(), 0.02, 0.5)
        # The more is said about something else, the likelier that a sentence sounds near by chance.
        prior = DROWNED * np.log((1 - share) / share)
        padded = np.pad(near, 1, constant_values=np.nan)
        around = np.nanmean([padded[:-2], padded[1:-1], padded[2:]], axis=0)
        alone = (near >= NEAR_ITSELF) & (prior == 0)  # among much else, only what is told in one go
        return np.asarray(alone | (around >= prior))

    def _against(
        self, sentences: Vectors, targets: Vectors
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Strength of the best target, and by how much its cosine lies above those of the nearest unrelated ones."""
        unrelated = np.sort(sentences @ self.background.T, axis=1)[:, -3:].mean(axis=1)
        margin = np.asarray((sentences @ targets.T).max(axis=1) - unrelated, dtype=np.float64)
        return self.strength(sentences, targets).max(axis=1), margin


def _scale(strength: Any, margin: Any) -> Any:  # Any: numbers or arrays alike
    """Log odds that something is on topic."""
    return (strength - 2.4) / 0.5 + margin / 0.05


def unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)
