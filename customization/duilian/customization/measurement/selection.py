"""Who a model's marks would choose (入选比): the better half by its marks, by group, beside the same by the human marks.

Rule of four fifths with a test: Uniform Guidelines 1978, 29 CFR 1607.4 D; groups are self-declared.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from duilian.customization.measurement.fairness import LEAST, GroupRow, impact
from duilian.customization.measurement.results import Estimate, Floats, floats


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """One group beside the one chosen most often. rate: share of its people in the better half by the model's marks.

    ratio: its rate over the reference's, with Katz's interval; holm: Fisher's exact test, corrected for all groups of the
    question. human_rate, human_reference_rate: of the same two groups by the human marks, so that a reader sees whether
    the labels already carry the difference.
    """

    group: str
    reference: str
    n: int
    rate: float
    reference_rate: float
    ratio: Estimate
    holm: float | None
    adverse: bool
    human_rate: float
    human_reference_rate: float


def selections(
    groups: Sequence[str], human: ArrayLike, machine: ArrayLike, least: int = LEAST
) -> list[Selection]:
    """groups, human, machine: one entry a person, shape (n,). Empty where fewer than two groups have `least` people.

    The border is the median of these people's marks, the machine's and the humans' each its own: half pass by either.
    """
    labels, marks = np.asarray(groups, dtype=str), floats(machine)
    chosen, by_humans = _better_half(marks), _better_half(floats(human))
    found = impact(groups, chosen.tolist(), marks, least)
    rates = {row.group: row.rate or 0.0 for row in found.rows}
    return [
        _selection(row, found.reference, rates, labels, by_humans)
        for row in found.rows
        if not row.is_reference
    ]


def _better_half(marks: Floats) -> np.ndarray:
    """Who reaches the median; with tied marks more than half do. Shape (n,), bool."""
    return marks >= np.median(marks) if marks.size else np.zeros(0, dtype=bool)


def _selection(
    row: GroupRow, reference: str, rates: dict[str, float], labels: np.ndarray, by_humans: np.ndarray
) -> Selection:
    return Selection(
        group=row.group, reference=reference, n=row.n, rate=rates[row.group], reference_rate=rates[reference],
        ratio=row.ratio, holm=row.holm, adverse=row.adverse, human_rate=float(by_humans[labels == row.group].mean()),
        human_reference_rate=float(by_humans[labels == reference].mean()),
    )  # fmt: skip
