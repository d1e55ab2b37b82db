"""Letters about the closing of a tenant: every owner learns of it, whoever asked."""

from __future__ import annotations

from sqlalchemy import select

from duilian.infra import mail
from duilian.infra.database import TenantSession
from duilian.infra.settings import Settings
from duilian.platform.web import formats, letters
from duilian.tenants.closures import TenantClosure
from duilian.tenants.models import Grant, Member
from duilian.tenants.service import current_tenant


async def tell_owners(
    session: TenantSession, settings: Settings, kind: str, row: TenantClosure, token: str = ""
) -> None:
    """kind: "tenant_closing" (token: of the link that shows how far it is) or "tenant_kept"."""
    if not settings.smtp_url:
        return
    tenant = await current_tenant(session)
    base = settings.public_url
    owners = select(Member).join(Grant, Grant.member_id == Member.id)
    owners = owners.where(Grant.role == "owner", Member.disabled_at.is_(None)).distinct()
    for member in await session.scalars(owners):
        link = f"{base}/closed/{token}?lang={member.locale}" if token else f"{base}/console"
        at = formats.moment(row.due_at, member.locale, tenant.time_zone)
        reader = letters.Reader(member.name, member.email, member.locale)
        sender = letters.Sender.of(tenant.name, tenant.brand)
        letter = letters.write(kind, reader, sender, link, at=at, console=f"{base}/console/closing")
        await mail.send_later(session, kind, member.id, letter)
