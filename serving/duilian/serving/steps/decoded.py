"""What a speech model says of one window, and the signs that it made it up."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from duilian.serving.steps.alignment import Heard

REPETITION_LIMIT = 2.4  # compression ratio above which a text is a loop (Radford et al. 2022)
LOG_PROBABILITY_LIMIT = -1.0  # mean per token, below which a text is a guess (same)


@dataclass(frozen=True)
class Decoded:
    """languages: probability by code; no_speech: 0–1; log_probability: mean per token."""

    words: list[Heard]
    log_probability: float
    no_speech: float
    repetition: float
    languages: dict[str, float]

    @property
    def doubtful(self) -> bool:
        return self.repetition > REPETITION_LIMIT or self.log_probability < LOG_PROBABILITY_LIMIT


def compression_ratio(text: str) -> float:
    """Bytes of the text by bytes of it compressed: above 2.4 it repeats itself. 0 without text."""
    octets = text.encode()
    return round(len(octets) / len(zlib.compress(octets)), 3) if octets else 0.0
