"""Labelled answers judged as live ones are, gate and rubric and model together, each by a model that has not seen its
person: what the checks are asked of is what would be reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from duilian.customization.lab.judging import Judged
from duilian.customization.lab.lines import Line
from duilian.customization.labels.examples import LabelledLine, as_lines
from duilian.customization.training.folds import Fold, in_order
from duilian.customization.training.joint import joint_error, rubric_offset, with_interval
from duilian.platform.labelling.gather import Opinion
from duilian.platform.labelling.predict import NO_EVIDENCE
from duilian.platform.scoring.heads import OneModel, RubricAlone
from duilian.platform.training.comparing import Comparison, Told
from duilian.platform.training.progress import Progress
from duilian.serving.scoring.learned.model import Learned


class Rehearsed(NamedTuple):
    """judged: in the order of the lines; by the model alone where no rubric is known. joint, offset: as `joint_error` and
    `rubric_offset`, of all."""

    judged: list[Judged]
    joint: float
    offset: float


class Rehearsal:
    """Of one company. competency: what the models are for."""

    def __init__(self, comparison: Comparison, progress: Progress, tenant_id: UUID, competency: str) -> None:
        self._comparison, self._progress = comparison, progress
        self._tenant_id, self._competency = tenant_id, competency

    async def of_folds(self, labelled: Sequence[LabelledLine], folds: Sequence[Fold]) -> Rehearsed:
        """Three times: by the rubric alone, which tells the offset; with it, as if the errors of rubric and model had nothing
        to do with one another, which tells how far off both are; and with that. What a fold is judged with is told by the
        others. After the first time the tier remembers every vector."""
        lines, alone = as_lines(labelled), in_order(folds)
        ids = [line.example_id for line in labelled]
        said = await self._comparison.opinions(ids, self._told(0, 3), RubricAlone(self._tenant_id))
        rubric = [
            _judged(one, said[which]) if which in said else _unjudged(one)
            for which, one in zip(ids, alone, strict=True)
        ]
        offsets = [rubric_offset(*_others(fold, lines, rubric)) for fold in folds]
        heads = [
            fold.head and msgspec.structs.replace(fold.head, offset=offset)
            for fold, offset in zip(folds, offsets, strict=True)
        ]
        apart = await self._judged(labelled, folds, heads, 1)
        joints = [joint_error(*_others(fold, lines, apart)) for fold in folds]
        heads = [
            head and msgspec.structs.replace(head, joint=joint)
            for head, joint in zip(heads, joints, strict=True)
        ]
        judged = await self._judged(labelled, folds, heads, 2)
        return Rehearsed(
            [with_interval(one) for one in judged], joint_error(lines, apart), rubric_offset(lines, rubric)
        )

    def _told(self, done: float, all_parts: float) -> Told:
        async def so_far(share: float) -> None:
            await self._progress.told((done + share) / all_parts)

        return so_far

    async def _judged(
        self,
        labelled: Sequence[LabelledLine],
        folds: Sequence[Fold],
        heads: Sequence[Learned | None],
        turn: int,
    ) -> list[Judged]:
        """turn: of the three."""
        found = in_order(folds)
        for number, (fold, head) in enumerate(zip(folds, heads, strict=True)):
            if head is None:
                continue
            told = self._told(turn * len(folds) + number, 3 * len(folds))
            said = await self.by(head, [labelled[place].example_id for place in fold.said], told)
            for place in fold.said:
                opinion = said.get(labelled[place].example_id)
                found[place] = _judged(found[place], opinion) if opinion else found[place]
        return found

    async def by(self, head: Learned, ids: Sequence[UUID], told: Told) -> dict[UUID, Opinion]:
        """By rubric and head."""
        named = msgspec.structs.replace(head, competency=self._competency)
        model = await self._progress.threaded(OneModel, self._tenant_id, named)
        return await self._comparison.opinions(ids, told, model)


def _others(fold: Fold, lines: Sequence[Line], judged: Sequence[Judged]) -> tuple[list[Line], list[Judged]]:
    """What is not the fold's."""
    places = [place for place in range(len(lines)) if place not in fold.said]
    return [lines[place] for place in places], [judged[place] for place in places]


def _unjudged(alone: Judged) -> Judged:
    """No rubric is known: it says nothing."""
    return Judged(item=alone.item, score=None, refused=NO_EVIDENCE, person=alone.person)


def _judged(alone: Judged, said: Opinion) -> Judged:
    """As the lab says it: where the live answer has no score, so has this."""
    if said.mean is None or said.error is None:
        refused = str(said.document.get("code") or NO_EVIDENCE)
        return Judged(item=alone.item, score=None, refused=refused, person=alone.person)
    return msgspec.structs.replace(
        alone, score=float(said.level or round(said.mean)), expected=said.mean, standard_error=said.error
    )
