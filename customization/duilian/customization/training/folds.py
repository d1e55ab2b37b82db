"""Learning cut into parts that need nothing but what is given to them, so that they may run in any process, anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
Reader = tuple[Observer, Encoder]  # what reads texts, and the versions of its encoder
Tick = Callable[[float], None]  # told the share done; raises to stop


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


def held_out(lines: Sequence[Line], number: int) -> list[int]:
    """Places of the lines of one fold: whole people. The same for the same lines."""
    fold = folds_of(lines, FOLDS, SEED)
    return [place for place, line in enumerate(lines) if fold[id(line)] == number]


def without(lines: Sequence[Line], part: Sequence[int]) -> list[Line]:
    """What a fold is judged by."""
    gone = set(part)
    return [line for place, line in enumerate(lines) if place not in gone]


def fold_judged(
    lines: Sequence[Line], number: int, observer: Observer, encoder: Encoder
) -> dict[int, Judged]:
    """The people of one fold, judged by what the others teach; by place in the lines. Raises OneMark, NothingToLearn."""
    kept = held_out(lines, number)
    if not kept:
        return {}
    model = Model(learn(without(lines, kept), observer, encoder))
    return dict(zip(kept, judge_lines(model, [lines[place] for place in kept], observer), strict=True))


def cross_judged(lines: Sequence[Line], readers: Sequence[Reader], tick: Tick) -> list[Judged]:
    """In the order of the lines. readers: one for each fold, which has not seen the fold either. Raises OneMark,
    NothingToLearn."""
    found: list[dict[int, Judged]] = []
    for number, reader in enumerate(readers):
        tick(number / len(readers))
        found.append(fold_judged(lines, number, *reader))
    return in_order(found)


def in_order(found: Sequence[Mapping[int, Judged]]) -> list[Judged]:
    """All folds together, in the order of the lines."""
    places = {place: judged for part in found for place, judged in part.items()}
    return [places[place] for place in range(len(places))]
