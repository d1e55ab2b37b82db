"""The order of questions (题目顺序): easy ones first, by how people did and by what they said; unclear ones flagged."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Literal

import msgspec
import numpy as np
from scipy import stats

from duilian.customization.measurement.results import Estimate, Floats, estimate, refused, wilson

LEAST = 30  # people who answered a question
LEAST_WORDS = 10  # people who said something of it
WORDS = 0.15  # of the scale: what "too hard" from everybody adds to a question's difficulty
CAUTION = 10
UNCLEAR = 0.1  # share above which the interval must lie for a question to be flagged
Why = Literal["", "few", "same"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What candidates said of a question. n: who said how hard it was; asked: who said anything."""

    hard: int = 0
    right: int = 0
    easy: int = 0
    unclear: int = 0
    asked: int = 0

    @property
    def n(self) -> int:
        return self.hard + self.right + self.easy


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """level: mean level reached, 1–5. hardness: 0 easy, 1 hard, by both. reword: many found it unclear.

    contradicts: found hard where people did well beside the others, or easy where they did badly.
    """

    question: str
    level: Estimate
    hardness: float | None
    said: Said
    unclear: Estimate
    reword: bool
    contradicts: bool


class OrderFit(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Item]
    present: list[str]
    proposed: list[str]
    least: int
    why: Why


def fit(present: Sequence[str], fixed: Sequence[str], levels: Floats, said: dict[str, Said]) -> OrderFit:
    """levels: (people, questions) in the present order, nan where there is none. fixed: questions that stay in place."""
    middle = float(np.nanmean(levels)) if np.isfinite(levels).any() else 3.0
    items = [_item(key, levels[:, i], said.get(key, Said()), middle) for i, key in enumerate(present)]
    hardness = {one.question: one.hardness for one in items}
    free = [i for i, key in enumerate(present) if key not in fixed]
    column = {key: levels[:, i] for i, key in enumerate(present)}
    moved = _sorted([present[i] for i in free], hardness, column)
    proposed = list(present)
    for place, key in zip(free, moved, strict=True):
        proposed[place] = key
    few = sum(hardness[present[i]] is not None for i in free) < 2
    why: Why = "few" if few else "same" if proposed == list(present) else ""
    return OrderFit(items=items, present=list(present), proposed=proposed, least=LEAST, why=why)


def _item(key: str, levels: Floats, said: Said, middle: float) -> Item:
    known = levels[np.isfinite(levels)]
    level = _mean(known)
    words = (said.hard - said.easy) / said.n if said.n >= LEAST_WORDS else 0.0
    hardness = None
    if level.value is not None:
        hardness = (5 - level.value) / 4 + WORDS * words * said.n / (said.n + CAUTION)
    unclear = wilson(said.unclear, said.asked, LEAST_WORDS)
    above = level.value is not None and abs(words) >= 0.25 and (level.value > middle) == (words > 0)
    return Item(
        question=key, level=level, hardness=hardness, said=said, unclear=unclear,
        reword=unclear.low is not None and unclear.low > UNCLEAR, contradicts=above,
    )  # fmt: skip


def _mean(known: Floats) -> Estimate:
    n = int(known.size)
    if n < LEAST:
        return refused("few", n, LEAST)
    wide = float(stats.t.ppf(0.975, n - 1)) * float(known.std(ddof=1)) / sqrt(n)
    return estimate(float(known.mean()), float(known.mean()) - wide, float(known.mean()) + wide, n, LEAST)


def _sorted(keys: list[str], hardness: dict[str, float | None], column: dict[str, Floats]) -> list[str]:
    """Neighbours change places while the first is clearly harder: every change lessens disorder, so it ends."""
    moved, again = list(keys), True
    while again:
        again = False
        for place in range(len(moved) - 1):
            first, second = moved[place], moved[place + 1]
            if _harder(first, second, hardness, column):
                moved[place], moved[place + 1] = second, first
                again = True
    return moved


def _harder(first: str, second: str, hardness: dict[str, float | None], column: dict[str, Floats]) -> bool:
    """By both accounts, and the same people did clearly worse at it."""
    a, b = hardness[first], hardness[second]
    if a is None or b is None or a <= b:
        return False
    gap = column[second] - column[first]
    gap = gap[np.isfinite(gap)]
    if gap.size < LEAST:
        return False
    wide = float(stats.t.ppf(0.975, gap.size - 1)) * float(gap.std(ddof=1)) / sqrt(gap.size)
    return float(gap.mean()) - wide > 0
