"""Consultants (实施顾问) of another organisation: let in by the tenant's grant, for a time, seen by the tenant."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import NotFound
from duilian.tenants.errors import BadExpiry, UnknownConsultant, UnknownTenant
from duilian.tenants.models import ConsultantGrant, StaffSession
from duilian.tenants.organisation import unit_of
from duilian.tenants.people import member_by_email
from duilian.tenants.service import find_tenant

LONGEST_DAYS = 90


async def let_in(
    database: Database, session: TenantSession, home_slug: str, email: str, unit_id: UUID, days: int
) -> ConsultantGrant:
    """Raises UnknownConsultant, BadExpiry, UnknownUnit."""
    if not 1 <= days <= LONGEST_DAYS:
        raise BadExpiry(most=LONGEST_DAYS)
    home_tenant, home_member = await _consultant(database, home_slug, email)
    unit = await unit_of(session, unit_id)
    grant = ConsultantGrant(
        home_tenant_id=home_tenant, home_member_id=home_member, label=f"{email.strip().lower()} · {home_slug}",
        unit_id=unit.id, role="consultant", granted_by=session.access.actor, created_at=now(),
        expires_at=now() + timedelta(days=days), revoked_at=None,
    )  # fmt: skip
    session.add(grant)
    await session.flush()
    audit.record(
        session, "consultant.let-in", "consultant", grant.id,
        after={"unit": unit.id, "expires_at": grant.expires_at, "home_tenant": home_tenant},
    )  # fmt: skip
    return grant


async def _consultant(database: Database, slug: str, email: str) -> tuple[UUID, UUID]:
    """An unknown organisation and an unknown address look the same."""
    try:
        home = await find_tenant(database, slug)
    except UnknownTenant as error:
        raise UnknownConsultant from error
    async with database.begin(home) as session:
        member = await member_by_email(session, email)
    if member is None or member.disabled_at is not None:
        raise UnknownConsultant
    return home, member.id


async def revoke(session: TenantSession, grant_id: UUID) -> None:
    """At once: open sessions end. Raises NotFound."""
    grant = await session.get(ConsultantGrant, (session.tenant_id, grant_id))
    if grant is None:
        raise NotFound
    grant.revoked_at = grant.revoked_at or now()
    await session.execute(delete(StaffSession).where(StaffSession.consultant_grant_id == grant.id))
    audit.record(session, "consultant.shut-out", "consultant", grant.id)


async def grants(session: TenantSession) -> list[ConsultantGrant]:
    return list(await session.scalars(select(ConsultantGrant).order_by(ConsultantGrant.id.desc())))


async def valid_grant(session: TenantSession, grant_id: UUID | None) -> ConsultantGrant | None:
    grant = await session.get(ConsultantGrant, (session.tenant_id, grant_id)) if grant_id else None
    return grant if grant is not None and grant.revoked_at is None and grant.expires_at > now() else None


async def grant_for(session: TenantSession, home_tenant: UUID, home_member: UUID) -> ConsultantGrant | None:
    """The longest of the consultant's grants that still holds."""
    query = (
        select(ConsultantGrant)
        .where(
            ConsultantGrant.home_tenant_id == home_tenant,
            ConsultantGrant.home_member_id == home_member,
            ConsultantGrant.revoked_at.is_(None),
            ConsultantGrant.expires_at > now(),
        )
        .order_by(ConsultantGrant.expires_at.desc())
        .limit(1)
    )
    return await session.scalar(query)
