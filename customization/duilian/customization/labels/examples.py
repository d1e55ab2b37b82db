"""Labelled answers for whoever trains or measures: `lines_of` is the one way to them.

It gives what may be used: answers whose person withdrew the consent to training are gone, or withheld and left out.
Nothing in it says who somebody is, nor to which self-declared group they belong: that is kept apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from duilian.customization.lab.lines import Line
from duilian.customization.labels import items
from duilian.customization.labels.models import Example, Rating
from duilian.infra.database import TenantSession

FIRST, SECOND, ADJUDICATED = "first", "second", "adjudicated"


@dataclass(frozen=True)
class Provenance:
    """Where an answer came from. import_id and row (as seen in the file), or interview_id and question."""

    source: str  # import, interview
    import_id: UUID | None
    row: int | None
    interview_id: UUID | None
    answered_on: date | None


@dataclass(frozen=True)
class Mark:
    """One standing rating: level 1–5; rater: "member:{id}", "key:{id}" or "imported:{hex}"; blind: saw no other mark."""

    level: int
    rater: str
    blind: bool
    rated_at: datetime


@dataclass(frozen=True)
class LabelledLine:
    """A labelled example. item: "set/question/competency". language: zh or en. reference: anchors of levels 4–5 and
    answers marked as good ones, never the person's own.

    level: what to learn from: the adjudicated level, else the mean of both ratings, else the first, 1–5.
    first, second, adjudicated: the marks themselves, None where there is none. person: pseudonym, hexadecimal; the same
    person, the same value.
    """

    example_id: UUID
    item: str
    set_key: str
    question_key: str
    competency: str
    language: str
    question: str
    reference: list[str]
    answer: str
    level: float
    first: Mark | None
    second: Mark | None
    adjudicated: Mark | None
    person: str | None
    good: bool
    provenance: Provenance
    created_at: datetime

    @property
    def raters(self) -> list[str]:
        return [mark.rater for mark in (self.first, self.second, self.adjudicated) if mark]


async def lines_of(
    session: TenantSession,
    *,
    competency: str | None = None,
    set_key: str | None = None,
    question_key: str | None = None,
    item: str | None = None,
) -> list[LabelledLine]:
    """Every example with at least one standing rating that may be used, oldest first.

    The filters are joined by "and". The session decides what is seen: with units, those units' examples only.
    """
    wanted = {"competency": competency, "set_key": set_key, "question_key": question_key, "item": item}
    query = select(Example).where(Example.withheld_at.is_(None))
    query = query.order_by(Example.created_at, Example.row_number, Example.id)
    for column, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Example, column) == value)
    found = list(await session.scalars(query))
    marks = await marks_of(session, [example.id for example in found])
    good = _good_answers(found)
    return [
        await _line(session, example, marks[example.id], good) for example in found if example.id in marks
    ]


async def marks_of(session: TenantSession, example_ids: list[UUID]) -> dict[UUID, dict[str, Rating]]:
    """Standing ratings by example and kind; examples without any are missing."""
    found: defaultdict[UUID, dict[str, Rating]] = defaultdict(dict)
    for first in range(0, len(example_ids), 5000):
        chosen = Rating.example_id.in_(example_ids[first : first + 5000])
        for row in await session.scalars(select(Rating).where(chosen, Rating.superseded_at.is_(None))):
            found[row.example_id][row.kind] = row
    return dict(found)


def level_of(marks: dict[str, Rating]) -> float:
    """What the marks come to: adjudicated, else the mean of both, else the one there is."""
    if ADJUDICATED in marks:
        return float(marks[ADJUDICATED].level)
    levels = [mark.level for mark in marks.values()]
    return sum(levels) / len(levels)


def as_lines(found: Iterable[LabelledLine]) -> list[Line]:
    """In the exchange format. Where somebody adjudicated, that level is the score and there is no second one."""
    return [_exchanged(line) for line in found]


def _exchanged(line: LabelledLine) -> Line:
    settled = line.adjudicated is not None or line.first is None
    first = line.level if settled or line.first is None else float(line.first.level)
    return Line(
        item=f"{line.item}/{line.language}",  # a question in two languages has two sets of references
        question=line.question,
        reference=line.reference,
        answer=line.answer,
        score=first,
        second_score=None if settled or line.second is None else float(line.second.level),
        person=line.person,
    )


Good = dict[tuple[str, str], list[Example]]


def _good_answers(found: list[Example]) -> Good:
    """By item and language."""
    good: defaultdict[tuple[str, str], list[Example]] = defaultdict(list)
    for example in found:
        if example.good_at is not None:
            good[example.item, example.language].append(example)
    return good


async def _line(
    session: TenantSession, example: Example, marks: dict[str, Rating], good: Good
) -> LabelledLine:
    others = [one for one in good.get((example.item, example.language), []) if not _same(one, example)]
    return LabelledLine(
        example_id=example.id,
        item=example.item,
        set_key=example.set_key,
        question_key=example.question_key,
        competency=example.competency,
        language=example.language,
        question=await items.asked(session, example),
        reference=[*await items.anchors(session, example), *[one.answer for one in others]],
        answer=example.answer,
        level=level_of(marks),
        first=_mark(marks.get(FIRST)),
        second=_mark(marks.get(SECOND)),
        adjudicated=_mark(marks.get(ADJUDICATED)),
        person=example.person_index.hex() if example.person_index else None,
        good=example.good_at is not None,
        provenance=Provenance(
            example.source, example.import_id, example.row_number, example.interview_id, example.answered_on
        ),
        created_at=example.created_at,
    )


def _same(one: Example, other: Example) -> bool:
    return one.id == other.id or (one.person_index is not None and one.person_index == other.person_index)


def _mark(row: Rating | None) -> Mark | None:
    return Mark(row.level, row.rater, row.blind, row.rated_at) if row else None
