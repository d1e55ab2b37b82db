"""`duilian retention preview|run`: what goes when, and letting it go now."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import click

from duilian.infra.clock import now
from duilian.infra.database import Database
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings, load
from duilian.platform.app import tables
from duilian.platform.privacy import erasing
from duilian.platform.privacy import retention as engine
from duilian.platform.privacy.models import Erasure
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.service import find_tenant

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
TENANT = click.option("--tenant", required=True, help="The tenant's short name.")
PAGE = 200


@click.group()
def retention() -> None:
    """Retention: what is erased when."""


@retention.command("preview")
@TENANT
@click.option("--days", default=30, show_default=True, type=click.IntRange(0, 36_500), help="How far ahead.")
@JSON
def preview(tenant: str, days: int, as_json: bool) -> None:
    """What goes within some days, and what a legal hold keeps back. Changes nothing."""
    rows = asyncio.run(_preview(load(), tenant, days))
    lines = [f"{row['interview']}  {_when(row)}" for row in rows]
    click.echo(
        json.dumps(rows, indent=2) if as_json else "\n".join(lines) or f"Nothing goes within {days} days."
    )


@retention.command("run")
@TENANT
@JSON
def run(tenant: str, as_json: bool) -> None:
    """Erase what is due now, and what was asked for and waits; prints the receipts."""
    receipts = asyncio.run(_run(load(), tenant))
    lines = [f"{r['number']}  {r['scope']}  {'done' if r['finished_at'] else 'held back'}" for r in receipts]
    click.echo(
        json.dumps(receipts, ensure_ascii=False, indent=2)
        if as_json
        else "\n".join(lines) or "Nothing is due."
    )


def _when(row: dict[str, Any]) -> str:
    held = f"  held: {row['hold']}" if row["hold"] else ""
    parts = [f"{name} {row[name]}" for name in ("media", "records", "asked") if row[name]]
    return "  ".join(parts) + held


async def _preview(settings: Settings, slug: str, days: int) -> list[dict[str, Any]]:
    database, tenant_id = await _open(settings, slug)
    try:
        async with database.begin(tenant_id) as session:
            rows: list[dict[str, Any]] = []
            more, page = True, 1
            while more:
                found, more = await engine.preview(session, now() + timedelta(days=days), page, PAGE)
                rows += [_row(clocks) for clocks in found]
                page += 1
            return rows
    finally:
        await database.close()


def _row(clocks: engine.Clocks) -> dict[str, Any]:
    times = {"media": clocks.media_at, "records": clocks.records_at, "asked": clocks.asked_at}
    dates = {name: at.isoformat() if at else None for name, at in times.items()}
    return {
        "interview": str(clocks.interview_id),
        **dates,
        "hold": clocks.held.reason if clocks.held else None,
    }


async def _run(settings: Settings, slug: str) -> list[dict[str, Any]]:
    database, tenant_id = await _open(settings, slug)
    eraser = erasing.Eraser(database, ObjectStore(settings))
    try:
        async with database.begin(tenant_id) as session:
            asked = [row.id for row in await engine.ask(session)]
        for erasure_id in asked:
            await eraser.run(tenant_id, str(erasure_id))
        async with database.begin(tenant_id) as session:
            rows = [await session.get_one(Erasure, (tenant_id, erasure_id)) for erasure_id in asked]
            return [row.receipt for row in rows if row.receipt]
    finally:
        await database.close()


async def _open(settings: Settings, slug: str) -> tuple[Database, UUID]:
    assert tables.metadata.tables
    database = open_database(settings, open_keyring(settings), 2)
    return database, await find_tenant(database, slug)
