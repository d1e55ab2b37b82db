"""Judging lines with a learned model. Who said nothing gets no score."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from duilian.customization.lab.learning import by_item
from duilian.customization.lab.lines import Line
from duilian.serving.scoring.learned.model import Model, Prediction
from duilian.serving.scoring.learned.observe import Observer
from duilian.serving.scoring.learned.tokens import units


class Judged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """score: None where `refused` says why. expected: before it was put on a mark; low, high: hold nine of ten readers'
    marks; provisional: the model knows no label of this item."""

    item: str
    score: float | None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None
    provisional: bool = False
    refused: str = ""
    person: str | None = None


def judge_lines(model: Model, lines: Sequence[Line], observer: Observer) -> list[Judged]:
    """In the order of the lines."""
    places = {id(line): place for place, line in enumerate(lines)}
    found: list[Judged] = [_nothing(line) for line in lines]
    for item, group in by_item([line for line in lines if units(line.answer)]).items():
        known = model.labels_of(item)  # read as its labels were
        question, references = (known or group[0]).question, known.references if known else group[0].reference
        rows = observer.read(question, references, [line.answer for line in group])
        for line, prediction in zip(group, model.judge(item, rows), strict=True):
            found[places[id(line)]] = _judged(line, prediction)
    return found


def _nothing(line: Line) -> Judged:
    return Judged(item=line.item, score=None, refused="nothing-said", person=line.person)


def _judged(line: Line, found: Prediction) -> Judged:
    return Judged(
        item=line.item, score=found.score, expected=round(found.expected, 6), low=round(found.low, 6),
        high=round(found.high, 6), standard_error=round(found.spread, 6), provisional=not found.labels,
        person=line.person,
    )  # fmt: skip
