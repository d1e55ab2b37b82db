"""Cut points that people's marks ask for: by how much they stand above or below the machine's, as they are cut now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from duilian.customization.cuts import placed, shifted
from duilian.customization.measurement.agreement import qwk
from duilian.customization.measurement.bootstrap import interval, paired_difference
from duilian.customization.measurement.results import Estimate, Floats, refused
from duilian.customization.revision.folds import folds
from duilian.customization.schemas import HALFWAY, Cuts

LEAST = 30  # marked answers
LEAST_PEOPLE = 10
STEP = 0.3  # levels that borders move at most in one proposal
LEAST_STEP = 0.1
CAUTION = 10  # answers that a shift is shrunk by: of n, n / (n + CAUTION) is believed
GRAIN = 0.05
LEVELS = (1, 2, 3, 4, 5)
Why = Literal["", "few", "same", "small"]


class BorderFit(msgspec.Struct, frozen=True, kw_only=True):
    """difference: people's marks minus the machine's, levels; above nought the machine is too strict.

    before, held_out: quadratic weighted kappa with people's marks as cut now, and by how much it rises on answers of
    people whom the shift was not fitted to. why: nothing is proposed; "" where something is.
    """

    competency: str
    n: int
    people: int
    least: int
    least_people: int
    difference: Estimate
    present: Cuts
    proposed: Cuts
    before: Estimate
    held_out: Estimate
    why: Why


def fit(competency: str, cuts: Cuts | None, human: Floats, mean: Floats, people: Sequence[str]) -> BorderFit:
    """human: (n,) levels that people gave; mean: (n,) the judges' own means, 1–5, before any cutting."""
    n, count = len(human), len(set(people))
    present = cuts or HALFWAY
    enough = n >= LEAST and count >= LEAST_PEOPLE
    machine = cut(mean, cuts)
    difference = (
        interval(np.mean, human - machine, clusters=people, least=LEAST, replicates=500)  # pyright: ignore[reportArgumentType]  # a statistic
        if enough
        else refused("few", n, LEAST)
    )
    before, held_out, proposed = refused("few", n, LEAST), refused("few", n, LEAST), present
    if enough:
        proposed = _moved(cuts, human - machine)
        before = interval(_kappa, human, machine, clusters=people, least=LEAST, replicates=300)
        held_out = _held_out(cuts, human, mean, people)
    why = _why(enough, difference, present, proposed)
    return BorderFit(
        competency=competency, n=n, people=count, least=LEAST, least_people=LEAST_PEOPLE, difference=difference,
        present=present, proposed=proposed if not why else present, before=before, held_out=held_out, why=why,
    )  # fmt: skip


def agreement(
    cuts: Cuts | None, others: Cuts | None, human: Floats, mean: Floats, people: Sequence[str]
) -> tuple[Estimate, Estimate]:
    """Kappa as cut now, and by how much it rises with `others`: for borders that a person chose, which fit nothing."""
    old, new = cut(mean, cuts), cut(mean, others)
    options = {"clusters": people, "least": LEAST, "replicates": 300}
    now = interval(_kappa, human, old, clusters=people, least=LEAST, replicates=300)
    return now, paired_difference(_kappa, human, old, new, **options)


def cut(mean: Floats, cuts: Cuts | None) -> Floats:
    """(n,) on the scale of levels."""
    return np.array([placed(float(one), cuts) for one in mean])


def _why(enough: bool, difference: Estimate, present: Cuts, proposed: Cuts) -> Why:
    if not enough:
        return "few"
    low, high = difference.low, difference.high
    if low is None or high is None or low <= 0 <= high:
        return "same"
    return "" if abs(proposed[1] - present[1]) >= LEAST_STEP - 1e-9 else "small"


def _moved(cuts: Cuts | None, difference: Floats) -> Cuts:
    n, middle = len(difference), float(difference.mean())
    by = float(np.clip(middle * n / (n + CAUTION), -STEP, STEP))
    return shifted(cuts, -round(by / GRAIN) * GRAIN)


def _held_out(cuts: Cuts | None, human: Floats, mean: Floats, people: Sequence[str]) -> Estimate:
    old, new = cut(mean, cuts), np.empty(len(human))
    for inside, outside in folds(people):
        moved = _moved(cuts, human[inside] - old[inside]) if inside.size else cuts
        new[outside] = cut(mean[outside], moved)
    return paired_difference(_kappa, human, old, new, clusters=people, least=LEAST, replicates=300)


def _kappa(human: Floats, machine: Floats) -> float:
    return qwk(human, machine, LEVELS)
