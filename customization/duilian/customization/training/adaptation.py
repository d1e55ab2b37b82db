"""Whether a model keeps its adapter: only if on held-out people it does better with it than without."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from duilian.customization.lab.judging import Judged
from duilian.customization.lab.lines import Line
from duilian.customization.measurement.results import Estimate
from duilian.customization.training.evaluating import compared
from duilian.customization.training.gates import WORSE


class Adaptation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an adapter. without, adapted: QWK on held-out people; difference: adapted − without, same lines.

    sha256: of the adapter learned from all labels; seconds: of all the fine-tuning, folds included.
    """

    used: bool
    without: Estimate
    adapted: Estimate
    difference: Estimate
    sha256: str
    seconds: float


def decided(
    lines: Sequence[Line], plain: Sequence[Judged], adapted: Sequence[Judged], sha256: str, seconds: float
) -> Adaptation:
    """plain, adapted: each line judged by a model, and an adapter, that had seen nothing of its person."""
    found = compared(lines, plain, adapted)
    value, low = found.difference.value, found.difference.low
    used = value is not None and low is not None and value > 0 and low >= -WORSE
    return Adaptation(
        used=used, without=found.first, adapted=found.second, difference=found.difference, sha256=sha256,
        seconds=round(seconds, 1),
    )  # fmt: skip
