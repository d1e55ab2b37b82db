"""Sentences of a transcript: at closing marks, and at pauses where the recogniser set none (often in Chinese)."""

from __future__ import annotations

from duilian.serving.contracts import Language, Sentence, Word

CLOSING = "。！？!?…；;"
ABBREVIATIONS = {"mr.", "mrs.", "ms.", "dr.", "st.", "vs.", "etc.", "e.g.", "i.e.", "no."}
PAUSE = {"zh": 0.6, "en": 1.2}  # seconds that end a sentence without a mark
LONG = {"zh": 60, "en": 240}  # characters from which a comma or a short pause may end it
SHORT_PAUSE = 0.35


def split(text: str, words: list[Word], language: Language) -> list[Sentence]:
    """Sentences in order, together holding every word once."""
    sentences: list[Sentence] = []
    first = 0
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else None
        length = word.offset + len(word.text) - words[first].offset
        if following is None or _ends(word, following, length, language):
            sentences.append(_sentence(text, words, first, i))
            first = i + 1
    return sentences


def _ends(word: Word, following: Word, length: int, language: Language) -> bool:
    pause = following.start - word.end
    if word.text[-1] in CLOSING or pause >= PAUSE[language]:
        return True
    if word.text.endswith("."):
        return word.text.lower() not in ABBREVIATIONS
    return length >= LONG[language] and (word.text[-1] in "，,、" or pause >= SHORT_PAUSE)


def _sentence(text: str, words: list[Word], first: int, last: int) -> Sentence:
    offset = words[first].offset
    end = words[last].offset + len(words[last].text)
    return Sentence(
        text=text[offset:end],
        offset=offset,
        length=end - offset,
        start=words[first].start,
        end=words[last].end,
        first_word=first,
        last_word=last,
    )
