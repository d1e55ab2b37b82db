"""Words that the recogniser gets wrong (误识词): what candidates put in place of what was heard."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

import msgspec

from duilian.customization.vocabulary.keyness import LONGEST, RARE, SHORTEST, background

LEAST_PEOPLE = (
    2  # who corrected to the same word; one is enough for a word that the company's own questions use
)
MOST_FORMS = 3
_TOKEN = re.compile(r"[A-Za-z][A-Za-z'-]*|\d+|\s+|.", re.DOTALL)
_HAN = re.compile(r"[\u3400-\u9fff]+")


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """One transcript as it was heard, and as the person corrected it."""

    person: str
    locale: str
    heard: str
    text: str


class Misheard(msgspec.Struct, frozen=True, kw_only=True):
    """heard: what stood in its place, the most frequent first."""

    word: str
    count: int
    people: int
    heard: list[str]


def misheard(fixed: Iterable[Fixed], locale: str, own: str) -> list[Misheard]:
    """own: what the company's question sets say. The most frequent first."""
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    people: defaultdict[str, set[str]] = defaultdict(set)
    for one in fixed:
        for word, heard in pairs(one.heard, one.text, locale) if one.locale == locale else ():
            forms[word][heard] += 1
            people[word].add(one.person)
    found = [
        Misheard(
            word=word, count=counts.total(), people=len(people[word]),
            heard=[form for form, _ in counts.most_common(MOST_FORMS)],
        )
        for word, counts in forms.items()
        if len(people[word]) >= LEAST_PEOPLE or word.lower() in own.lower()
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.count, one.word))


def pairs(heard: str, text: str, locale: str) -> list[tuple[str, str]]:
    """The word of the corrected text, and what was heard in its place; changes that are no replacement are passed over."""
    before, after = _TOKEN.findall(heard), _TOKEN.findall(text)
    starts = [0]
    for token in after:
        starts.append(starts[-1] + len(token))
    found: list[tuple[str, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "replace" and (word := _around(text, starts[c], starts[d], locale)) is not None:
            found.append((word, "".join(before[a:b]).strip()))
    return found


def _around(text: str, start: int, end: int, locale: str) -> str | None:
    """The rare word that the change lies in; None where there is none."""
    if locale != "zh-CN":
        word = text[start:end].strip().strip(".,!?;:")
        return word if re.fullmatch(r"[A-Za-z][A-Za-z' -]{2,}", word) and _rare(word, locale) else None
    for run in _HAN.finditer(text):
        if run.start() <= start and end <= run.end():
            return _longest(text, start, end, run.start(), run.end())
    return None


def _longest(text: str, start: int, end: int, first: int, last: int) -> str | None:
    """The longest word of the dictionary around the change, else the change itself where it is long enough."""
    known = background("zh-CN")
    spans = [
        text[a:b]
        for a in range(max(first, end - LONGEST), start + 1)
        for b in range(max(end, a + SHORTEST), min(last, a + LONGEST) + 1)
    ]
    words = [span for span in spans if span in known and known[span] <= RARE]
    if words:
        return max(words, key=len)
    changed = text[start:end]
    return changed if SHORTEST <= len(changed) <= LONGEST and _rare(changed, "zh-CN") else None


def _rare(word: str, locale: str) -> bool:
    return background(locale).get(word.lower(), 0.0) <= RARE
