"""A learned model's account of its judgement (scoring.explaining) in the reader's words, for page and PDF alike."""

from __future__ import annotations

from math import exp
from typing import Any

from duilian.platform.web.words import t

Json = dict[str, Any]
SHARES = frozenset({"points", "order", "terms", "focus", "own_words"})


def said(content: Json, locale: str) -> dict[str, list[tuple[int, list[str]]]]:
    """By competency: each answer that a model of the company's own judged, by its position, in sentences."""
    position = {answer["key"]: answer["position"] for answer in content["answers"]}
    return {
        competency["key"]: [
            (position[why["answer"]], lines(why, locale)) for why in competency.get("why", [])
        ]
        for competency in content["competencies"]
    }


def lines(why: Json, locale: str) -> list[str]:
    found = [_marked(why, locale), *(_moved(one, locale) for one in why["moved"])]
    found += [_near(why, locale)] if why["near"] else []
    found += [_points(why, locale)] if why["points"] else []
    found += [_short_of(one, locale) for one in why["short_of"][:3]]
    return found + ([_lift(why, locale)] if why["lift"] else [])


def _marked(why: Json, locale: str) -> str:
    key = "why.marked" if why["labels"] else "why.marked_unknown"
    numbers = {"mark": f"{why['expected']:.1f}", "spread": f"{why['spread']:.1f}", "labels": why["labels"]}
    return t(locale, key, **numbers, share=round(100 * why["trust"]))


def _moved(one: Json, locale: str) -> str:
    key = "why.raised" if one["effect"] > 0 else "why.lowered"
    return t(locale, key, text=one["text"], effect=f"{abs(one['effect']):.1f}")


def _near(why: Json, locale: str) -> str:
    levels = [t(locale, "why.near_one", level=one["level"], n=one["answers"]) for one in why["near"]]
    return t(locale, "why.near", n=sum(one["answers"] for one in why["near"]), levels=_joined(levels, locale))


def _points(why: Json, locale: str) -> str:
    """Those that would lower the mark are named without a number: nobody is advised to leave them out."""
    said = [
        t(
            locale,
            "why.point" if one["effect"] >= 0.1 else "why.point_alone",
            text=one["text"],
            effect=f"{one['effect']:.1f}",
        )
        for one in why["points"]
    ]
    return t(locale, "why.points", points=_joined(said, locale))


def _short_of(one: Json, locale: str) -> str:
    return t(
        locale, "why.short_of", fact=_name(one, locale), value=_number(one, "value"), wanted=_number(one, "wanted"),
        effect=f"{one['effect']:.1f}",
    )  # fmt: skip


def _lift(why: Json, locale: str) -> str:
    changes = [
        t(
            locale,
            "why.change",
            fact=_name(one, locale),
            value=_number(one, "value"),
            wanted=_number(one, "wanted"),
        )
        for one in why["lift"]
    ]
    enough = why["lifted"] >= why["expected"] + 1
    key = "why.lift" if enough else "why.lift_not_enough"
    return t(locale, key, changes=_joined(changes, locale), mark=f"{why['lifted']:.1f}")


def _name(one: Json, locale: str) -> str:
    return t(locale, f"why.fact.{one['fact']}")


def _number(one: Json, which: str) -> str:
    if one["fact"] in SHARES:
        return f"{100 * one[which]:.0f}%"
    return str(round(exp(one[which]) - 1)) if one["fact"] == "detail" else f"{one[which]:.1f}"


def _joined(parts: list[str], locale: str) -> str:
    return t(locale, "why.comma").join(parts)
