"""The scorers one would build first: ridge regression on TF-IDF of characters, and on sentence vectors. Not a benchmark itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeCV

from duilian.customization.lab.evaluation import Pairs, Point, folds_of, item_groups, point_of, split
from duilian.customization.lab.judging import Judged
from duilian.customization.lab.learning import by_item
from duilian.customization.lab.lines import Line
from duilian.customization.lab.vectors import Vectors
from duilian.customization.measurement.bootstrap import SEED

PENALTIES = np.logspace(-5, 3, 17)
Features = Callable[[list[str], list[str]], tuple[np.ndarray, np.ndarray]]
Described = Callable[[list[Line], list[Line]], tuple[np.ndarray, np.ndarray]]


def ridge(taught: list[Line], kept: list[Line], features: Features) -> Pairs:
    """The peer's model for each item, rounded to the nearest mark."""
    scale, groups = np.unique([line.score for line in taught]), by_item(taught)
    found: Pairs = []
    for key, asked in sorted(by_item(kept).items()):
        group = groups.get(key, [])
        if group:
            given, wanted = features([line.answer for line in group], [line.answer for line in asked])
            model = RidgeCV(PENALTIES).fit(given, [line.score for line in group])
            found += marked(asked, model.predict(wanted), scale)
    return found


def marked(lines: list[Line], predicted: np.ndarray, scale: np.ndarray) -> Pairs:
    marks = scale[np.abs(predicted[:, None] - scale).argmin(axis=1)].tolist()
    return [
        (line, Judged(item=line.item, score=mark, low=mark, high=mark))
        for line, mark in zip(lines, marks, strict=True)
    ]


def ten_fold(lines: list[Line], features: Features) -> Pairs:
    fold = folds_of(lines)
    found: Pairs = []
    for number in sorted(set(fold.values())):
        taught = [line for line in lines if fold[id(line)] != number]
        found += ridge(taught, [line for line in lines if fold[id(line)] == number], features)
    return found


def drawn(lines: list[Line], labels: int | None, features: Features, repeats: int) -> Point:
    """The same draws of labels as `curve` makes."""
    draws = [split(lines, labels, SEED + repeat) for repeat in range(repeats)]
    items = len({line.item for taught, _ in draws for line in taught})
    return point_of(labels, items, [ridge(taught, kept, features) for taught, kept in draws if kept])


def strangers(lines: list[Line], described: Described) -> Pairs:
    """One model of all other items, for those left out."""
    scale = np.unique([line.score for line in lines])
    found: Pairs = []
    for left in item_groups(lines):
        taught = [line for line in lines if line.item not in left]
        kept = [line for line in lines if line.item in left]
        given, asked = described(taught, kept)
        model = RidgeCV(PENALTIES).fit(given, [line.score for line in taught])
        found += marked(kept, model.predict(asked), scale)
    return found


def alike_characters(taught: list[Line], kept: list[Line]) -> tuple[np.ndarray, np.ndarray]:
    """The answer's n-grams, and its largest likeness to a reference."""
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
    vectoriser.fit([text for line in taught for text in (line.answer, *line.reference)])

    def of(lines: list[Line]) -> np.ndarray:
        said = vectoriser.transform([line.answer for line in lines])
        near = [
            (row @ vectoriser.transform(line.reference or [line.question]).T).max()
            for row, line in zip(said, lines, strict=True)
        ]
        return np.hstack([said.toarray(), np.array(near)[:, None]])

    return of(taught), of(kept)


def alike_meaning(vectors: Vectors) -> Described:
    """The answer's vector, its product with the nearest reference's, and their likeness."""

    def row(line: Line) -> np.ndarray:
        mine, *others = vectors(
            [t if t.strip() else "-" for t in (line.answer, *(line.reference or [line.question]))]
        )
        nearest = max(others, key=lambda other: float(mine @ other))
        return np.concatenate([mine, mine * nearest, [mine @ nearest]])

    return lambda taught, kept: (np.stack([row(one) for one in taught]), np.stack([row(one) for one in kept]))


def characters(taught: list[str], kept: list[str]) -> tuple[np.ndarray, np.ndarray]:
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True)
    return vectoriser.fit_transform(taught).toarray(), vectoriser.transform(kept).toarray()


def meaning(vectors: Vectors) -> Features:
    def of(texts: list[str]) -> np.ndarray:
        return vectors([t if t.strip() else "-" for t in texts])

    return lambda taught, kept: (of(taught), of(kept))
