"""The short way to the take that a chunk belongs to: one statement, since chunks come every second from everybody."""

from __future__ import annotations

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.platform.media.models import Take
from duilian.platform.recruiting.links import invitation_of
from duilian.platform.sessions.models import Answer, Interview
from duilian.platform.sessions.states import Status
from duilian.tenants.keyring import OpenTenantKey


async def running_take(
    session: TenantSession, key: OpenTenantKey, token: str, question_key: str, number: int
) -> Take | None:
    """The newest take of an interview under way, if it is the named one. None: the long way says what is wrong.

    Raises BadLink.
    """
    other = aliased(Take)
    newest = select(func.max(other.number)).where(other.answer_id == Answer.id).scalar_subquery()
    query = (
        select(Take)
        .join(Answer, Answer.id == Take.answer_id)
        .join(Interview, Interview.id == Answer.interview_id)
        .where(
            Interview.invitation_id == invitation_of(key, token),
            Interview.status == Status.IN_PROGRESS,
            Interview.deadline >= now(),
            Answer.question_key == question_key,
            and_(Take.number == number, Take.number == newest),
        )
    )
    return await session.scalar(query)
