"""How a candidate model does on people it has never seen, beside what is in force, and beside what it has learned by heart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import nan

import msgspec
import numpy as np

from duilian.customization.lab.evaluation import Agreement, agreement
from duilian.customization.lab.judging import Judged, judge_lines
from duilian.customization.lab.learning import OneMark
from duilian.customization.lab.lines import Line
from duilian.customization.measurement.agreement import qwk
from duilian.customization.measurement.bootstrap import SEED, interval, paired_difference
from duilian.customization.measurement.results import Estimate, Floats, floats, refused
from duilian.customization.training.folds import LEVELS, Reader, Tick, unsaid
from duilian.serving.scoring.learned.model import Learned, Model
from duilian.serving.scoring.learned.observe import Observer

CURVE = (10, 25, 50)
HELD_OUT = 0.3
LEAST_PAIRS = 10
kappa = partial(qwk, points=LEVELS)


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """labels: learned from; None stands for all but the held-out people's. held_out: lines that were judged."""

    labels: int | None
    held_out: int
    qwk: Estimate


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    first: Estimate
    second: Estimate
    difference: Estimate


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """candidate: on held-out people, rubric and model together as they judge live; own: its QWK. alone: QWK of the model
    without the rubric on the same people, and by_heart on the very lines it learned from. current: QWK of what is in force on
    the lines of `difference`, which is candidate − current on the same lines. *_refused: shares without a score."""

    candidate: Agreement
    own: Estimate
    alone: Estimate
    by_heart: Estimate
    current: Estimate
    difference: Estimate
    refused: float
    current_refused: float
    curve: list[CurvePoint]
    repeats: bool


def compared(lines: Sequence[Line], first: Sequence[Judged], second: Sequence[Judged]) -> Comparison:
    """Two models on the same held-out lines: QWK of each, and second − first with its interval."""
    truth = floats([line.score if line.score is not None else nan for line in lines])
    one, other = (_numbers([judged.expected for judged in said]) for said in (first, second))
    people = [line.person or f"line {number}" for number, line in enumerate(lines)]
    return Comparison(
        first=_of(kappa, people, truth, one), second=_of(kappa, people, truth, other),
        difference=_difference(truth, one, other, people),
    )  # fmt: skip


def evaluate(
    lines: Sequence[Line],
    judged: Sequence[Judged],
    alone: Sequence[Judged],
    current: Sequence[float | None],
    learned: Learned,
    observer: Observer,
    plain: Reader,
    tick: Tick,
) -> Evaluation:
    """judged: each line without its person, as live answers are judged; alone: by the model only; current: mean level of what is in force, None where it gives none.
    observer: reads as the model does; plain: with an encoder that has seen none of the lines, for the learning curve."""
    truth = floats([line.score if line.score is not None else nan for line in lines])
    mine, theirs = _numbers([one.expected for one in judged]), _numbers(current)
    people = [line.person or f"line {number}" for number, line in enumerate(lines)]
    own = _of(kappa, people, truth, mine)
    by_heart = _by_heart(learned, lines, truth, observer, people)
    tick(0.1)
    return Evaluation(
        candidate=agreement(list(zip(lines, judged, strict=True))),
        own=own,
        alone=_of(kappa, people, truth, _numbers([one.expected for one in alone])),
        by_heart=by_heart,
        current=_of(kappa, people, truth, np.where(np.isfinite(mine), theirs, nan)),
        difference=_difference(truth, theirs, mine, people),
        refused=float(np.isnan(mine).mean()),
        current_refused=float(np.isnan(theirs).mean()),
        curve=_curve(lines, truth, plain, tick),
        repeats=repeats(learned, lines, observer),
    )


def repeats(learned: Learned, lines: Sequence[Line], observer: Observer) -> bool:
    """Test–retest: loaded twice from its bytes, it says the same to the last byte."""
    octets = msgspec.msgpack.encode(learned)
    said = [
        msgspec.msgpack.encode(
            judge_lines(Model(msgspec.msgpack.decode(octets, type=Learned)), lines, observer)
        )
        for _ in range(2)
    ]
    return said[0] == said[1]


def _numbers(values: Sequence[float | None]) -> Floats:
    return floats([nan if value is None else value for value in values])


def _of(statistic: Callable[..., float], people: list[str], truth: Floats, given: Floats) -> Estimate:
    known = np.isfinite(truth) & np.isfinite(given)
    clusters = np.asarray(people)[known]
    return interval(statistic, truth[known], given[known], clusters=clusters, least=LEAST_PAIRS)


def _difference(truth: Floats, current: Floats, candidate: Floats, people: list[str]) -> Estimate:
    known = np.isfinite(current) & np.isfinite(candidate)
    if known.sum() < LEAST_PAIRS:
        return refused("few", int(known.sum()), LEAST_PAIRS)
    clusters = np.asarray(people)[known]
    return paired_difference(
        kappa, truth[known], current[known], candidate[known], clusters=clusters, least=LEAST_PAIRS
    )


def _by_heart(
    learned: Learned, lines: Sequence[Line], truth: Floats, observer: Observer, people: list[str]
) -> Estimate:
    said = [one.expected for one in judge_lines(Model(learned), lines, observer)]
    return _of(kappa, people, truth, _numbers(said))


def _curve(lines: Sequence[Line], truth: Floats, reader: Reader, tick: Tick) -> list[CurvePoint]:
    """The same held-out people at every point; the labels learned from grow by whole steps of one order."""
    dice = np.random.default_rng(SEED)
    people = sorted({line.person or f"line {number}" for number, line in enumerate(lines)})
    order = dice.permutation(len(people))
    held = {people[place] for place in order[: max(1, round(HELD_OUT * len(people)))]}
    outside = [n for n, line in enumerate(lines) if (line.person or f"line {n}") in held]
    rest = [n for n in dice.permutation(len(lines)).tolist() if n not in set(outside)]
    found: list[CurvePoint] = []
    steps: list[int | None] = [*(number for number in CURVE if number < len(rest)), None]
    for place, number in enumerate(steps):
        tick(0.2 + 0.8 * place / len(steps))
        found.append(_point(lines, rest[:number], outside, number, truth, reader))
    return found


def _point(
    lines: Sequence[Line], taught: list[int], outside: list[int], number: int | None, truth: Floats, reader: Reader
) -> CurvePoint:  # fmt: skip
    answers = {lines[n].answer for n in outside}
    try:
        model = Model(reader.learn([unsaid(lines[n], answers) for n in taught]))
    except OneMark:
        return CurvePoint(labels=number, held_out=len(outside), qwk=refused("no_variance", len(outside)))
    kept = [unsaid(lines[n], answers) for n in outside]
    said = _numbers([one.expected for one in judge_lines(model, kept, reader.observer)])
    people = [line.person or f"line {place}" for place, line in zip(outside, kept, strict=True)]
    return CurvePoint(labels=number, held_out=len(outside), qwk=_of(kappa, people, truth[outside], said))
