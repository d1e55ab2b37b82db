"""Sessions that only read: each statement enters its tenant by itself, writes nothing and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from duilian.infra import audit
from duilian.infra.audit import AuditEntry
from duilian.infra.database import Access, Database, TenantSession
from duilian.platform.app.up import Stack
from duilian.tenants.models import Member, Tenant
from world import World, run

BACKEND = text("select pg_backend_pid()")
SETTINGS = text("select current_setting('app.tenant_id', true), current_setting('transaction_read_only')")
Result = TypeVar("Result")


def on_one_connection(stack: Stack, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """With a pool of one: what one session left behind the next would find."""

    async def go() -> Result:
        database = Database(stack.settings.database_url, 1)
        try:
            return await work(database)
        finally:
            await database.close()

    return run(go())


async def tenants(session: TenantSession) -> list[str]:
    return list(await session.scalars(select(Tenant.slug)))


def test_each_statement_sees_its_tenant_and_the_next_session_its_own(
    stack: Stack, alice: World, charlie: World
) -> None:
    async def work(database: Database) -> None:
        async def twice(session: TenantSession) -> list[str]:
            return await tenants(session) + await tenants(session)

        for world in (alice, charlie, alice):
            assert await database.read(world.tenant_id, twice) == [world.slug] * 2
            async with database.begin(charlie.tenant_id) as session:
                assert await tenants(session) == [charlie.slug]
        async with database.connect() as connection:
            assert (await connection.execute(SETTINGS)).one() == ("", "off"), (
                "nothing stays on the connection"
            )
            assert not (await connection.execute(select(Tenant.slug))).all()

    on_one_connection(stack, work)


def test_units_and_candidates_hold_for_reading_too(stack: Stack, alice: World) -> None:
    async def work(database: Database) -> None:
        async def seen(session: TenantSession) -> int:
            return (await session.execute(text("select count(*) from candidates"))).scalar_one()

        alice.invite()
        assert await database.read(alice.tenant_id, seen) > 0
        assert await database.read(alice.tenant_id, seen, Access(units=frozenset())) == 0

    on_one_connection(stack, work)


def test_nothing_is_written(stack: Stack, alice: World) -> None:
    async def work(database: Database) -> None:
        change = update(Member).values(locale="xx")

        async def one(session: TenantSession) -> None:
            await session.execute(change)

        async def many(session: TenantSession) -> None:
            connection = await session.connection()
            await connection.execute(text("update members set locale = :to"), [{"to": "xx"}, {"to": "yy"}])

        async def unlocked(session: TenantSession) -> None:
            await session.execute(text("select set_config('transaction_read_only', 'off', true)"))
            await session.execute(change)

        for attempt in (one, many, unlocked):
            with pytest.raises(DBAPIError, match=r"read-only|read-write|reading session"):
                await database.read(alice.tenant_id, attempt)
        async with database.begin(alice.tenant_id) as session:
            assert not (await session.scalars(select(Member.id).where(Member.locale.in_(["xx", "yy"])))).all()

    on_one_connection(stack, work)


def test_what_died_or_was_broken_off_is_not_felt_by_the_next(stack: Stack, alice: World) -> None:
    async def work(database: Database) -> None:
        async def backend(session: TenantSession) -> int:
            return (await session.execute(BACKEND)).scalar_one()

        async def asleep(session: TenantSession) -> None:
            await session.execute(text("select pg_sleep(20)"))

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await database.read(alice.tenant_id, asleep)
        assert await database.read(alice.tenant_id, tenants) == [alice.slug]
        died, killer = await database.read(alice.tenant_id, backend), Database(stack.settings.database_url, 1)
        async with killer.connect() as connection:
            await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": died})
        await killer.close()
        assert await database.read(alice.tenant_id, backend) != died

    on_one_connection(stack, work)


def test_what_it_notes_is_written(stack: Stack, alice: World) -> None:
    async def work(database: Database) -> None:
        async def look(session: TenantSession) -> None:
            await tenants(session)
            audit.record(session, "report.viewed", "interview", UUID(int=7))

        await database.read(alice.tenant_id, look, Access(actor="member:reader"))
        async with database.begin(alice.tenant_id) as session:
            entries = select(AuditEntry.actor).where(AuditEntry.subject_id == str(UUID(int=7)))
            found = await session.scalars(entries)
            assert list(found) == ["member:reader"]

    on_one_connection(stack, work)
