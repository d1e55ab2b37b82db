"""Marked answers of an industry pack (行业评分样例): what a company's model starts from before its own labels say otherwise.

`packs/<industry>/marked/<set>.<locale>.yaml`: question key → answers, each with the level 1–5 that one reader gave the
whole of it. They come with the product and are of nobody; a company's own answers never get here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec
import yaml

from duilian.customization.lab.lines import Line
from duilian.customization.labels.items import references
from duilian.customization.packs import SHIPPED, shipped_sets
from duilian.customization.schemas import LOCALES, Question, QuestionSet, words


class Marked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    level: int
    text: str


@cache
def answers(industry: str, set_key: str, locale: str) -> dict[str, list[Marked]]:
    """By question; {} where the pack has none."""
    file = SHIPPED / industry / "marked" / f"{set_key}.{locale}.yaml"
    return (
        msgspec.convert(yaml.safe_load(file.read_text("utf-8")), dict[str, list[Marked]])
        if file.is_file()
        else {}
    )


def lines(industry: str, competency: str) -> list[Line]:
    """For a model of this competency: answers to the industry's questions that ask for it; where none does, all of them, each
    under the first competency of its question. [] for an industry without a pack."""
    found = [(sets, question) for sets in shipped_sets(industry) for question in sets.questions]
    asking = [(sets, question) for sets, question in found if competency in question.competencies]
    return [
        line
        for sets, question in asking or found
        for line in _lines(sets, question, competency if asking else question.competencies[0])
    ]


def _lines(sets: QuestionSet, question: Question, competency: str) -> Iterator[Line]:
    for locale in LOCALES:
        for one in answers(sets.industry, sets.key, locale).get(question.key, []):
            yield Line(
                item=f"{sets.industry}/{sets.key}/{question.key}/{locale}", question=words(question.text, locale),
                reference=references(sets, question, competency, locale), answer=one.text, score=float(one.level),
            )  # fmt: skip
