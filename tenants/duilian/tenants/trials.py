"""The trial (试用) of a tenant that was opened alone: so many invitations within so many days. The vendor changes it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from duilian.infra import audit, errors
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.tenants.onboarding_models import Trial


class TrialLimit(errors.Forbidden):
    """Base of what a trial refuses."""

    code = "trial-limit"
    zh = "试用已到上限。"
    en = "The trial is used up."


class TrialUsedUp(TrialLimit):
    code = "trial-used-up"
    zh = "试用期内最多可以邀请 {limit} 人，已经用完。如需继续，请联系我们开通正式使用。"
    en = "A trial includes {limit} invitations, and they are used up. Contact us to go on."


class TrialOver(TrialLimit):
    code = "trial-over"
    zh = "试用已于 {ended} 结束。您的数据和设置都还在，请联系我们开通正式使用。"
    en = "The trial ended on {ended}. Your data and settings are still here; contact us to go on."


async def begin(session: TenantSession, invitations: int, days: int) -> Trial:
    at = now()
    row = Trial(started_at=at, ends_at=at + timedelta(days=days), invitations=invitations, used=0)
    session.add(row)
    await session.flush()
    audit.record(session, "trial.began", "tenant", session.tenant_id, after=facts(row))
    return row


async def trial_of(session: TenantSession) -> Trial | None:
    """None: the tenant is no trial."""
    return await session.scalar(select(Trial))


async def require_room(session: TenantSession) -> Trial | None:
    """The trial, held until the transaction ends, with room for one more invitation. Raises TrialOver, TrialUsedUp."""
    row = await session.scalar(select(Trial).with_for_update())
    if row is None:
        return None
    if row.ends_at <= now():
        raise TrialOver(ended=row.ends_at.date().isoformat())
    if row.used >= row.invitations:
        raise TrialUsedUp(limit=row.invitations)
    return row


async def change(session: TenantSession, invitations: int | None, ends_at: datetime | None) -> Trial | None:
    """By the vendor; None leaves a value as it is. None where the tenant is no trial."""
    row = await session.scalar(select(Trial).with_for_update())
    if row is None:
        return None
    before = facts(row)
    row.invitations = row.invitations if invitations is None else invitations
    row.ends_at = ends_at or row.ends_at
    audit.record(session, "trial.changed", "tenant", session.tenant_id, before=before, after=facts(row))
    return row


async def lift(session: TenantSession) -> bool:
    """No limits from here on. False where there were none."""
    row = await session.scalar(select(Trial).with_for_update())
    if row is None:
        return False
    audit.record(session, "trial.lifted", "tenant", session.tenant_id, before=facts(row))
    await session.delete(row)
    return True


def facts(row: Trial) -> dict[str, object]:
    """As the audit log and the command line tell them."""
    return {"invitations": row.invitations, "ends_at": row.ends_at.isoformat(), "used": row.used}
