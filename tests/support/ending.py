"""Programs that start others and may be told to stop: whatever they started goes with them."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(main: Callable[[], None]) -> None:
    """main, in which being asked to end unwinds every `with` and `finally`; meanwhile nobody interrupts a second time.

    The exit code is 128 and the signal's number, as a shell would say it. Main thread only.
    """
    for number in ASKING:
        signal.signal(number, _unwind)
    main()


def _unwind(number: int, _frame: FrameType | None) -> None:
    for other in ASKING:
        signal.signal(other, signal.SIG_IGN)
    for child in multiprocessing.active_children():  # a pool waits for what its processes still do
        child.terminate()
    sys.exit(128 + number)
