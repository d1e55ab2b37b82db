"""Prepared answers of a pack: what a simulated candidate says in a dry run.

`packs/<industry>/samples/<set>.<level>.<locale>.yaml`: question key → answer. A set without them has no dry run.
"""

from __future__ import annotations

import yaml

from duilian.customization.packs import SHIPPED
from duilian.customization.schemas import QuestionSet

LEVELS = ("strong", "weak")


def has_samples(question_set: QuestionSet, locale: str) -> bool:
    """Whether a candidate of each level can be simulated."""
    return all(sample_answers(question_set, level, locale) for level in LEVELS)


def sample_answers(question_set: QuestionSet, level: str, locale: str) -> dict[str, str]:
    """By question key; {} where the pack has none, or where they do not fit the questions any more."""
    if level not in LEVELS:
        return {}
    name = f"{question_set.key}.{level}.{locale}.yaml"
    file = SHIPPED / question_set.industry / "samples" / name
    if not file.is_file():
        return {}
    said: dict[str, str] = yaml.safe_load(file.read_text("utf-8"))
    wanted = [question.key for question in question_set.questions]
    return {key: said[key].strip() for key in wanted} if set(wanted) <= set(said) else {}
