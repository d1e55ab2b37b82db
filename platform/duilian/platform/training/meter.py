"""Counting what a run takes while it runs: CPU time of its threads and of its tasks elsewhere, waiting for the model tier."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Result = TypeVar("Result")
Given = ParamSpec("Given")


class Meter:
    """core_seconds: CPU time so far; tier_seconds: by the clock, of calls of the model tier."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.core_seconds = 0.0
        self.tier_seconds = 0.0

    @property
    def seconds(self) -> float:
        """By the clock, since the run was begun here."""
        return time.monotonic() - self._began

    @contextmanager
    def tier(self) -> Generator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.tier_seconds += time.monotonic() - began


def measured(
    work: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs
) -> tuple[Result, float]:
    """The work's result and the CPU seconds of this thread, which are all that it takes: BLAS keeps to one thread."""
    one_thread()
    began = time.thread_time()
    result = work(*arguments, **named)
    return result, time.thread_time() - began


@cache
def one_thread() -> None:
    """For the life of this process. A sum over several threads may differ in its last bit; a model must not, wherever it
    is learned; and a worker already runs its jobs side by side."""
    threadpool_limits(limits=1, user_api="blas")
