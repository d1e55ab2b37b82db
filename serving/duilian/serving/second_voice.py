"""A second voice in an answer (第二人声): stretches that sound unlike the rest of the same recording.

No voice print (docs/decisions/0019): stretches of one recording are compared with each other, by the Bayesian
information criterion on cepstra (Chen & Gopalakrishnan 1998) and by pitch, and nothing but times leaves this module.
It is made to miss rather than to accuse: two voices of one pitch stay unnoticed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from duilian.serving.contracts import SAMPLE_RATE

Floats = NDArray[np.float64]
GAP = 0.6  # seconds over which a short stretch takes the next one in
STRETCH, SHORTEST = 3.0, 1.5  # seconds of the stretches that are compared
MOST_STRETCHES = 80
HOP = 160  # samples between frames: 10 ms
FRAME, PITCH_FRAME, TRANSFORM = 400, 640, 512
BANDS, CEPSTRA = 26, 16
LOWEST, HIGHEST = 70, 400  # hertz of a speaking voice
UNLIKE = 1.0  # gain of two models over one, in nats a frame of the smaller part
SEMITONES = 2.5  # between the pitches of the two
LEAST, MOST_SHARE = 2.5, 0.5  # seconds of the second voice, and its share at most
QUIET = 30  # percentile of power below which a frame tells nothing of a voice


Span = tuple[float, float]


@dataclass(frozen=True)
class _Voice:
    """Stretches taken as one voice, by what their frames sum up to. pitches: log2 of hertz, NaN where there is none."""

    spans: list[Span]
    pitches: list[float]
    frames: int
    total: Floats  # shape (CEPSTRA,)
    squares: Floats  # shape (CEPSTRA, CEPSTRA)

    @property
    def seconds(self) -> float:
        return sum(end - start for start, end in self.spans)

    @cached_property
    def spread(self) -> float:
        """Logarithm of the covariance's determinant."""
        mean = self.total / self.frames
        covariance = self.squares / self.frames - np.outer(mean, mean) + 1e-3 * np.eye(CEPSTRA)
        return float(np.linalg.slogdet(covariance)[1])

    def joined(self, other: _Voice) -> _Voice:
        return _Voice(
            self.spans + other.spans,
            self.pitches + other.pitches,
            self.frames + other.frames,
            self.total + other.total,
            self.squares + other.squares,
        )


def second_voice(samples: NDArray[np.int16], speech: Sequence[Span]) -> list[Span]:
    """samples: int16 mono at 16 kHz; speech: where somebody speaks. Both spans in seconds: start and end, in order.

    Voice activity and not the recognised words: a recogniser may leave out the quieter of two.
    """
    sound = samples.astype(np.float64) / 32768
    voices = _two([v for a, b in _stretches(speech) if (v := _measured(sound, a, b)) is not None])
    if len(voices) != 2 or not _differ(*voices):
        return []
    return _together(sorted(min(voices, key=lambda voice: voice.seconds).spans))


def _stretches(speech: Sequence[Span]) -> list[Span]:
    """Speech between pauses, cut into pieces of about three seconds; longer ones where there would be too many.

    A stretch too short to be compared takes the next one in, where that follows closely.
    """
    spans: list[list[float]] = []
    for start, end in speech:
        if spans and spans[-1][1] - spans[-1][0] < SHORTEST and start - spans[-1][1] < GAP:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    piece = max(STRETCH, sum(b - a for a, b in spans) / MOST_STRETCHES)
    edges = [np.linspace(a, b, max(1, round((b - a) / piece)) + 1) for a, b in spans]
    pieces = [(float(a), float(b)) for cut in edges for a, b in itertools.pairwise(cut)]
    return [(a, b) for a, b in pieces if b - a >= SHORTEST]


def _measured(sound: Floats, start: float, end: float) -> _Voice | None:
    piece = sound[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
    if len(piece) < SHORTEST * SAMPLE_RATE * 0.9:
        return None
    power = np.square(np.abs(np.fft.rfft(_frames(piece, FRAME) * np.hamming(FRAME), TRANSFORM)))
    cepstra = np.log(np.maximum(power @ _FILTERS.T, 1e-9)) @ _COSINES.T
    loud = power.sum(axis=1) > np.percentile(power.sum(axis=1), QUIET)
    kept = cepstra[loud]
    return _Voice([(start, end)], [_pitch(piece, loud)], len(kept), kept.sum(axis=0), kept.T @ kept)


def _frames(piece: Floats, size: int) -> Floats:
    return sliding_window_view(piece, size)[::HOP]


def _pitch(piece: Floats, loud: NDArray[np.bool_]) -> float:
    """Median by autocorrelation over frames that are clearly voiced."""
    frames = _frames(piece, PITCH_FRAME)
    count = min(len(frames), len(loud))
    frames = frames[:count] - frames[:count].mean(axis=1, keepdims=True)
    spectrum = np.square(np.abs(np.fft.rfft(frames, 4 * TRANSFORM)))
    first, last = SAMPLE_RATE // HIGHEST, SAMPLE_RATE // LOWEST
    lags = np.fft.irfft(spectrum)[:, : last + 1]
    even = lags / np.maximum(lags[:, :1], 1e-12) * PITCH_FRAME / (PITCH_FRAME - np.arange(last + 1))
    likely = even[:, first:].argmax(axis=1)
    voiced = (even[:, first:].max(axis=1) > 0.6) & loud[:count]
    if voiced.sum() < 15:
        return float("nan")
    return float(np.log2(np.median(SAMPLE_RATE / (likely[voiced] + first))))


def _two(voices: list[_Voice]) -> list[_Voice]:
    """The two that are left when the likest ones are joined again and again."""
    left = dict(enumerate(voices))
    pairs = itertools.combinations(left, 2)
    unlike: dict[tuple[int, int], float] = {(i, j): _unlike(left[i], left[j], whole=True) for i, j in pairs}
    for name in itertools.count(len(voices)):
        if len(left) <= 2:
            return list(left.values())
        i, j = min(unlike, key=unlike.__getitem__)
        joined = left.pop(i).joined(left.pop(j))
        unlike = {pair: value for pair, value in unlike.items() if not {i, j} & set(pair)}
        unlike |= {(other, name): _unlike(voice, joined, whole=True) for other, voice in left.items()}
        left[name] = joined
    raise AssertionError("each round leaves one fewer")


def _differ(first: _Voice, second: _Voice) -> bool:
    less, more = sorted((first.seconds, second.seconds))
    if less < LEAST or less > MOST_SHARE * (less + more):
        return False
    pitched = [[p for p in voice.pitches if not np.isnan(p)] for voice in (first, second)]
    if not all(pitched):
        return False
    apart = abs(median(pitched[0]) - median(pitched[1])) * 12
    return apart >= SEMITONES and _unlike(first, second, whole=False) >= UNLIKE


def _unlike(first: _Voice, second: _Voice, *, whole: bool) -> float:
    """What a Gaussian each explains better than one for both, less the price of its parameters, in nats a frame."""
    both = first.joined(second)
    gain = (both.frames * both.spread - first.frames * first.spread - second.frames * second.spread) / 2
    price = (CEPSTRA + CEPSTRA * (CEPSTRA + 1) / 2) / 2 * np.log(both.frames)
    return float((gain - price) / (both.frames if whole else min(first.frames, second.frames)))


def _together(spans: list[Span]) -> list[Span]:
    """Neighbouring stretches as one."""
    out: list[Span] = []
    for start, end in spans:
        if out and start - out[-1][1] < 1.0:
            out[-1] = (out[-1][0], round(end, 2))
        else:
            out.append((round(start, 2), round(end, 2)))
    return out


def _mel_filters() -> Floats:
    """Triangles evenly spaced on the mel scale from 80 to 7,600 Hz, shape (BANDS, TRANSFORM // 2 + 1)."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (80, 7600))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(TRANSFORM, 1 / SAMPLE_RATE)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return cast(Floats, np.maximum(0, np.minimum(rising, falling)))


_FILTERS = _mel_filters()
_COSINES: Floats = np.cos(np.pi / BANDS * (np.arange(BANDS) + 0.5) * np.arange(1, CEPSTRA + 1)[:, None])
