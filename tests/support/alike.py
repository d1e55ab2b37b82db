"""Two answers that must say the same, computed in two places."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest


def assert_same(one: Any, other: Any) -> None:
    """Words and structure to the letter, numbers to 1e-3: two processes may have loaded other mathematics first."""
    if isinstance(one, msgspec.Struct):
        assert type(one) is type(other)
        one, other = msgspec.structs.asdict(one), msgspec.structs.asdict(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            same = _vectors if key == "vectors" else assert_same
            same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-3)
    else:
        assert one == other


def _vectors(one: bytes, other: bytes) -> None:
    rows = [np.frombuffer(found, "<f4") for found in (one, other)]
    assert rows[0].size and np.abs(rows[0] - rows[1]).max() < 1e-3
