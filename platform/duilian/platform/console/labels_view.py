"""What the labelling page shows, prepared so that what must stay hidden is never sent to the template."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from duilian.customization.labels import items, rating
from duilian.customization.labels.examples import ADJUDICATED
from duilian.customization.labels.models import Example, Rating
from duilian.customization.labels.rating import Eyes, Task
from duilian.customization.schemas import Level, words
from duilian.infra.database import TenantSession
from duilian.platform.console.desk import Desk
from duilian.platform.web.words import t
from duilian.tenants.models import Member
from duilian.tenants.rights import Right


@dataclass(frozen=True)
class Rung:
    """One level of the ladder; anchor "" where no rubric is known."""

    level: int
    label: str
    anchor: str


@dataclass(frozen=True)
class ExampleView:
    """task: what this reader may do. ai_level, quotes: the scorer's, None and [] where they are hidden or there are none.
    spans: evidence that the reader marked. names: rater → how they are called."""

    example: Example
    task: Task
    question: str
    competency: str
    ladder: list[Rung]
    ai_level: int | None
    quotes: list[tuple[int, int]]
    spans: list[tuple[int, int]]
    names: dict[str, str]

    @property
    def settled(self) -> Rating | None:
        return self.task.others.get(ADJUDICATED)

    def pieces(self) -> list[tuple[str, bool]]:
        """The answer cut at the borders of the evidence that may be shown: (text, whether it is evidence)."""
        return cut(self.example.answer, self.spans or self.quotes)


def eyes_of(desk: Desk) -> Eyes:
    """Answers of interviews are for those who may read interviews there."""
    return Eyes(desk.actor.label, desk.actor.units_with(Right.INTERVIEWS_READ))


async def view_of(desk: Desk, example_id: UUID) -> ExampleView:
    """Raises NotFound."""
    session, eyes = desk.session, eyes_of(desk)
    example = await rating.example_of(session, eyes, example_id)
    task = rating.task_for(eyes.rater, await rating.standing(session, example.id), example.seen_by)
    shown = not task.blind and bool(task.kind)
    document = example.ai or {}
    found = [(q["offset"], q["length"]) for q in document.get("quotes", [])] if shown else []
    raters = [r for r in [task.mine, *task.others.values()] if r is not None]
    return ExampleView(
        example=example,
        task=task,
        question=await items.asked(session, example),
        competency=await competency_name(session, example, desk.locale),
        ladder=await _ladder(session, example, desk.locale),
        ai_level=example.ai_level if shown else None,
        quotes=found,
        spans=[(first, length) for first, length in task.mine.evidence] if task.mine else [],
        names=await names_of(session, raters, desk.locale),
    )


async def competency_name(session: TenantSession, example: Example, locale: str) -> str:
    found = await items.competency_of(session, example)
    return words(found.name, locale) if found else example.competency


async def _ladder(session: TenantSession, example: Example, locale: str) -> list[Rung]:
    """Highest first, as the rubric's ladder stands."""
    found = await items.competency_of(session, example)
    levels: list[Level] = found.levels if found else []
    known = {level.level: level for level in levels}
    return [
        Rung(n, t(locale, f"console.level.{n}"), words(known[n].anchor, locale) if n in known else "")
        for n in range(5, 0, -1)
    ]


async def names_of(session: TenantSession, rows: list[Rating], locale: str) -> dict[str, str]:
    """Members by name, imported raters by the file's name for them, everybody else by what they are."""
    members = {UUID(r.rater.removeprefix("member:")): r.rater for r in rows if r.rater.startswith("member:")}
    found = {r.rater: r.rater_name or t(locale, f"labels.rater.{r.rater.partition(':')[0]}") for r in rows}
    for member in await session.scalars(select(Member).where(Member.id.in_(members))):
        found[members[member.id]] = member.name
    return found


def cut(text: str, spans: list[tuple[int, int]]) -> list[tuple[str, bool]]:
    edges = {0, len(text)} | {edge for first, length in spans for edge in (first, first + length)}
    ordered = sorted(edge for edge in edges if 0 <= edge <= len(text))
    inside = [(first, first + length) for first, length in spans]
    return [
        (text[a:b], any(first <= a and b <= last for first, last in inside))
        for a, b in itertools.pairwise(ordered)
    ]
