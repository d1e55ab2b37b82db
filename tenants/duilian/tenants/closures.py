"""Closing a tenant (注销企业): asked for by an owner, undone within the days of grace, carried out by a job after them.

While a closure stands, nobody new is invited and no interview begins; everything else goes on, so that what is wanted
can be taken along. Whoever asked gets a link that shows how far it is, and the receipt when there is nobody left who
could sign in.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Mapped

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Base, JsonObject, Tenanted, TenantSession
from duilian.infra.ids import new_id
from duilian.infra.jobs import defer
from duilian.tenants.errors import AlreadyClosing, NotClosing, NotTheName, TenantClosing
from duilian.tenants.models import Tenant
from duilian.tenants.service import current_tenant, digest

DELETE = "tenant.delete"  # the task of the worker


class TenantClosure(Tenanted, Base):
    """One request. It stays when the tenant is gone, with the receipt; progress: what was erased so far, and where."""

    __tablename__ = "tenant_closures"

    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    secret_hash: Mapped[str]  # of the link's secret
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    progress: Mapped[JsonObject]
    finished_at: Mapped[datetime | None]
    receipt: Mapped[JsonObject | None]


async def ask(session: TenantSession, typed: str, days: int) -> tuple[TenantClosure, str]:
    """The closure and its link's token, told this once. typed: the short name, so that it is no slip.

    Raises NotTheName, AlreadyClosing.
    """
    tenant = await _locked(session)
    if typed.strip() != tenant.slug:
        raise NotTheName(slug=tenant.slug)
    if tenant.closes_at is not None:
        raise AlreadyClosing
    secret, at = secrets.token_urlsafe(24), now()
    row = TenantClosure(
        id=new_id(), asked_by=session.access.actor, asked_at=at, due_at=at + timedelta(days=days),
        secret_hash=digest(secret), withdrawn_by=None, withdrawn_at=None, progress={}, finished_at=None, receipt=None,
    )  # fmt: skip
    session.add(row)
    tenant.closes_at = row.due_at
    audit.record(session, "tenant.closing-asked", "tenant", tenant.id, after={"due_at": row.due_at})
    await session.flush()
    await carry_out_later(session, row, row.due_at - at)
    return row, f"{session.tenant_id.hex}.{secret}"


async def carry_out_later(session: TenantSession, row: TenantClosure, delay: timedelta) -> None:
    lock = f"{DELETE}:{session.tenant_id}"
    await defer(session, DELETE, lock=lock, delay=delay if delay else None, closure_id=str(row.id))


async def withdraw(session: TenantSession) -> None:
    """Everything is as it was. Raises NotClosing, also where the erasing has begun."""
    tenant = await _locked(session)
    row = await standing(session)
    if row is None or row.progress:
        raise NotClosing
    row.withdrawn_by, row.withdrawn_at, tenant.closes_at = session.access.actor, now(), None
    audit.record(session, "tenant.closing-withdrawn", "tenant", tenant.id)


async def standing(session: TenantSession, *, lock: bool = False) -> TenantClosure | None:
    """The closure that was asked for and not withdrawn."""
    query = select(TenantClosure).where(TenantClosure.withdrawn_at.is_(None))
    return await session.scalar(query.with_for_update() if lock else query)


async def by_secret(session: TenantSession, secret: str) -> TenantClosure | None:
    """For the link: whoever has it may see how far it is."""
    row = await session.scalar(select(TenantClosure).where(TenantClosure.secret_hash == digest(secret)))
    return row if row and hmac.compare_digest(row.secret_hash, digest(secret)) else None


def split_token(token: str) -> tuple[UUID, str] | None:
    """(tenant, secret) of a link; None for what is no token."""
    tenant, _, secret = token.partition(".")
    try:
        return UUID(hex=tenant), secret
    except ValueError:
        return None


def require_open(tenant: Tenant) -> None:
    """Raises TenantClosing: nothing new begins."""
    if tenant.closes_at is not None:
        raise TenantClosing


async def _locked(session: TenantSession) -> Tenant:
    tenant = await current_tenant(session)
    await session.refresh(tenant, with_for_update=True)
    return tenant
