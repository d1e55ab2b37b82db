"""The database: declarative base, tenant mixin, and the session that cannot forget its tenant.

Every tenant table carries `tenant_id`, its primary key and foreign keys start with it, and row-level security
with FORCE keeps other tenants' rows out. `TenantSession` enters the tenant at the start of each transaction, in
one statement (`enter_tenant`, a function of the first migrations): tenant, organisation units, candidate. Without
a tenant it raises before any SQL is sent; rows outside the units are hidden by restrictive policies.

Connections are in the driver's autocommit mode and BEGIN is sent with `enter_tenant`, in one round trip; that is also
how a connection that died in the pool is noticed, instead of by a ping before each use.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, DateTime, MetaData, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, SessionTransaction, mapped_column
from sqlalchemy.orm import Session as SyncSession
from sqlalchemy.pool import PoolResetState
from sqlalchemy.util import await_only

from duilian.infra.errors import Problem
from duilian.infra.ids import new_id
from duilian.infra.reading import Entering, TenantConnection, TenantCursor

Found = TypeVar("Found")
NOTES = "audit"  # in a session's info: what the audit log is to be told at the commit
JsonObject = dict[str, Any]  # Any: documents whose shape is checked by msgspec where they are read


class NoTenant(Problem):
    code = "no-tenant"
    en = "A statement was about to run without a tenant."
    zh = "有语句在未指定租户的情况下执行。"


@dataclass(frozen=True)
class Access:
    """Who is at work in a session, for whom, from where, and which part of the tenant is seen.

    units: the organisation units whose people are seen; None is the whole tenant. candidate_id: set where a
    candidate looks at what is theirs alone.
    """

    actor: str = "system"  # "member:{id}", "key:{id}", "candidate:{interview}", "consultant:{id}", "system"
    on_behalf_of: str = ""
    network: str = ""
    units: frozenset[UUID] | None = None
    candidate_id: UUID | None = None

    @property
    def units_setting(self) -> str:
        """As `app.units` holds it: "*" or an array literal."""
        return "*" if self.units is None else "{" + ",".join(sorted(map(str, self.units))) + "}"


SYSTEM = Access()
# Opens a tenant's keys: (connection, session.info, key epoch). Called at the start of each transaction.
Unlock = Callable[[Connection, dict[Any, Any], int], None]


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

    @property
    def access(self) -> Access:
        return self.sync_session.info["access"]


_PLAIN = re.compile(r"[0-9a-f-]*|\*|\{[0-9a-f,-]*\}")


@event.listens_for(_TenantSyncSession, "after_begin")
def _enter_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant_id = session.info.get("tenant_id")
    if not isinstance(tenant_id, UUID):
        raise NoTenant
    access: Access = session.info["access"]
    values = (str(tenant_id), access.units_setting, str(access.candidate_id or ""))
    unlock = partial(_unlock, session.info, connection)
    if session.info["reading"]:
        _driver(connection).entering = Entering(*values, unlock)
    else:
        unlock(_entered(connection, values))


def _unlock(info: dict[Any, Any], connection: Connection, epoch: int | None) -> None:
    """Without a tenant there is nothing to open: a number that is nobody's must not take longer than another's."""
    unlock: Unlock | None = info["unlock"]
    if unlock is not None and epoch is not None:
        unlock(connection, info, epoch)


def _driver(connection: Connection) -> TenantConnection:
    return cast(
        TenantConnection, connection.connection.driver_connection
    )  # what the engine was told to connect by


def _entered(connection: Connection, values: tuple[str, str, str]) -> int | None:
    """Begins and enters; the epoch of the tenant's keys, None where there is no such tenant."""
    if not all(
        map(_PLAIN.fullmatch, values)
    ):  # they stand in the statement: several at once take no parameters
        raise NoTenant
    both = "begin; select enter_tenant('{}', '{}', '{}')".format(*values)
    driver = _driver(connection)
    try:
        return await_only(_last_value(driver, both))
    except psycopg.Error as error:
        lost = driver.broken
        if lost:
            connection.invalidate(error)
        raise OperationalError("enter_tenant", None, error, connection_invalidated=lost) from error


async def _last_value(driver: TenantConnection, statements: str) -> Any:
    """Of the last of several statements. Any: whatever its first column holds."""
    cursor = await driver.execute(statements.encode())
    while cursor.nextset():
        pass
    return (await cursor.fetchone() or (None,))[0]


@event.listens_for(_TenantSyncSession, "before_flush")
def _stamp_tenant(session: Session, _context: object, _instances: object) -> None:
    """New rows belong to the session's tenant; a row that names another one is refused here and by the policy."""
    for row in session.new:
        if isinstance(row, Tenanted):
            if row.tenant_id is None:  # pyright: ignore[reportUnnecessaryComparison]  # unset until flushed
                row.tenant_id = session.info["tenant_id"]
            elif row.tenant_id != session.info["tenant_id"]:
                raise NoTenant


def _roll_back(connection: Any, _record: object, state: PoolResetState) -> None:
    """Before a connection returns to the pool. Any: SQLAlchemy's adapter of the driver's connection."""
    driver: TenantConnection = connection.driver_connection
    driver.entering = None
    if state.asyncio_safe and driver.pgconn.transaction_status != TransactionStatus.IDLE:
        connection.rollback()


async def _closed(session: AsyncSession) -> None:
    """What has committed holds no connection: there is nothing to wait for. All else is closed whoever cancels us."""
    if session.in_transaction():
        async with session:
            return
    session.sync_session.close()


class Database:
    """The engine of the application's role. One a process."""

    def __init__(self, url: str, pool_size: int = 10, unlock: Unlock | None = None) -> None:
        self._unlock = unlock
        self.directory: dict[str, tuple[UUID, float]] = {}  # slug → tenant, and until when that is trusted
        self.engine: AsyncEngine = create_async_engine(
            url, pool_size=pool_size, max_overflow=pool_size, pool_timeout=20, isolation_level="AUTOCOMMIT",
            connect_args={"async_creator_fn": TenantConnection.connect, "cursor_factory": TenantCursor},
            pool_reset_on_return=None,  # by _roll_back, which does not ask a connection that is in no transaction
        )  # fmt: skip
        event.listen(self.engine.sync_engine, "reset", _roll_back)

    def session(self, tenant_id: UUID, access: Access = SYSTEM, *, reading: bool = False) -> TenantSession:
        info = {"tenant_id": tenant_id, "access": access, "unlock": self._unlock, "reading": reading}
        return TenantSession(self.engine, expire_on_commit=False, info=info)

    @asynccontextmanager
    async def begin(self, tenant_id: UUID, access: Access = SYSTEM) -> AsyncGenerator[TenantSession]:
        """One transaction of one tenant: committed at the end, rolled back by an exception.

        The tenant is entered at once, so that its keys are at hand before the first statement.
        """
        session = await self._entered(tenant_id, access)
        try:
            yield session
            await session.commit()
        finally:
            await _closed(session)  # after an exception it rolls back

    async def read(
        self, tenant_id: UUID, work: Callable[[TenantSession], Awaitable[Found]], access: Access = SYSTEM
    ) -> Found:
        """What `work` finds in a session that cannot write (infra/reading.py): a round trip for each statement and no more.

        Its first statement opens the tenant's keys. It runs again where its connection had died in the pool. What it
        notes for the audit log is written after it, and before anybody is told what it found.
        """
        for last in (False, True):
            session = self.session(tenant_id, access, reading=True)
            try:
                found = await work(session)
                await session.close()
            except DBAPIError as error:
                if last or not error.connection_invalidated:
                    raise
                await self.engine.dispose()  # its neighbours died with it
            else:
                await self._note(session)
                return found
            finally:
                await _closed(session)
        raise AssertionError("the last attempt returns or raises")

    async def _note(self, read: TenantSession) -> None:
        if notes := read.sync_session.info.get(NOTES):
            async with self.begin(read.tenant_id, read.access) as session:
                session.sync_session.info.setdefault(NOTES, []).extend(notes)

    async def _entered(self, tenant_id: UUID, access: Access) -> TenantSession:
        """A session that has entered, on another connection where the first one had died in the pool."""
        for last in (False, True):
            session = self.session(tenant_id, access)
            try:
                await session.connection()
            except BaseException as error:  # whoever is cancelled here holds a connection already
                await _closed(session)
                if last or not (isinstance(error, DBAPIError) and error.connection_invalidated):
                    raise
                await self.engine.dispose()  # its neighbours died with it
            else:
                return session
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator[AsyncConnection]:
        """A bare connection without a tenant and without a transaction: sees no tenant row. It is known to answer."""
        connection = await self._answering()
        try:
            yield connection
        finally:
            await connection.close()

    async def _answering(self) -> AsyncConnection:
        for last in (False, True):
            connection = await self.engine.connect()
            try:
                await connection.execute(text("select 1"))
            except DBAPIError as error:
                await connection.close()
                if last or not error.connection_invalidated:
                    raise
                await self.engine.dispose()
            else:
                return connection
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        await self.engine.dispose()
