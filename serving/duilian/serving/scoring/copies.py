"""Copies of a text: word for word, spliced from several, or worn by changing a word here and there. Shares are 0–1."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from duilian.serving.contracts import Language
from duilian.serving.scoring.text import split_sentences, units

SAME_GRAMS = 0.5  # share of a sentence's 3-grams that stand in the sources
SAME_ORDER = 0.7  # share of its units that one sentence of the sources has too, in the same order
MUCH = 0.4  # share of a sentence that one whole sentence of the sources makes up
SHORTEST = 4  # units of such a sentence
LEAST = 6  # units; less is nobody's own wording


class Sources:
    """Texts that are not the person's own, in sentences. Compared are letters and words, not meaning."""

    def __init__(self, texts: Iterable[str], language: Language) -> None:
        self._language: Language = language
        self._sentences: list[list[str]] = []
        self._grams: set[tuple[str, ...]] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        for sentence in split_sentences(text):
            found = units(sentence.text, self._language)
            self._sentences.append(found)
            self._grams.update(_grams(found))

    def hold(self, text: str) -> bool:
        """Whether the sentence is a copy of these."""
        mine = units(text, self._language)
        if len(mine) < LEAST:
            return mine in self._sentences
        grams = _grams(mine)
        if sum(gram in self._grams for gram in grams) >= SAME_GRAMS * len(grams):
            return True
        return any(_holds(mine, other) or _in_order(mine, other) >= SAME_ORDER for other in self._sentences)


def _grams(found: list[str]) -> list[tuple[str, ...]]:
    return [tuple(found[i : i + 3]) for i in range(len(found) - 2)]


def _holds(mine: list[str], other: list[str]) -> bool:
    """Whether the other sentence stands in this one whole, and makes up much of it."""
    size = len(other)
    if size < SHORTEST or size < MUCH * len(mine):
        return False
    return any(mine[i : i + size] == other for i in range(len(mine) - size + 1))


def _in_order(mine: list[str], other: list[str]) -> float:
    """Looked at closely only where enough of the units occur at all."""
    theirs = set(other)
    if sum(unit in theirs for unit in mine) < SAME_ORDER * len(mine):
        return 0.0
    blocks = SequenceMatcher(None, mine, other, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(mine)
