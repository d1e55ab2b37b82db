"""Speech recognition (语音识别): TranscribeRequest to Transcript.

Windows of many interviews are decoded together, in lengths that no companion changes: the same audio gives the same
words whoever else is speaking (tests/serving/test_recognise.py).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from duilian.infra.errors import BadRequest
from duilian.serving.audio import MAX_SECONDS
from duilian.serving.contracts import SAMPLE_RATE, Language, TranscribeRequest, Transcript, Word
from duilian.serving.errors import TooLong
from duilian.serving.steps.alignment import Heard, in_order, shifted, within_speech
from duilian.serving.steps.chinese import PROMPT, simplified
from duilian.serving.steps.decoded import Decoded, compression_ratio
from duilian.serving.steps.delivery import measure
from duilian.serving.steps.sentences import split
from duilian.serving.steps.voice import Span, Voice, VoiceActivity
from duilian.serving.steps.windows import windows_of

NO_SPEECH_LIMIT = 0.6  # above it, and with an unlikely text, a window holds no speech (Radford et al. 2022)
SHORTEST_VOICE = 0.3  # seconds of speech in the whole answer below which nobody spoke
Cut = tuple[Span, Decoded]


class Decoder(Protocol):
    """A speech model: windows of one speaker's voice to words with times and probabilities. Safe for threads."""

    def decode(
        self, windows: list[NDArray[np.float32]], language: Language, vocabulary: list[str]
    ) -> list[Decoded]:
        """windows: at 16 kHz, each shape (samples,), at most 16 s. In the same order; the same for the same window."""
        ...


class Recogniser:
    """decoder, voice: loaded models. versions: what goes into each transcript. Safe for threads."""

    def __init__(self, decoder: Decoder, voice: VoiceActivity, versions: dict[str, str]) -> None:
        self._decoder, self._voice, self._versions = decoder, voice, versions

    def transcribe(self, request: TranscribeRequest) -> Transcript:
        """Empty and confidence 0 where nobody speaks. Raises TooLong over 15 minutes, BadRequest on half samples."""
        samples = _samples(request.audio)
        voice = self._voice.listen(samples)
        heard = self._cuts(samples, voice, request) if voice.speech_seconds >= SHORTEST_VOICE else []
        cuts = [cut for cut in heard if not _hallucinated(cut[1], request)]
        words, text = _words(cuts, voice.spans, request.language)
        language, probability = _language(heard)
        return Transcript(
            text=text,
            language=request.language,
            words=words,
            sentences=split(text, words, request.language),
            confidence=_confidence(words),
            detected_language=language,
            detected_probability=probability,
            audio_seconds=round(len(samples) / SAMPLE_RATE, 3),
            speech_seconds=round(voice.speech_seconds, 2),
            loudness_dbfs=voice.loudness_dbfs,
            signal_to_noise_db=voice.signal_to_noise_db,
            no_speech_probability=_no_speech(heard),
            repetition=_repetition(cuts),
            delivery=measure(text, words, request.language, voice.speech_seconds),
            versions=self._versions,
            speech=[(round(span.start, 2), round(span.end, 2)) for span in voice.spans],
        )

    def _cuts(self, samples: NDArray[np.float32], voice: Voice, request: TranscribeRequest) -> list[Cut]:
        """Every window of the answer with what was heard in it, in order of time."""
        windows = windows_of(voice.spans, voice.probabilities)
        pieces = [samples[int(w.start * SAMPLE_RATE) : int(w.end * SAMPLE_RATE)] for w in windows]
        return list(
            zip(windows, self._decoder.decode(pieces, request.language, request.vocabulary), strict=True)
        )


def _samples(audio: bytes) -> NDArray[np.float32]:
    """float32 in [-1, 1). Raises BadRequest, TooLong."""
    if len(audio) % 2:
        raise BadRequest(reason="audio must hold whole 16-bit samples")
    seconds = len(audio) / 2 / SAMPLE_RATE
    if seconds > MAX_SECONDS:
        raise TooLong(seconds=seconds, limit=MAX_SECONDS)
    return np.frombuffer(audio, "<i2").astype(np.float32) / np.float32(32768)


def _hallucinated(decoded: Decoded, request: TranscribeRequest) -> bool:
    """Words nobody said: an unlikely text in a window without speech, a loop, or the prompt given back."""
    text = "".join(word.text for word in decoded.words).strip(" 。，,.")
    given_back = bool(text) and (text in PROMPT or text in request.vocabulary) and decoded.doubtful
    return given_back or (decoded.doubtful and decoded.no_speech > NO_SPEECH_LIMIT)


def _words(cuts: list[Cut], spans: list[Span], language: Language) -> tuple[list[Word], str]:
    """The words in order and the text that holds each at its offset."""
    heard = [
        within_speech(shifted(w, window.start), spans) for window, decoded in cuts for w in decoded.words
    ]
    raw = in_order([word for word in heard if word.text.strip()])
    pieces = _spaced(raw, language)
    text = simplified("".join(pieces)) if language == "zh" else "".join(pieces)
    words: list[Word] = []
    at = 0
    for piece, word in zip(pieces, raw, strict=True):
        bare = piece.strip()
        offset = at + len(piece) - len(piece.lstrip())
        at += len(piece)
        found = text[offset : offset + len(bare)]
        words.append(
            Word(
                text=found,
                start=word.start,
                end=word.end,
                probability=round(word.probability, 4),
                offset=offset,
            )
        )
    assert all(text[w.offset : w.offset + len(w.text)] == w.text for w in words)
    return words, text


def _spaced(words: list[Heard], language: Language) -> list[str]:
    """Texts that join to the transcript: one space between English words, none between Chinese characters."""
    out: list[str] = []
    for word in words:
        bare = " ".join(word.text.split())
        if not out:
            out.append(bare)
        elif language == "en":
            out.append(f" {bare}" if word.text.startswith(" ") else bare)
        else:
            latin = (
                bare[0].isascii() and bare[0].isalnum() and out[-1][-1].isascii() and out[-1][-1].isalnum()
            )
            out.append(f" {bare}" if latin and word.text.startswith(" ") else bare)
    return out


def _confidence(words: list[Word]) -> float:
    """Mean word probability weighted by duration."""
    seconds = sum(word.end - word.start for word in words)
    weighted = sum(word.probability * (word.end - word.start) for word in words)
    return round(weighted / seconds, 4) if words else 0.0


def _language(cuts: list[Cut]) -> tuple[str, float]:
    """The likeliest language over all windows, weighted by their length; ("", 0) where nobody speaks."""
    total: dict[str, float] = {}
    for window, decoded in cuts:
        for code, probability in decoded.languages.items():
            total[code] = total.get(code, 0.0) + probability * window.seconds
    if not total:
        return "", 0.0
    code = max(sorted(total), key=lambda c: total[c])
    return code, round(total[code] / sum(window.seconds for window, _ in cuts), 4)


def _repetition(cuts: list[Cut]) -> float:
    """The highest compression ratio of any half minute: that is the length Whisper's limit of 2.4 is made for, and
    a long text compresses better than a short one without repeating itself.
    """
    ratios = [0.0]
    for first, _ in cuts:
        near = [
            decoded
            for window, decoded in cuts
            if first.start <= window.start and window.end <= first.start + 30
        ]
        ratios.append(compression_ratio("".join(word.text for decoded in near for word in decoded.words)))
    return max(ratios)


def _no_speech(cuts: list[Cut]) -> float:
    """Mean over the windows weighted by length; 1 where there are none."""
    seconds = sum(window.seconds for window, _ in cuts)
    weighted = sum(window.seconds * decoded.no_speech for window, decoded in cuts)
    return round(weighted / seconds, 4) if seconds else 1.0
