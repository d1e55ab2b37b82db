"""Token buckets (令牌桶) in memory: so many requests a minute for a key, filled evenly.

Kept as one number per key, the moment at which the bucket will be full again (the theoretical arrival time of the
generic cell rate algorithm, ITU-T I.371), so a bucket costs a dictionary entry and a full one costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

WINDOW = 60.0  # seconds


@dataclass(frozen=True)
class Quota:
    """What a caller is told. limit and left in requests; resets: seconds until the bucket is full; wait: until the next."""

    name: str
    limit: int
    left: int
    resets: int
    wait: float

    @property
    def allowed(self) -> bool:
        return self.wait == 0.0


class Buckets:
    """Buckets of one kind. most: keys kept at a time; the one untouched the longest gives way."""

    def __init__(self, name: str, per_minute: int, most: int = 100_000) -> None:
        self.name, self.limit, self._most = name, per_minute, most
        self._step = WINDOW / per_minute
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, at: float) -> Quota:
        """One request of `key` at `at` (seconds of a clock that only goes forward). A refused one takes nothing."""
        full_at = max(self._full_at.get(key, at), at) + self._step
        missing = full_at - at
        if missing > WINDOW + 1e-9:
            return self._quota(missing - self._step, wait=missing - WINDOW)
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        self._forget(at)
        return self._quota(missing, wait=0.0)

    def _quota(self, missing: float, wait: float) -> Quota:
        left = int((WINDOW - missing) / self._step + 1e-6)
        return Quota(self.name, self.limit, max(0, left), ceil(missing), wait)

    def _forget(self, at: float) -> None:
        """The oldest entry if its bucket is full, or if there are too many."""
        oldest = next(iter(self._full_at))
        if self._full_at[oldest] <= at or len(self._full_at) > self._most:
            del self._full_at[oldest]
