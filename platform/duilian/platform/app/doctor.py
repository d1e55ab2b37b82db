"""`duilian doctor`: looks at every part and says what is wrong and what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta

import click
import httpx
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from duilian.infra import job_failures, jobs
from duilian.infra.database import Database
from duilian.infra.errors import Problem
from duilian.infra.keys import KeyServiceDown, provider_of
from duilian.infra.objects import ObjectStore
from duilian.infra.seals import SealKey
from duilian.infra.settings import Settings, load
from duilian.platform.app import tables
from duilian.serving import models
from duilian.serving.client import ServingClient
from duilian.serving.triton.client import session

Check = Callable[[Settings, Database], Awaitable[str]]
LATEST = 3
LATELY = timedelta(days=1)
QUIET_WORKER = 60  # seconds without a heartbeat


class Unhealthy(Problem):
    code = "unhealthy"
    zh = "{what}"
    en = "{what}"


@dataclass(frozen=True)
class Finding:
    part: str
    ok: bool
    detail: str


async def _role(_settings: Settings, database: Database) -> str:
    query = text(
        "select current_user, rolsuper, rolbypassrls,"
        " exists (select 1 from pg_class where relowner = pg_roles.oid and relnamespace = 'public'::regnamespace)"
        " from pg_roles where rolname = current_user"
    )
    async with database.connect() as connection:
        name, superuser, bypass, owner = (await connection.execute(query)).one()
    if superuser or bypass or owner:
        what = (
            "a superuser"
            if superuser
            else "exempt from row-level security"
            if bypass
            else "the owner of tables"
        )
        raise Unhealthy(what=f"the role {name} is {what}; set DUILIAN_DATABASE_URL to a plain role")
    return f"role {name} is neither owner nor superuser"


def tenant_tables() -> set[str]:
    """Every table whose rows belong to a tenant: by their column."""
    return {table.name for table in tables.metadata.tables.values() if "tenant_id" in table.c} | {"tenants"}


async def _isolation(_settings: Settings, database: Database) -> str:
    query = text(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
        " and c.relrowsecurity and c.relforcerowsecurity"
        " and exists (select 1 from pg_policy p where p.polrelid = c.oid)"
    )
    async with database.connect() as connection:
        protected = {name for (name,) in await connection.execute(query)}
    if bare := tenant_tables() - protected:
        raise Unhealthy(
            what=f"no forced row-level security on {', '.join(sorted(bare))}; run `duilian migrate`"
        )
    return f"forced row-level security on {len(tenant_tables())} tables"


async def _keys(settings: Settings, _database: Database) -> str:
    try:
        return await asyncio.to_thread(provider_of(settings).check)
    except KeyServiceDown as down:
        raise Unhealthy(what=f"{settings.key_provider} does not serve keys: {down.__cause__}") from down


async def _audit(settings: Settings, _database: Database) -> str:
    return f"audit log is sealed by {SealKey(settings.audit_key_file).name}"


async def _bucket(settings: Settings, _database: Database) -> str:
    await ObjectStore(settings).check()
    return f"bucket {settings.s3_bucket} answers"


async def _models(settings: Settings, _database: Database) -> str:
    bad = [f for f in await asyncio.to_thread(models.verify, settings.models_dir) if f.problem]
    if bad:
        raise Unhealthy(what="; ".join(str(f.problem) for f in bad) + "; run `duilian models pull`")
    return f"models in {settings.models_dir} have the pinned hashes"


async def _serving(settings: Settings, _database: Database) -> str:
    async with ServingClient(settings.serving_url, settings.serving_token) as client:
        health = await client.health()
    if not health.ready:
        raise Unhealthy(what=f"serving is not ready: {'; '.join(health.problems) or 'models are loading'}")
    if health.problems:  # a roll-out that failed: older replicas answer
        raise Unhealthy(what=f"serving is ready, but {'; '.join(health.problems)}")
    since = f" since {health.since}" if health.since else ""
    lost = (
        f"; replicas lost, calls made again on others: {', '.join(health.lost[-LATEST:])}"
        if health.lost
        else ""
    )
    return f"serving is ready{since} with {', '.join(sorted(health.models))}{lost}"


async def _triton(settings: Settings, _database: Database) -> str:
    if settings.executor != "triton":
        return "models run in the serving process"
    if not await asyncio.to_thread(session(settings.triton_address).ready):
        raise Unhealthy(what=f"Triton does not answer at {settings.triton_address}; start it (`make triton`)")
    return f"Triton answers at {settings.triton_address}"


async def _language(settings: Settings, _database: Database) -> str:
    if not settings.language_url:
        return "no language model is configured, and nothing needs one"
    headers = {"Authorization": f"Bearer {settings.language_key}"} if settings.language_key else {}
    try:
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=5) as client:
            answer = await client.get(f"{settings.language_url}/v1/models")
    except httpx.HTTPError as error:
        what = f"no language model at {settings.language_url}: {type(error).__name__}"
        raise Unhealthy(what=what) from error
    if answer.status_code != 200:
        raise Unhealthy(
            what=f"{settings.language_url} answered {answer.status_code}; check DUILIAN_LANGUAGE_KEY"
        )
    return f"a language model answers at {settings.language_url}"


async def _queue(_settings: Settings, database: Database) -> str:
    async with database.connect() as connection:
        depth = await jobs.queue_depth(connection)
        stumbling, reason = await job_failures.newest(connection)
        mended, last = await job_failures.newest_mended(connection, LATELY)
        alive = await connection.scalar(
            text(
                "select count(*) from procrastinate_workers where last_heartbeat > now() - make_interval(secs => :s)"
            ),
            {"s": QUIET_WORKER},
        )
    if not alive:
        raise Unhealthy(what="no worker has been heard of for a minute; start `duilian worker`")
    again = f", {stumbling} tried again ({reason})" if stumbling else ""
    went = f", {mended} of the last day went through in the end ({last})" if mended else ""
    return (
        f"{alive} worker, {depth.get('todo', 0)} jobs waiting{again}, {depth.get('failed', 0)} given up{went}"
    )


CHECKS: dict[str, Check] = {
    "database role": _role,
    "isolation": _isolation,
    "keys": _keys,
    "audit": _audit,
    "object store": _bucket,
    "models": _models,
    "serving": _serving,
    "triton": _triton,
    "language model": _language,
    "queue": _queue,
}


async def examine(settings: Settings) -> list[Finding]:
    if not settings.database_url:
        return [Finding("settings", False, "DUILIAN_DATABASE_URL is not set; start `duilian up` or set it")]
    database = Database(settings.database_url, 2)
    try:
        return [await _finding(part, check, settings, database) for part, check in CHECKS.items()]
    finally:
        await database.close()


async def _finding(part: str, check: Check, settings: Settings, database: Database) -> Finding:
    try:
        return Finding(part, True, await check(settings, database))
    except Problem as problem:
        return Finding(part, False, problem.sentence("en"))
    except SQLAlchemyError as error:
        return Finding(part, False, f"the database does not answer: {str(error).splitlines()[0]}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Check every part and say what is wrong. Exits 1 when anything is."""
    findings = asyncio.run(examine(load()))
    if as_json:
        click.echo(json.dumps([asdict(f) for f in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.part}: {finding.detail}")
    if not all(f.ok for f in findings):
        raise SystemExit(1)
