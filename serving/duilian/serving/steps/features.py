"""Whisper's input: log-mel spectrograms (Radford et al. 2022), to the last bit the same on any number of cores.

A matrix product would be summed in another order on another number of threads, and eight-bit weights make
visible differences of it; so each triangular filter is summed over its own few frequencies, in order.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]
RANGE = 8.0  # powers of ten below the loudest value that are kept


class LogMel:
    """filters: mel filter bank, shape (mels, size // 2 + 1). size, hop: samples per frame and between frames."""

    def __init__(self, filters: Floats, size: int, hop: int) -> None:
        self._size, self._hop = size, hop
        self._window = np.hanning(size + 1)[:-1].astype(np.float32)
        self._bands = [_band(row) for row in filters]

    def __call__(self, samples: Floats) -> Floats:
        """samples: float32 at 16 kHz, shape (samples,), at least half a frame. Shape (mels, frames of 10 ms)."""
        padded = np.pad(samples, self._size // 2, mode="reflect")
        frames = sliding_window_view(padded, self._size)[:: self._hop][:-1] * self._window
        power = np.square(np.abs(np.fft.rfft(frames, axis=1).astype(np.complex64))).T
        mels = np.stack([(power[low:high] * weights).sum(axis=0) for low, high, weights in self._bands])
        logs = np.log10(np.maximum(mels, np.float32(1e-10)))
        return (np.maximum(logs, logs.max() - np.float32(RANGE)) + np.float32(4)) / np.float32(4)


def _band(row: Floats) -> tuple[int, int, Floats]:
    """The frequencies one filter covers, and its weights there, shape (frequencies, 1)."""
    covered = np.flatnonzero(row)
    low, high = (int(covered[0]), int(covered[-1]) + 1) if len(covered) else (0, 1)
    return low, high, row[low:high, None]
