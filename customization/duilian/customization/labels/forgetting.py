"""Letting go of examples: a consent withdrawn, data erased, a period over. Ratings go with their example.

What models have learned from them goes too: each asks for it in its own transaction (training.unlearning).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update

from duilian.customization.labels.examples import marks_of
from duilian.customization.labels.models import Example, Outcome
from duilian.customization.training import unlearning
from duilian.infra.clock import now
from duilian.infra.database import TenantSession


async def of_interview(session: TenantSession, interview_id: UUID, erasure_id: UUID | None = None) -> int:
    """Copies made of an interview's answers; how many."""
    return await examples(session, Example.interview_id == interview_id, erasure_id)


async def withhold(session: TenantSession, interview_id: UUID, erasure_id: UUID | None = None) -> None:
    """A legal hold keeps the rows, and nobody uses them any more, no model either."""
    mine = update(Example).where(Example.interview_id == interview_id, Example.withheld_at.is_(None))
    rows = await session.execute(mine.values(withheld_at=now()).returning(Example.id, Example.person_index))
    await unlearning.ask(session, rows.all(), erasure_id)


async def of_person(session: TenantSession, indexes: Sequence[bytes], erasure_id: UUID | None = None) -> int:
    """Imported history of a person, known by any of the pseudonyms; how many rows. Models forget the person whether or
    not a label is left."""
    history = Example.person_index.in_(indexes) & (Example.source == "import")
    gone = await examples(session, history, erasure_id)
    await unlearning.ask(session, [], erasure_id, indexes)
    later = delete(Outcome).where(Outcome.person_index.in_(indexes))
    return gone + await _gone(session, later.returning(Outcome.id))


async def older_than(session: TenantSession, moment: datetime) -> int:
    """Imported history whose period of retention is over; interviews have clocks of their own. How many rows."""
    gone = await examples(session, (Example.source == "import") & (Example.created_at < moment))
    later = delete(Outcome).where(Outcome.created_at < moment)
    return gone + await _gone(session, later.returning(Outcome.id))


async def examples(session: TenantSession, mine: ColumnElement[bool], erasure_id: UUID | None = None) -> int:
    """The one way to delete them, so that models hear of it; how many."""
    statement = delete(Example).where(mine).returning(Example.id, Example.person_index)
    rows = (await session.execute(statement)).all()
    await unlearning.ask(session, rows, erasure_id)
    return len(rows)


async def held(session: TenantSession, indexes: Sequence[bytes], interviews: Sequence[UUID]) -> list[Example]:
    """All that is kept of a person for labelling, imported or of the interviews, oldest first."""
    mine = Example.interview_id.in_(interviews) | (
        Example.person_index.in_(indexes) & (Example.source == "import")
    )
    return list(await session.scalars(select(Example).where(mine).order_by(Example.id)))


async def copy_of(
    session: TenantSession, indexes: Sequence[bytes], interviews: Sequence[UUID]
) -> dict[str, Any]:
    """As the person takes it away: answers with the levels and reasons given, later outcomes; raters are not named."""
    found = await held(session, indexes, interviews)
    marks = await marks_of(session, [example.id for example in found])
    later = select(Outcome).where(Outcome.person_index.in_(indexes)).order_by(Outcome.id)
    return {
        "answers": [
            {
                "source": example.source, "interview": example.interview_id and str(example.interview_id),
                "question": example.question or example.question_key, "competency": example.competency,
                "answer": example.answer, "good_example": example.good_at is not None,
                "kept_since": example.created_at.isoformat(),
                "ratings": [
                    {"kind": r.kind, "level": r.level, "reason": r.reason, "at": r.rated_at.isoformat()}
                    for r in marks.get(example.id, {}).values()
                ],
            }
            for example in found
        ],
        "outcomes": [
            {"kind": o.kind, "value": o.value, "unit": o.unit, "kept_since": o.created_at.isoformat()}
            for o in await session.scalars(later)
        ],
    }  # fmt: skip


async def _gone(session: TenantSession, statement: Any) -> int:  # Any: as in privacy.erasing
    return len((await session.execute(statement)).all())
