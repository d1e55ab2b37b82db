"""Taking people's labels out of a model: their rows go, nothing is trained again."""

from __future__ import annotations

from collections.abc import Set
from hashlib import sha256

import msgspec
import numpy as np

from duilian.serving.scoring.learned.kernel import Rows, Sparse
from duilian.serving.scoring.learned.model import Labels, Learned, labels_of

NOBODY: frozenset[str] = frozenset()


def without(learned: Learned, people: Set[str], texts: Set[str] = NOBODY) -> Learned | None:
    """The model as if these pseudonyms had given no labels, with the hyperparameters and the joint error it has; the very same where they
    gave none, None where no label is left, or where an adapter learned from them: what it took from each of its labels
    cannot be told apart, so the model is given up as a whole.

    texts: sha256 (hexadecimal) of answers that were good examples for others; they are references no longer.
    """
    items = [_without(item, people, texts) for item in learned.items]
    if all(one is other for one, other in zip(items, learned.items, strict=True)):
        return learned
    if learned.adapter:
        return None
    left = [item for item in items if len(item.scores) > item.examples]
    return msgspec.structs.replace(learned, items=left) if left else None


def _without(item: Labels, people: Set[str], texts: Set[str]) -> Labels:
    labels = len(item.people)
    given = [place for place, person in enumerate(item.people) if person not in people]
    shown = [n for n, text in enumerate(item.references) if sha256(text.encode()).hexdigest() not in texts]
    blank = range(labels + len(item.references), len(item.scores))
    kept = [*given, *(labels + n for n in shown), *blank]
    if len(kept) == len(item.scores):
        return item
    scores: list[float] = np.array(item.scores)[kept].tolist()
    return labels_of(
        item.key, item.question, [item.references[n] for n in shown], _rows(item, kept), scores,
        [item.people[place] for place in given],
    )  # fmt: skip


def _rows(item: Labels, kept: list[int]) -> Rows:
    rows = item.rows()
    starts, grams = rows.grams.starts, rows.grams
    spans = [slice(starts[place], starts[place + 1]) for place in kept]
    found = Sparse.of([(grams.places[span], grams.weights[span]) for span in spans])
    return Rows(rows.vectors[kept], rows.facts[kept], found)
