"""Comparing self-declared groups; what leaves are figures of groups of enough people."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from duilian.customization.measurement import dif as functioning
from duilian.customization.measurement import fairness
from duilian.customization.measurement.results import plain
from duilian.platform.measuring.gather import Rows, Talk

Json = dict[str, Any]
Choices = dict[str, str]  # by person


def compare(rows: Rows, declared: dict[str, Choices]) -> Json:
    """declared: choice by person, by question."""
    questions = [_question(name, rows, choices) for name, choices in sorted(declared.items())]
    return {
        "questions": questions,
        "least": fairness.LEAST,
        "least_dif": functioning.LEAST,
        "largest_smd": fairness.LARGEST_SMD,
    }


def _question(name: str, rows: Rows, choices: Choices) -> Json:
    """Numbers of people below the least are not told either: they would single people out."""
    talks = [talk for talk in _newest(rows.talks) if talk.person in choices]
    decided = [talk for talk in talks if talk.decided]
    impact = fairness.impact(
        [choices[talk.person] for talk in decided],
        [talk.advanced for talk in decided],
        [talk.total for talk in decided],
    )
    marked = [one for one in rows.marked if one.person in choices]
    people = [one.person for one in marked]
    groups = [choices[person] for person in people]
    gaps = fairness.machine_gaps(groups, people, [one.blind for one in marked], [one.mean for one in marked])
    return {
        "question": name,
        "declared": len(choices) if len(choices) >= fairness.LEAST else None,
        "impact": plain(impact) | {"left_out": None},
        "gaps": [plain(one) for one in gaps if one.smd.reason != "few"],
        "dif": [plain(one) for one in _dif(talks, choices)],
    }


def _newest(talks: list[Talk]) -> list[Talk]:
    """One interview a person, so that nobody counts twice. Talks come newest first."""
    found: dict[str, Talk] = {}
    for talk in talks:
        found.setdefault(talk.person, talk)
    return list(found.values())


def _dif(talks: list[Talk], choices: Choices) -> list[functioning.Dif]:
    """Each question of each set, every large enough group against the largest."""
    by_set: defaultdict[str, list[Talk]] = defaultdict(list)
    for talk in talks:
        by_set[talk.set_key].append(talk)
    found = [one for key, mine in sorted(by_set.items()) for one in _of_set(key, mine, choices)]
    return functioning.corrected(found)


def _of_set(key: str, talks: list[Talk], choices: Choices) -> list[functioning.Dif]:
    sizes = Counter(choices[talk.person] for talk in talks)
    large = [group for group, n in sizes.most_common() if n >= functioning.LEAST]
    questions = sorted({name for talk in talks for name in talk.levels})
    return [
        _one(f"{key}/{question}", question, group, large[0], talks, choices)
        for group in large[1:]
        for question in questions
    ]


def _one(
    item: str, question: str, group: str, reference: str, talks: list[Talk], choices: Choices
) -> functioning.Dif:
    chosen = [talk for talk in talks if choices[talk.person] in (group, reference)]
    levels = [round(talk.levels[question]) if question in talk.levels else np.nan for talk in chosen]
    able = [_ability(talk, question) for talk in chosen]
    member = [choices[talk.person] == group for talk in chosen]
    return functioning.dif(item, group, levels, able, member)


def _ability(talk: Talk, question: str) -> float:
    others = [level for name, level in talk.levels.items() if name != question]
    return float(np.mean(others)) if others else float("nan")
