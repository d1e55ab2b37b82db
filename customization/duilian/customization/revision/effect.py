"""What a change would have done to interviews of the past (影响预演): how many totals, by how much, who crosses a border."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from duilian.customization.measurement.bootstrap import interval
from duilian.customization.measurement.fairness import Impact, impact
from duilian.customization.measurement.results import Estimate, Floats
from duilian.customization.revision.ranking import border_of, ranks_alike

LEAST = 20  # interviews, under which nothing is told
LEAST_DECIDED, LEAST_EACH = 20, 5  # decided ones, for a border to be read off them
LEAST_GAIN = 0.2  # Youden's index, under which decisions do not follow the total
VISIBLE = 0.05  # points: totals are shown in tenths
EDGES = (-1.0, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0)  # points: borders of the distribution's bins


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Totals on 0–10, after minus before. bins: numbers between `edges`, the ends open. quarters: 25, 50, 75 %."""

    n: int
    changed: int
    mean: float
    largest: float
    quarters: list[float]
    edges: list[float]
    bins: list[int]
    rank: Estimate


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """border: a total. up: below it before, not after; down: the other way. decided: cases it was read off, 0 where given."""

    border: float
    up: int
    down: int
    decided: int


class Groups(msgspec.Struct, frozen=True, kw_only=True):
    """Shares at or above the border by self-declared group, before and after. Small groups are not named."""

    question: str
    before: Impact
    after: Impact


def change(before: Floats, after: Floats, people: Sequence[str]) -> Change | None:
    """None below `LEAST` interviews."""
    n = len(before)
    if n < LEAST:
        return None
    by = after - before
    return Change(
        n=n,
        changed=int((np.abs(by) >= VISIBLE - 1e-9).sum()),
        mean=float(by.mean()),
        largest=float(by[np.argmax(np.abs(by))]),
        quarters=np.quantile(by, [0.25, 0.5, 0.75]).tolist(),
        edges=list(EDGES),
        bins=np.bincount(np.digitize(by, EDGES), minlength=len(EDGES) + 1).tolist(),
        rank=interval(ranks_alike, before, after, clusters=people, least=LEAST, replicates=300),
    )


def usual_border(before: Floats, advanced: Floats) -> tuple[float, int] | None:
    """The total from which on people were passed on, and how many decisions say so; None where too few do, or
    where they do not follow the total.

    advanced: (n,) one, nought, or nan where nobody decided.
    """
    known = np.isfinite(advanced)
    sides = int((advanced[known] > 0).sum())
    n = int(known.sum())
    if n < LEAST_DECIDED or min(sides, n - sides) < LEAST_EACH:
        return None
    border, gain = border_of(before[known], advanced[known])
    return (border, n) if gain >= LEAST_GAIN else None


def crossing(before: Floats, after: Floats, border: float, decided: int = 0) -> Crossing:
    old, new = before >= border - 1e-9, after >= border - 1e-9
    return Crossing(border=border, up=int((~old & new).sum()), down=int((old & ~new).sum()), decided=decided)


def compared(question: str, groups: Sequence[str], before: Floats, after: Floats, border: float) -> Groups:
    """One entry a person, of people who declared. People left out are not counted either: it would single them out."""
    old = impact(groups, [bool(one) for one in before >= border - 1e-9], before)
    new = impact(groups, [bool(one) for one in after >= border - 1e-9], after)
    return Groups(
        question=question,
        before=msgspec.structs.replace(old, left_out=0),
        after=msgspec.structs.replace(new, left_out=0),
    )
