"""Labelled answers judged as live ones are, gate and rubric and model together, each by a model that has not seen its
person: what the checks are asked of is what would be reported."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from duilian.customization.lab.judging import Judged
from duilian.customization.labels.examples import LabelledLine, as_lines
from duilian.customization.training.folds import Fold, in_order
from duilian.customization.training.joint import joint_error, widened
from duilian.platform.labelling.gather import Opinion
from duilian.platform.labelling.predict import NO_EVIDENCE
from duilian.platform.scoring.heads import OneModel
from duilian.platform.training.comparing import Comparison, Told
from duilian.serving.scoring.learned.model import Learned


class Rehearsed(NamedTuple):
    """judged: in the order of the lines; by the model alone where no rubric is known. joint: as `joint_error`, of all."""

    judged: list[Judged]
    joint: float


class Rehearsal:
    """Of one company. competency: what the models are for."""

    def __init__(self, comparison: Comparison, tenant_id: UUID, competency: str) -> None:
        self._comparison, self._tenant_id, self._competency = comparison, tenant_id, competency

    async def of_folds(
        self, labelled: Sequence[LabelledLine], folds: Sequence[Fold], told: Told
    ) -> Rehearsed:
        """Each fold's intervals are as wide as the other folds' errors say."""
        found = in_order(folds)
        for number, fold in enumerate(folds):
            if fold.head is None:
                continue

            async def so_far(share: float, number: int = number) -> None:
                await told((number + share) / len(folds))

            said = await self.by(fold.head, [labelled[place].example_id for place in fold.said], so_far)
            for place in fold.said:
                opinion = said.get(labelled[place].example_id)
                found[place] = _judged(found[place], opinion) if opinion else found[place]
        return _calibrated(labelled, folds, found)

    async def by(self, head: Learned, ids: Sequence[UUID], told: Told) -> dict[UUID, Opinion]:
        """By rubric and head."""
        named = msgspec.structs.replace(head, competency=self._competency)
        model = await asyncio.to_thread(OneModel, self._tenant_id, named)
        return await self._comparison.opinions(ids, told, model)


def _calibrated(
    labelled: Sequence[LabelledLine], folds: Sequence[Fold], found: Sequence[Judged]
) -> Rehearsed:
    lines, judged = as_lines(labelled), list(found)
    for fold in folds:
        others = [place for place in range(len(lines)) if place not in fold.said]
        joint = joint_error([lines[place] for place in others], [found[place] for place in others])
        for place in fold.said:
            judged[place] = widened(found[place], joint)
    return Rehearsed(judged, joint_error(lines, found))


def _judged(alone: Judged, said: Opinion) -> Judged:
    """As the lab says it: where the live answer has no score, so has this."""
    if said.mean is None or said.error is None:
        refused = str(said.document.get("code") or NO_EVIDENCE)
        return Judged(item=alone.item, score=None, refused=refused, person=alone.person)
    return msgspec.structs.replace(
        alone, score=float(said.level or round(said.mean)), expected=said.mean, standard_error=said.error
    )
