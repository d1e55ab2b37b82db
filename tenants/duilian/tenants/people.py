"""Members of a tenant, what they are granted and where, and the roles the tenant made itself."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, func, select

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound
from duilian.infra.fields import cipher_of
from duilian.infra.ids import new_id
from duilian.tenants.errors import (
    BadRoleName,
    LastOwner,
    MemberExists,
    NotYoursToGive,
    UnknownMember,
    UnknownRole,
)
from duilian.tenants.models import CustomRole, Grant, Member, StaffSession
from duilian.tenants.organisation import root_of, unit_of
from duilian.tenants.passwords import hash_password
from duilian.tenants.rights import ROLES, Right

LONGEST_ROLE_NAME = 60


async def add_member(
    session: TenantSession,
    email: str,
    name: str,
    role: str,
    password: str | None,
    locale: str,
    unit_id: UUID | None = None,
) -> Member:
    """With one role, at the root unless a unit is named. password: None for who gets in by a link or single sign-on.
    Raises WeakPassword and its like, MemberExists, UnknownRole."""
    if await member_by_email(session, email) is not None:
        raise MemberExists
    password_hash = "" if password is None else hash_password(password, (name, email))
    member = Member(
        id=new_id(), email=email.strip().lower(), name=name, password_hash=password_hash, locale=locale,
        created_at=now(), disabled_at=None,
    )  # fmt: skip
    session.add(member)
    await session.flush()
    audit.record(session, "member.added", "member", member.id)
    await grant_role(session, member.id, unit_id or (await root_of(session)).id, role)
    return member


async def member_by_email(session: TenantSession, email: str) -> Member | None:
    index = cipher_of(session.sync_session).index("members.email", email)
    return await session.scalar(select(Member).where(Member.email_index == index))


async def member_of(session: TenantSession, member_id: UUID) -> Member:
    """Raises UnknownMember."""
    member = await session.get(Member, (session.tenant_id, member_id))
    if member is None:
        raise UnknownMember
    return member


async def members(session: TenantSession) -> list[tuple[Member, list[Grant]]]:
    """Everybody with their grants, those who can sign in first."""
    grants: dict[UUID, list[Grant]] = {}
    for grant in await session.scalars(select(Grant).order_by(Grant.id)):
        grants.setdefault(grant.member_id, []).append(grant)
    rows = await session.scalars(select(Member).order_by(Member.disabled_at.is_not(None), Member.id))
    return [(member, grants.get(member.id, [])) for member in rows]


async def rights_of_role(session: TenantSession, role: str) -> frozenset[Right]:
    """Of a role of ours or of the tenant. Raises UnknownRole."""
    if role in ROLES:
        return ROLES[role]
    row = await session.scalar(select(CustomRole).where(CustomRole.key == role))
    if row is None:
        raise UnknownRole
    return frozenset(Right(right) for right in row.rights)


async def grant_role(
    session: TenantSession,
    member_id: UUID,
    unit_id: UUID,
    role: str,
    giver: frozenset[Right] | None = None,
) -> None:
    """Given twice it is given once. giver: the rights of who gives; nobody gives more. Raises NotYoursToGive."""
    rights = await rights_of_role(session, role)
    if giver is not None and not rights <= giver:
        raise NotYoursToGive
    await member_of(session, member_id)
    unit = await unit_of(session, unit_id)
    query = select(Grant.id).where(Grant.member_id == member_id, Grant.unit_id == unit.id, Grant.role == role)
    if await session.scalar(query) is None:
        session.add(
            Grant(
                member_id=member_id,
                unit_id=unit.id,
                role=role,
                granted_by=session.access.actor,
                created_at=now(),
            )
        )
        await session.flush()
        audit.record(session, "grant.made", "member", member_id, after={"unit": unit.id, "role": role})


async def revoke_grant(session: TenantSession, grant_id: UUID, giver: frozenset[Right] | None = None) -> None:
    """Raises NotFound where there is no such grant, LastOwner, NotYoursToGive."""
    grant = await session.get(Grant, (session.tenant_id, grant_id))
    if grant is None:
        raise NotFound
    if giver is not None and not await rights_of_role(session, grant.role) <= giver:
        raise NotYoursToGive
    if grant.role == "owner":
        await _require_another_owner(session, grant.member_id)
    audit.record(
        session,
        "grant.revoked",
        "member",
        grant.member_id,
        before={"unit": grant.unit_id, "role": grant.role},
    )
    await session.delete(grant)


async def disable_member(session: TenantSession, member_id: UUID) -> None:
    """Signs the person out everywhere. Raises LastOwner, UnknownMember."""
    member = await member_of(session, member_id)
    await _require_another_owner(session, member_id)
    member.disabled_at = member.disabled_at or now()
    await session.execute(delete(StaffSession).where(StaffSession.member_id == member_id))
    audit.record(session, "member.disabled", "member", member_id)


async def enable_member(session: TenantSession, member_id: UUID) -> None:
    member = await member_of(session, member_id)
    member.disabled_at = None
    audit.record(session, "member.enabled", "member", member_id)


async def _require_another_owner(session: TenantSession, member_id: UUID) -> None:
    """Somebody must be able to give rights: an active owner other than this one, if this one is an owner."""
    query = (
        select(func.count(func.distinct(Grant.member_id)).filter(Grant.member_id != member_id), func.count().filter(Grant.member_id == member_id))
        .join(Member, Member.id == Grant.member_id)
        .where(Grant.role == "owner", Member.disabled_at.is_(None))
    )  # fmt: skip
    others, mine = (await session.execute(query)).one()
    if mine and not others:
        raise LastOwner


async def custom_roles(session: TenantSession) -> list[CustomRole]:
    return list(await session.scalars(select(CustomRole).order_by(CustomRole.name)))


async def save_role(
    session: TenantSession, name: str, rights: set[str], giver: frozenset[Right]
) -> CustomRole:
    """Raises BadRoleName, NotYoursToGive."""
    known = {right.value for right in Right} & rights
    if not known or not 1 <= len(name.strip()) <= LONGEST_ROLE_NAME:
        raise BadRoleName(most=LONGEST_ROLE_NAME)
    if not {Right(right) for right in known} <= giver:
        raise NotYoursToGive
    key = f"custom-{new_id().hex[-12:]}"
    row = CustomRole(key=key, name=name.strip(), rights=sorted(known), created_at=now())
    session.add(row)
    await session.flush()
    audit.record(session, "role.made", "role", row.id, after={"rights": row.rights})
    return row


async def remove_role(session: TenantSession, role_id: UUID) -> None:
    """With every grant of it."""
    row = await session.get(CustomRole, (session.tenant_id, role_id))
    if row is None:
        raise NotFound
    await session.execute(delete(Grant).where(Grant.role == row.key))
    audit.record(session, "role.removed", "role", row.id, before={"rights": row.rights})
    await session.delete(row)
