"""Windows for the recogniser: stretches of an answer that begin and end in a pause.

Whisper is trained on 30 s, but its encoder takes less, and both its stages cost less than linearly on short
windows. So an answer is cut at its pauses into windows of a few seconds, which are decoded together. Pauses
inside a window stay as they are: cutting them out makes Whisper skip sentences.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from duilian.serving.contracts import SAMPLE_RATE
from duilian.serving.steps.voice import FRAME, Span

LONGEST = 16.0  # seconds of a window
LONGEST_PAUSE = 1.0  # seconds; a longer one always ends the window
SPLIT_FROM = 0.5  # a stretch without pauses is cut behind this share of the window


def windows_of(spans: list[Span], probabilities: NDArray[np.float32], longest: float = LONGEST) -> list[Span]:
    """Spans packed into windows of at most `longest` seconds, in order, together covering every span."""
    out: list[Span] = []
    for span in spans:
        for piece in _pieces(span, probabilities, longest):
            last = out[-1] if out else None
            if last and piece.start - last.end <= LONGEST_PAUSE and piece.end - last.start <= longest:
                out[-1] = Span(last.start, piece.end)
            else:
                out.append(piece)
    return out


def _pieces(span: Span, probabilities: NDArray[np.float32], longest: float) -> list[Span]:
    """A span longer than a window is cut where speech is least likely."""
    pieces: list[Span] = []
    start = span.start
    while span.end - start > longest:
        cut = _quietest(probabilities, start + longest * SPLIT_FROM, start + longest)
        pieces.append(Span(start, cut))
        start = cut
    return [*pieces, Span(start, span.end)]


def _quietest(probabilities: NDArray[np.float32], start: float, end: float) -> float:
    first, last = int(start * SAMPLE_RATE / FRAME), int(end * SAMPLE_RATE / FRAME)
    return (first + int(np.argmin(probabilities[first:last])) + 0.5) * FRAME / SAMPLE_RATE
