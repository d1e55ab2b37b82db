"""Learning cut into parts that need nothing but what is given to them, so that they may run in any process, anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duilian.customization.lab.evaluation import folds_of
from duilian.customization.lab.judging import Judged, judge_lines
from duilian.customization.lab.learning import learn
from duilian.customization.lab.lines import Line
from duilian.customization.measurement.bootstrap import SEED
from duilian.serving.scoring.learned.model import Learned, Model
from duilian.serving.scoring.learned.observe import Observer

FOLDS = 5
Encoder = dict[str, str]


class KnownVectors:
    """Callable as the observer wants it. known: a row of length 1 for each text. Raises KeyError on any other text."""

    def __init__(self, known: Mapping[str, NDArray[np.float32]]) -> None:
        self.known = dict(known)

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimension)."""
        return np.stack([self.known[text] for text in texts])


@dataclass(frozen=True)
class Material:
    """encoder: name and version of what made the vectors."""

    lines: list[Line]
    vectors: KnownVectors
    encoder: Encoder

    def head(self) -> Learned:
        """From all lines. Raises OneMark, NothingToLearn."""
        return learn(self.lines, Observer(self.vectors), self.encoder)

    def fold(self, number: int) -> dict[int, Judged]:
        """As `fold_judged`."""
        return fold_judged(self.lines, number, Observer(self.vectors), self.encoder)


def fold_judged(
    lines: Sequence[Line], number: int, observer: Observer, encoder: Encoder
) -> dict[int, Judged]:
    """The people of one fold, judged by what the others teach; by place in the lines. Raises OneMark, NothingToLearn."""
    fold = folds_of(lines, FOLDS, SEED)
    kept = [place for place, line in enumerate(lines) if fold[id(line)] == number]
    if not kept:
        return {}
    model = Model(learn([line for line in lines if fold[id(line)] != number], observer, encoder))
    return dict(zip(kept, judge_lines(model, [lines[place] for place in kept], observer), strict=True))


def in_order(found: Sequence[Mapping[int, Judged]]) -> list[Judged]:
    """All folds together, in the order of the lines."""
    places = {place: judged for part in found for place, judged in part.items()}
    return [places[place] for place in range(len(places))]
