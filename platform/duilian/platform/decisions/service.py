"""Deciding and overriding. The AI's scores are never changed; a person's stand beside them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from duilian.customization.service import newest_set
from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.decisions import errors
from duilian.platform.decisions.models import Decision, Override
from duilian.platform.recruiting.models import Invitation
from duilian.platform.recruiting.service import Person as Invitee
from duilian.platform.recruiting.service import invite
from duilian.platform.reports.service import Person, report_of
from duilian.platform.scoring.pooling import POINTS_PER_LEVEL
from duilian.platform.sessions.opening import open_interview
from duilian.platform.sessions.states import UNFINISHED, Status
from duilian.tenants.actors import Actor

OUTCOMES = ("advance", "hold", "reject", "reinvite")
SHORTEST_REASON = 4


async def decide(session: TenantSession, actor: Actor, person: Person, outcome: str, reason: str) -> Decision:
    """Raises ReasonNeeded, UnknownOutcome, MemberOnly, StillRunning."""
    member_id, reason = _member(actor), _reason(reason)
    if outcome not in OUTCOMES:
        raise errors.UnknownOutcome(reason=outcome)
    if Status(person.interview.status) in UNFINISHED:
        raise errors.StillRunning
    decision = Decision(
        interview_id=person.interview.id,
        member_id=member_id,
        outcome=outcome,
        reason=reason,
        decided_at=now(),
    )
    session.add(decision)
    await events.append(session, "decision.made", person.interview.id, actor.label, outcome=outcome)
    return decision


async def reinvite(session: TenantSession, actor: Actor, person: Person, hours: int) -> Invitation:
    """A new invitation to the newest version of the same set."""
    published = await newest_set(session, person.invitation.set_key)
    invitee = Invitee(person.candidate.name, person.candidate.email)
    invitation = await invite(
        session, published, invitee, person.invitation.locale, hours, actor.label, person.invitation.unit_id
    )
    await open_interview(session, invitation)
    return invitation


async def override(
    session: TenantSession, actor: Actor, person: Person, competency: str, level: int, reason: str
) -> Override:
    """Raises ReasonNeeded, BadLevel, UnknownCompetency, MemberOnly."""
    member_id, reason = _member(actor), _reason(reason)
    if level not in range(1, 6):
        raise errors.BadLevel
    report = await report_of(session, person.interview)
    found = next((c for c in report.content["competencies"] if c["key"] == competency), None)
    if found is None:
        raise errors.UnknownCompetency
    row = Override(
        interview_id=person.interview.id,
        member_id=member_id,
        competency=competency,
        ai_level=found["level"],
        ai_score=found["score"],
        level=level,
        score=(level - 1) * POINTS_PER_LEVEL,
        reason=reason,
        decided_at=now(),
    )
    session.add(row)
    await events.append(session, "score.overridden", person.interview.id, actor.label, competency=competency)
    return row


async def decisions_of(session: TenantSession, interview_id: UUID) -> list[Decision]:
    """Newest first."""
    query = select(Decision).where(Decision.interview_id == interview_id).order_by(Decision.id.desc())
    return list(await session.scalars(query))


async def overrides_of(session: TenantSession, interview_id: UUID) -> dict[str, Override]:
    """The newest override per competency."""
    query = select(Override).where(Override.interview_id == interview_id).order_by(Override.id)
    return {row.competency: row for row in await session.scalars(query)}


def _member(actor: Actor) -> UUID:
    if actor.member_id is None:
        raise errors.MemberOnly
    return actor.member_id


def _reason(reason: str) -> str:
    if len(reason.strip()) < SHORTEST_REASON:
        raise errors.ReasonNeeded(length=SHORTEST_REASON)
    return reason.strip()[:2000]
