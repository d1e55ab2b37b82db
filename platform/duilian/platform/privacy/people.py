"""All that belongs to one person in a tenant: the rows of every unit that knows the same address."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from duilian.customization.labels import persons
from duilian.infra.database import TenantSession
from duilian.infra.events import Event
from duilian.infra.fields import cipher_of
from duilian.platform.recruiting.models import Candidate, Invitation
from duilian.platform.sessions.models import Answer, Interview


@dataclass(frozen=True)
class Attended:
    """An invitation and its interview, None where it was never opened."""

    invitation: Invitation
    interview: Interview | None


async def rows_of(session: TenantSession, candidate: Candidate) -> list[Candidate]:
    """Rows with the same e-mail address, the given one first."""
    query = select(Candidate).where(Candidate.email_index == candidate.email_index).order_by(Candidate.id)
    return sorted(await session.scalars(query), key=lambda row: row.id != candidate.id)


async def attended(session: TenantSession, candidates: list[Candidate]) -> list[Attended]:
    """Oldest first."""
    query = (
        select(Invitation, Interview)
        .outerjoin(Interview, Interview.invitation_id == Invitation.id)
        .where(Invitation.candidate_id.in_([c.id for c in candidates]))
        .order_by(Invitation.id)
    )
    return [Attended(invitation, interview) for invitation, interview in await session.execute(query)]


async def answers_in(session: TenantSession, interviews: list[Interview]) -> list[Answer]:
    query = select(Answer).where(Answer.interview_id.in_([i.id for i in interviews])).order_by(Answer.id)
    return list(await session.scalars(query))


async def history_indexes(session: TenantSession, candidates: list[Candidate]) -> list[bytes]:
    """The pseudonyms under which imported history may be theirs.

    An address that the person wrote themselves proves nothing: it may be somebody else's, whose history it would open.
    """
    query = select(Event.data).where(
        Event.kind == "candidate.corrected", Event.subject_id.in_([c.id for c in candidates])
    )
    own_words = any("email" in data.get("fields", []) for data in await session.scalars(query))
    known = [v for c in candidates for v in (None if own_words else c.email, c.phone, c.id_number)]
    return persons.indexes_of(session, known)


def email_index(session: TenantSession, email: str) -> bytes:
    return cipher_of(session.sync_session).index("candidates.email", email)
