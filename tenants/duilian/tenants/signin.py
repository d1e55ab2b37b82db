"""Signing in: throttled, by password; sessions and API keys recognised by the hash of their secret."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, func, select

from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import NotSignedIn
from duilian.tenants.errors import SignInFailed, TooManyAttempts, UnknownTenant
from duilian.tenants.models import ApiKey, Member, SignInAttempt, StaffSession
from duilian.tenants.passwords import password_matches
from duilian.tenants.rights import ROLES, Right
from duilian.tenants.service import digest, find_tenant, member_by_email

SESSION_LASTS = timedelta(hours=12)
WINDOW = timedelta(minutes=15)
ATTEMPTS_PER_ADDRESS = 8
ATTEMPTS_PER_NETWORK = 40


@dataclass(frozen=True)
class Actor:
    """Who is asking: a member by session, or a program by API key (member None)."""

    tenant_id: UUID
    name: str
    rights: frozenset[Right]
    member_id: UUID | None
    locale: str
    csrf: str = ""

    @property
    def label(self) -> str:
        return f"member:{self.member_id}" if self.member_id else f"key:{self.name}"


async def sign_in(database: Database, slug: str, email: str, password: str, network: str) -> str:
    """The session cookie's value. Raises SignInFailed (one answer for every cause), TooManyAttempts."""
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        password_matches(None, password)
        raise SignInFailed from error
    who = [(_hash(email.strip().lower()), ATTEMPTS_PER_ADDRESS), (_hash(network), ATTEMPTS_PER_NETWORK)]
    async with database.begin(tenant_id) as session:
        await _throttle(session, who)
        # Counted before the password is looked at and in a transaction of its own: trying in parallel gains nothing.
        session.add_all([SignInAttempt(who=name, happened_at=now()) for name, _ in who])
    async with database.begin(tenant_id) as session:
        member = await member_by_email(session, email)
        if not password_matches(member.password_hash if member else None, password):
            raise SignInFailed
        if member is None or member.disabled_at is not None:
            raise SignInFailed
        await session.execute(delete(SignInAttempt).where(SignInAttempt.who == who[0][0]))
        return await _open_session(session, member)


async def _throttle(session: TenantSession, who: list[tuple[str, int]]) -> None:
    since = now() - WINDOW
    for name, limit in who:
        query = select(func.count()).where(SignInAttempt.who == name, SignInAttempt.happened_at > since)
        if (await session.scalar(query) or 0) >= limit:
            raise TooManyAttempts(minutes=int(WINDOW.total_seconds() // 60))


async def _open_session(session: TenantSession, member: Member) -> str:
    secret, at = secrets.token_urlsafe(32), now()
    row = StaffSession(
        member_id=member.id,
        secret_hash=digest(secret),
        created_at=at,
        last_seen_at=at,
        expires_at=at + SESSION_LASTS,
    )
    session.add(row)
    return f"{session.tenant_id.hex}.{secret}"


async def actor_of_cookie(database: Database, cookie: str) -> Actor:
    """Raises NotSignedIn."""
    tenant_id, secret = _split_cookie(cookie)
    async with database.begin(tenant_id) as session:
        query = (
            select(StaffSession, Member)
            .join(Member, Member.id == StaffSession.member_id)
            .where(StaffSession.secret_hash == digest(secret), StaffSession.expires_at > now())
        )
        found = (await session.execute(query)).first()
        if found is None or found[1].disabled_at is not None:
            raise NotSignedIn
        member: Member = found[1]
    return Actor(tenant_id, member.name, ROLES[member.role], member.id, member.locale, csrf_token(secret))


async def actor_of_api_key(database: Database, key: str) -> Actor:
    """Raises NotSignedIn: unknown, expired and malformed keys look the same."""
    prefix, _, rest = key.partition("_")
    slug, _, secret = rest.partition("_")
    if prefix != "dl" or not secret:
        raise NotSignedIn
    try:
        tenant_id = await find_tenant(database, slug)
    except UnknownTenant as error:
        raise NotSignedIn from error
    async with database.begin(tenant_id) as session:
        row = await session.scalar(select(ApiKey).where(ApiKey.secret_hash == digest(secret)))
        if row is None or (row.expires_at is not None and row.expires_at <= now()):
            raise NotSignedIn
        row.last_used_at = now()
        return Actor(tenant_id, row.name, frozenset(Right(right) for right in row.rights), None, "zh-CN")


async def sign_out(database: Database, cookie: str) -> None:
    tenant_id, secret = _split_cookie(cookie)
    async with database.begin(tenant_id) as session:
        await session.execute(delete(StaffSession).where(StaffSession.secret_hash == digest(secret)))


def csrf_token(secret: str) -> str:
    """Bound to the session; the cookie's secret cannot be read out of it."""
    return hmac.new(secret.encode(), b"duilian-csrf", sha256).hexdigest()


def _split_cookie(cookie: str) -> tuple[UUID, str]:
    tenant, _, secret = cookie.partition(".")
    try:
        return UUID(hex=tenant), secret
    except ValueError as error:
        raise NotSignedIn from error


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
