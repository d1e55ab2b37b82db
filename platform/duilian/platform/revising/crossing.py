"""Who would stand on the other side of a border: counted for those who read the lab, named for those who read interviews."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import select

from duilian.customization.revision.effect import Crossing, crossing
from duilian.infra.database import TenantSession
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.reports.models import Report
from duilian.platform.revising.models import RevisionEffect
from duilian.platform.sessions.models import Interview


@dataclass(frozen=True)
class Crosser:
    """Totals on 0–10. What was reported stays; this is what the proposal would have made of it."""

    interview_id: UUID
    name: str
    before: float
    after: float


async def counted(session: TenantSession, proposal_id: UUID, border: float) -> Crossing:
    query = select(RevisionEffect.before, RevisionEffect.after).where(
        RevisionEffect.proposal_id == proposal_id
    )
    rows = (await session.execute(query)).all()
    before, after = (np.array([row[place] for row in rows]) for place in (0, 1))
    return crossing(before, after, border)


async def named(session: TenantSession, proposal_id: UUID, border: float) -> list[Crosser]:
    """Those whom the session may see, the largest change first."""
    query = (
        select(RevisionEffect.before, RevisionEffect.after, Interview.id, Candidate)
        .join(Report, Report.id == RevisionEffect.report_id)
        .join(Interview, Interview.id == Report.interview_id)
        .join(Invitation, Invitation.id == Interview.invitation_id)
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .where(RevisionEffect.proposal_id == proposal_id)
        .where((RevisionEffect.before >= border) != (RevisionEffect.after >= border))
    )
    rows = (await session.execute(query)).all()
    found = [Crosser(interview, person.name, before, after) for before, after, interview, person in rows]
    return sorted(found, key=lambda one: -abs(one.after - one.before))
