"""What a proposal sets, and putting it into a question set. Checked here, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from duilian.customization.cuts import rising
from duilian.customization.schemas import HALFWAY, LOCALES, Competency, Cuts, QuestionSet
from duilian.platform.revising import errors

LONGEST = 2000


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """weights: points by competency. cuts: by competency, `HALFWAY` where none are set. order: keys of all questions.

    texts: other words of a question, by language; only of those that were reworded.
    """

    weights: dict[str, int]
    cuts: dict[str, Cuts]
    order: list[str]
    texts: dict[str, dict[str, str]] = {}


def values_of(content: QuestionSet) -> Values:
    return Values(
        weights={one.key: one.weight for one in content.competencies},
        cuts={one.key: one.cuts or HALFWAY for one in content.competencies},
        order=[one.key for one in content.questions],
    )


def read(stored: dict[str, Any]) -> Values:
    return msgspec.convert(stored, Values)


def same(values: Values, content: QuestionSet) -> bool:
    return revised(content, values) == content


def revised(content: QuestionSet, values: Values) -> QuestionSet:
    """Raises BadWeights, BadCuts, BadOrder, BadWording."""
    _check(content, values)
    questions = {one.key: one for one in content.questions}
    texts = {key: texts for key, texts in values.texts.items() if texts != questions[key].text}
    questions |= {key: msgspec.structs.replace(questions[key], text=said) for key, said in texts.items()}
    return msgspec.structs.replace(
        content,
        competencies=competencies(content.competencies, values),
        questions=[questions[key] for key in values.order],
    )


def competencies(found: Iterable[Competency], values: Values) -> list[Competency]:
    return [
        msgspec.structs.replace(one, weight=values.weights[one.key], cuts=_stored(values.cuts[one.key]))
        for one in found
    ]


def scores_alike(first: Values, second: Values) -> bool:
    """Whether the two give every interview the same scores."""
    return first.weights == second.weights and first.cuts == second.cuts


def _stored(cuts: Cuts) -> Cuts | None:
    return None if tuple(cuts) == HALFWAY else cuts


def _check(content: QuestionSet, values: Values) -> None:
    keys = {one.key for one in content.competencies}
    total = sum(values.weights.values())
    if set(values.weights) != keys or total != 100 or not all(1 <= w <= 100 for w in values.weights.values()):
        raise errors.BadWeights(total=total)
    for key in keys:
        if key not in values.cuts or not rising(values.cuts[key]):
            raise errors.BadCuts(competency=key)
    if sorted(values.order) != sorted(one.key for one in content.questions):
        raise errors.BadOrder
    for key, said in values.texts.items():
        if key not in values.order or not all(
            0 < len(said.get(one, "").strip()) <= LONGEST for one in LOCALES
        ):
            raise errors.BadWording(most=LONGEST)
