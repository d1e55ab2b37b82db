"""The database: declarative base, tenant mixin, and the session that cannot forget its tenant.

Every tenant table carries `tenant_id`, its primary key and foreign keys start with it, and row-level security
with FORCE keeps other tenants' rows out. `TenantSession` sets `app.tenant_id` for each transaction, before the
first statement; without a tenant it raises before any SQL is sent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Connection, DateTime, MetaData, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, SessionTransaction, mapped_column
from sqlalchemy.orm import Session as SyncSession

from duilian.infra.errors import Problem
from duilian.infra.ids import new_id

JsonObject = dict[str, Any]  # Any: documents whose shape is checked by msgspec where they are read


class NoTenant(Problem):
    code = "no-tenant"
    en = "A statement was about to run without a tenant."
    zh = "有语句在未指定租户的情况下执行。"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_1_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        JsonObject: JSONB,
        list[Any]: JSONB,
    }


class Tenanted:
    """Mixin of every tenant table: primary key (tenant_id, id)."""

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class _TenantSyncSession(SyncSession):
    """The synchronous half, on which SQLAlchemy fires its events."""


class TenantSession(AsyncSession):
    """A session bound to one tenant for its whole life. Nobody but the edge commits it."""

    sync_session_class = _TenantSyncSession

    @property
    def tenant_id(self) -> UUID:
        return self.sync_session.info["tenant_id"]


@event.listens_for(_TenantSyncSession, "after_begin")
def _enter_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant_id = session.info.get("tenant_id")
    if not isinstance(tenant_id, UUID):
        raise NoTenant
    connection.execute(text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant_id)})


@event.listens_for(_TenantSyncSession, "before_flush")
def _stamp_tenant(session: Session, _context: object, _instances: object) -> None:
    """New rows belong to the session's tenant; a row that names another one is refused here and by the policy."""
    for row in session.new:
        if isinstance(row, Tenanted):
            if row.tenant_id is None:  # pyright: ignore[reportUnnecessaryComparison]  # unset until flushed
                row.tenant_id = session.info["tenant_id"]
            elif row.tenant_id != session.info["tenant_id"]:
                raise NoTenant


class Database:
    """The engine of the application's role. One a process."""

    def __init__(self, url: str, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, pool_timeout=20
        )

    def session(self, tenant_id: UUID) -> TenantSession:
        return TenantSession(self.engine, expire_on_commit=False, info={"tenant_id": tenant_id})

    @asynccontextmanager
    async def begin(self, tenant_id: UUID) -> AsyncGenerator[TenantSession]:
        """One transaction of one tenant: committed at the end, rolled back by an exception."""
        async with self.session(tenant_id) as session, session.begin():
            yield session

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[AsyncConnection]:
        """A bare connection without a tenant: sees no tenant row. For look-ups of the directory and health."""
        async with self.engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()
