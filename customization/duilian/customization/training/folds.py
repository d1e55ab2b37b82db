"""Learning cut into parts that need nothing but what is given to them, so that they may run in any process, anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
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
LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)  # of every rubric, whichever were given so far
Encoder = dict[str, str]
Tick = Callable[[float], None]  # told the share done; raises to stop


class Reader(NamedTuple):
    """What a model learns with beside the labels. encoder: name and version of what made the vectors; industry: marked
    answers of the industry pack."""

    observer: Observer
    encoder: Encoder
    industry: Sequence[Line] = ()

    def learn(self, lines: Sequence[Line], competency: str = "") -> Learned:
        """Raises OneMark, NothingToLearn."""
        return learn(lines, self.observer, self.encoder, competency, self.industry, LEVELS)


class Fold(NamedTuple):
    """head: what the others' labels teach, None where the fold has nobody; said: what it says, alone, of each line of the
    fold's people, by place."""

    head: Learned | None
    said: dict[int, Judged]


class KnownVectors:
    """Callable as the observer wants it. known: a row of length 1 for each text. Raises KeyError on any other text."""

    def __init__(self, known: Mapping[str, NDArray[np.float32]]) -> None:
        self.known = dict(known)

    def __call__(self, texts: list[str]) -> NDArray[np.float32]:
        """Shape (len(texts), dimension)."""
        return np.stack([self.known[text] for text in texts])


@dataclass(frozen=True)
class Material:
    """What learning needs, as it travels; vectors: of everything that `reader` will be asked to read."""

    lines: list[Line]
    vectors: KnownVectors
    encoder: Encoder
    industry: list[Line] = field(default_factory=list[Line])

    @property
    def reader(self) -> Reader:
        return Reader(Observer(self.vectors), self.encoder, self.industry)

    def head(self) -> Learned:
        """From all lines. Raises OneMark, NothingToLearn."""
        return self.reader.learn(self.lines)

    def fold(self, number: int) -> Fold:
        """As `fold_of`."""
        return fold_of(self.lines, number, self.reader)


def held_out(lines: Sequence[Line], number: int) -> list[int]:
    """Places of the lines of one fold: whole people. The same for the same lines."""
    fold = folds_of(lines, FOLDS, SEED)
    return [place for place, line in enumerate(lines) if fold[id(line)] == number]


def without(lines: Sequence[Line], part: Sequence[int]) -> list[Line]:
    """What a fold is judged by: the others' lines, and among their references no answer of the fold's people, whose good
    answers are references for everybody else."""
    gone = set(part)
    said = {lines[place].answer for place in gone}
    return [unsaid(line, said) for place, line in enumerate(lines) if place not in gone]


def unsaid(line: Line, said: Set[str]) -> Line:
    """The line without those references."""
    left = [text for text in line.reference if text not in said]
    return line if len(left) == len(line.reference) else msgspec.structs.replace(line, reference=left)


def fold_of(lines: Sequence[Line], number: int, reader: Reader) -> Fold:
    """The people of one fold, judged by what the others teach. Raises OneMark, NothingToLearn."""
    kept = held_out(lines, number)
    if not kept:
        return Fold(None, {})
    head, answers = reader.learn(without(lines, kept)), {lines[place].answer for place in kept}
    said = judge_lines(Model(head), [unsaid(lines[place], answers) for place in kept], reader.observer)
    return Fold(head, dict(zip(kept, said, strict=True)))


def folds_by(lines: Sequence[Line], readers: Sequence[Reader], tick: Tick) -> list[Fold]:
    """readers: one for each fold, which has not seen the fold either. Raises OneMark, NothingToLearn."""
    found: list[Fold] = []
    for number, reader in enumerate(readers):
        tick(number / len(readers))
        found.append(fold_of(lines, number, reader))
    return found


def in_order(found: Sequence[Fold]) -> list[Judged]:
    """What all folds say, in the order of the lines."""
    places = {place: judged for part in found for place, judged in part.said.items()}
    return [places[place] for place in range(len(places))]
