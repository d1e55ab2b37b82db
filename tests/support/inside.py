"""Work inside a tenant's database, as a session of the platform does it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from duilian.infra.database import Access, TenantSession
from duilian.tenants.keyring import open_database, open_keyring
from world import World

Result = TypeVar("Result")


def within(
    world: World, work: Callable[[TenantSession], Awaitable[Result]], access: Access | None = None
) -> Result:
    """Work in one transaction of the tenant."""

    async def go() -> Result:
        database = open_database(world.settings, open_keyring(world.settings), 1)
        try:
            async with database.begin(world.tenant_id, access or Access()) as session:
                return await work(session)
        finally:
            await database.close()

    return asyncio.run(go())
