"""Taking people's labels out of a model: their rows go, nothing is trained again."""

from __future__ import annotations

from collections.abc import Set

import msgspec
import numpy as np

from duilian.serving.scoring.learned.kernel import Rows, Sparse
from duilian.serving.scoring.learned.model import Labels, Learned, labels_of


def without(learned: Learned, people: Set[str]) -> Learned | None:
    """The model as if these pseudonyms had given no labels, with the hyperparameters it has; None where no label is left."""
    items = [_without(item, people) for item in learned.items]
    left = [item for item in items if len(item.scores) > item.examples]
    return msgspec.structs.replace(learned, items=left) if left else None


def _without(item: Labels, people: Set[str]) -> Labels:
    kept = [
        place
        for place in range(len(item.scores))
        if place >= len(item.people) or item.people[place] not in people
    ]
    if len(kept) == len(item.scores):
        return item
    rows = item.rows()
    starts, grams = rows.grams.starts, rows.grams
    spans = [slice(starts[place], starts[place + 1]) for place in kept]
    found = Rows(
        rows.vectors[kept],
        rows.facts[kept],
        Sparse.of([(grams.places[span], grams.weights[span]) for span in spans]),
    )
    named = [person for place, person in enumerate(item.people) if place in set(kept)]
    scores = list(np.array(item.scores)[kept].tolist())
    return labels_of(item.key, item.question, item.references, found, scores, named)
