"""How well scores agree with readers: on lines the model has not seen, never the same person on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import isfinite, nan

import msgspec
import numpy as np

from duilian.customization.lab.judging import Judged, judge_lines
from duilian.customization.lab.learning import by_item, learn
from duilian.customization.lab.lines import Line
from duilian.customization.measurement.agreement import adjacent, exact, qwk, smd
from duilian.customization.measurement.bootstrap import SEED, interval
from duilian.customization.measurement.results import Estimate, Floats, estimate, refused
from duilian.serving.scoring.learned.model import Model
from duilian.serving.scoring.learned.observe import Observer

FOLDS = 10
HELD_OUT = 3  # folds of the people, in a learning curve
LEAST_OF_ITEM = 5  # lines, for an agreement of its own
REPLICATES = 300

Pairs = list[tuple[Line, Judged]]


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Between the first reader and the model. mean_qwk: over items, each counting the same; covered: share of marks
    inside the 90 % interval; humans: the two readers' agreement on the same lines; refused: lines without a score."""

    n: int
    items: int
    mean_qwk: Estimate
    pooled_qwk: Estimate
    humans_qwk: Estimate
    exact: Estimate
    adjacent: Estimate
    macro_f1: Estimate
    smd: Estimate
    covered: Estimate
    provisional: int
    refused: int


def agreement(pairs: Pairs) -> Agreement:
    """Lines without a reader's mark or without a score are counted out."""
    marked = [(line, judged) for line, judged in pairs if line.score is not None]
    kept = [(line, judged) for line, judged in marked if judged.score is not None]
    truth = np.array([line.score for line, _ in kept], float)
    given = np.array([judged.score for _, judged in kept], float)
    ends = np.array([(judged.low, judged.high) for _, judged in kept], float).reshape(-1, 2)
    second = np.array([nan if line.second_score is None else line.second_score for line, _ in kept])
    items = np.unique([line.item for line, _ in kept], return_inverse=True)[1].astype(float)
    people = [line.person or f"line {number}" for number, (line, _) in enumerate(kept)]
    scale = np.unique(np.concatenate([truth, given])) if len(kept) else np.zeros(0)
    step = float(np.diff(scale).min()) if len(scale) > 1 else 1.0
    inside = ((truth >= ends[:, 0] - 1e-6) & (truth <= ends[:, 1] + 1e-6)).astype(float)

    def of(statistic: Callable[..., float], *columns: Floats) -> Estimate:
        return interval(statistic, *columns, clusters=people, replicates=REPLICATES)

    return Agreement(
        n=len(kept),
        items=len(set(items)),
        mean_qwk=of(by_items(qwk), truth, given, items),
        pooled_qwk=of(qwk, truth, given),
        humans_qwk=of(qwk, truth, second) if np.isfinite(second).sum() >= 2 else refused("few", 0, 2),
        exact=of(exact, truth, given),
        adjacent=of(partial(adjacent, step=step), truth, given),
        macro_f1=of(macro_f1, truth, given),
        smd=of(smd, truth, given),
        covered=of(share, inside),
        provisional=sum(judged.provisional for _, judged in kept),
        refused=len(marked) - len(kept),
    )


def share(values: Floats) -> float:
    return float(values.mean())


def by_items(statistic: Callable[[Floats, Floats], float]) -> Callable[[Floats, Floats, Floats], float]:
    """The mean of a statistic over items with enough lines; nan where none has."""

    def mean(truth: Floats, given: Floats, items: Floats) -> float:
        found = [
            statistic(truth[items == item], given[items == item])
            for item in np.unique(items)
            if np.sum(items == item) >= LEAST_OF_ITEM
        ]
        known = [value for value in found if isfinite(value)]
        return float(np.mean(known)) if known else nan

    return mean


def macro_f1(truth: Floats, given: Floats) -> float:
    """The mean over marks of the harmonic mean of precision and recall; marks nobody gave do not count."""
    found: list[float] = []
    for mark in np.unique(np.concatenate([truth, given])):
        hits = float(np.sum((truth == mark) & (given == mark)))
        found.append(2 * hits / float(np.sum(truth == mark) + np.sum(given == mark)))
    return float(np.mean(found)) if found else nan


def evaluate(model: Model, lines: Sequence[Line], observer: Observer) -> Agreement:
    return agreement(list(zip(lines, judge_lines(model, lines, observer), strict=True)))


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Of a learning curve. labels: for each item; None stands for all there are. items: that have so many."""

    labels: int | None
    items: int
    lines: int
    repeats: int
    mean_qwk: Estimate
    pooled_qwk: Estimate
    covered: Estimate


def curve(
    lines: Sequence[Line],
    labels: Sequence[int],
    observer: Observer,
    encoder: dict[str, str],
    *,
    repeats: int = 3,
    seed: int = SEED,
    industry: Sequence[Line] = (),
) -> Iterator[Point]:
    """Agreement on held-out people with so many labels an item, then with all of the rest. The held-out people of a
    repeat are the same for every number of labels. industry: as `learn` takes it."""
    marked = [line for line in lines if line.score is not None]
    for number in [*sorted(labels), None]:
        found: list[Pairs] = []
        used: set[str] = set()
        for repeat in range(repeats):
            taught, kept = split(marked, number, seed + repeat)
            used |= {line.item for line in taught}
            if kept:
                model = Model(learn(taught, observer, encoder, industry=industry))
                found.append(list(zip(kept, judge_lines(model, kept, observer), strict=True)))
        yield point_of(number, len(used), found)


def split(lines: Sequence[Line], labels: int | None, seed: int) -> tuple[list[Line], list[Line]]:
    """To learn from and to judge. Items with fewer labels than asked for are on neither side."""
    fold, dice = folds_of(lines, FOLDS, seed), np.random.default_rng(seed)
    taught: list[Line] = []
    kept: list[Line] = []
    for _, group in sorted(by_item(lines).items()):
        rest = [line for line in group if fold[id(line)] >= HELD_OUT]
        drawn = [rest[i] for i in dice.permutation(len(rest))]
        if labels is None or len(rest) >= labels:
            taught += drawn[:labels]
            kept += [line for line in group if fold[id(line)] < HELD_OUT]
    return taught, kept


def point_of(labels: int | None, items: int, found: list[Pairs]) -> Point:
    """Repeats are judged together: the interval is that of one repeat's answers, drawn from all of them."""
    if not found:
        few = refused("few", 0, labels or 1)
        return Point(labels=labels, items=0, lines=0, repeats=0, mean_qwk=few, pooled_qwk=few, covered=few)
    each = [agreement(pairs) for pairs in found]
    return Point(
        labels=labels,
        items=items,
        lines=each[0].n,
        repeats=len(each),
        mean_qwk=_mean([one.mean_qwk for one in each]),
        pooled_qwk=_mean([one.pooled_qwk for one in each]),
        covered=_mean([one.covered for one in each]),
    )


def _mean(found: list[Estimate]) -> Estimate:
    """Values and ends are averaged over repeats."""
    known = [one for one in found if one.known]
    if not known:
        return found[0]
    ends = np.array([(one.value, one.low, one.high) for one in known], dtype=float)
    value, low, high = ends.mean(axis=0)
    return estimate(float(value), float(low), float(high), known[0].n)


def cross_validated(
    lines: Sequence[Line], observer: Observer, encoder: dict[str, str], folds: int = FOLDS, seed: int = SEED,
    industry: Sequence[Line] = (),
) -> Pairs:  # fmt: skip
    """Every marked line, judged by a model that has seen neither it nor anything else of its person. industry: as `learn` takes it."""
    marked = [line for line in lines if line.score is not None]
    fold = folds_of(marked, folds, seed)
    found: Pairs = []
    for number in range(folds):
        kept = [line for line in marked if fold[id(line)] == number]
        if kept:
            taught = [line for line in marked if fold[id(line)] != number]
            model = Model(learn(taught, observer, encoder, industry=industry))
            found += zip(kept, judge_lines(model, kept, observer), strict=True)
    return found


def folds_of(lines: Sequence[Line], folds: int = FOLDS, seed: int = SEED) -> dict[int, int]:
    """A fold for each line, by its id(): whole people, spread evenly over each item."""
    dice = np.random.default_rng(seed)
    of_person: dict[str, int] = {}
    found: dict[int, int] = {}
    for _, group in sorted(by_item(lines).items()):
        for rank, i in enumerate(dice.permutation(len(group))):
            line = group[i]
            found[id(line)] = of_person.setdefault(line.person or f"line {id(line)}", rank % folds)
    return found


def item_groups(lines: Sequence[Line], most: int = 20) -> list[set[str]]:
    """All items in at most so many groups."""
    items = np.array(sorted(by_item(lines)), dtype=object)
    return [set(group) for group in np.array_split(items, min(most, len(items)))]


def unseen_items(
    lines: Sequence[Line],
    observer: Observer,
    encoder: dict[str, str],
    most: int = 20,
    industry: Sequence[Line] = (),
) -> Pairs:
    """Lines of items that the model knows nothing of: items in `most` groups, each left out once. industry: as `learn` takes it."""
    marked = [line for line in lines if line.score is not None]
    found: Pairs = []
    for left in item_groups(marked, most):
        kept = [line for line in marked if line.item in left]
        taught = [line for line in marked if line.item not in left]
        model = Model(learn(taught, observer, encoder, industry=industry))
        found += zip(kept, judge_lines(model, kept, observer), strict=True)
    return found
