"""The invitation as a letter: who asks, for which job, how long, until when, and the link."""

from __future__ import annotations

from duilian.customization.models import PublishedSet
from duilian.customization.service import content_of
from duilian.infra import audit, mail
from duilian.infra.database import TenantSession
from duilian.infra.mail import OutgoingMail
from duilian.infra.settings import Settings
from duilian.platform.recruiting.links import portal_url, token_of
from duilian.platform.recruiting.models import Invitation
from duilian.platform.web import formats, letters
from duilian.tenants.domains import base_of_links
from duilian.tenants.keyring import keys_of
from duilian.tenants.models import Tenant

INVITATION = "invitation"


async def mail_invitation(
    session: TenantSession, settings: Settings, tenant: Tenant, invitation: Invitation, name: str, email: str
) -> OutgoingMail:
    """Written with the invitation, sent by a job. Raises BadMailAddress."""
    published = await session.get_one(PublishedSet, (session.tenant_id, invitation.set_id))
    base = await base_of_links(session, settings.public_url)
    content, locale = content_of(published), invitation.locale
    letter = letters.write(
        INVITATION,
        letters.Reader(name, email, locale),
        letters.Sender.of(tenant.name, tenant.brand),
        portal_url(base, tenant.slug, token_of(keys_of(session), invitation.id)),
        job=content.job.title.get(locale) or next(iter(content.job.title.values())),
        questions=len(content.questions),
        minutes=content.minutes,
        deadline=formats.moment(invitation.deadline, locale, tenant.time_zone),
    )
    row = await mail.send_later(session, INVITATION, invitation.id, letter)
    audit.record(session, "invitation.mailed", "invitation", invitation.id)
    return row


async def invitation_mail(session: TenantSession, invitation: Invitation) -> OutgoingMail | None:
    """The last one, with what became of it."""
    return await mail.latest(session, INVITATION, invitation.id)
