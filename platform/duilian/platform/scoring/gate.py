"""The gate before scoring: is there enough, in the right language, recognised well enough?

The thresholds are deliberately few and stated here; what they refuse is told to the candidate and to HR.
"""

from __future__ import annotations

import re

import msgspec

from duilian.platform.scoring import refusals
from duilian.serving.contracts import Language, ScoreResponse, Transcript
from duilian.tenants.gate_settings import GateSettings

AS_SHIPPED = GateSettings()  # seconds of voice and mean word probability: a tenant may publish others
LEAST_UNITS: dict[Language, int] = {"zh": 12, "en": 8}  # characters or words
LEAST_DISTINCT: dict[Language, int] = {"zh": 8, "en": 6}  # different ones among them
SURE_OF_LANGUAGE = 0.6
LOOPING = 2.4  # compression ratio, as in Whisper
READ_BACK = 0.6  # share of the answer that is the question

_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z']+")


def units(text: str, language: Language) -> int:
    """Characters (zh) or words (en) without punctuation."""
    return len(_units(text, language))


def _units(text: str, language: Language) -> list[str]:
    words = [word.lower() for word in _LATIN_WORD.findall(text)]
    return _HAN.findall(text) + words if language == "zh" else words


def _says_little(text: str, language: Language) -> bool:
    """Few words, or the same few on and on."""
    found = _units(text, language)
    return len(found) < LEAST_UNITS[language] or len(set(found)) < LEAST_DISTINCT[language]


def check_spoken(transcript: Transcript, language: Language, settings: GateSettings = AS_SHIPPED) -> None:
    """settings: the tenant's. Raises CannotScore with the reason."""
    detected = transcript.detected_language
    if transcript.speech_seconds < 0.3:
        raise refusals.Silence
    if detected not in _same(language) and transcript.detected_probability >= SURE_OF_LANGUAGE:
        raise refusals.WrongLanguage(detected=detected, expected=language)
    if transcript.speech_seconds < settings.least_seconds or _says_little(transcript.text, language):
        said = units(transcript.text, language)
        raise refusals.TooLittleSpeech(seconds=round(transcript.speech_seconds, 1), units=said)
    if transcript.confidence < settings.least_confidence or transcript.repetition > LOOPING:
        raise refusals.PoorRecognition(confidence=f"{transcript.confidence:.2f}")


def check_corrected(transcript: Transcript, language: Language, settings: GateSettings = AS_SHIPPED) -> None:
    """As spoken; how sure the recogniser was no longer counts, since the speaker read it. Raises CannotScore."""
    check_spoken(msgspec.structs.replace(transcript, confidence=1.0, repetition=1.0), language, settings)


def check_written(text: str, language: Language) -> None:
    """Raises CannotScore with the reason."""
    han, latin = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    foreign = latin > 2 * han if language == "zh" else han > latin
    if foreign and han + latin >= LEAST_UNITS[language]:
        raise refusals.WrongLanguage(detected="en" if language == "zh" else "zh", expected=language)
    if _says_little(text, language):
        raise refusals.TooLittleSpeech(seconds=0, units=units(text, language))


def check_judged(response: ScoreResponse) -> None:
    """Raises CannotScore with the reason."""
    if response.question_overlap >= READ_BACK:
        raise refusals.QuestionReadBack


def _same(language: Language) -> tuple[str, ...]:
    """Codes of the recogniser that count as the language (Cantonese is written with the same characters)."""
    return ("zh", "yue") if language == "zh" else ("en",)
