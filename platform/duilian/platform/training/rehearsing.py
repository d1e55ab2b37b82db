"""Labelled answers judged as live ones are, gate and rubric and model together, each by a model that has not seen its
person: what the checks are asked of is what would be reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from duilian.customization.lab.judging import Judged
from duilian.customization.labels.examples import LabelledLine, as_lines
from duilian.customization.training.folds import Fold, in_order
from duilian.customization.training.joint import joint_error, with_interval
from duilian.platform.labelling.gather import Opinion
from duilian.platform.labelling.predict import NO_EVIDENCE
from duilian.platform.scoring.heads import OneModel
from duilian.platform.training.comparing import Comparison, Told
from duilian.platform.training.progress import Progress
from duilian.serving.scoring.learned.model import Learned


class Rehearsed(NamedTuple):
    """judged: in the order of the lines; by the model alone where no rubric is known. joint: as `joint_error`, of all."""

    judged: list[Judged]
    joint: float


class Rehearsal:
    """Of one company. competency: what the models are for."""

    def __init__(self, comparison: Comparison, progress: Progress, tenant_id: UUID, competency: str) -> None:
        self._comparison, self._progress = comparison, progress
        self._tenant_id, self._competency = tenant_id, competency

    async def of_folds(self, labelled: Sequence[LabelledLine], folds: Sequence[Fold]) -> Rehearsed:
        """Twice: as if the errors of rubric and model had nothing to do with one another, then with what the other folds'
        answers say of it. The second time the tier remembers every vector."""
        lines = as_lines(labelled)
        apart = await self._judged(labelled, folds, [1.0] * len(folds), 0.0)
        others = [[place for place in range(len(lines)) if place not in fold.said] for fold in folds]
        joints = [
            joint_error([lines[place] for place in part], [apart[place] for place in part]) for part in others
        ]
        judged = await self._judged(labelled, folds, joints, 0.5)
        return Rehearsed([with_interval(one) for one in judged], joint_error(lines, apart))

    async def _judged(
        self, labelled: Sequence[LabelledLine], folds: Sequence[Fold], joints: Sequence[float], begun: float
    ) -> list[Judged]:
        """begun: share of the work that was done before, which this is the other half of."""
        found = in_order(folds)
        for number, (fold, joint) in enumerate(zip(folds, joints, strict=True)):
            if fold.head is None:
                continue

            async def so_far(share: float, number: int = number) -> None:
                await self._progress.told(begun + 0.5 * (number + share) / len(folds))

            head = msgspec.structs.replace(fold.head, joint=joint)
            said = await self.by(head, [labelled[place].example_id for place in fold.said], so_far)
            for place in fold.said:
                opinion = said.get(labelled[place].example_id)
                found[place] = _judged(found[place], opinion) if opinion else found[place]
        return found

    async def by(self, head: Learned, ids: Sequence[UUID], told: Told) -> dict[UUID, Opinion]:
        """By rubric and head."""
        named = msgspec.structs.replace(head, competency=self._competency)
        model = await self._progress.threaded(OneModel, self._tenant_id, named)
        return await self._comparison.opinions(ids, told, model)


def _judged(alone: Judged, said: Opinion) -> Judged:
    """As the lab says it: where the live answer has no score, so has this."""
    if said.mean is None or said.error is None:
        refused = str(said.document.get("code") or NO_EVIDENCE)
        return Judged(item=alone.item, score=None, refused=refused, person=alone.person)
    return msgspec.structs.replace(
        alone, score=float(said.level or round(said.mean)), expected=said.mean, standard_error=said.error
    )
