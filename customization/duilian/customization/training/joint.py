"""How far off the rubric and a learned model are together, measured on people whom the model has not seen.

Each knows its own error; together they would be off by less if these errors had nothing to do with one another. They
read the same words, so the error of both is measured instead, where the two judge as they will judge live.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from duilian.customization.lab.judging import Judged
from duilian.customization.lab.lines import Line
from duilian.serving.scoring.learned.model import STEADY

LEAST, MOST = 0.8, 2.5
# Labels with as much say as the assumption that the rubric is right on the whole: the square of what it is off by on one
# answer (0.85 levels) by that of what its weights may be off by on all (0.45).
RUBRIC = 3.6
HALF_OF_90 = 1.645  # standard deviations on either side that hold nine tenths of a normal distribution


def joint_error(lines: Sequence[Line], judged: Sequence[Judged]) -> float:
    """Measured error by the stated one (root mean square); judged: with the error as if the two had nothing to do with one
    another. Nearer to 1 with fewer labels: STEADY of them have as much say as the assumption."""
    strays = [
        (line.score - said.expected) / said.standard_error
        for line, said in zip(lines, judged, strict=True)
        if line.score is not None and said.expected is not None and said.standard_error
    ]
    found = np.sqrt((np.square(strays).sum() + STEADY) / (len(strays) + STEADY))
    return float(np.clip(found, LEAST, MOST))


def rubric_offset(lines: Sequence[Line], judged: Sequence[Judged]) -> float:
    """Levels by which readers mark higher than the rubric alone (`judged`), nought where they agree on the whole: how severe
    hand-set weights are is the first thing that labels tell. Nearer to 0 with fewer labels: RUBRIC of them
    have as much say as the assumption."""
    gaps = [
        line.score - said.expected
        for line, said in zip(lines, judged, strict=True)
        if line.score is not None and said.expected is not None
    ]
    return float(sum(gaps) / (len(gaps) + RUBRIC))


def with_interval(said: Judged) -> Judged:
    """Ends that are to hold nine of ten readers' marks, from the error as it is stated."""
    if said.expected is None or said.standard_error is None:
        return said
    reach = HALF_OF_90 * said.standard_error
    low, high = (min(5.0, max(1.0, said.expected + side * reach)) for side in (-1, 1))
    return msgspec.structs.replace(said, low=low, high=high)
