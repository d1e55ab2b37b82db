"""The task `keys.renew`: brings what a tenant's keys have sealed under newer keys, step by step.

Kinds and what they renew: `master` the tenant's wrapped keys; `rewrap` objects' headers, then fields, under the
newest seal key; `reseal` every object, under a new data key. Progress is written after each step: a worker that dies
is followed by one that goes on from there.
"""

from __future__ import annotations

from uuid import UUID

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Database
from duilian.infra.objects import ObjectStore
from duilian.tenants.keyring import Keyring
from duilian.tenants.models import KeyJob
from duilian.tenants.renewals import Fields, Objects, Renewal, Step, WrappedKeys

KINDS = {"master": ("keys",), "rewrap": ("objects", "fields"), "reseal": ("resealed objects",)}


class Renewer:
    """`run` is the task."""

    def __init__(self, database: Database, store: ObjectStore, keyring: Keyring) -> None:
        self._database = database
        self._renewals: dict[str, Renewal] = {
            "keys": WrappedKeys(database, keyring),
            "objects": Objects(database, store, anew=False),
            "resealed objects": Objects(database, store, anew=True),
            "fields": Fields(database),
        }

    async def run(self, tenant_id: UUID, job: str) -> None:
        job_id = UUID(job)
        for phase in await self._begin(tenant_id, job_id):
            cursor = await self._enter(tenant_id, job_id, phase)
            async for step in self._renewals[phase].steps(tenant_id, cursor):
                await self._note(tenant_id, job_id, step)
        await self._finish(tenant_id, job_id)

    async def _begin(self, tenant_id: UUID, job_id: UUID) -> tuple[str, ...]:
        """The phases that are not yet done."""
        async with self._database.begin(tenant_id) as session:
            job = await session.get_one(KeyJob, (tenant_id, job_id))
            phases = KINDS[job.kind]
            job.state = "running" if job.finished_at is None else job.state
            return () if job.finished_at else phases[phases.index(job.phase) if job.phase else 0 :]

    async def _enter(self, tenant_id: UUID, job_id: UUID, phase: str) -> str:
        """The cursor to go on from."""
        total = await self._renewals[phase].total(tenant_id)
        async with self._database.begin(tenant_id) as session:
            job = await session.get_one(KeyJob, (tenant_id, job_id))
            if job.phase != phase:
                job.phase, job.cursor, job.done, job.total = phase, "", 0, total
            return job.cursor

    async def _note(self, tenant_id: UUID, job_id: UUID, step: Step) -> None:
        async with self._database.begin(tenant_id) as session:
            job = await session.get_one(KeyJob, (tenant_id, job_id))
            job.done += step.done
            job.total = max(job.total, job.done)
            job.changed += step.changed
            job.unreadable += step.unreadable
            job.cursor, job.updated_at = step.cursor, now()

    async def _finish(self, tenant_id: UUID, job_id: UUID) -> None:
        async with self._database.begin(tenant_id) as session:
            job = await session.get_one(KeyJob, (tenant_id, job_id))
            if job.finished_at is None:
                job.state, job.finished_at = "done", now()
                counts = {"kind": job.kind, "changed": job.changed, "unreadable": job.unreadable}
                audit.record(session, "key.renewed", "key", job.kind, after=counts)


async def give_up(database: Database, tenant_id: UUID, job: str) -> None:
    """The job lies in the dead-letter list; replayed, it goes on where it stood."""
    async with database.begin(tenant_id) as session:
        (await session.get_one(KeyJob, (tenant_id, UUID(job)))).state = "failed"
