"""Words with times from Whisper's token alignment, and times kept out of silence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from faster_whisper.tokenizer import Tokenizer

from duilian.serving.steps.voice import Span

STEP = 0.02  # seconds between two encoder positions
CLOSING = "\"'.。,，!！?？:：”)]}、;；…%"
OPENING = "\"'“¿([{"
SHORTEST_WORD = 0.02


@dataclass(frozen=True)
class Heard:
    """A word of a window: text as Whisper spells it (a leading space opens an English word), times in seconds."""

    text: str
    start: float
    end: float
    probability: float


def heard_words(
    tokenizer: Tokenizer, tokens: list[int], path: list[tuple[int, int]], probabilities: list[float]
) -> list[Heard]:
    """tokens: the window's text tokens. path: (token, encoder position) pairs, rising. probabilities: per token.

    Marks are joined to the word they close or open.
    """
    if not tokens:
        return []
    words, parts = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    bounds = np.cumsum([0, *(len(part) for part in parts[:-1])])
    pairs = np.array(path)
    times = pairs[:, 1][np.diff(pairs[:, 0], prepend=-1) > 0] * STEP
    heard = [
        Heard(word, float(times[a]), float(times[b]), float(np.mean(probabilities[a:b])))
        for word, a, b in zip(words[:-1], bounds[:-1], bounds[1:], strict=True)
    ]
    return _joined(heard)


def _joined(words: list[Heard]) -> list[Heard]:
    """Closing marks go to the word before, opening ones to the word after."""
    out: list[Heard] = []
    opening: Heard | None = None
    for word in words:
        bare = word.text.strip()
        if out and not opening and bare and all(c in CLOSING for c in bare) and not word.text.startswith(" "):
            last = out[-1]
            out[-1] = Heard(last.text + word.text, last.start, last.end, last.probability)
        elif bare and all(c in OPENING for c in bare) and word.text.startswith(" "):
            opening = word
        else:
            out.append(
                Heard(opening.text + word.text, word.start, word.end, word.probability) if opening else word
            )
            opening = None
    return out


def within_speech(word: Heard, spans: list[Span]) -> Heard:
    """The word without the silence it spans: clipped to the stretch of speech it overlaps most.

    Alignment lets the word next to a pause swallow the pause. A word that touches no speech stays as it is.
    """
    best = max(spans, key=lambda s: min(s.end, word.end) - max(s.start, word.start), default=None)
    if best is None:
        return word
    start, end = max(best.start, word.start), min(best.end, word.end)
    if end - start < SHORTEST_WORD:
        return word
    return Heard(word.text, start, end, word.probability)


def in_order(words: list[Heard]) -> list[Heard]:
    """Starts never run backwards and no word ends before it starts."""
    out: list[Heard] = []
    at = 0.0
    for word in words:
        start = max(at, word.start)
        end = max(start + SHORTEST_WORD, word.end)
        out.append(Heard(word.text, round(start, 2), round(end, 2), word.probability))
        at = start
    return out


def shifted(word: Heard, seconds: float) -> Heard:
    return Heard(word.text, word.start + seconds, word.end + seconds, word.probability)
