"""What a candidate's correction changes in a transcript, and the transcript that follows from it. Pure functions.

Words that stand in both texts keep the times at which they were said; what was put in has none, so a quote plays as
far as its words were heard.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TypedDict

import msgspec

from duilian.infra import errors
from duilian.serving.contracts import Sentence, Transcript, Word

MOST_CHANGED = 0.3  # share of the words (zh: characters) that a correction may change
ALWAYS_FREE = 4  # so many may be changed in an answer however short
_TOKEN = re.compile(r"[A-Za-z0-9']+|\s+|.", re.DOTALL)
Block = tuple[str, int, int, int, int]  # tag, then [a, b) of the one and [c, d) of the other, in characters


class Change(TypedDict):
    """heard: as it was, corrected: as it is ("" where nothing stands); offset in the corrected text."""

    heard: str
    corrected: str
    offset: int


class CorrectionTooLarge(errors.Unprocessable):
    code = "correction-too-large"
    zh = "您改动了 {share}% 的内容，最多可以改 {limit}%。更正只用于改掉识别错误；如果想补充内容，请联系招聘方。"
    en = (
        "You changed {share} % of the words; at most {limit} % may be changed. A correction is for what was heard wrongly;"
        " to add something, please write to the employer."
    )


def blocks(heard: str, corrected: str) -> list[Block]:
    """The stretches that are equal and those that are not, in characters of both texts."""
    before, after = _TOKEN.findall(heard), _TOKEN.findall(corrected)
    starts, ends = _edges(before), _edges(after)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [(tag, starts[a], starts[b], ends[c], ends[d]) for tag, a, b, c, d in matcher.get_opcodes()]


def _edges(tokens: list[str]) -> list[int]:
    edges = [0]
    for token in tokens:
        edges.append(edges[-1] + len(token))
    return edges


def changes(heard: str, corrected: str) -> list[Change]:
    return [
        {"heard": heard[a:b], "corrected": corrected[c:d], "offset": c}
        for tag, a, b, c, d in blocks(heard, corrected)
        if tag != "equal"
    ]


def changed_share(heard: str, corrected: str) -> float:
    """Words (zh: characters) that were replaced, added or left out, by those of the longer text. Marks are free."""
    changed = sum(
        max(_units(heard[a:b]), _units(corrected[c:d]))
        for tag, a, b, c, d in blocks(heard, corrected)
        if tag != "equal"
    )
    return changed / max(1, _units(heard), _units(corrected))


def check(heard: str, corrected: str) -> float:
    """The share that was changed. Raises CorrectionTooLarge."""
    share = changed_share(heard, corrected)
    if share > MOST_CHANGED and share * max(_units(heard), _units(corrected)) > ALWAYS_FREE:
        raise CorrectionTooLarge(share=round(share * 100), limit=round(MOST_CHANGED * 100))
    return round(share, 4)


def _units(text: str) -> int:
    return sum(token[0].isalnum() for token in _TOKEN.findall(text))


def corrected_transcript(heard: Transcript, text: str) -> Transcript:
    """The transcript with the corrected text. Everything that was measured in the sound stays as it was."""
    aligned = blocks(heard.text, text)
    words = [kept for word in heard.words if (kept := _kept(word, aligned)) is not None]
    return msgspec.structs.replace(
        heard, text=text, words=words, sentences=_sentences(heard, text, words, aligned)
    )


def _kept(word: Word, aligned: list[Block]) -> Word | None:
    """The word at its new place, where it stands unchanged."""
    last = word.offset + len(word.text)
    for tag, a, b, c, _ in aligned:
        if tag == "equal" and a <= word.offset and last <= b:
            return msgspec.structs.replace(word, offset=word.offset - a + c)
    return None


def _sentences(heard: Transcript, text: str, words: list[Word], aligned: list[Block]) -> list[Sentence]:
    """Cut where the heard text was cut, which is at marks and at pauses."""
    cuts = [_place(s.offset + s.length, aligned) for s in heard.sentences[:-1]]
    edges = [0, *cuts, len(text)]
    found: list[Sentence] = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        if piece.strip():
            found.append(_sentence(piece, start, words, found[-1].end if found else 0.0))
    return found


def _place(at: int, aligned: list[Block]) -> int:
    """Where a position of the heard text lies in the corrected one; within a change, behind it."""
    for tag, a, b, c, d in aligned:
        if a < at <= b:
            return at - a + c if tag == "equal" else d
    return 0


def _sentence(piece: str, start: int, words: list[Word], before: float) -> Sentence:
    offset = start + len(piece) - len(piece.lstrip())
    text = piece.strip()
    inside = [i for i, w in enumerate(words) if offset <= w.offset < offset + len(text)]
    first, last = (inside[0], inside[-1]) if inside else (0, 0)
    return Sentence(
        text=text,
        offset=offset,
        length=len(text),
        start=words[first].start if inside else before,
        end=words[last].end if inside else before,
        first_word=first,
        last_word=last,
    )
