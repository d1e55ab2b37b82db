"""Tenants: opening one, finding one, its members and API keys."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.ids import new_id
from duilian.tenants.branding import Brand, Words
from duilian.tenants.errors import BadSlug, SlugTaken, UnknownTenant
from duilian.tenants.keyring import Keyring
from duilian.tenants.models import ApiKey, Member, Tenant
from duilian.tenants.passwords import hash_password
from duilian.tenants.rights import ROLES, Right


class TenantFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens a tenant: `tenant.yaml` of a pack, or the same fields from elsewhere."""

    slug: str
    name: Words
    industry: str
    locale: str
    time_zone: str
    brand: Brand
    vocabulary: dict[str, list[str]] = {}


async def find_tenant(database: Database, slug: str) -> UUID:
    """Raises UnknownTenant. The only look-up that runs without a tenant."""
    async with database.connect() as connection:
        tenant_id = await connection.scalar(text("select tenant_id_of(:slug)"), {"slug": slug})
    if tenant_id is None:
        raise UnknownTenant(slug=slug)
    return tenant_id


async def create_tenant(database: Database, keyring: Keyring, file: TenantFile) -> UUID:
    """Raises SlugTaken, BadSlug, LowContrast."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", file.slug):
        raise BadSlug
    file.brand.check()
    tenant_id = new_id()
    fields = msgspec.to_builtins(file)
    try:
        async with database.begin(tenant_id) as session:
            session.add(Tenant(id=tenant_id, created_at=now(), **fields))
            await session.flush()
            await keyring.create(session)
    except IntegrityError as error:
        raise SlugTaken(slug=file.slug) from error
    return tenant_id


async def current_tenant(session: TenantSession) -> Tenant:
    return await session.get_one(Tenant, session.tenant_id)


async def add_member(
    session: TenantSession, email: str, name: str, role: str, password: str, locale: str
) -> Member:
    """Raises WeakPassword; KeyError for a role that does not exist."""
    ROLES[role]
    member = Member(
        email=email.strip().lower(),
        name=name,
        role=role,
        password_hash=hash_password(password),
        locale=locale,
        created_at=now(),
        disabled_at=None,
    )
    session.add(member)
    await session.flush()
    return member


async def member_by_email(session: TenantSession, email: str) -> Member | None:
    return await session.scalar(select(Member).where(Member.email == email.strip().lower()))


async def create_api_key(
    session: TenantSession, slug: str, name: str, rights: set[Right], expires_at: datetime | None = None
) -> str:
    """The key, shown this once: `dl_{slug}_{secret}`."""
    secret = secrets.token_urlsafe(32)
    row = ApiKey(
        name=name,
        rights=sorted(rights),
        secret_hash=digest(secret),
        created_at=now(),
        expires_at=expires_at,
        last_used_at=None,
    )
    session.add(row)
    await session.flush()
    return f"dl_{slug}_{secret}"


def digest(secret: str) -> str:
    """Secrets of 256 random bits need no salt."""
    return sha256(secret.encode()).hexdigest()
