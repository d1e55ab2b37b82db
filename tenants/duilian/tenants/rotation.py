"""Rotating and destroying keys (密钥轮换与销毁). Interviews go on meanwhile: old versions open until nothing needs them.

| level | what happens at once | what a job does then |
| --- | --- | --- |
| master | the provider has a new version, which wraps from now on | wraps every tenant's keys anew |
| tenant | a new version of the seal key, which seals from now on | rewraps objects' data keys, seals fields anew |
| objects | nothing | seals every object anew, under a new data key |
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from duilian.infra import audit, jobs
from duilian.infra.clock import now
from duilian.infra.database import SYSTEM, Access, Database, TenantSession
from duilian.infra.ids import new_id
from duilian.infra.keys import KEY_BYTES
from duilian.tenants.keyring import SEAL, Keyring
from duilian.tenants.models import KeyJob, Tenant, WrappedTenantKey

RENEW = "keys.renew"  # the task of the worker
SETTLE = timedelta(seconds=15)  # work that began before a rotation has ended by then
# The database gives out the row of the practice key only where a candidate is named. Nobody has this identifier, so
# no attempt opens; the wrapped key can be wrapped anew or deleted, and is not opened for either.
KEEPER = Access(candidate_id=UUID(int=0))


async def rotate_master(database: Database, keyring: Keyring) -> str:
    """The name of the new version. Every tenant's keys are wrapped anew by a job each."""
    version = await asyncio.to_thread(keyring.provider.rotate_master)
    for tenant_id in await jobs.tenant_ids(database):
        async with database.begin(tenant_id) as session:
            audit.record(session, "key.master-rotated", "key", "master", after={"version": version})
            await ask(session, "master")
    return version


async def rotate_tenant(
    database: Database, keyring: Keyring, tenant_id: UUID, access: Access = SYSTEM
) -> int:
    """The new version of the seal key. What older ones sealed is renewed by a job, after `SETTLE`."""
    async with database.begin(tenant_id, access) as session:
        tenant = await session.get_one(Tenant, tenant_id, with_for_update=True)
        query = select(func.max(WrappedTenantKey.version)).where(WrappedTenantKey.purpose == SEAL)
        version = ((await session.scalars(query)).one() or 0) + 1
        await keyring.add(session, SEAL, version, os.urandom(KEY_BYTES))
        tenant.key_epoch += 1
        audit.record(session, "key.rotated", "key", f"{SEAL}:{version}")
        await ask(session, "rewrap", SETTLE)
    return version


async def ask(session: TenantSession, kind: str, delay: timedelta | None = None) -> UUID:
    """Write a job of this kind; jobs of one tenant run one after the other."""
    job = KeyJob(
        id=new_id(), kind=kind, state="waiting", phase="", cursor="", done=0, total=0, changed=0, unreadable=0,
        created_at=now(), updated_at=now(), finished_at=None,
    )  # fmt: skip
    session.add(job)
    await session.flush()
    await jobs.defer(session, RENEW, lock=f"{RENEW}:{session.tenant_id}", delay=delay, job=str(job.id))
    return job.id


async def destroy(database: Database, keyring: Keyring, tenant_id: UUID) -> None:
    """For good: nothing that the tenant's keys sealed can be opened again, here or in any copy. May be repeated."""
    async with database.begin(tenant_id, KEEPER) as session:
        await keyring.destroy(session)
