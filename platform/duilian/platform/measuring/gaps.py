"""Whether a model that is not in force treats groups alike: figures of large groups leave, nobody's group does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from duilian.customization.measurement import fairness
from duilian.customization.measurement.selection import selections
from duilian.customization.training.gates import GroupFigures, GroupGap, GroupSelection
from duilian.infra.database import Database, TenantSession
from duilian.platform.measuring.service import declared

Mark = tuple[str, float, float]  # person, a human's level, the model's
Choices = dict[str, str]  # choice by person


async def group_figures(database: Database, session: TenantSession, marks: Sequence[Mark]) -> GroupFigures:
    """Of self-declared groups of at least `fairness.LEAST` people; others are neither named nor counted."""
    gaps: list[GroupGap] = []
    chosen: list[GroupSelection] = []
    for question, choices in sorted((await declared(database, session)).items()):
        mine = [mark for mark in marks if mark[0] in choices]
        gaps += _gaps(question, choices, mine)
        chosen += _selections(question, choices, mine)
    return GroupFigures(gaps=gaps, selections=chosen)


def _gaps(question: str, choices: Choices, mine: list[Mark]) -> list[GroupGap]:
    """By marked answer: |SMD| within each group."""
    people = [person for person, _, _ in mine]
    groups = [choices[person] for person in people]
    found = fairness.machine_gaps(
        groups, people, [human for _, human, _ in mine], [model for *_, model in mine]
    )
    return [
        GroupGap(question=question, group=gap.group, smd=gap.smd) for gap in found if gap.smd.reason != "few"
    ]


def _selections(question: str, choices: Choices, mine: list[Mark]) -> list[GroupSelection]:
    """By person: whoever has several marked answers has their mean."""
    means = _means(mine)
    found = selections(
        [choices[person] for person in means],
        [human for human, _ in means.values()],
        [model for _, model in means.values()],
    )
    return [GroupSelection(question=question, found=one) for one in found]


def _means(marks: Sequence[Mark]) -> dict[str, tuple[float, float]]:
    """The human's and the model's mean mark by person."""
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for person, human, model in marks:
        found[person].append((human, model))
    return {
        person: (sum(h for h, _ in pairs) / len(pairs), sum(m for _, m in pairs) / len(pairs))
        for person, pairs in found.items()
    }
