"""The uploaded file of an import: sealed in the object store until it is imported or thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from duilian.customization.labels.archives import Archive
from duilian.customization.labels.reading import Table, ending, read_table
from duilian.infra.objects import ObjectStore
from duilian.tenants.keyring import OpenTenantKey

PREFIX = "labels/imports"


@dataclass(frozen=True)
class Opened:
    """archive: where the rows are an index of recordings."""

    format: str
    table: Table
    archive: Archive | None = None


def open_file(name: str, data: bytes) -> Opened:
    """Raises what `read_table` and `Archive` raise."""
    if ending(name) == "zip":
        archive = Archive(data)
        return Opened("audio", archive.index[1], archive)
    kind = {"xlsm": "xlsx", "tsv": "csv", "txt": "csv", "ndjson": "jsonl"}.get(ending(name), ending(name))
    return Opened(kind, read_table(name, data))


def object_name(import_id: UUID) -> str:
    return f"{PREFIX}/{import_id}/file"


def transcript_name(import_id: UUID, row: int) -> str:
    return f"{PREFIX}/{import_id}/transcripts/{row}"


async def forget(store: ObjectStore, tenant_id: UUID, import_id: UUID) -> None:
    """The file and what was transcribed of it; repeated, it does no harm."""
    await store.delete(tenant_id, await store.names(tenant_id, f"{PREFIX}/{import_id}/"))


async def read(store: ObjectStore, key: OpenTenantKey, import_id: UUID) -> bytes:
    return await store.get(key, object_name(import_id))
