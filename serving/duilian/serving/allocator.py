"""Keeps the resident memory of a long-lived model process flat.

Sound, windows and activations of changing sizes come and go in many threads. Left to itself glibc raises the size from which it
gives blocks back to the system each time a larger one is freed, keeps an arena for each thread, and returns what is free only from
the end of an arena; so the process keeps growing towards the sum of every thread's largest batch. With the size held and few
arenas the peak of ten minutes' load fell from 1,006 to 889 MB, at the same throughput; yet after four bursts of 24 answers 288 of
612 MB were free and not returned, and under steady load it wandered over all that a burst had left free (700 MB before one, 840
after it). So all that is free goes back every two seconds, which takes 30 ms after a burst: 580 MB before, 625 after
(benchmarks/mixed_load.py). Smaller sizes cost more than they save: at 1 MB a tenth fewer answers were done for 7 % of memory, at 256 KB half of the process's time went into page faults.
See mallopt(3), malloc_trim(3).
"""

from __future__ import annotations

import ctypes
import threading

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # malloc.h
LARGE, KEPT, ARENAS = 4 << 20, 64 << 20, 2  # bytes, bytes, number
EVERY = 2.0  # seconds


def keep_flat() -> None:
    """Before models are loaded, once. Does nothing where the C library is not glibc."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for parameter, value in ((M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, KEPT)):
            libc.mallopt(parameter, value)
        threading.Thread(target=_give_back, args=(libc,), name="give-back", daemon=True).start()


def _give_back(libc: ctypes.CDLL) -> None:
    """The call lets go of Python's lock, so nobody waits for it but whoever allocates in the same arena."""
    resting = threading.Event()
    while not resting.wait(EVERY):
        libc.malloc_trim(0)
