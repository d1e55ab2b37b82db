"""The tenant's keys in use: unwrapped once a process, derived for each purpose."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.keys import KEY_BYTES, KeyProvider, KeyUnusable
from duilian.tenants.models import WrappedTenantKey


@dataclass(frozen=True)
class OpenTenantKey:
    """A tenant's key, unwrapped. Never stored, never logged."""

    tenant_id: UUID
    version: int
    key: bytes

    def __repr__(self) -> str:
        return f"OpenTenantKey(tenant_id={self.tenant_id}, version={self.version})"

    def derive(self, purpose: str) -> bytes:
        """A key for one purpose (HMAC-SHA-256 as a KDF in counter mode would use it, single block)."""
        return hmac.new(self.key, b"duilian-derive\0" + purpose.encode(), hashlib.sha256).digest()


class Keyring:
    """Tenant keys by tenant."""

    def __init__(self, provider: KeyProvider) -> None:
        self._provider = provider
        self._open: dict[UUID, OpenTenantKey] = {}

    async def create(self, session: TenantSession) -> OpenTenantKey:
        """The first key of a new tenant."""
        key = os.urandom(KEY_BYTES)
        wrapped = self._provider.wrap(key, _context(session.tenant_id, 1))
        session.add(WrappedTenantKey(version=1, wrapped=wrapped, created_at=now()))
        return OpenTenantKey(session.tenant_id, 1, key)

    async def of(self, session: TenantSession) -> OpenTenantKey:
        """The session's tenant's key. Raises KeyUnusable where it was destroyed."""
        if session.tenant_id not in self._open:
            query = select(WrappedTenantKey).order_by(WrappedTenantKey.version.desc()).limit(1)
            row = await session.scalar(query)
            if row is None:
                raise KeyUnusable(reason="the tenant has no key")
            key = self._provider.unwrap(row.wrapped, _context(session.tenant_id, row.version))
            self._open[session.tenant_id] = OpenTenantKey(session.tenant_id, row.version, key)
        return self._open[session.tenant_id]


def _context(tenant_id: UUID, version: int) -> bytes:
    return f"duilian-tenant-key|{tenant_id}|{version}".encode()
