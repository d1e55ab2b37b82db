"""Sign-in sessions of members and consultants: opened, recognised, listed, ended.

A session ends twelve hours after signing in, after two hours without use, and when somebody ends it. Its secret
lies in the browser's cookie, its hash here. It is exchanged when what the session may do grows or its owner's secrets
change, so that a value that leaked before is worth nothing after.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import NotFound, NotSignedIn
from duilian.infra.fields import cipher_of
from duilian.tenants.actors import Actor, actor_of_consultant, actor_with
from duilian.tenants.consultants import valid_grant
from duilian.tenants.devices import device_of
from duilian.tenants.models import Grant, Member, OrgUnit, StaffSession
from duilian.tenants.service import digest

SESSION_LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)
SEEN_EVERY = timedelta(minutes=1)  # how exactly "last seen" is kept


@dataclass(frozen=True)
class Visitor:
    """Who knocks: the network address, and the browser as it names itself."""

    network: str
    agent: str = ""


async def open_session(
    session: TenantSession,
    visitor: Visitor,
    *,
    method: str,
    member_id: UUID | None = None,
    consultant_grant_id: UUID | None = None,
) -> str:
    """The cookie's value of a new session, for a member or for a consultant's grant. method: how it was proven."""
    secret, at = secrets.token_urlsafe(32), now()
    row = StaffSession(
        member_id=member_id,
        consultant_grant_id=consultant_grant_id,
        secret_hash=digest(secret),
        created_at=at,
        last_seen_at=at,
        expires_at=at + SESSION_LASTS,
        method=method,
        device=device_of(visitor.agent),
    )
    row.network = visitor.network
    session.add(row)
    await session.execute(delete(StaffSession).where(StaffSession.expires_at < at))
    who, subject = ("member", member_id) if member_id else ("consultant", consultant_grant_id or "")
    enter_as(session, f"{who}:{subject}")
    audit.record(session, "session.opened", who, subject, after={"method": method})
    return _cookie(session, secret)


def enter_as(session: TenantSession, actor: str) -> None:
    """From here on the session's acts are this one's."""
    session.sync_session.info["access"] = replace(session.access, actor=actor)


# Asked by every page: the session, its member, and a row for each of the member's grants.
_RECOGNISED = (
    select(
        StaffSession.id,
        StaffSession.last_seen_at,
        StaffSession.consultant_grant_id,
        Member.id.label("member_id"),
        Member.name_sealed,
        Member.locale,
        Member.disabled_at,
        Grant.role,
        OrgUnit.path,
        OrgUnit.parent_id,
    )
    .outerjoin(Member, Member.id == StaffSession.member_id)
    .outerjoin(Grant, Grant.member_id == Member.id)
    .outerjoin(OrgUnit, OrgUnit.id == Grant.unit_id)
    .where(
        StaffSession.secret_hash == bindparam("hash"),
        StaffSession.expires_at > bindparam("at"),
        StaffSession.last_seen_at > bindparam("idle_since"),
    )
)


async def actor_of_cookie(database: Database, cookie: str) -> Actor:
    """Raises NotSignedIn."""
    tenant_id, secret = split_cookie(cookie)
    at = now()

    async def recognised(session: TenantSession) -> tuple[Actor, Any]:
        asked = {"hash": digest(secret), "at": at, "idle_since": at - IDLE}
        rows = (await session.execute(_RECOGNISED, asked)).all()
        if not rows:
            raise NotSignedIn
        return await _actor(session, rows, csrf_token(secret)), rows[0]

    actor, row = await database.read(tenant_id, recognised)
    if at - row.last_seen_at > SEEN_EVERY:
        async with database.begin(tenant_id) as session:
            seen = update(StaffSession).where(StaffSession.id == row.id)
            await session.execute(seen.values(last_seen_at=at))
    return actor


async def _actor(session: TenantSession, rows: Sequence[Any], csrf: str) -> Actor:
    """Any: rows of `_RECOGNISED`. Raises NotSignedIn."""
    row = rows[0]
    if row.member_id is not None and row.disabled_at is None:
        name = cipher_of(session.sync_session).open("members.name", row.member_id, row.name_sealed)
        granted = [(each.role, each.path, each.parent_id) for each in rows if each.path is not None]
        return await actor_with(session, row.member_id, name, row.locale, csrf, granted)
    grant = await valid_grant(session, row.consultant_grant_id)
    if grant is None:
        raise NotSignedIn
    return await actor_of_consultant(session, grant, csrf)


async def sessions_of(session: TenantSession, member_id: UUID) -> list[StaffSession]:
    """Those that still open, the one used last first."""
    at = now()
    query = select(StaffSession).where(
        StaffSession.member_id == member_id,
        StaffSession.expires_at > at,
        StaffSession.last_seen_at > at - IDLE,
    )
    return list(await session.scalars(query.order_by(StaffSession.last_seen_at.desc())))


async def own_session(session: TenantSession, cookie: str) -> StaffSession:
    """The session that the request came with. Raises NotSignedIn."""
    _, secret = split_cookie(cookie)
    row = await session.scalar(select(StaffSession).where(StaffSession.secret_hash == digest(secret)))
    if row is None:
        raise NotSignedIn
    return row


async def exchange(session: TenantSession, row: StaffSession) -> str:
    """A new secret for the same session; returns the cookie's value."""
    secret = secrets.token_urlsafe(32)
    row.secret_hash = digest(secret)
    return _cookie(session, secret)


async def end_one(session: TenantSession, member_id: UUID, session_id: UUID) -> None:
    """Of this member. Raises NotFound."""
    query = delete(StaffSession).where(StaffSession.member_id == member_id, StaffSession.id == session_id)
    if await session.scalar(query.returning(StaffSession.id)) is None:
        raise NotFound
    audit.record(session, "session.ended", "member", member_id)


async def end_all(session: TenantSession, member_id: UUID, but: UUID | None = None) -> int:
    """How many were ended. but: the one that stays."""
    query = delete(StaffSession).where(StaffSession.member_id == member_id)
    if but is not None:
        query = query.where(StaffSession.id != but)
    ended = len((await session.scalars(query.returning(StaffSession.id))).all())
    if ended:
        audit.record(session, "sessions.ended", "member", member_id, after={"sessions": ended})
    return ended


async def sign_out(database: Database, cookie: str) -> None:
    """Without a session there is nothing to end."""
    tenant_id, secret = split_cookie(cookie)
    async with database.begin(tenant_id) as session:
        query = delete(StaffSession).where(StaffSession.secret_hash == digest(secret))
        ended = (
            await session.execute(query.returning(StaffSession.member_id, StaffSession.consultant_grant_id))
        ).first()
        if ended is not None:
            who = "member" if ended.member_id else "consultant"
            audit.record(session, "session.closed", who, ended.member_id or ended.consultant_grant_id)


def csrf_token(secret: str) -> str:
    """Bound to the session; the cookie's secret cannot be read out of it."""
    return hmac.new(secret.encode(), b"duilian-csrf", sha256).hexdigest()


def split_cookie(cookie: str) -> tuple[UUID, str]:
    """Tenant and secret. Raises NotSignedIn."""
    tenant, _, secret = cookie.partition(".")
    try:
        return UUID(hex=tenant), secret
    except ValueError as error:
        raise NotSignedIn from error


def _cookie(session: TenantSession, secret: str) -> str:
    return f"{session.tenant_id.hex}.{secret}"
