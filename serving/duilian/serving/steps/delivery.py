"""Delivery (表达): pace, pauses and filler words. Facts to be shown, never weighed."""

from __future__ import annotations

import re
from itertools import pairwise

from duilian.serving.contracts import Delivery, Language, Word

PAUSE = 0.7  # seconds of silence between words from which it is counted
SPOKEN_ZH = re.compile(r"[一-鿿]|[A-Za-z]+|\d")
# Longer ones first: "就是说" is one filler, not "就是" and a rest. "额" counts alone only: 金额, 额外 are words.
FILLERS_ZH = ("怎么说呢", "就是说", "嗯", "呃", r"(?<![一-鿿])额(?![一-鿿])", "啊", "那个", "就是", "然后")
FILLERS_EN = ("you know", "i mean", "sort of", "kind of", "um", "uh", "er", "erm", "hmm", "like", "basically")


def measure(text: str, words: list[Word], language: Language, speech_seconds: float) -> Delivery:
    """speech_seconds: voice activity, without pauses. All zero where there are no words."""
    units = _units(text, language)
    span = words[-1].end - words[0].start if words else 0.0
    gaps = [b.start - a.end for a, b in pairwise(words)]
    pauses = [gap for gap in gaps if gap >= PAUSE]
    fillers = _fillers(text, language)
    return Delivery(
        pace=_per_minute(units, span),
        pace_unit="characters/min" if language == "zh" else "words/min",
        articulation_pace=_per_minute(units, min(speech_seconds, span - sum(pauses))),
        pauses=len(pauses),
        pause_seconds=round(sum(pauses), 2),
        longest_pause=round(max(pauses, default=0.0), 2),
        fillers=sum(fillers.values()),
        filler_words=fillers,
    )


def _units(text: str, language: Language) -> int:
    """Characters (a Latin word or a digit counts as one) or words."""
    return len(SPOKEN_ZH.findall(text)) if language == "zh" else len(re.findall(r"[\w']+", text))


def _per_minute(units: int, seconds: float) -> float:
    return round(units * 60 / seconds, 1) if seconds > 0 else 0.0


def _fillers(text: str, language: Language) -> dict[str, int]:
    words = FILLERS_ZH if language == "zh" else FILLERS_EN
    pattern = "|".join(words) if language == "zh" else rf"\b(?:{'|'.join(words)})\b"
    counts: dict[str, int] = {}
    for found in re.findall(pattern, text.lower()):
        counts[found] = counts.get(found, 0) + 1
    return counts
