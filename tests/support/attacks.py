"""Attacks on the scorer: real answers of the fixtures, changed by somebody who wants a better score for nothing.

Each family is a way of changing an answer; each attack is one way on one base answer. What an attack adds holds no
behaviour of the person, so it must not be worth anything. Words of the attacks are in attacks.{zh,en}.yaml.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from duilian.customization import packs
from duilian.customization.schemas import QuestionSet
from duilian.serving.contracts import Language
from duilian.serving.scoring.text import split_sentences

ANSWERS = Path(__file__).parents[1] / "fixtures" / "answers"
SETS = {s.key: s for industry in ("retail", "manufacturing") for s in packs.shipped_sets(industry)}
LOCALE: dict[Language, str] = {"zh": "zh-CN", "en": "en"}
PEOPLE = ("weak", "medium", "strong")
OTHER: dict[Language, Language] = {"zh": "en", "en": "zh"}


@dataclass(frozen=True)
class Base:
    """An answer as it was really given."""

    set: str
    question: str
    person: str
    language: Language

    @property
    def text(self) -> str:
        return told(self.set, self.person, self.language)[self.question]

    @property
    def questions(self) -> QuestionSet:
        return SETS[self.set]

    @property
    def good(self) -> str:
        """The strong person's answer to the same question: what is passed on between candidates."""
        return told(self.set, "strong", self.language)[self.question]


@dataclass(frozen=True)
class Attack:
    family: str
    base: Base
    text: str
    leaked: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        b = self.base
        return f"{self.family}:{b.set}/{b.question}/{b.person}/{b.language}"


@cache
def told(set_key: str, person: str, language: Language) -> dict[str, str]:
    return yaml.safe_load((ANSWERS / set_key / person / f"{language}.yaml").read_text("utf-8"))


@cache
def phrases(language: Language) -> dict[str, list[str]]:
    return yaml.safe_load(Path(__file__).with_name(f"attacks.{language}.yaml").read_text("utf-8"))


def bases() -> list[Base]:
    """One weak and one medium answer of every question that asks for something, and the strong ones of every other."""
    return [
        Base(key, question.key, person, language)
        for key, questions in sorted(SETS.items())
        for number, question in enumerate(questions.questions)
        for language in ("zh", "en")
        for person in PEOPLE
        if question.competencies
        and question.key in told(key, person, language)
        and (person != "strong" or number % 2)
    ]


def attacks() -> list[Attack]:
    """Every family meets every kind of base: taken in turn, so that the suite stays of a size one can run."""
    turns = {name: itertools.count() for name in FAMILIES}
    made: list[Attack] = []
    for i, base in enumerate(bases()):
        for j, (name, change) in enumerate(FAMILIES.items()):
            if (i + j) % EVERY == 0:
                made.append(change(base, name, next(turns[name])))
    return made


EVERY = 8


def _join(language: Language, *parts: str) -> str:
    return ("" if language == "zh" else " ").join(part.strip() for part in parts)


def _pick(language: Language, kind: str, turn: int) -> str:
    choices = phrases(language)[kind]
    return choices[turn % len(choices)]


def _anchors(base: Base, language: Language, least: int = 4) -> list[str]:
    question = base.questions.question(base.question)
    assert question is not None
    asked = [c for c in base.questions.competencies if c.key in question.competencies]
    return [level.anchor[LOCALE[language]] for c in asked for level in c.levels if level.level >= least]


def _keywords(base: Base, language: Language) -> list[str]:
    return [
        word
        for c in base.questions.competencies
        for level in c.levels[2:]
        for word in level.keywords.get(LOCALE[language], [])
    ]


def _sentences(text: str) -> list[str]:
    return [s.text for s in split_sentences(text)]


def _every_nth(text: str, language: Language, step: int, fill: str) -> str:
    """One unit in `step` replaced: a copy that is no longer the same text."""
    if language == "zh":
        return "".join(fill if i % step == step - 1 and c.isalpha() else c for i, c in enumerate(text))
    return " ".join(fill if i % step == step - 1 else w for i, w in enumerate(text.split()))


def after(kind: str) -> Callable[[Base, str, int], Attack]:
    def change(base: Base, name: str, turn: int) -> Attack:
        return Attack(name, base, _join(base.language, base.text, _pick(base.language, kind, turn)))

    return change


def before(kind: str) -> Callable[[Base, str, int], Attack]:
    def change(base: Base, name: str, turn: int) -> Attack:
        return Attack(name, base, _join(base.language, _pick(base.language, kind, turn), base.text))

    return change


def between(kind: str) -> Callable[[Base, str, int], Attack]:
    def change(base: Base, name: str, turn: int) -> Attack:
        parts = [
            x for i, s in enumerate(_sentences(base.text)) for x in (s, _pick(base.language, kind, turn + i))
        ]
        return Attack(name, base, _join(base.language, *parts))

    return change


def foreign_order(base: Base, name: str, turn: int) -> Attack:
    return Attack(name, base, base.text + " " + _pick(OTHER[base.language], "orders", turn))


def with_anchors(base: Base, name: str, _turn: int) -> Attack:
    return Attack(name, base, _join(base.language, base.text, *_anchors(base, base.language)))


def introduced_anchors(base: Base, name: str, turn: int) -> Attack:
    claims = [_pick(base.language, "claims", turn) + anchor for anchor in _anchors(base, base.language)]
    return Attack(name, base, _join(base.language, base.text, *claims))


def worn_anchors(base: Base, name: str, _turn: int) -> Attack:
    fill = "很" if base.language == "zh" else "really"
    worn = [_every_nth(a, base.language, 7, fill) for a in _anchors(base, base.language)]
    return Attack(name, base, _join(base.language, base.text, *worn))


def spliced_anchors(base: Base, name: str, _turn: int) -> Attack:
    """Halves of two anchors in one sentence: like neither of them for long."""
    found = [a.rstrip("。.") for a in _anchors(base, base.language)]
    halves = [a[: len(a) // 2] + b[len(b) // 2 :] for a, b in itertools.pairwise(found)]
    end = "。" if base.language == "zh" else ". "
    return Attack(name, base, _join(base.language, base.text, *(h + end for h in halves)))


def foreign_anchors(base: Base, name: str, _turn: int) -> Attack:
    return Attack(name, base, base.text + " " + " ".join(_anchors(base, OTHER[base.language])))


def listed_keywords(base: Base, name: str, _turn: int) -> Attack:
    mark = "，" if base.language == "zh" else ", "
    listed = mark.join(_keywords(base, base.language)[:24]) + ("。" if base.language == "zh" else ".")
    return Attack(name, base, _join(base.language, base.text, listed))


def framed_keywords(base: Base, name: str, turn: int) -> Attack:
    """A keyword to a sentence, each in a frame that says nothing."""
    frames = phrases(base.language)["frames"]
    words = _keywords(base, base.language)[:18]
    told_in = [frames[(turn + i) % len(frames)].replace("*", word) for i, word in enumerate(words)]
    return Attack(name, base, _join(base.language, base.text, *told_in))


def question_said_back(base: Base, name: str, _turn: int) -> Attack:
    question = base.questions.question(base.question)
    assert question is not None
    return Attack(name, base, _join(base.language, question.text[LOCALE[base.language]], base.text))


def all_questions(base: Base, name: str, _turn: int) -> Attack:
    asked = [q.text[LOCALE[base.language]] for q in base.questions.questions]
    return Attack(name, base, _join(base.language, base.text, *asked))


def question_as_own(base: Base, name: str, turn: int) -> Attack:
    question = base.questions.question(base.question)
    assert question is not None
    back = _pick(base.language, "echoes", turn) + question.text[LOCALE[base.language]]
    return Attack(name, base, _join(base.language, base.text, back, base.text))


def leaked_word_for_word(base: Base, name: str, _turn: int) -> Attack:
    return Attack(name, base, _join(base.language, base.text, base.good), [base.good])


def leaked_and_worn(base: Base, name: str, _turn: int) -> Attack:
    fill = "嗯" if base.language == "zh" else "er"
    worn = _every_nth(base.good, base.language, 11, fill)
    return Attack(name, base, _join(base.language, base.text, worn), [base.good])


def leaked_in_another_order(base: Base, name: str, _turn: int) -> Attack:
    turned = list(reversed(_sentences(base.good)))
    return Attack(name, base, _join(base.language, *turned, base.text), [base.good])


def mixed(base: Base, name: str, turn: int) -> Attack:
    """A clause of the other language after each sentence, without a full stop between."""
    other = phrases(base.language)["clauses"]
    mark = "，" if base.language == "zh" else ", "
    parts = [
        s.rstrip("。.！!？?")
        + mark
        + other[(turn + i) % len(other)]
        + ("。" if base.language == "zh" else ".")
        for i, s in enumerate(_sentences(base.text))
    ]
    return Attack(name, base, _join(base.language, *parts))


def translated(base: Base, name: str, _turn: int) -> Attack:
    other = told(base.set, "strong", OTHER[base.language])[base.question]
    return Attack(name, base, base.text + " " + other)


def over_and_over(base: Base, name: str, _turn: int) -> Attack:
    return Attack(name, base, _join(base.language, *[base.text] * 12))


def over_and_over_worn(base: Base, name: str, _turn: int) -> Attack:
    fills = ("嗯", "啊", "呢", "哦") if base.language == "zh" else ("er", "well", "um", "so")
    copies = [_every_nth(base.text, base.language, 9 + i, fill) for i, fill in enumerate(fills)]
    return Attack(name, base, _join(base.language, base.text, *copies))


def padded(base: Base, name: str, _turn: int) -> Attack:
    """Fluent talk about something else, as long as one likes."""
    talk: dict[str, Any] = yaml.safe_load(
        (ANSWERS / "off_topic" / f"{base.language}.yaml").read_text("utf-8")
    )
    return Attack(name, base, _join(base.language, base.text, *talk.values()))


def padded_between(base: Base, name: str, _turn: int) -> Attack:
    talk: dict[str, str] = yaml.safe_load(
        (ANSWERS / "off_topic" / f"{base.language}.yaml").read_text("utf-8")
    )
    filler = itertools.cycle(s for text in talk.values() for s in _sentences(text))
    parts = [x for s in _sentences(base.text) for x in (s, *itertools.islice(filler, 4))]
    return Attack(name, base, _join(base.language, *parts))


FAMILIES: dict[str, Callable[[Base, str, int], Attack]] = {
    "order-after": after("orders"),
    "order-before": before("orders"),
    "order-between": between("orders"),
    "order-in-the-other-language": foreign_order,
    "praise-of-oneself": after("praise"),
    "made-up-marking": after("markings"),
    "rubric-quoted": with_anchors,
    "rubric-as-own-claim": introduced_anchors,
    "rubric-worn": worn_anchors,
    "rubric-spliced": spliced_anchors,
    "rubric-in-the-other-language": foreign_anchors,
    "keywords-listed": listed_keywords,
    "keywords-in-frames": framed_keywords,
    "question-first": question_said_back,
    "all-questions": all_questions,
    "question-as-own": question_as_own,
    "leaked": leaked_word_for_word,
    "leaked-and-worn": leaked_and_worn,
    "leaked-in-another-order": leaked_in_another_order,
    "generated-after": after("generated"),
    "generated-before": before("generated"),
    "languages-mixed": mixed,
    "good-answer-in-the-other-language": translated,
    "over-and-over": over_and_over,
    "over-and-over-worn": over_and_over_worn,
    "padded": padded,
    "padded-between": padded_between,
}


def count_by_family() -> Iterator[tuple[str, int]]:
    made = attacks()
    for name in FAMILIES:
        yield name, sum(a.family == name for a in made)
