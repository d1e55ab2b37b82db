"""From texts to what the model reads: vectors, n-grams, facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from duilian.serving.scoring.background import BACKGROUND
from duilian.serving.scoring.learned.facts import Item, Text, facts_of
from duilian.serving.scoring.learned.kernel import Rows, Sparse
from duilian.serving.scoring.learned.tokens import hashed
from duilian.serving.scoring.similarity import unit
from duilian.serving.scoring.text import is_foreign

Embed = Callable[[list[str]], NDArray[np.float32]]  # texts → rows of length 1, shape (texts, dimension)


class Observer:
    """embed: the encoder's query vectors."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._centres = {language: embed(list(texts)).mean(axis=0) for language, texts in BACKGROUND.items()}

    def read(self, question: str, references: Sequence[str], answers: Sequence[str]) -> Rows:
        """A row for each answer."""
        texts = [question, *references, *answers]
        vectors = self._vectors(texts)
        centred = unit(vectors - self._centre(question or " ".join(references)))
        known = [Text(text, vector) for text, vector in zip(texts, centred, strict=True)]
        item = Item(known[0], known[1 : 1 + len(references)])
        said = known[1 + len(references) :]
        facts = np.stack([facts_of(answer, item) for answer in said])
        return Rows(
            vectors[1 + len(references) :], facts, Sparse.of([hashed(answer.text) for answer in said])
        )

    def _vectors(self, texts: list[str]) -> NDArray[np.float32]:
        """Of nothing: zeros."""
        spoken = [text for text in texts if text.strip()]
        found = iter(self._embed(spoken))
        blank = np.zeros_like(next(iter(self._centres.values())))
        return np.stack([next(found) if text.strip() else blank for text in texts])

    def _centre(self, text: str) -> NDArray[np.float32]:
        return self._centres["en" if is_foreign(text, "zh") else "zh"]
