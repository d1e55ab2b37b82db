"""The dry run (试跑): a simulated candidate gives prepared answers; questions, scoring and report are the real ones.

Everything takes the path of a candidate's written answers, so that what is seen is what will happen. It is marked as a
dry run from the invitation on: no list, count, event, bill or export knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from duilian.customization.models import PublishedSet
from duilian.customization.samples import sample_answers
from duilian.customization.schemas import QuestionSet
from duilian.customization.service import content_of
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound
from duilian.platform.onboarding.errors import NoSamples
from duilian.platform.privacy import erasing
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.recruiting.service import invite_simulated
from duilian.platform.sessions import answering, consents
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.opening import Visit, open_interview
from duilian.platform.sessions.policy import policy_of
from duilian.platform.sessions.states import SETTLED, Status
from duilian.tenants.keyring import OpenTenantKey
from duilian.tenants.models import Tenant
from duilian.tenants.organisation import root_of

SHOWN = 20
CAUSE, SCOPE, DAYS = "dry_run", "all", 1


@dataclass(frozen=True)
class Run:
    """A dry run as its list shows it. settled, answers: how far the scoring is."""

    interview: Interview
    set_key: str
    name: str
    settled: int
    answers: int


async def start(
    session: TenantSession,
    key: OpenTenantKey,
    tenant: Tenant,
    published: PublishedSet,
    level: str,
    locale: str,
    name: str,
) -> Interview:
    """Handed in at once; jobs score it. level: of `samples.LEVELS`. Raises NoSamples."""
    content = content_of(published)
    said = sample_answers(content, level, locale)
    if not said:
        raise NoSamples
    unit, actor = await root_of(session), session.access.actor
    invitation = await invite_simulated(session, published, name, locale, actor, unit.id)
    await session.flush()
    interview = await open_interview(session, invitation)
    candidate = await session.get_one(Candidate, (session.tenant_id, invitation.candidate_id))
    visit = Visit(tenant, key, invitation, candidate, interview, _in_writing(content))
    await _agree(session, interview)
    for question in content.questions:
        await answering.open_question(session, visit, question.key)
        await answering.write_text(session, visit, question.key, said[question.key], [])
    await answering.submit(session, visit, leave_unanswered=False)
    facts = {"set": published.key, "level": level}
    audit.record(session, "dry-run.started", "interview", interview.id, after=facts)
    return interview


def _in_writing(content: QuestionSet) -> QuestionSet:
    """The simulated candidate writes, also where people can only speak."""
    questions = [msgspec.structs.replace(one, modes=["text"]) for one in content.questions]
    return msgspec.structs.replace(content, questions=questions)


async def _agree(session: TenantSession, interview: Interview) -> None:
    """The simulated candidate agrees to all that the tenant's policy asks for."""
    policy = await policy_of(session, interview)
    agreed = dict.fromkeys(policy.purposes, True)
    await consents.decide(session, interview, policy, consents.VERSION, agreed)
    interview.status, interview.started_at = Status.IN_PROGRESS, now()


async def runs(session: TenantSession) -> list[Run]:
    """The newest first; what was erased is not shown."""
    mine = Answer.interview_id == Interview.id
    count = select(func.count()).where(mine).scalar_subquery()
    settled = select(func.count()).where(mine, Answer.state.in_(SETTLED)).scalar_subquery()
    query = (
        select(Interview, Invitation.set_key, Candidate, settled, count)
        .join(Invitation, Invitation.id == Interview.invitation_id)
        .join(Candidate, Candidate.id == Invitation.candidate_id)
        .where(Interview.dry_run.is_(True), Interview.status != Status.ERASED)
        .order_by(Interview.id.desc())
        .limit(SHOWN)
    )
    rows = await session.execute(query)
    return [Run(interview, key, who.name, done, count) for interview, key, who, done, count in rows]


async def erase(session: TenantSession, interview_id: UUID) -> None:
    """By the path that every erasure takes. Raises NotFound."""
    query = (
        select(Invitation.candidate_id)
        .join(Interview, Interview.invitation_id == Invitation.id)
        .where(Interview.id == interview_id, Interview.dry_run.is_(True))
    )
    candidate_id = await session.scalar(query)
    if candidate_id is None:
        raise NotFound
    await erasing.request(session, candidate_id, None, CAUSE, SCOPE, DAYS)
