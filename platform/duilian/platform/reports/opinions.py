"""What a language model said beside the scores (scoring.rubric_judgement) in the reader's words, for page and PDF alike."""

from __future__ import annotations

from typing import Any

from duilian.platform.web.words import t
from duilian.serving.scoring.opinion import LEAST

Json = dict[str, Any]


def said(content: Json, locale: str) -> dict[str, list[tuple[int, list[str]]]]:
    """By competency: each answer that it was asked about, by its position, in sentences."""
    position = {answer["key"]: answer["position"] for answer in content["answers"]}
    return {
        competency["key"]: [
            (position[one["answer"]], lines(one, locale)) for one in competency.get("opinions", [])
        ]
        for competency in content["competencies"]
    }


def lines(one: Json, locale: str) -> list[str]:
    if one["outcome"] == "none":
        return [t(locale, f"opinion.none.{one['code'].replace('-', '_')}")]
    quotes = t(locale, "opinion.comma").join(
        t(locale, "opinion.quote", text=q["quote"]) for q in one["quotes"]
    )
    found = [t(locale, "opinion.said", level=one["level"], quotes=quotes)]
    if one["outcome"] != "used":
        return [*found, t(locale, f"opinion.{one['outcome']}")]
    weight = "opinion.measured" if one["labels"] >= LEAST else "opinion.unmeasured"
    known = t(locale, weight, labels=one["labels"], spread=f"{one['spread']:.1f}")
    moved = t(locale, "opinion.moved", before=f"{one['before']:.1f}", after=f"{one['after']:.1f}")
    return [*found, known, moved]
