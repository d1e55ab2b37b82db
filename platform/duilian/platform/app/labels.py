"""`duilian labels import|export`: history into a tenant and labels out of it, by the path that the pages take."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import msgspec

from duilian.customization.lab.lines import Line
from duilian.customization.labels import examples, imports
from duilian.customization.labels.errors import BadMapping
from duilian.customization.labels.importing import Importer
from duilian.customization.labels.mapping import KINDS, Mapping
from duilian.infra import audit
from duilian.infra.database import Access, Database
from duilian.infra.objects import ObjectStore
from duilian.infra.settings import Settings, load
from duilian.platform.app import tables
from duilian.serving.client import ServingClient
from duilian.tenants.keyring import open_database, open_keyring
from duilian.tenants.organisation import place_for
from duilian.tenants.service import find_tenant

TENANT = click.option("--tenant", required=True, help="The tenant's short name.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
VENDOR = Access(actor="vendor")


@click.group()
def labels() -> None:
    """Labelled answers: history in, labels out."""


@labels.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@TENANT
@click.option("--kind", type=click.Choice(KINDS), default=KINDS[0], show_default=True)
@click.option(
    "--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Instead of the guess; may be repeated."
)
@click.option("--set", "set_key", default="", help="Question set of rows that do not say so themselves.")
@click.option("--competency", default="", help="Competency of rows that do not say so themselves.")
@click.option("--dry-run", is_flag=True, help="Read every row and write nothing.")
@JSON
def import_history(
    file: Path, tenant: str, kind: str, columns: tuple[str, ...], set_key: str, competency: str, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Import historic answers or outcomes from FILE; rows with errors are told and left out."""
    defaults = Mapping(columns=_columns(columns), set_key=set_key, competency=competency)
    facts = asyncio.run(
        _import(load(), tenant, file.name, file.read_bytes(), kind, defaults, dry_run=dry_run)
    )
    lines = [f"row {f['row']}: {f['en']}" for f in facts["findings"]]
    counts = "{ready} of {rows} rows, {errors} with errors, {duplicates} known already".format(
        **facts["counts"]
    )
    words = [*lines, f"{'Checked' if dry_run else 'Imported'}: {counts}."]
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if as_json else "\n".join(words))


@labels.command("export")
@TENANT
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON Lines are written here.",
)
@JSON
def export(tenant: str, out: Path, as_json: bool) -> None:
    """Labelled answers as JSON Lines, for `duilian lab`."""
    lines = asyncio.run(_export(load(), tenant))
    out.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    click.echo(
        json.dumps({"lines": len(lines), "file": str(out)}) if as_json else f"{len(lines)} lines in {out}."
    )


def _columns(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in given]
    for field, sign, _ in pairs:
        if not sign:
            raise BadMapping(field=field)
    return {field.strip(): column.strip() for field, _, column in pairs}


async def _import(
    settings: Settings, slug: str, name: str, data: bytes, kind: str, defaults: Mapping, *, dry_run: bool
) -> dict[str, Any]:
    """A dry run leaves nothing but two entries in the audit log: the file goes with the row."""
    database, tenant_id = await _open(settings, slug)
    store = ObjectStore(settings)
    try:
        async with database.begin(tenant_id, VENDOR) as session:
            unit = await place_for(session, None, None)
            row = await imports.upload(session, store, name, data, kind, unit.id)
            guessed = imports.mapping_of(row)
            columns = {**guessed.columns, **defaults.columns}
            opened = await imports.opened_file(session, store, row)
            scale = imports.guessed_scale(opened.table, kind, columns) or guessed.scale
            mapping = msgspec.structs.replace(defaults, columns=columns, scale=scale)
            await imports.dry_run(session, store, row, mapping)
            facts = _facts(row)
            if dry_run:
                await imports.discard(session, store, row)
            elif row.counts["ready"]:
                row.state, row.imported_by, row.total = (
                    imports.IMPORTING,
                    session.access.actor,
                    row.counts["ready"],
                )
        if dry_run or not facts["counts"]["ready"]:
            return facts
        async with ServingClient(settings.serving_url, settings.serving_token) as serving:
            await Importer(database, store, serving).run(tenant_id, str(row.id))
        async with database.begin(tenant_id, VENDOR) as session:
            return _facts(await imports.import_of(session, row.id))
    finally:
        await database.close()


def _facts(row: imports.HistoryImport) -> dict[str, Any]:
    found = [
        {"row": f.row, "field": f.field, "code": f.code, "weight": f.weight, "zh": f.sentence("zh-CN"), "en": f.sentence("en")}
        for f in imports.findings_of(row)
    ]  # fmt: skip
    return {
        "import": str(row.id),
        "state": row.state,
        "mapping": row.mapping,
        "counts": row.counts,
        "findings": found,
    }


async def _export(settings: Settings, slug: str) -> list[Line]:
    database, tenant_id = await _open(settings, slug)
    try:
        async with database.begin(tenant_id, VENDOR) as session:
            lines = examples.as_lines(await examples.lines_of(session))
            facts = {"lines": len(lines)}
            audit.record(session, "labels.exported", "tenant", tenant_id, after=facts)
    finally:
        await database.close()
    return lines


async def _open(settings: Settings, slug: str) -> tuple[Database, UUID]:
    assert tables.metadata.tables
    database = open_database(settings, open_keyring(settings), 2)
    return database, await find_tenant(database, slug)
