"""Entering a tenant: in one round trip, on a connection that lives, and never with text of somebody's own."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import select, text

from duilian.infra.database import Access, Database, NoTenant
from duilian.platform.app.up import Stack
from duilian.tenants.models import Member
from world import World, run

BACKEND = text("select pg_backend_pid()")


def test_a_connection_that_died_in_the_pool_is_replaced(stack: Stack, alice: World) -> None:
    """All of them at once, as after a restart of the database; nobody is told."""

    async def work() -> tuple[set[int], int]:
        database, killer = (Database(stack.settings.database_url, 3) for _ in range(2))
        try:
            sessions = [database.session(alice.tenant_id) for _ in range(3)]
            died = {(await session.execute(BACKEND)).scalar_one() for session in sessions}
            for session in sessions:
                await session.close()
            async with killer.connect() as connection:
                for pid in died:
                    await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
            async with database.begin(alice.tenant_id) as session:
                members = list(await session.scalars(select(Member.id)))
                assert (await session.execute(BACKEND)).scalar_one() not in died
            async with database.connect() as connection:
                assert (await connection.execute(BACKEND)).scalar_one() not in died
            return died, len(members)
        finally:
            await database.close()
            await killer.close()

    died, members = run(work())
    assert len(died) == 3 and members


def test_a_directory_look_up_survives_a_dead_connection_too(stack: Stack) -> None:
    async def work() -> None:
        database, killer = (Database(stack.settings.database_url, 1) for _ in range(2))
        try:
            async with database.connect() as connection:
                pid = (await connection.execute(BACKEND)).scalar_one()
            async with killer.connect() as connection:
                await connection.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
            async with database.connect() as connection:
                assert (await connection.execute(BACKEND)).scalar_one() != pid
        finally:
            await database.close()
            await killer.close()

    run(work())


def test_an_exception_rolls_back_and_frees_the_connection(stack: Stack, alice: World) -> None:
    async def work() -> int:
        database = Database(stack.settings.database_url, 1)
        try:
            for _ in range(3):
                with pytest.raises(ZeroDivisionError):
                    async with database.begin(alice.tenant_id) as session:
                        await session.execute(text("update members set locale = 'xx'"))
                        raise ZeroDivisionError
            async with database.begin(alice.tenant_id) as session:
                return len(list(await session.scalars(select(Member.id).where(Member.locale == "xx"))))
        finally:
            await database.close()

    assert run(work()) == 0


@pytest.mark.parametrize("unit", ["'; drop table members; --", "x', '', ''); select ('", "*"])
def test_what_is_no_identifier_never_reaches_the_statement(stack: Stack, alice: World, unit: str) -> None:
    async def work() -> None:
        database = Database(stack.settings.database_url, 1)
        access = Access(units=frozenset({cast(UUID, cast(Any, unit))}))
        try:
            async with database.begin(alice.tenant_id, access) as session:
                await session.execute(select(Member.id))
        finally:
            await database.close()

    with pytest.raises(NoTenant):
        run(work())
