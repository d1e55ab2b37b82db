"""API keys of a tenant: which there are, and taking one away at once. They are made by `service.create_api_key`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound
from duilian.tenants.models import ApiKey


async def api_keys(session: TenantSession) -> list[ApiKey]:
    """Those that open first, then the revoked; newest first."""
    query = select(ApiKey).order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())
    return list(await session.scalars(query))


async def revoke_api_key(session: TenantSession, key_id: UUID) -> None:
    """Raises NotFound."""
    row = await session.get(ApiKey, (session.tenant_id, key_id))
    if row is None:
        raise NotFound
    if row.revoked_at is None:
        row.revoked_at = now()
        audit.record(session, "api-key.revoked", "key", row.id)
