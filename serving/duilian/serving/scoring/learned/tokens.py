"""Pieces of text for both scripts: a Chinese character, a Latin word, a number or an operator is one unit.

Operators are units because answers to technical questions turn on them: n/2 is right where n*2 is wrong.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 1 << 13  # of hashed n-grams; a few hundred stand in one answer, so two rarely meet
MOST_UNITS = 4000  # of one text; what stands behind is not read

_UNIT = re.compile(r"[\u3400-\u9fff]|[a-z]+|\d+(?:\.\d+)?|[-+*/^=<>()&|%]")
_SENTENCE = re.compile(r"[。！？!?；;\n]+|\.(?=\s|$)")
# Whether something is so: said at the beginning, where an answer to "is it?", "can it?", "true or false?" says it. The
# longer words stand first, for 不正确 holds 正确.
_DENIES = r"不正确|不对|不是|不能|不可以|不会|不一定|未必|没有|错|否|不|\b(?:no|not|false|incorrect|wrong|never|cannot|neither|none)\b|n t\b"
_AFFIRMS = r"正确|对(?!于|应|比|象|方)|是|能|可以|会|有|同意|\b(?:yes|true|correct|right|agree)\b"
_VERDICT = re.compile(f"(?P<denies>{_DENIES})|{_AFFIRMS}")
_BEGINNING = 8  # units
_APART = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_NEGATION = re.compile(r"不|没|非|无|错|否|\bnot?\b|n't|\bnever\b|\bnone\b")

Grams = tuple[
    NDArray[np.uint16], NDArray[np.float32]
]  # places, rising, and their weights; both of shape (n,)


@lru_cache(maxsize=8192)
def units(text: str) -> tuple[str, ...]:
    """In order, after compatibility folding (NFKC) and lower-casing."""
    return tuple(_UNIT.findall(unicodedata.normalize("NFKC", text).lower())[:MOST_UNITS])


def sentences(text: str) -> list[str]:
    """Without their ends; the whole text where it has none."""
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()] or [text.strip()]


def verdict(text: str) -> int:
    """1 where the text begins by saying yes, -1 by saying no, 0 where it begins with neither."""
    beginning = _APART.sub("", " ".join(units(text)[:_BEGINNING]))
    found = _VERDICT.search(beginning)
    return 0 if found is None else -1 if found["denies"] else 1


def negations(text: str) -> int:
    """How many words say no."""
    return len(_NEGATION.findall(text.lower()))


@lru_cache(maxsize=8192)
def runs(text: str, shortest: int, longest: int) -> Counter[tuple[str, ...]]:
    """Runs of `shortest` to `longest` units, counted. Not to be changed by the caller."""
    found = units(text)
    lengths = range(shortest, longest + 1)
    return Counter(found[i : i + n] for n in lengths for i in range(len(found) - n + 1))


def hashed(text: str) -> Grams:
    """Runs of one to four units and the insides of Latin words, hashed; weight 1 + log(count)."""
    weights: dict[int, float] = {}
    for piece, count in _pieces(text).items():
        place = zlib.crc32(piece.encode()) % DIMENSIONS
        weights[place] = weights.get(place, 0.0) + 1 + float(np.log(count))
    places = sorted(weights)
    return np.array(places, np.uint16), np.array([weights[place] for place in places], np.float32)


def _pieces(text: str) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for run, count in runs(text, 1, 4).items():
        pieces[" ".join(run)] += count
    for word in units(text):
        if len(word) > 2 and word.isascii() and word.isalpha():
            marked = f"<{word}>"
            pieces.update(f"#{marked[i : i + n]}" for n in (3, 4) for i in range(len(marked) - n + 1))
    return pieces
