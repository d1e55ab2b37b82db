"""A request that was given up stops costing: its work looks here between two pieces and ends.

A thread cannot be stopped from outside, so long work asks: `check()` between two windows, frames or texts.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


class Abandoned(Exception):
    """Nobody waits for this work any more."""


@contextmanager
def stopped_by(stop: threading.Event) -> Generator[None]:
    """Within the block (and in copies of its context), `check` raises once `stop` is set."""
    token = _current.set(stop)
    try:
        yield
    finally:
        _current.reset(token)


def check() -> None:
    """Raises Abandoned if the work of this context was given up."""
    stop = _current.get()
    if stop is not None and stop.is_set():
        raise Abandoned
