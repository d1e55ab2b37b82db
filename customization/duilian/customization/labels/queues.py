"""What waits for whom: answers to rate, to rate a second time, to adjudicate; and how far the labelling is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from duilian.customization.labels.examples import ADJUDICATED, FIRST, SECOND
from duilian.customization.labels.models import Example, Rating
from duilian.customization.labels.rating import DIFFERENCE, Eyes
from duilian.infra.database import TenantSession

QUEUES = ("first", "second")
NEEDED = (
    30  # labels of a question and competency that we ask for; its own model begins to weigh from about ten
)
AHEAD = 200  # examples of a queue looked at for the next one
_FIRST, _SECOND, _ADJUDICATED = aliased(Rating), aliased(Rating), aliased(Rating)


@dataclass(frozen=True)
class Progress:
    """Of one item. labelled: with a first rating at least; twice: with a second one; agreed: of these with the
    same level; apart: waiting for adjudication; good: marked as good answers; sample_id: any example of it."""

    item: str
    set_key: str
    question_key: str
    competency: str
    examples: int
    labelled: int
    twice: int
    agreed: int
    apart: int
    good: int
    sample_id: UUID

    @property
    def missing(self) -> int:
        return max(0, NEEDED - self.labelled)


@dataclass(frozen=True)
class Waiting:
    """Numbers for one person."""

    first: int
    second: int
    apart: int


def _joined(query: Select[Any]) -> Select[Any]:
    for row, kind in ((_FIRST, FIRST), (_SECOND, SECOND), (_ADJUDICATED, ADJUDICATED)):
        same = (row.tenant_id == Example.tenant_id) & (row.example_id == Example.id)
        query = query.outerjoin(row, and_(same, row.kind == kind, row.superseded_at.is_(None)))
    return query


def _open(eyes: Eyes, queue: str) -> ColumnElement[bool]:
    """Who gave one rating never gives the other, and who was shown the scorer's level never the second."""
    if queue == "first":
        return _FIRST.id.is_(None) & or_(_SECOND.id.is_(None), _SECOND.rater != eyes.rater)
    unseen = ~Example.seen_by.contains([eyes.rater])
    return _FIRST.id.is_not(None) & _SECOND.id.is_(None) & (_FIRST.rater != eyes.rater) & unseen


_DIFFERENCE = func.abs(_FIRST.level - _SECOND.level)
_APART = and_(_DIFFERENCE >= DIFFERENCE, _ADJUDICATED.id.is_(None))


async def next_in(
    session: TenantSession, eyes: Eyes, queue: str, item: str = "", after: UUID | None = None
) -> UUID | None:
    """The example to rate next; `after`: the one that was passed over. None where nothing waits.

    First ratings: least certain first, what no scorer has seen before that. Second ratings in an order that says
    nothing about the answer.
    """
    query = _joined(select(Example.id)).where(eyes.visible(), _open(eyes, queue))
    if item:
        query = query.where(Example.item == item)
    if queue == "first":
        query = query.order_by(Example.ai_error.desc().nulls_first(), Example.id)
    else:
        query = query.order_by(func.md5(cast(Example.id, Text)), Example.id)
    ids = list(await session.scalars(query.limit(AHEAD)))
    if after in ids:
        place = ids.index(after) + 1
        ids = ids[place:] + ids[: place - 1]
    return ids[0] if ids else None


async def waiting(session: TenantSession, eyes: Eyes) -> Waiting:
    counted = [func.count().filter(_open(eyes, queue)) for queue in QUEUES]
    query = _joined(select(*counted, func.count().filter(_APART)).select_from(Example)).where(eyes.visible())
    first, second, apart = (await session.execute(query)).one()
    return Waiting(first, second, apart)


async def progress(session: TenantSession, eyes: Eyes) -> list[Progress]:
    """By item, those with most left to do first."""
    query = _joined(
        select(
            Example.item, func.min(Example.set_key), func.min(Example.question_key), func.min(Example.competency),
            func.count(), func.count(_FIRST.id), func.count(_SECOND.id), func.count().filter(_DIFFERENCE == 0),
            func.count().filter(_APART), func.count(Example.good_at), func.min(cast(Example.id, Text)),
        ).select_from(Example)
    )  # fmt: skip
    rows = await session.execute(query.where(eyes.visible()).group_by(Example.item))
    found = [Progress(*row[:-1], sample_id=UUID(row[-1])) for row in rows]
    return sorted(found, key=lambda one: (-one.missing, one.item))


async def disagreements(
    session: TenantSession, eyes: Eyes, page: int = 1, size: int = 25
) -> tuple[list[tuple[Example, Rating, Rating]], bool]:
    """Waiting for adjudication, the widest apart first; and whether there are more."""
    query = _joined(select(Example, _FIRST, _SECOND)).where(eyes.visible(), _APART)
    query = query.order_by(_DIFFERENCE.desc(), Example.id).offset((page - 1) * size).limit(size + 1)
    rows = [(example, first, second) for example, first, second in await session.execute(query)]
    return rows[:size], len(rows) > size
