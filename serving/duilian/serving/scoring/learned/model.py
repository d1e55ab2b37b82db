"""A scoring model learned from labels, as an artefact: the labelled answers as numbers, and the hyperparameters.

Everything else is computed from these when it is loaded, the same each time. So a person's labels can be taken out
again without training (forgetting.py), and nobody's words lie in the file, only vectors, hashed n-grams and facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from duilian.serving.scoring.learned.facts import FACTS
from duilian.serving.scoring.learned.kernel import (
    WITHIN,
    Frame,
    Framed,
    Hyper,
    Matrix,
    Rows,
    Sparse,
    framed,
    shared,
    weighted,
    within,
    within_alone,
)
from duilian.serving.scoring.learned.process import Block, Solution, predict, solve, without_block

FORMAT = "duilian-learned-2"
DOUBT = 2.0  # noise of an example that nobody marked, in that of a label
COVERAGE = 0.9  # of the intervals
FEW_MARKS = (
    3  # up to so many, the most probable mark is given; on finer scales the nearest to the expected score
)
STEADY = 10  # labels at which an item's own spread counts as much as that of all items
STEEPEST, FLATTEST = 2.5, 0.7


class Labels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item: what was asked, and its answers as numbers, little-endian, a row for each.

    scores: the labels, then those of the examples nobody marked (`examples` of them): references, the question itself,
    nothing at all. people: a pseudonym for each label or None. vectors: float16, facts: float32, grams: see Sparse.
    """

    key: str
    question: str
    references: list[str]
    scores: list[float]
    examples: int
    people: list[str | None]
    vectors: bytes
    facts: bytes
    starts: list[int]
    places: bytes
    weights: bytes

    def rows(self) -> Rows:
        count = len(self.scores)
        grams = Sparse(
            np.array(self.starts, np.int64), np.frombuffer(self.places, "<u2"),
            np.frombuffer(self.weights, "<f2").astype(np.float32),
        )  # fmt: skip
        vectors = np.frombuffer(self.vectors, "<f2").astype(np.float32).reshape(count, -1)
        return Rows(vectors, np.frombuffer(self.facts, "<f4").reshape(count, FACTS), grams)


class Learned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """competency: what is judged, empty where the items say so themselves. scale: the marks there are, rising; empty where any number between low and high may be given.

    joint: by how much rubric and model together are further off than if their errors had nothing to do with one another, as measured
    on people whom it had not seen (1: as if); offset: levels by which the company's readers mark higher than the rubric alone; adapter: of the encoder, as safetensors (steps/adapted.py), where the vectors were read with one of the tenant's own. industry:
    marked answers of the industry pack to other questions, all of them examples; items without labels are judged by them too.
    """

    format: Literal["duilian-learned-2"] = FORMAT
    competency: str = ""
    encoder: str
    encoder_version: str
    adapter: bytes = b""
    scale: list[float]
    low: float
    high: float
    hyper: Hyper
    items: list[Labels]
    industry: list[Labels] = msgspec.field(default_factory=list[Labels])
    joint: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Prediction:
    """On the scale of the labels. expected: before it is put on a mark; spread: its standard deviation.

    low, high: hold the mark of a reader nine times in ten. labels: of the item; none means that the score is provisional.
    """

    score: float
    expected: float
    spread: float
    low: float
    high: float
    labels: int


@dataclass
class _Part:
    """One item, ready: its answers as the kernel sees them, and how a prediction becomes a mark."""

    labels: int
    frame: Frame
    rows: Framed
    number: int
    middle: float
    left_out_middle: float
    slope: float
    unit: float = 1.0
    widen: float = 1.0
    doubt: float = 0.0


_LeftOut = tuple[Matrix, NDArray[np.float64], list[float]]  # outputs, their variances, labels of an item


@dataclass(frozen=True)
class _Strangers:
    """What is said of items without labels. solution: of what all items share; apart: variance beyond it."""

    solution: Solution
    apart: float
    part: _Part


@dataclass
class Model:
    """A `Learned`, ready to judge. bytes: what it holds in memory, about."""

    learned: Learned
    left_out: dict[str, list[Prediction]] = field(
        default_factory=dict
    )  # by item: each label, judged by all others
    bytes: int = 0

    def __post_init__(self) -> None:
        self._hyper = self.learned.hyper
        self._widths = np.diff(self.learned.scale) if self.learned.scale else np.array([])
        rows = [item.rows() for item in self.learned.items]
        frames = [Frame.of(r) for r in rows]
        ready = [framed(r, f, self._hyper) for r, f in zip(rows, frames, strict=True)]
        real = np.concatenate([item.scores[: self._count(item)] for item in self.learned.items])
        self._centre = self._targets(real).mean(axis=0)
        self._blocks = [self._block(*pair) for pair in zip(self.learned.items, ready, strict=True)]
        self._solution = solve(self._blocks)
        self._general = self._spread_of_all()
        self._parts = {
            item.key: self._part(number, item, frame, framed_rows)
            for number, (item, frame, framed_rows) in enumerate(
                zip(self.learned.items, frames, ready, strict=True)
            )
        }
        self._unit, self._widen = 1.0, 1.0
        self._unit, self._widen = _calibrated(self._judge_left_out())
        for part in self._parts.values():
            part.doubt = self._doubt(part.labels)
        self._judge_left_out()
        self.bytes = sum(_size(part) for part in self._parts.values()) + sum(
            8 * (s.inverse.size + s.pull.size) for s in self._solution.blocks
        )

    @staticmethod
    def _count(item: Labels) -> int:
        return len(item.scores) - item.examples

    def _targets(self, scores: Sequence[float] | NDArray[np.float64]) -> Matrix:
        return targets_of(np.asarray(scores), self.learned.scale, self.learned.low, self.learned.high)

    def _block(self, item: Labels, rows: Framed) -> Block:
        noise = np.diag(self._hyper.noise * self._doubts(item))
        covariance = within(rows, rows, self._hyper.amplitudes) + noise
        features = shared(rows.facts, self._hyper.amplitudes)
        return Block(covariance, features, self._targets(item.scores) - self._centre)

    def _expected(self, outputs: Matrix) -> NDArray[np.float64]:
        """On the scale of the labels, from centred outputs, shape (n,)."""
        known = np.clip(outputs + self._centre, 0.0, 1.0)
        if self.learned.scale:
            return self.learned.low + known @ self._widths
        return self.learned.low + known[:, 0] * (self.learned.high - self.learned.low)

    def _left_out(self, number: int) -> tuple[Matrix, NDArray[np.float64]]:
        """Outputs and their variances in the process's unit, of the labels only."""
        count = self._count(self.learned.items[number])
        solved = self._solution.blocks[number]
        return solved.left_out[:count], solved.left_out_variance[:count]

    def _spread_of_all(self) -> float:
        """How much wider readers' marks are spread than predictions, over all items with enough labels."""
        ratios = [
            (
                count,
                np.std(item.scores[:count]) / max(np.std(self._expected(self._left_out(number)[0])), 1e-6),
            )
            for number, item in enumerate(self.learned.items)
            if (count := self._count(item)) >= 3
        ]
        if not ratios:
            return 1.0
        return float(
            np.average([np.clip(r, FLATTEST, STEEPEST) for _, r in ratios], weights=[n for n, _ in ratios])
        )

    def _part(self, number: int, item: Labels, frame: Frame, rows: Framed) -> _Part:
        count = self._count(item)
        guessed = self._expected(self._left_out(number)[0])
        if count < 3:
            middle = float(np.mean([s for i in self.learned.items for s in i.scores[: self._count(i)]]))
            return _Part(count, frame, rows, number, middle, middle, self._general if not count else 1.0)
        marks = np.array(item.scores[:count])
        own = np.clip(marks.std() / max(guessed.std(), 1e-6), FLATTEST, STEEPEST)
        slope = (count * own + STEADY * self._general) / (count + STEADY)
        return _Part(count, frame, rows, number, float(marks.mean()), float(guessed.mean()), float(slope))

    def _judge_left_out(self) -> list[float]:
        """Fills `left_out`; returns how many standard deviations each label lies from what was expected of it."""
        strays: list[float] = []
        for item in self.learned.items:
            part = self._parts[item.key]
            self.left_out[item.key] = found = self._predictions(*self._left_out(part.number), part)
            strays += _strays(found, item.scores)
        return strays

    def _doubt(self, known: int) -> float:
        """What the process cannot know of its own error, as a standard deviation: a few labels may be met by luck, so
        until they are STEADY many the spread is rather that of all labels; and marks are steps, within which a reader's
        opinion lies somewhere."""
        steps = float(np.diff(self.learned.scale).min()) if self.learned.scale else 0.0
        labels = np.concatenate([item.scores[: self._count(item)] for item in self.learned.items])
        return float(np.sqrt(labels.var() * STEADY / (known + STEADY) + steps**2 / 12))

    def _predictions(self, outputs: Matrix, variance: NDArray[np.float64], part: _Part) -> list[Prediction]:
        low, high = self.learned.low, self.learned.high
        latent = np.clip(
            part.middle + part.slope * (self._expected(outputs) - part.left_out_middle), low, high
        )
        spread = np.sqrt(variance) * part.unit * self._unit
        reach = spread * part.widen * self._widen
        spread = np.minimum(np.hypot(spread, part.doubt), (high - low) / 2)
        ends = np.clip(np.stack([latent - reach, latent + reach]), low, high)
        rows = zip(
            self._marks(outputs, latent), latent.tolist(), spread.tolist(), *ends.tolist(), strict=True
        )
        return [
            Prediction(mark, middle, one, near, far, part.labels) for mark, middle, one, near, far in rows
        ]

    def _marks(self, outputs: Matrix, latent: NDArray[np.float64]) -> list[float]:
        scale = np.array(self.learned.scale)
        if not len(scale):
            return latent.tolist()
        if len(scale) > FEW_MARKS:
            return scale[np.abs(latent[:, None] - scale).argmin(axis=1)].tolist()
        above = np.clip(outputs + self._centre, 0.0, 1.0)
        edges = np.hstack([np.ones((len(above), 1)), above, np.zeros((len(above), 1))])
        return scale[(edges[:, :-1] - edges[:, 1:]).argmax(axis=1)].tolist()

    def labels_of(self, key: str) -> Labels | None:
        part = self._parts.get(key)
        return self.learned.items[part.number] if part else None

    def item_of(self, question: str) -> Labels | None:
        """The item that asks exactly this, if labels of it are known."""
        return next((item for item in self.learned.items if question and item.question == question), None)

    def judge(self, key: str, rows: Rows) -> list[Prediction]:
        """Answers to one item, known or not."""
        amplitudes = self._hyper.amplitudes
        part = self._parts.get(key)
        if part is None:
            return self._judge_unknown(rows)
        new = framed(rows, part.frame, self._hyper)
        covariance = within(new, part.rows, amplitudes)
        mean, variance = predict(
            self._solution, shared(new.facts, amplitudes), within_alone(new, amplitudes),
            self._solution.blocks[part.number], covariance,
        )  # fmt: skip
        return self._predictions(mean, variance + self._hyper.noise, part)

    def nearest(self, key: str, rows: Rows, most: int) -> list[float]:
        """Marks of the labelled answers of the item that the first row is most alike; none of an unknown item."""
        part = self._parts.get(key)
        if part is None or not part.labels:
            return []
        alike = within(framed(rows, part.frame, self._hyper), part.rows, self._hyper.amplitudes)[0]
        order = np.argsort(-alike[: part.labels], kind="stable")[:most]
        return [self.learned.items[part.number].scores[place] for place in order]

    def _judge_unknown(self, rows: Rows) -> list[Prediction]:
        """An item the model has never seen: only what all items share speaks."""
        known = self._strangers
        features = shared(weighted(rows.facts, self._hyper), self._hyper.amplitudes)
        mean, variance = predict(known.solution, features, np.full(len(rows), known.apart), None, None)
        return self._predictions(mean, variance, known.part)

    @cached_property
    def _strangers(self) -> _Strangers:
        """Learned from the same labels, but with nothing of an item explained by what is its own except its level: the
        rest counts as noise, so that what all items share explains what it can, those of the industry included. How
        predictions become marks is learned by leaving out one of the company's items after another."""
        items, blocks = self.learned.items, [self._apart(*pair) for pair in self._everything()]
        solution = solve(blocks)
        apart = self._hyper.amplitudes["level"] + self._own_noise
        found: list[_LeftOut] = []
        for item, block, solved in zip(items, blocks, solution.blocks, strict=False):
            count = self._count(item)
            mean, variance = without_block(solution, block, solved)
            found.append((mean[:count], variance[:count] + apart, item.scores[:count]))
        return _Strangers(replace(solution, blocks=[]), apart, self._across(found))

    def _everything(self) -> Iterator[tuple[Labels, Matrix]]:
        """The company's items, then the industry's, with the facts of their rows."""
        for item in [*self.learned.items, *self.learned.industry]:
            yield item, weighted(item.rows().facts, self._hyper)

    @property
    def _own_noise(self) -> float:
        """Of a label, where everything that an item has of its own but its level counts as noise."""
        return self._hyper.noise + sum(self._hyper.amplitudes[name] for name in WITHIN if name != "level")

    def _apart(self, item: Labels, facts: Matrix) -> Block:
        doubts, level = self._doubts(item), self._hyper.amplitudes["level"]
        covariance = np.full((len(facts), len(facts)), level) + np.diag(self._own_noise * doubts)
        targets = self._targets(item.scores) - self._centre
        return Block(covariance, shared(facts, self._hyper.amplitudes), targets)

    def _across(self, found: list[_LeftOut]) -> _Part:
        """From what is said of items when they are left out, an entry for each."""
        marks = np.concatenate([scores for _, _, scores in found])
        guessed = np.concatenate([self._expected(mean) for mean, _, _ in found])
        slope = (
            np.clip(marks.std() / max(guessed.std(), 1e-6), FLATTEST, STEEPEST)
            if len(found) + len(self.learned.industry) > 1
            else 1.0
        )
        first = self._parts[self.learned.items[0].key]
        part = replace(first, labels=0, number=-1, middle=float(marks.mean()), left_out_middle=float(guessed.mean()), slope=float(slope))  # fmt: skip
        part = replace(part, doubt=0.0)
        strays = [
            stray
            for mean, variance, scores in found
            for stray in _strays(self._predictions(mean, variance, part), scores)
        ]
        unit, widen = _calibrated(strays)
        return replace(part, unit=unit, widen=widen / self._widen, doubt=self._doubt(len(found)))

    def _doubts(self, item: Labels) -> NDArray[np.float64]:
        """Noise of each row, in that of a label, (n,)."""
        return np.where(np.arange(len(item.scores)) < self._count(item), 1.0, DOUBT)


def _strays(found: list[Prediction], scores: list[float]) -> list[float]:
    return [abs(p.expected - score) / p.spread for p, score in zip(found, scores, strict=False)]


def _calibrated(strays: list[float]) -> tuple[float, float]:
    """The size of a standard deviation, and how many of them hold COVERAGE of the next label (conformal, Lei et al. 2018)."""
    unit = max(float(np.sqrt(np.mean(np.square(strays)))), 1e-6)
    rank = min(1.0, np.ceil((len(strays) + 1) * COVERAGE) / len(strays))
    return unit, float(np.quantile(strays, rank)) / unit


def targets_of(scores: NDArray[np.float64], scale: list[float], low: float, high: float) -> Matrix:
    """What the process learns, (n, outputs): does a score lie above each mark but the last (Frank & Hall 2001), in part where
    it is the mean of two readers' marks; or the score itself, 0-1, on an open scale."""
    if scale:
        marks = np.array(scale)
        return np.clip((scores[:, None] - marks[None, :-1]) / np.diff(marks)[None], 0.0, 1.0)
    return ((scores - low) / (high - low))[:, None]


def labels_of(
    key: str, question: str, references: list[str], rows: Rows, scores: list[float], people: list[str | None]
) -> Labels:
    """scores: a mark for each row; rows behind the people are examples that nobody marked."""
    return Labels(
        key=key, question=question, references=references, scores=scores, examples=len(scores) - len(people),
        people=people, vectors=rows.vectors.astype("<f2").tobytes(), facts=rows.facts.astype("<f4").tobytes(),
        starts=rows.grams.starts.tolist(), places=rows.grams.places.astype("<u2").tobytes(),
        weights=rows.grams.weights.astype("<f2").tobytes(),
    )  # fmt: skip


def _size(part: _Part) -> int:
    return 8 * (part.rows.vectors.size + part.rows.facts.size) + 6 * part.rows.grams.places.size
