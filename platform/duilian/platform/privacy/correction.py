"""Correcting name and address by the person they belong to (更正). Recorded as a fact, without the words."""

from __future__ import annotations

import re

from sqlalchemy import select

from duilian.customization.labels import persons
from duilian.infra import events
from duilian.infra.database import TenantSession
from duilian.platform.privacy import errors, people
from duilian.platform.recruiting.models import Candidate
from duilian.platform.recruiting.service import LONGEST_NAME
from duilian.platform.sessions.errors import Erased

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]{2,}")


async def correct(session: TenantSession, candidate: Candidate, name: str, email: str) -> list[str]:
    """The fields that changed. Raises Erased, BadName, BadEmail, EmailTaken."""
    if candidate.erased_at is not None:
        raise Erased
    name, email = name.strip(), email.strip().lower()
    if not name or len(name) > LONGEST_NAME:
        raise errors.BadName(most=LONGEST_NAME)
    if not _EMAIL.fullmatch(email) or len(email) > 200:
        raise errors.BadEmail
    changed = [field for field, new in (("name", name), ("email", email)) if getattr(candidate, field) != new]
    rows = await people.rows_of(session, candidate)
    if "email" in changed:
        await _refuse_taken(session, rows, email)
    for row in rows if changed else []:
        row.name, row.email = name, email
    if "email" in changed:
        interviews = [a.interview.id for a in await people.attended(session, rows) if a.interview]
        await persons.move(session, interviews, email)
    if changed:
        await events.append(
            session, "candidate.corrected", candidate.id, session.access.actor, fields=changed
        )
    return changed


async def _refuse_taken(session: TenantSession, rows: list[Candidate], email: str) -> None:
    """An address that somebody else of a same unit has: two people are not made one by a correction."""
    index = people.email_index(session, email)
    units = [row.unit_id for row in rows]
    query = select(Candidate.id).where(Candidate.email_index == index, Candidate.unit_id.in_(units)).limit(1)
    if await session.scalar(query) is not None:
        raise errors.EmailTaken
