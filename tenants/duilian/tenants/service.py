"""Tenants: opening one, finding one, its API keys."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import NotFound
from duilian.infra.ids import new_id
from duilian.tenants.branding import Brand, Words
from duilian.tenants.errors import BadSlug, SlugTaken, UnknownTenant
from duilian.tenants.keyring import Keyring
from duilian.tenants.models import ApiKey, Tenant
from duilian.tenants.organisation import plant_root
from duilian.tenants.policy import DEFAULT, profile
from duilian.tenants.rights import Right

FOUND_LASTS = 30.0  # seconds
MOST_FOUND = 10_000


class TenantFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens a tenant: `tenant.yaml` of a pack, or the same fields from elsewhere."""

    slug: str
    name: Words
    industry: str
    locale: str
    time_zone: str
    brand: Brand
    vocabulary: dict[str, list[str]] = {}
    jurisdiction: str = DEFAULT


async def find_tenant(database: Database, slug: str) -> UUID:
    """Raises UnknownTenant. The only look-up that runs without a tenant; what was found is known for half a minute."""
    found = database.directory
    tenant_id, until = found.get(slug, (None, 0.0))
    if tenant_id is not None and time.monotonic() < until:
        return tenant_id
    found.pop(slug, None)
    async with database.connect() as connection:
        tenant_id = await connection.scalar(text("select tenant_id_of(:slug)"), {"slug": slug})
    if tenant_id is None:
        raise UnknownTenant(slug=slug)
    if len(found) >= MOST_FOUND:
        found.pop(next(iter(found)))
    found[slug] = tenant_id, time.monotonic() + FOUND_LASTS
    return tenant_id


def check_slug(slug: str) -> None:
    """Raises BadSlug."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", slug):
        raise BadSlug


async def create_tenant(
    database: Database,
    keyring: Keyring,
    file: TenantFile,
    fill: Callable[[TenantSession], Awaitable[None]] | None = None,
    tenant_id: UUID | None = None,
) -> UUID:
    """fill: what belongs to a tenant from its first moment, in the same transaction: where it fails there is no tenant.
    tenant_id: where it was chosen before, so that a repetition is recognised. Raises SlugTaken, BadSlug, LowContrast,
    UnknownJurisdiction, and what `fill` raises."""
    check_slug(file.slug)
    file.brand.check()
    profile(file.jurisdiction)
    tenant_id = tenant_id or new_id()
    fields = msgspec.to_builtins(file)
    try:
        async with database.begin(tenant_id) as session:
            session.add(Tenant(id=tenant_id, created_at=now(), policy_overrides={}, **fields))
            await session.flush()
            await keyring.create(session)
            await plant_root(session, file.name[file.locale])
            audit.record(session, "tenant.opened", "tenant", tenant_id, after={"industry": file.industry})
            if fill is not None:
                await fill(session)
    except IntegrityError as error:
        raise SlugTaken(slug=file.slug) from error
    return tenant_id


async def current_tenant(session: TenantSession) -> Tenant:
    """Raises NotFound where it was deleted."""
    tenant = await session.get(Tenant, session.tenant_id)
    if tenant is None or tenant.closed_at is not None:
        raise NotFound
    return tenant


async def create_api_key(
    session: TenantSession,
    slug: str,
    name: str,
    rights: set[Right],
    expires_at: datetime | None = None,
    unit_id: UUID | None = None,
) -> str:
    """The key, shown this once: `dl_{slug}_{secret}`. unit_id: where its rights hold, None everywhere."""
    secret = secrets.token_urlsafe(32)
    row = ApiKey(
        unit_id=unit_id,
        name=name,
        rights=sorted(rights),
        secret_hash=digest(secret),
        created_at=now(),
        created_by=session.access.actor,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    session.add(row)
    await session.flush()
    facts = {"rights": row.rights, "unit": unit_id, "expires_at": expires_at}
    audit.record(session, "api-key.made", "key", row.id, after=facts)
    return f"dl_{slug}_{secret}"


def digest(secret: str) -> str:
    """Secrets of 256 random bits need no salt."""
    return sha256(secret.encode()).hexdigest()
