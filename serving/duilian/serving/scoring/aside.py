"""Which sentences of an answer are not read as evidence, and why (docs/scoring-defences.md).

A sentence counts once, in the interview's language, in the person's own words, as an account and not as a word to
whoever marks it. What is set aside is reported verbatim; nothing is taken off for it.
"""

from __future__ import annotations

import itertools
import re

from duilian.serving.contracts import Aside, AsideReason, CompetencyProfile, Language, Sentence
from duilian.serving.scoring.addressed import is_addressed
from duilian.serving.scoring.copies import Sources
from duilian.serving.scoring.generalities import is_general
from duilian.serving.scoring.text import is_foreign, keyword_hits, listed_share, specificity, units

LISTED = 0.4  # share of a sentence that is keywords to call it a list
BESIDE = 8  # units besides its keywords; a sentence with fewer, and nothing concrete, only names them
_COLON = re.compile(r"：|:(?=\s)")
_OTHER_SCRIPT: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(r"[A-Za-z][A-Za-z']*(?:[\s,'\-]+[A-Za-z']+){3,}"),
    "en": re.compile(r"[\u4e00-\u9fff](?:[，、：\s]?[\u4e00-\u9fff]){3,}"),
}


class Sieve:
    """For one answer; sentences are taken in their order."""

    def __init__(
        self, shown: list[str], leaked: list[str], rubric: list[CompetencyProfile], language: Language
    ) -> None:
        anchors = [anchor for competency in rubric for anchor in competency.anchors]
        self._language: Language = language
        self._shown = Sources([*shown, *(anchor.text for anchor in anchors)], language)
        self._leaked = Sources(leaked, language)
        self._said = Sources([], language)
        self._keywords = [keyword for anchor in anchors for keyword in anchor.keywords]
        self._wanted = [keyword for anchor in anchors if anchor.level >= 3 for keyword in anchor.keywords]
        self._frames: list[list[str]] = []

    def sort(self, sentences: list[Sentence]) -> tuple[list[Sentence], list[Aside]]:
        """The person's own sentences, and those set aside."""
        own: list[Sentence] = []
        aside: list[Aside] = []
        for sentence, piece in ((s, p) for s in sentences for p in pieces(s, self._language)):
            reason = "addressed" if is_addressed(sentence.text) else self._reason(piece.text)
            if reason is None:
                own.append(piece)
                self._said.add(piece.text)
            else:
                aside.append(Aside(text=piece.text, offset=piece.offset, reason=reason))
        return own, aside

    def _reason(self, text: str) -> AsideReason | None:
        if is_foreign(text, self._language):
            return "foreign"
        if self._leaked.hold(text):
            return "leaked"
        if self._shown.hold(text):
            return "recited"
        if self._is_list(text):
            return "listed"
        if is_general(text, self._language):
            return "general"
        return "repeated" if self._said.hold(text) else None

    def _is_list(self, text: str) -> bool:
        """Keywords strung together, or put one after the other into a sentence that says nothing else."""
        found = keyword_hits(text, self._keywords, self._language)
        strung = len(found) >= 3 and listed_share(text, self._keywords, self._language) >= LISTED
        hits = [keyword for keyword, _ in keyword_hits(text, self._wanted, self._language)]
        if strung or not hits:
            return strung
        frame = units(_without(text, hits), self._language)
        known, self._frames = frame in self._frames, [*self._frames, frame]
        names = len(frame) < BESIDE and specificity(text, self._language) == 0
        return known or names


def _without(text: str, keywords: list[str]) -> str:
    for keyword in sorted(keywords, key=len, reverse=True):
        text = re.sub(re.escape(keyword), " ", text, flags=re.IGNORECASE)
    return text


def pieces(sentence: Sentence, language: Language) -> list[Sentence]:
    """Cut after a colon, and where it passes into the other script for four words or more; a borrowed word stays."""
    found = [edge for match in _OTHER_SCRIPT[language].finditer(sentence.text) for edge in match.span()]
    colons = [match.end() for match in _COLON.finditer(sentence.text)]
    edges = [0, *sorted({*found, *colons}), len(sentence.text)]
    cuts = itertools.pairwise(edges)
    return [part for start, end in cuts if (part := _part(sentence, start, end)) is not None]


def _part(sentence: Sentence, start: int, end: int) -> Sentence | None:
    words = sentence.text[start:end]
    stripped = words.strip()
    if not stripped or not units(stripped, "zh"):
        return None
    lead = start + len(words) - len(words.lstrip())
    return Sentence(
        text=stripped, offset=sentence.offset + lead, length=len(stripped), start=sentence.start, end=sentence.end,
        first_word=sentence.first_word, last_word=sentence.last_word,
    )  # fmt: skip
