"""A member's own account: choosing a password by a mailed link, changing it, and its one-time code."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.tenants import codes
from duilian.tenants.account_errors import LinkUsed, WrongPassword
from duilian.tenants.account_models import AccountLink
from duilian.tenants.models import Member, StaffSession, Tenant
from duilian.tenants.passwords import hash_password, matches
from duilian.tenants.service import current_tenant, digest
from duilian.tenants.sessions import end_all, exchange
from duilian.tenants.throttling import Limit, count, forget

RESET, WELCOME = "reset", "welcome"
LASTS = {RESET: timedelta(minutes=30), WELCOME: timedelta(days=7)}
TRIES = 8


async def make_link(session: TenantSession, member_id: UUID, purpose: str) -> tuple[str, datetime]:
    """In place of an earlier one. Its secret, this once, and until when it opens."""
    await session.execute(
        delete(AccountLink).where(AccountLink.member_id == member_id, AccountLink.purpose == purpose)
    )
    secret, at = secrets.token_urlsafe(32), now()
    until = at + LASTS[purpose]
    session.add(
        AccountLink(
            member_id=member_id, purpose=purpose, secret_hash=digest(secret), created_at=at, expires_at=until,
            used_at=None,
        )
    )  # fmt: skip
    return secret, until


async def open_link(session: TenantSession, secret: str) -> tuple[AccountLink, Member]:
    """Looking does not use it up: mail readers look too. Raises LinkUsed."""
    query = (
        select(AccountLink, Member)
        .join(Member, Member.id == AccountLink.member_id)
        .where(
            AccountLink.secret_hash == digest(secret),
            AccountLink.used_at.is_(None),
            AccountLink.expires_at > now(),
            Member.disabled_at.is_(None),
        )
    )
    found = (await session.execute(query)).first()
    if found is None:
        raise LinkUsed
    return found[0], found[1]


async def choose_password(session: TenantSession, secret: str, password: str) -> Member:
    """Uses the link up, sets the password, ends all sessions. Raises LinkUsed; WeakPassword and its like leave the
    link as it is."""
    link, member = await open_link(session, secret)
    password_hash = hash_password(password, await own_words(session, member))
    used = update(AccountLink).where(AccountLink.id == link.id, AccountLink.used_at.is_(None))
    if await session.scalar(used.values(used_at=now()).returning(AccountLink.id)) is None:
        raise LinkUsed
    member.password_hash = password_hash
    await end_all(session, member.id)
    await forget(session, Limit(f"address|{member.email}", TRIES))
    audit.record(session, "password.chosen", "member", member.id, after={"link": link.purpose})
    return member


async def change_password(
    session: TenantSession, member: Member, current: str, password: str, own: StaffSession
) -> str:
    """Ends all other sessions and exchanges this one's secret; returns the cookie's value. Raises WrongPassword,
    WeakPassword and its like."""
    if not await matches(member.password_hash, current):
        raise WrongPassword
    member.password_hash = hash_password(password, await own_words(session, member))
    await end_all(session, member.id, but=own.id)
    audit.record(session, "password.changed", "member", member.id)
    return await exchange(session, own)


async def count_password_try(session: TenantSession, member_id: UUID) -> None:
    """Of somebody who is signed in already. Raises TooManyAttempts."""
    await count(session, Limit(f"own-password|{member_id}", TRIES))


async def turn_code_off(session: TenantSession, member_id: UUID) -> None:
    await codes.remove(session, member_id)
    audit.record(session, "code.removed", "member", member_id)


async def own_words(session: TenantSession, member: Member) -> list[str]:
    """What somebody who knows the person would try first."""
    tenant: Tenant = await current_tenant(session)
    return [member.name, member.email, tenant.slug, *tenant.name.values()]
