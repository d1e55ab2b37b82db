"""Legal holds (法律保全): who placed one, why, and what it keeps from being erased."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.privacy import errors
from duilian.platform.privacy.models import LegalHold

SHORTEST_REASON = 4
LONGEST_REASON = 500


async def place(session: TenantSession, interview_id: UUID, reason: str) -> LegalHold:
    """Raises HoldReasonNeeded, OnHold. The caller has found the interview and so may see it."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise errors.HoldReasonNeeded(length=SHORTEST_REASON)
    if await standing(session, [interview_id]):
        raise errors.OnHold
    hold = LegalHold(
        interview_id=interview_id,
        reason=reason.strip()[:LONGEST_REASON],
        placed_by=session.access.actor,
        placed_at=now(),
        lifted_by=None,
        lifted_at=None,
    )
    session.add(hold)
    await events.append(session, "hold.placed", interview_id, session.access.actor)
    return hold


async def lift(session: TenantSession, interview_id: UUID) -> None:
    """Raises NotOnHold. What waited for it is erased by the next run."""
    held = (await standing(session, [interview_id])).get(interview_id)
    if held is None:
        raise errors.NotOnHold
    held.lifted_by, held.lifted_at = session.access.actor, now()
    await events.append(session, "hold.lifted", interview_id, session.access.actor)


async def standing(session: TenantSession, interview_ids: Sequence[UUID]) -> dict[UUID, LegalHold]:
    query = select(LegalHold).where(LegalHold.interview_id.in_(interview_ids), LegalHold.lifted_at.is_(None))
    return {hold.interview_id: hold for hold in await session.scalars(query)}
