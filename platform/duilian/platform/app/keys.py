"""`duilian keys`: master key, rotation, progress, destruction."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy import select

from duilian.infra import jobs
from duilian.infra.database import Database, TenantSession
from duilian.infra.errors import BadRequest
from duilian.infra.keys import MASTER, create_master, master_version
from duilian.infra.settings import load
from duilian.platform.app import tables
from duilian.tenants import rotation
from duilian.tenants.keyring import SEAL, Keyring, open_database, open_keyring
from duilian.tenants.models import KeyJob, Tenant, WrappedTenantKey
from duilian.tenants.service import find_tenant

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
TENANT = click.option("--tenant", required=True, help="The tenant's short name.")
SHOWN = 5  # of a tenant's jobs, the newest
Result = TypeVar("Result")
Facts = dict[str, Any]


@click.group()
def keys() -> None:
    """Encryption keys: master key, tenants' keys, their rotation and destruction."""


@keys.command()
@JSON
def init(as_json: bool) -> None:
    """Make the master key at the provider of the settings, where there is none; safe to repeat."""
    found = create_master(load()).check()
    _say(as_json, {"provider": found}, found)


@keys.command()
@click.argument("level", type=click.Choice(["master", "tenant", "objects"]))
@click.option("--tenant", help="The tenant's short name; not for the master key.")
@JSON
def rotate(level: str, tenant: str | None, as_json: bool) -> None:
    """Make a new master key, a new seal key of a tenant, or new data keys of its objects.

    What older keys sealed stays readable, and is brought under the new one by the worker.
    """
    if (level == "master") == bool(tenant):
        raise BadRequest(reason="--tenant belongs to `rotate tenant` and `rotate objects`, and only there")

    async def work(database: Database, keyring: Keyring) -> Facts:
        if level == "master":
            return {"level": level, "version": await rotation.rotate_master(database, keyring)}
        tenant_id = await find_tenant(database, tenant or "")
        if level == "tenant":
            return {"level": level, "version": await rotation.rotate_tenant(database, keyring, tenant_id)}
        return {"level": level, "job": str(await _ask(database, tenant_id, "reseal"))}

    facts = _with_keys(work)
    made = f"version {facts['version']} wraps from now on" if "version" in facts else "new data keys are made"
    _say(
        as_json, facts, f"Key of level {level}: {made}; `duilian keys status` shows what is brought under it."
    )


@keys.command()
@TENANT
@JSON
def rewrap(tenant: str, as_json: bool) -> None:
    """Bring all that older versions of a tenant's seal key sealed under the newest, once more."""

    async def work(database: Database, _keyring: Keyring) -> str:
        return str(await _ask(database, await find_tenant(database, tenant), "rewrap"))

    job = _with_keys(work)
    _say(as_json, {"job": job}, f"Job {job} is written; `duilian keys status --tenant {tenant}` shows it.")


@keys.command()
@click.option("--tenant", help="Only this tenant.")
@JSON
def status(tenant: str | None, as_json: bool) -> None:
    """The provider, each tenant's keys and the progress of what brings their objects and fields under new ones."""

    async def work(database: Database, keyring: Keyring) -> Facts:
        chosen = [await find_tenant(database, tenant)] if tenant else await jobs.tenant_ids(database)
        provider = await asyncio.to_thread(keyring.provider.check)
        newest = await asyncio.to_thread(keyring.provider.newest, MASTER)
        return {"provider": provider, "tenants": [await _tenant(database, newest, one) for one in chosen]}

    facts = _with_keys(work)
    lines = [line for one in facts["tenants"] for line in _lines(one)]
    _say(as_json, facts, "\n".join([facts["provider"], *lines]))


@keys.command()
@TENANT
@click.option("--yes", is_flag=True, help="Do not ask for the tenant's name again.")
@JSON
def destroy(tenant: str, yes: bool, as_json: bool) -> None:
    """Destroy a tenant's keys for good: media, personal data and every backup of them become unreadable."""
    if not yes and click.prompt(f"Nothing of {tenant} can be read again. Type its name", err=True) != tenant:
        raise BadRequest(reason="that is not the tenant's name; nothing was destroyed")

    async def work(database: Database, keyring: Keyring) -> None:
        await rotation.destroy(database, keyring, await find_tenant(database, tenant))

    _with_keys(work)
    _say(as_json, {"tenant": tenant, "destroyed": True}, f"The keys of {tenant} are destroyed.")


def _with_keys(work: Callable[[Database, Keyring], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        assert tables.metadata.tables
        settings = load()
        keyring = open_keyring(settings)
        database = open_database(settings, keyring, 2)
        try:
            return await work(database, keyring)
        finally:
            await database.close()

    return asyncio.run(run())


async def _ask(database: Database, tenant_id: UUID, kind: str) -> UUID:
    async with database.begin(tenant_id) as session:
        return await rotation.ask(session, kind)


async def _tenant(database: Database, master: str, tenant_id: UUID) -> Facts:
    async with database.begin(tenant_id, rotation.KEEPER) as session:
        tenant = await session.get_one(Tenant, tenant_id)
        rows = list(await session.scalars(select(WrappedTenantKey)))
        progress = [_progress(job) for job in await _jobs(session)]
    return {
        "tenant": tenant.slug,
        "keys": len(rows),
        "under_newest_master": sum(master_version(row.wrapped) == master for row in rows),
        "seal_version": max((row.version for row in rows if row.purpose == SEAL), default=None),
        "jobs": progress,
    }


async def _jobs(session: TenantSession) -> list[KeyJob]:
    return list(await session.scalars(select(KeyJob).order_by(KeyJob.id.desc()).limit(SHOWN)))


def _progress(job: KeyJob) -> Facts:
    ended = job.finished_at
    return {
        "job": str(job.id), "kind": job.kind, "state": job.state, "phase": job.phase, "done": job.done,
        "total": job.total, "changed": job.changed, "unreadable": job.unreadable,
        "since": job.created_at.isoformat(timespec="seconds"),
        "finished": ended.isoformat(timespec="seconds") if ended else None,
    }  # fmt: skip


def _lines(facts: Facts) -> list[str]:
    if not facts["keys"]:
        return [f"{facts['tenant']}: its keys are destroyed"]
    first = (
        f"{facts['tenant']}: seal key version {facts['seal_version']},"
        f" {facts['under_newest_master']} of {facts['keys']} keys under the newest master key"
    )
    return [first, *(_job_line(job) for job in facts["jobs"])]


def _job_line(job: Facts) -> str:
    ended = (
        f"finished {job['finished']}" if job["finished"] else f"{job['phase']} {job['done']}/{job['total']}"
    )
    left = f", {job['unreadable']} unreadable" if job["unreadable"] else ""
    return f"  {job['kind']} since {job['since']}: {job['state']}, {ended}, {job['changed']} renewed{left}"


def _say(as_json: bool, facts: object, words: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else words)
