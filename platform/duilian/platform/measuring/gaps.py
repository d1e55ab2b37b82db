"""Whether a model that is not in force treats groups alike: figures of large groups leave, nobody's group does."""

from __future__ import annotations

from collections.abc import Sequence

from duilian.customization.measurement import fairness
from duilian.customization.training.gates import GroupGap
from duilian.infra.database import Database, TenantSession
from duilian.platform.measuring.service import declared

Mark = tuple[str, float, float]  # person, a human's level, the model's


async def group_gaps(database: Database, session: TenantSession, marks: Sequence[Mark]) -> list[GroupGap]:
    """|SMD| within each self-declared group of at least `fairness.LEAST`; others are neither named nor counted."""
    found: list[GroupGap] = []
    for question, choices in sorted((await declared(database, session)).items()):
        mine = [(choices[person], human, model) for person, human, model in marks if person in choices]
        people = _people(marks, choices)
        groups, humans, models = (
            [list(column) for column in zip(*mine, strict=True)] if mine else [[], [], []]
        )
        for gap in fairness.machine_gaps(groups, humans, models):
            if gap.smd.reason != "few" and people[gap.group] >= fairness.LEAST:
                found.append(GroupGap(question=question, group=gap.group, smd=gap.smd))
    return found


def _people(marks: Sequence[Mark], choices: dict[str, str]) -> dict[str, int]:
    """Different people by group."""
    found: dict[str, set[str]] = {}
    for person, _, _ in marks:
        if person in choices:
            found.setdefault(choices[person], set()).add(person)
    return {group: len(people) for group, people in found.items()}
