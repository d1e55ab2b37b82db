"""Messages about speech: transcripts, captions, delivery."""

from __future__ import annotations

import msgspec

from duilian.serving.contracts.base import Contract, Language


class TranscribeRequest(Contract, frozen=True, kw_only=True):
    """audio: little-endian signed 16-bit PCM, mono, 16 kHz. vocabulary: terms of the tenant to listen for."""

    audio: bytes
    language: Language
    vocabulary: list[str] = msgspec.field(default_factory=list[str])


class Word(Contract, frozen=True, kw_only=True):
    """One recognised word (Chinese: one or a few characters) with its times and probability (0–1).

    `text` is what stands in `Transcript.text` at [offset, offset + len(text)), character positions.
    """

    text: str
    start: float
    end: float
    probability: float
    offset: int


class Sentence(Contract, frozen=True, kw_only=True):
    """A sentence of the transcript: characters [offset, offset + length), words [first_word, last_word]."""

    text: str
    offset: int
    length: int
    start: float
    end: float
    first_word: int
    last_word: int


class Delivery(Contract, frozen=True, kw_only=True):
    """Delivery facts, shown and never weighed. `unit` of pace: "characters/min" (zh) or "words/min" (en)."""

    pace: float
    pace_unit: str
    articulation_pace: float  # the same over speech time without pauses
    pauses: int  # silences of at least 0.7 s between words
    pause_seconds: float
    longest_pause: float
    fillers: int
    filler_words: dict[str, int]


class Transcript(Contract, frozen=True, kw_only=True):
    """The words of one answer. `text` holds every word in order; simplified characters where Chinese.

    confidence: mean word probability weighted by duration, 0–1 (0 without words).
    detected_language, detected_probability: what the recogniser hears, asked or not.
    speech_seconds: voice activity; audio_seconds: the whole. loudness_dbfs: RMS of the voiced parts.
    signal_to_noise_db: voiced against unvoiced power, None where either is missing.
    repetition: compression ratio of the text (above 2.4 is a loop of the recogniser, as in Whisper).
    """

    text: str
    language: Language
    words: list[Word]
    sentences: list[Sentence]
    confidence: float
    detected_language: str
    detected_probability: float
    audio_seconds: float
    speech_seconds: float
    loudness_dbfs: float
    signal_to_noise_db: float | None
    no_speech_probability: float
    repetition: float
    delivery: Delivery
    versions: dict[str, str]
    speech: list[tuple[float, float]] = msgspec.field(
        default_factory=list[tuple[float, float]]
    )  # voice activity: start and end of each span


class CaptionRequest(Contract, frozen=True, kw_only=True):
    """audio: as above, 30 s at most, since the last cut. settled: words of it that stand; before: words before the cut."""

    audio: bytes
    language: Language
    settled: str = ""
    before: str = ""


class Caption(Contract, frozen=True, kw_only=True):
    """text: what follows the settled words. settled_until: when these end, 0 where that was not asked or is not known.
    Seconds: speech in the sound, silence at its end, and `quietest`, where a stretch without a pause may be cut.
    """

    text: str
    settled_until: float
    speech_seconds: float
    silence: float
    quietest: float
    versions: dict[str, str]
