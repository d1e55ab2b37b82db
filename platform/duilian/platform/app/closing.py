"""`duilian tenant delete|keep|receipt|verify`: closing a tenant from the command line, as its owners do in the console."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from duilian.infra.database import Database
from duilian.infra.errors import BadRequest, NotFound, Unprocessable
from duilian.infra.objects import ObjectStore
from duilian.infra.seals import SealKey
from duilian.infra.settings import Settings, load
from duilian.platform.app import tables
from duilian.platform.console import closing_letters
from duilian.platform.privacy.closing import TenantEraser, is_genuine
from duilian.tenants import closures
from duilian.tenants.keyring import Keyring, open_database, open_keyring
from duilian.tenants.service import find_tenant

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
TENANT = click.option("--tenant", required=True, help="The tenant's short name.")
Result = TypeVar("Result")
Facts = dict[str, Any]
Work = Callable[[Settings, Database, Keyring], Awaitable[Result]]


@click.command()
@TENANT
@click.option("--now", "at_once", is_flag=True, help="Without days of grace: it cannot be undone.")
@click.option("--yes", is_flag=True, help="Do not ask for the tenant's name again.")
@JSON
def delete(tenant: str, at_once: bool, yes: bool, as_json: bool) -> None:
    """Close a tenant: after the days of grace keys, recordings and rows are erased for good."""
    typed = tenant if yes else click.prompt(f"All data of {tenant} will be erased. Type its name", err=True)
    if typed != tenant:
        raise BadRequest(reason="that is not the tenant's name; nothing was changed")

    async def work(settings: Settings, database: Database, keyring: Keyring) -> Facts:
        tenant_id = await find_tenant(database, tenant)
        async with database.begin(tenant_id) as session:
            row, token = await closures.ask(session, tenant, 0 if at_once else settings.tenant_deletion_days)
            await closing_letters.tell_owners(session, settings, "tenant_closing", row, token)
        if at_once:
            eraser = TenantEraser(database, ObjectStore(settings), keyring, SealKey(settings.audit_key_file))
            await eraser.run(tenant_id, str(row.id))
        facts = {"tenant": tenant, "id": str(tenant_id), "due_at": row.due_at.isoformat()}
        return facts | {
            "link": f"{settings.public_url}/closed/{token}",
            "receipt": await _receipt(database, tenant_id),
        }

    facts = _with_database(work)
    said = (
        "is erased"
        if facts["receipt"]
        else f"is erased on {facts['due_at']}; `duilian tenant keep` undoes it"
    )
    _say(as_json, facts, f"Tenant {tenant} ({facts['id']}) {said}. {facts['link']}")


@click.command()
@TENANT
@JSON
def keep(tenant: str, as_json: bool) -> None:
    """Undo the closing of a tenant within its days of grace."""

    async def work(_settings: Settings, database: Database, _keyring: Keyring) -> None:
        async with database.begin(await find_tenant(database, tenant)) as session:
            await closures.withdraw(session)

    _with_database(work)
    _say(as_json, {"tenant": tenant, "closing": False}, f"Tenant {tenant} stays.")


@click.command()
@click.argument("tenant_id", type=click.UUID)
def receipt(tenant_id: UUID) -> None:
    """The signed receipt of a tenant that was erased, as JSON."""

    async def work(_settings: Settings, database: Database, _keyring: Keyring) -> Facts | None:
        return await _receipt(database, tenant_id)

    found = _with_database(work)
    if found is None:
        raise NotFound
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="The public key that must have signed, in hex; `duilian doctor` prints ours.")
def verify(file: Path, key: str | None) -> None:
    """Check a receipt of erasure offline."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise Unprocessable(reason=f"{file} is no JSON") from error
    if not isinstance(found, dict) or not is_genuine(found) or key not in (None, found["key"]):
        raise Unprocessable(reason=f"{file} was changed, or signed by another key")
    click.echo(f"genuine, signed by {found['key']}")


async def _receipt(database: Database, tenant_id: UUID) -> Facts | None:
    async with database.begin(tenant_id) as session:
        row = await closures.standing(session)
        return row.receipt if row else None


def _with_database(work: Work[Result]) -> Result:
    async def run() -> Result:
        assert tables.metadata.tables
        settings = load()
        keyring = open_keyring(settings)
        database = open_database(settings, keyring, 2)
        try:
            return await work(settings, database, keyring)
        finally:
            await database.close()

    return asyncio.run(run())


def _say(as_json: bool, facts: object, words: str) -> None:
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else words)
