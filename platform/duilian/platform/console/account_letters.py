"""Letters about accounts: the link to a first or a new password, and word of every change that matters.

Whether an address has an account must not be seen, not even by the time an answer takes. So asking for a new password
only writes a job that names the address by its blind index; the job looks whether there is such a member.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy import select

from duilian.infra import audit, jobs, mail
from duilian.infra.clock import now
from duilian.infra.database import Access, Database, TenantSession
from duilian.infra.fields import cipher_of
from duilian.infra.settings import Settings
from duilian.platform.web import formats, letters
from duilian.tenants import accounts
from duilian.tenants.errors import TooManyAttempts, UnknownTenant
from duilian.tenants.models import Member
from duilian.tenants.service import current_tenant, find_tenant
from duilian.tenants.sessions import Visitor
from duilian.tenants.signin import ATTEMPTS_PER_NETWORK
from duilian.tenants.throttling import Limit, count

RESET = "account.reset"
RESETS_PER_ADDRESS = 3


async def ask_reset(database: Database, slug: str, email: str, visitor: Visitor) -> None:
    """Says nothing of whether there is such a tenant or member. Raises TooManyAttempts by network only."""
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant:
        return
    async with database.begin(tenant_id, Access(actor="nobody", network=visitor.network)) as session:
        await count(session, Limit(f"reset-network|{visitor.network}", ATTEMPTS_PER_NETWORK))
        try:
            await count(session, Limit(f"reset|{email.lower()}", RESETS_PER_ADDRESS))
        except TooManyAttempts:
            return
        index = cipher_of(session.sync_session).index("members.email", email)
        await jobs.defer(session, RESET, address=index.hex(), network=visitor.network)


def resetter(database: Database, settings: Settings) -> Callable[..., Awaitable[None]]:
    """The task that mails the link, if the address is a member's."""

    async def reset(tenant_id: UUID, address: str, network: str) -> None:
        async with database.begin(tenant_id, Access(actor="nobody", network=network)) as session:
            query = select(Member).where(
                Member.email_index == bytes.fromhex(address), Member.disabled_at.is_(None)
            )
            member = await session.scalar(query)
            if member is not None:
                await send_link(session, settings, member, accounts.RESET)

    return reset


async def send_link(session: TenantSession, settings: Settings, member: Member, purpose: str) -> None:
    """purpose: "reset" or "welcome"."""
    secret, until = await accounts.make_link(session, member.id, purpose)
    tenant = await current_tenant(session)
    minutes = int(accounts.LASTS[purpose].total_seconds() // 60)
    at = formats.moment(until, member.locale, tenant.time_zone)
    link = f"{settings.public_url}/t/{tenant.slug}/password/{secret}"
    letter = letters.write(
        purpose,
        _reader(member),
        letters.Sender.of(tenant.name, tenant.brand),
        link,
        minutes=minutes,
        until=at,
    )
    await mail.send_later(session, purpose, member.id, letter)
    audit.record(session, "password.link-sent", "member", member.id, after={"link": purpose})


async def tell(session: TenantSession, settings: Settings, member: Member, kind: str) -> None:
    """Word of a change: "password_changed", "code_on" or "code_off". Without a mail server there is nobody to tell."""
    if not settings.smtp_url:
        return
    tenant = await current_tenant(session)
    at = formats.moment(now(), member.locale, tenant.time_zone)
    letter = letters.write(kind, _reader(member), letters.Sender.of(tenant.name, tenant.brand), at=at)
    await mail.send_later(session, kind, member.id, letter)


def _reader(member: Member) -> letters.Reader:
    return letters.Reader(member.name, member.email, member.locale)
