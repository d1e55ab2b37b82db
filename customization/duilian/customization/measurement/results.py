"""What a measurement says: a value with its interval and its n, or why there is none."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Reason = Literal["", "few", "no_variance", "not_linked", "not_estimable"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """value: None where `reason` says why. low, high: ends of the interval at `confidence`. least: the n that is asked for."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int
    least: int = 0
    confidence: float = 0.95
    reason: Reason = ""

    @property
    def known(self) -> bool:
        return self.value is not None


def refused(reason: Reason, n: int, least: int = 0) -> Estimate:
    return Estimate(n=n, least=least, reason=reason)


def estimate(value: float, low: float, high: float, n: int, least: int = 0) -> Estimate:
    """A value without a finite interval keeps the value; one that is no number is refused for want of variance."""
    if not isfinite(value):
        return refused("no_variance", n, least)
    return Estimate(value=float(value), low=_finite(low), high=_finite(high), n=n, least=least)


def wilson(hits: int, n: int, least: int = 1) -> Estimate:
    """A share with Wilson's interval (1927)."""
    if n < max(1, least):
        return refused("few", n, least)
    p, z = hits / n, 1.959964
    middle, wide = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return estimate(p, (middle - wide) / (1 + z * z / n), (middle + wide) / (1 + z * z / n), n, least)


def _finite(number: float) -> float | None:
    return float(number) if isfinite(number) else None


def floats(values: ArrayLike) -> Floats:
    """A float64 array of the same shape."""
    return np.asarray(values, dtype=np.float64)


def pairs(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    """Both as vectors of shape (n,), without the places where either is missing (nan). Raises ValueError on other shapes."""
    a, b = floats(first), floats(second)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"two vectors of one length are needed, not {a.shape} and {b.shape}")
    both = np.isfinite(a) & np.isfinite(b)
    return a[both], b[both]


def plain(result: msgspec.Struct) -> Any:  # Any: what JSON holds
    return msgspec.to_builtins(result)
