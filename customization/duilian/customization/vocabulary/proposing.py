"""Proposing vocabulary: words that were misheard first, then words that are the company's own."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from duilian.customization.vocabulary.keyness import keys
from duilian.customization.vocabulary.misheard import Fixed, misheard

LOCALES = ("zh-CN", "en")
MOST = 40  # words of a language; the recogniser's prompt holds about so many


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """why: misheard (candidates corrected it), particular (it stands out against the language). g2: 0 of the former."""

    word: str
    why: Literal["misheard", "particular"]
    count: int
    people: int
    g2: float = 0.0
    heard: list[str] = []


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """terms: by locale, the most useful first. inserted: of them, those that were heard where nobody said them."""

    terms: dict[str, list[Term]]
    inserted: list[str] = []

    def words(self, locale: str) -> list[str]:
        return [term.word for term in self.terms.get(locale, [])]

    @property
    def sha256(self) -> str:
        named = {locale: self.words(locale) for locale in sorted(self.terms)}
        return hashlib.sha256(msgspec.json.encode(named)).hexdigest()


@dataclass(frozen=True)
class Said:
    person: str
    locale: str
    text: str


@dataclass(frozen=True)
class History:
    """own: what the company's question sets say, by locale; known: words it listens for already, by locale."""

    said: Sequence[Said]
    fixed: Sequence[Fixed]
    own: dict[str, str] = field(default_factory=dict[str, str])
    known: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def without(self, people: Collection[str]) -> History:
        """As if these people had never been there."""
        return History(
            [one for one in self.said if one.person not in people],
            [one for one in self.fixed if one.person not in people],
            self.own, self.known,
        )  # fmt: skip


def propose(history: History, left_out: Collection[str] = ()) -> Content:
    """left_out: words that an earlier version put where nobody had said them."""
    return Content(terms={locale: _of(history, locale, left_out) for locale in LOCALES})


def _of(history: History, locale: str, left_out: Collection[str]) -> list[Term]:
    wrong = misheard(history.fixed, locale, history.own.get(locale, ""))
    own = keys([(one.person, one.text) for one in history.said if one.locale == locale], locale)
    found = [
        Term(word=one.word, why="misheard", count=one.count, people=one.people, heard=one.heard)
        for one in wrong
    ]
    found += [
        Term(word=key.word, why="particular", count=key.count, people=key.people, g2=key.g2) for key in own
    ]
    seen = {*left_out, *history.known.get(locale, [])}
    kept: list[Term] = []
    for term in found:
        if term.word not in seen:
            seen.add(term.word)
            kept.append(term)
    return kept[:MOST]
