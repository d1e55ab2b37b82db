"""Words that the recogniser gets wrong (误识词): what candidates put in place of what was heard."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import accumulate

import msgspec

from duilian.customization.vocabulary.keyness import LONGEST, RARE, SHORTEST, background

LEAST_PEOPLE = (
    2  # who corrected to the same word; one is enough for a word that the company's own questions use
)
MOST_FORMS = 3
_TOKEN = re.compile(r"[A-Za-z][A-Za-z'-]*|\d+|\s+|.", re.DOTALL)
_LATIN = re.compile(r"[A-Za-z][A-Za-z' -]{2,}")
_HAN = re.compile(r"[\u3400-\u9fff]+")


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """One transcript as it was heard, and as the person corrected it."""

    person: str
    locale: str
    heard: str
    text: str


class Misheard(msgspec.Struct, frozen=True, kw_only=True):
    """heard: what stood in its place, of `LEAST_PEOPLE` people at least, the most frequent first."""

    word: str
    count: int
    people: int
    heard: list[str]


def misheard(fixed: Iterable[Fixed], locale: str, own: str) -> list[Misheard]:
    """own: what the company's question sets say. The most frequent first."""
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    people: defaultdict[str, set[str]] = defaultdict(set)
    speakers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in fixed:
        for word, heard in pairs(one.heard, one.text, locale) if one.locale == locale else ():
            forms[word][heard] += 1
            people[word].add(one.person)
            speakers[word, heard].add(one.person)
    found = [
        Misheard(
            word=word, count=counts.total(), people=len(people[word]),
            heard=[
                form for form, _ in counts.most_common() if len(speakers[word, form]) >= LEAST_PEOPLE
            ][:MOST_FORMS],
        )
        for word, counts in forms.items()
        if len(people[word]) >= LEAST_PEOPLE or word.lower() in own.lower()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.count, one.word))


def pairs(heard: str, text: str, locale: str) -> list[tuple[str, str]]:
    """The word of the corrected text, and how it was heard; changes that are no replacement are passed over."""
    before, after = _TOKEN.findall(heard), _TOKEN.findall(text)
    starts = list(accumulate(map(len, after), initial=0))
    found: list[tuple[str, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        span = _around(text, starts[c], starts[d], locale) if tag == "replace" else None
        if span is not None:
            first, last = span
            form = text[first : starts[c]] + "".join(before[a:b]) + text[starts[d] : last]
            found.append((text[first:last], form.strip()))
    return found


def _around(text: str, start: int, end: int, locale: str) -> tuple[int, int] | None:
    """Where the rare word begins and ends that the change lies in; None where there is none."""
    if locale != "zh-CN":
        latin = _LATIN.fullmatch(text, start, end)
        return (start, end) if latin and _rare(text[start:end], locale) else None
    for run in _HAN.finditer(text):
        if run.start() <= start and end <= run.end():
            return _longest(text, start, end, run.start(), run.end())
    return None


def _longest(text: str, start: int, end: int, first: int, last: int) -> tuple[int, int] | None:
    """The longest word of the dictionary around the change, else the change itself where it is long enough."""
    known = background("zh-CN")
    spans = [
        (a, b)
        for a in range(max(first, end - LONGEST), start + 1)
        for b in range(max(end, a + SHORTEST), min(last, a + LONGEST) + 1)
        if known.get(text[a:b], 1.0) <= RARE
    ]
    if spans:
        return max(spans, key=lambda span: span[1] - span[0])
    fits = SHORTEST <= end - start <= LONGEST and _rare(text[start:end], "zh-CN")
    return (start, end) if fits else None


def _rare(word: str, locale: str) -> bool:
    return background(locale).get(word.lower(), 0.0) <= RARE
