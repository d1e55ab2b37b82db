"""Cases left out (交叉验证): whole people, by turns, so that nobody is judged by what was fitted to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from duilian.customization.measurement.bootstrap import SEED

FOLDS = 5
Rows = NDArray[np.int64]


def folds(people: Sequence[str]) -> Iterator[tuple[Rows, Rows]]:
    """(rows to fit on, rows left out); every row is left out once. The same people give the same folds."""
    _, owner = np.unique(np.asarray(people, dtype=str), return_inverse=True)
    count = int(owner.max()) + 1 if owner.size else 0
    turn = np.random.default_rng(SEED).permutation(count) % FOLDS
    for number in range(min(FOLDS, count)):
        out = turn[owner] == number
        yield np.flatnonzero(~out), np.flatnonzero(out)
