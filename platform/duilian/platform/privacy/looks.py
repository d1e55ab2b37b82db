"""Who looked at a person's data and when, from the audit log: roles and times, no names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from duilian.infra.audit import AuditEntry
from duilian.infra.database import TenantSession
from duilian.tenants.models import Grant
from duilian.tenants.rights import ROLES

LOOKS = (
    "interview.watched", "interview.viewed", "report.viewed", "report.exported", "recording.played", "label.opened",
)  # fmt: skip
MOST = 500


@dataclass(frozen=True)
class Look:
    """role: a key of ROLES, else member, consultant, key or system."""

    at: datetime
    role: str
    what: str


async def looks(session: TenantSession, subjects: Sequence[UUID]) -> list[Look]:
    """Newest first, `MOST` at most."""
    query = (
        select(AuditEntry.happened_at, AuditEntry.action, AuditEntry.actor)
        .where(AuditEntry.subject_id.in_([str(s) for s in subjects]), AuditEntry.action.in_(LOOKS))
        .order_by(AuditEntry.seq.desc())
        .limit(MOST)
    )
    rows = (await session.execute(query)).all()
    roles = await _roles(session, {row.actor for row in rows})
    return [Look(row.happened_at, roles[row.actor], row.action) for row in rows]


async def _roles(session: TenantSession, actors: set[str]) -> dict[str, str]:
    """The role of a member as it is granted today; the kind of actor for everybody else."""
    members = {UUID(a.removeprefix("member:")): a for a in actors if a.startswith("member:")}
    found = {actor: actor.partition(":")[0] for actor in actors}
    query = select(Grant.member_id, Grant.role).where(Grant.member_id.in_(members)).order_by(Grant.id.desc())
    for member_id, role in await session.execute(query):
        found[members[member_id]] = role if role in ROLES else "member"
    return found
