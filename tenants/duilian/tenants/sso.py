"""Single sign-on by a tenant's OpenID provider: its configuration, visits to it, and whom an identity belongs to."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import msgspec
from sqlalchemy import delete, select

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.outbound import Rules
from duilian.tenants.account_errors import NoProvider, NotAMember, VisitUnknown
from duilian.tenants.account_models import IdentityProvider, MemberIdentity, ProviderVisit
from duilian.tenants.errors import NotYoursToGive
from duilian.tenants.methods import Offer
from duilian.tenants.models import Member
from duilian.tenants.oidc import Identity, Provider, Ticket, discover
from duilian.tenants.people import add_member, member_by_email, rights_of_role
from duilian.tenants.rights import Right
from duilian.tenants.service import current_tenant, digest

VISIT_LASTS = timedelta(minutes=10)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator enters. client_secret: empty keeps the one there is."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    default_role: str
    enabled: bool


class OpenIdConnect:
    """The method as the sign-in page knows it."""

    key = "sso"

    async def offer(self, session: TenantSession, slug: str) -> Offer | None:
        row = await provider_row(session)
        return Offer(row.name, f"/t/{slug}/sign-in/sso") if row is not None and row.enabled else None


async def provider_row(session: TenantSession) -> IdentityProvider | None:
    return await session.scalar(select(IdentityProvider))


async def provider_in_use(session: TenantSession, redirect_uri: str) -> Provider:
    """Raises NoProvider."""
    row = await provider_row(session)
    if row is None or not row.enabled:
        raise NoProvider
    return Provider(row.name, row.issuer, row.client_id, row.client_secret, redirect_uri)


async def save_provider(
    session: TenantSession, rules: Rules, entry: Entry, giver: frozenset[Right]
) -> IdentityProvider:
    """Only what answers is kept. Raises ProviderUnreadable, AddressRefused, NoProvider (a secret is missing),
    UnknownRole, NotYoursToGive."""
    if entry.default_role:
        await _check_role(session, entry.default_role, giver)
    await discover(rules, entry.issuer)
    row = await provider_row(session)
    before = _facts(row) if row else {}
    if row is None:
        if not entry.client_secret:
            raise NoProvider
        row = IdentityProvider(client_secret=entry.client_secret)
        session.add(row)
    elif row.issuer != entry.issuer:
        await session.execute(
            delete(MemberIdentity)
        )  # who somebody was at another provider says nothing here
    row.name, row.issuer, row.client_id = entry.name, entry.issuer, entry.client_id
    row.default_role, row.enabled, row.changed_at = entry.default_role, entry.enabled, now()
    if entry.client_secret:
        row.client_secret = entry.client_secret
    audit.record(
        session, "sign-in.provider-saved", "tenant", session.tenant_id, before=before, after=_facts(row)
    )
    return row


async def remove_provider(session: TenantSession) -> None:
    row = await provider_row(session)
    if row is None:
        raise NoProvider
    audit.record(session, "sign-in.provider-removed", "tenant", session.tenant_id, before=_facts(row))
    await session.delete(row)
    await session.execute(delete(MemberIdentity))


async def begin_visit(session: TenantSession) -> Ticket:
    """Of ten minutes, for one return."""
    ticket = Ticket.new()
    await session.execute(delete(ProviderVisit).where(ProviderVisit.expires_at < now()))
    session.add(ProviderVisit(secret_hash=digest(ticket.secret), expires_at=now() + VISIT_LASTS))
    return ticket


async def end_visit(session: TenantSession, secret: str) -> Ticket:
    """Raises VisitUnknown where it was not begun here, is over, or ended before."""
    query = delete(ProviderVisit).where(
        ProviderVisit.secret_hash == digest(secret), ProviderVisit.expires_at > now()
    )
    if await session.scalar(query.returning(ProviderVisit.id)) is None:
        raise VisitUnknown
    return Ticket(secret)


async def member_for(session: TenantSession, identity: Identity) -> Member:
    """The member linked before; else the one with the verified address; else, where the tenant takes people in, a new
    one. Raises NotAMember."""
    subject_hash = sha256(f"{identity.issuer}|{identity.subject}".encode()).hexdigest()
    link = await session.scalar(select(MemberIdentity).where(MemberIdentity.subject_hash == subject_hash))
    if link is not None:
        member = await session.get(Member, (session.tenant_id, link.member_id))
    else:
        member = await member_by_email(session, identity.email) or await _taken_in(session, identity)
        session.add(MemberIdentity(member_id=member.id, subject_hash=subject_hash, linked_at=now()))
        audit.record(session, "member.linked", "member", member.id, after={"issuer": identity.issuer})
    if member is None or member.disabled_at is not None:
        raise NotAMember
    return member


async def _taken_in(session: TenantSession, identity: Identity) -> Member:
    row = await provider_row(session)
    if row is None or not row.default_role:
        raise NotAMember
    locale = (await current_tenant(session)).locale
    return await add_member(session, identity.email, identity.name, row.default_role, None, locale)


async def _check_role(session: TenantSession, role: str, giver: frozenset[Right]) -> None:
    """Nobody lets others have more than they have themselves."""
    if not await rights_of_role(session, role) <= giver:
        raise NotYoursToGive


def _facts(row: IdentityProvider) -> dict[str, object]:
    return {
        "issuer": row.issuer,
        "client_id": row.client_id,
        "default_role": row.default_role,
        "enabled": row.enabled,
    }
