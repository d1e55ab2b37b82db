"""The policy of a tenant: what is in force now, and what was stamped on interviews."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import msgspec
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped

from duilian.infra.clock import now
from duilian.infra.database import Base, JsonObject, Tenanted, TenantSession
from duilian.infra.ids import new_id
from duilian.tenants.models import Tenant
from duilian.tenants.policy import Overrides, Policy, in_force, profile
from duilian.tenants.service import current_tenant


class PolicyVersion(Tenanted, Base):
    """A policy as it was when an interview was opened under it. Written once, never changed."""

    __tablename__ = "policy_versions"
    __table_args__ = (UniqueConstraint("tenant_id", "version"),)

    version: Mapped[str]
    jurisdiction: Mapped[str]
    content: Mapped[JsonObject]
    created_at: Mapped[datetime]


def overrides_of(tenant: Tenant) -> Overrides:
    return msgspec.convert(tenant.policy_overrides, Overrides)


def policy_of_tenant(tenant: Tenant) -> Policy:
    return in_force(profile(tenant.jurisdiction), overrides_of(tenant), now())


async def current_policy(session: TenantSession) -> Policy:
    return policy_of_tenant(await current_tenant(session))


async def stamp(session: TenantSession) -> str:
    """The version now in force; its content is kept under it."""
    policy = await current_policy(session)
    version = policy.version
    row = {
        "tenant_id": session.tenant_id,
        "id": new_id(),
        "version": version,
        "jurisdiction": policy.jurisdiction,
        "content": msgspec.to_builtins(policy),
        "created_at": now(),
    }
    await session.execute(insert(PolicyVersion).values(**row).on_conflict_do_nothing())
    return version


async def stamped_policy(session: TenantSession, version: str | None) -> Policy:
    """The policy of a version. Interviews from before there were policies follow the one now in force."""
    if version is None:
        return await current_policy(session)
    query = select(PolicyVersion.content).where(PolicyVersion.version == version)
    return _read(msgspec.json.encode((await session.scalars(query)).one(), order="sorted"))


@lru_cache(maxsize=256)
def _read(content: bytes) -> Policy:
    return msgspec.json.decode(content, type=Policy)
