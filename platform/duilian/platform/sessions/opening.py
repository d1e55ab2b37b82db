"""From a link to the interview behind it: made on first opening, found again ever after."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.customization.schemas import QuestionSet
from duilian.customization.service import questions_of
from duilian.infra import events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.recruiting.service import invitation_by_token
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.states import UNFINISHED, AnswerState, Status
from duilian.tenants.keyring import OpenTenantKey
from duilian.tenants.models import Tenant
from duilian.tenants.policy_store import stamp
from duilian.tenants.service import current_tenant


@dataclass(frozen=True)
class Visit:
    """A candidate at the door: everything the pages and calls need."""

    tenant: Tenant
    key: OpenTenantKey
    invitation: Invitation
    candidate: Candidate
    interview: Interview
    questions: QuestionSet

    @property
    def is_early(self) -> bool:
        """Within the period of notice."""
        return self.invitation.not_before is not None and now() < self.invitation.not_before


async def visit(session: TenantSession, key: OpenTenantKey, token: str, *, lock: bool = False) -> Visit:
    """Raises BadLink. lock: hold the interview's row, for commands that change its state."""
    invitation = await invitation_by_token(session, key, token)
    interview = await _interview(session, invitation, lock)
    await _expire(session, interview, invitation)
    candidate = await session.get_one(Candidate, (session.tenant_id, invitation.candidate_id))
    questions = await questions_of(session, invitation.set_id)
    return Visit(await current_tenant(session), key, invitation, candidate, interview, questions)


async def _interview(session: TenantSession, invitation: Invitation, lock: bool) -> Interview:
    query = select(Interview).where(Interview.invitation_id == invitation.id)
    found = await session.scalar(query.with_for_update() if lock else query)
    return found if found is not None else await open_interview(session, invitation)


async def open_interview(session: TenantSession, invitation: Invitation) -> Interview:
    """The interview of an invitation with its empty answers; two first openings at once make one."""
    values = {
        "tenant_id": session.tenant_id,
        "id": new_id(),
        "invitation_id": invitation.id,
        "unit_id": invitation.unit_id,
        "set_id": invitation.set_id,
        "status": Status.ERASED if await _is_erased(session, invitation) else Status.INVITED,
        "locale": invitation.locale,
        "language": "zh" if invitation.locale.startswith("zh") else "en",
        "deadline": invitation.deadline,
        "created_at": now(),
        "policy_version": await stamp(session),
        "dry_run": invitation.dry_run,
    }
    made = await session.scalar(
        insert(Interview).values(**values).on_conflict_do_nothing().returning(Interview.id)
    )
    interview = (
        await session.scalars(select(Interview).where(Interview.invitation_id == invitation.id))
    ).one()
    if made is not None:
        await _add_answers(session, interview)
    return interview


async def _is_erased(session: TenantSession, invitation: Invitation) -> bool:
    """A link that is opened for the first time after its person was erased opens nothing."""
    candidate = await session.get_one(Candidate, (session.tenant_id, invitation.candidate_id))
    return candidate.erased_at is not None


async def _add_answers(session: TenantSession, interview: Interview) -> None:
    questions = (await questions_of(session, interview.set_id)).questions
    for position, question in enumerate(questions, start=1):
        session.add(
            Answer(
                id=new_id(),
                interview_id=interview.id,
                question_key=question.key,
                position=position,
                state=AnswerState.PENDING,
                events={"facts": []},
                marks=[],
            )
        )
    await session.flush()


async def _expire(session: TenantSession, interview: Interview, invitation: Invitation) -> None:
    if Status(interview.status) in UNFINISHED and now() > interview.deadline:
        interview.status = Status.EXPIRED
        invitation.closed_at = now()
        await events.append(session, "interview.expired", interview.id, "system")
