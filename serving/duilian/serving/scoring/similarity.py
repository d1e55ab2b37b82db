"""Similarity that means something: centred on unrelated sentences and measured in their spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), dtype=np.float32)
