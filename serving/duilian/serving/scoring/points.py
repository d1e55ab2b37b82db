"""Points of the rubric: what its upper anchors name, clause by clause, and which of them an answer does not speak of."""

from __future__ import annotations

import numpy as np

from duilian.serving.contracts import CompetencyProfile, Language
from duilian.serving.scoring.learned.facts import shared
from duilian.serving.scoring.learned.tokens import runs
from duilian.serving.scoring.similarity import Calibrated, Vectors
from duilian.serving.scoring.text import clauses

SAID = 5.0  # z-value from which a sentence says what a clause says; any sentence on the topic comes to two or three
WORDED = 0.3  # share of the clause's runs of two that stand in the answer, from which it does so by its words


def unsaid(
    competency: CompetencyProfile, language: Language, text: str, sentences: Vectors, calibrated: Calibrated,
    placed: Vectors,
) -> list[str]:  # fmt: skip
    """Verbatim. sentences: vectors of the answer's own; placed: those of `points`, in their order."""
    named = points(competency, language)
    if not named or not len(sentences):
        return named
    near = np.asarray(calibrated.strength(sentences, placed).max(axis=0))
    spoken = runs(text, 2, 2)
    return [
        point
        for point, strength in zip(named, near, strict=True)
        if strength < SAID and shared(spoken, runs(point, 2, 2))[1] < WORDED
    ]


def points(competency: CompetencyProfile, language: Language) -> list[str]:
    """Of levels 4 and 5, each once."""
    found = [part for a in competency.anchors if a.level >= 4 for part in clauses(a.text, language)]
    return list(dict.fromkeys(found))
