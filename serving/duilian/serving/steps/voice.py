"""Voice activity (语音活动检测): where somebody speaks, how loud, and how far above the background.

Silero VAD gives a probability for every 32 ms; hysteresis turns them into spans.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from faster_whisper.vad import get_vad_model
from numpy.typing import NDArray

from duilian.serving.contracts import SAMPLE_RATE

FRAME = 512  # samples the model looks at: 32 ms
ONSET, OFFSET = 0.5, 0.35  # speech begins above the first and goes on above the second
SHORTEST_SPEECH = 0.1  # seconds; shorter is a click
SHORTEST_PAUSE = 0.2  # seconds; shorter lies within a word
MARGIN = 0.25  # seconds kept on either side, so that soft consonants stay
FLOOR_DBFS = -100.0


@dataclass(frozen=True)
class Span:
    """Seconds from the start of the audio."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Voice:
    """probabilities: of speech, one per 32 ms, shape (frames,). spans: where speech is, in order."""

    spans: list[Span]
    probabilities: NDArray[np.float32]
    speech_seconds: float
    loudness_dbfs: float
    signal_to_noise_db: float | None


class VoiceActivity:
    """The detector. Loading it raises if faster-whisper's asset is missing."""

    def __init__(self) -> None:
        self._model = get_vad_model()

    def listen(self, samples: NDArray[np.float32]) -> Voice:
        """samples: float32 mono at 16 kHz in [-1, 1], shape (samples,)."""
        padded = np.pad(samples, (0, -len(samples) % FRAME))
        probabilities = self._model(padded).reshape(-1) if len(samples) else np.zeros(0, np.float32)
        spans = spans_of(probabilities, len(samples) / SAMPLE_RATE)
        power = np.square(padded.reshape(-1, FRAME)).mean(axis=1)
        voiced = _voiced(probabilities, spans)
        return Voice(
            spans=spans,
            probabilities=probabilities,
            speech_seconds=sum(span.seconds for span in spans),
            loudness_dbfs=_decibels(float(power[voiced].mean())) if voiced.any() else FLOOR_DBFS,
            signal_to_noise_db=_signal_to_noise(power, voiced),
        )


def spans_of(probabilities: NDArray[np.float32], seconds: float) -> list[Span]:
    """Spans of speech with a margin; pauses under 0.2 s are bridged and clicks under 0.1 s dropped."""
    step = FRAME / SAMPLE_RATE
    raw: list[Span] = []
    start: int | None = None
    for i, p in enumerate([*probabilities.tolist(), 0.0]):
        if start is None and p >= ONSET:
            start = i
        elif start is not None and p < OFFSET:
            raw.append(Span(start * step, i * step))
            start = None
    bridged: list[Span] = []
    for span in raw:
        if bridged and span.start - bridged[-1].end < SHORTEST_PAUSE:
            bridged[-1] = Span(bridged[-1].start, span.end)
        else:
            bridged.append(span)
    long_enough = [span for span in bridged if span.seconds >= SHORTEST_SPEECH]
    return _with_margin(long_enough, seconds)


def _with_margin(spans: list[Span], seconds: float) -> list[Span]:
    """Widened by the margin, never into a neighbour: at most to the middle of the pause."""
    out: list[Span] = []
    for i, span in enumerate(spans):
        before = (spans[i - 1].end + span.start) / 2 if i else 0.0
        after = (span.end + spans[i + 1].start) / 2 if i + 1 < len(spans) else seconds
        out.append(Span(max(before, span.start - MARGIN), min(after, span.end + MARGIN, seconds)))
    return out


def _voiced(probabilities: NDArray[np.float32], spans: list[Span]) -> NDArray[np.bool_]:
    mask = np.zeros(len(probabilities), dtype=np.bool_)
    for span in spans:
        mask[int(span.start * SAMPLE_RATE / FRAME) : int(span.end * SAMPLE_RATE / FRAME) + 1] = True
    return mask


def _signal_to_noise(power: NDArray[np.float32], voiced: NDArray[np.bool_]) -> float | None:
    if not voiced.any() or voiced.all():
        return None
    noise = max(float(power[~voiced].mean()), 1e-10)
    signal = max(float(power[voiced].mean()) - noise, 1e-10)
    return round(10 * float(np.log10(signal / noise)), 2)


def _decibels(power: float) -> float:
    return round(max(FLOOR_DBFS, 10 * float(np.log10(max(power, 1e-10)))), 2)
