"""An import on its way: uploaded → mapped and checked → imported, or undone. Whatever is written is written at once."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select

from duilian.customization.labels import checking, errors, files, forgetting, mapping, scales
from duilian.customization.labels.checking import Checked
from duilian.customization.labels.files import Opened
from duilian.customization.labels.findings import MOST_KEPT, Finding
from duilian.customization.labels.mapping import Mapping
from duilian.customization.labels.models import Example, HistoryImport, Outcome, Rating
from duilian.customization.labels.reading import Table
from duilian.customization.labels.scales import Scale
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import BadRequest, NotFound
from duilian.infra.jobs import defer
from duilian.infra.objects import ObjectStore
from duilian.tenants.keyring import keys_of

IMPORT = "labels.import"
# Fields whose values are read by the scale.
MARKS = {"answers": ("score", "second_score"), "outcomes": ("probation_performance",)}
DRAFT, CHECKED, IMPORTING, IMPORTED, FAILED, UNDONE = (
    "draft", "checked", "importing", "imported", "failed", "undone",
)  # fmt: skip
PREVIEW_ROWS = 5
PREVIEW_VALUE = 160  # characters of a cell that the mapping page shows
LONGEST_NAME = 200


async def upload(
    session: TenantSession, store: ObjectStore, name: str, data: bytes, kind: str, unit_id: UUID
) -> HistoryImport:
    """A draft with a guessed mapping. Raises what `open_file` raises, BadRequest."""
    if kind not in mapping.KINDS:
        raise BadRequest(reason="kind")
    opened = await asyncio.to_thread(files.open_file, name, data)
    guessed = mapping.guess(opened.table, kind, audio=opened.archive is not None)
    scale = guessed_scale(opened.table, kind, guessed.columns) or guessed.scale
    guessed = msgspec.structs.replace(guessed, scale=scale)
    row = HistoryImport(
        unit_id=unit_id, kind=kind, format=opened.format, file_name=name[-LONGEST_NAME:],
        sha256=sha256(data).hexdigest(), size=len(data), preview=_preview(opened, kind, guessed), mapping=msgspec.to_builtins(guessed),
        findings_sealed=None, state=DRAFT, counts={}, done=0, total=0, failure=None, created_by=session.access.actor,
        created_at=now(), checked_at=None, imported_by=None, imported_at=None, undone_by=None, undone_at=None,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    await store.put(keys_of(session), files.object_name(row.id), data)
    facts = {"kind": kind, "format": row.format, "bytes": row.size, "sha256": row.sha256}
    audit.record(session, "history.uploaded", "import", row.id, after=facts)
    return row


def guessed_scale(table: Table, kind: str, columns: dict[str, str], of: str = "") -> Scale | None:
    """From the marks of the mapped columns; None where none are mapped. of: "numbers", "words", or "" to be guessed."""
    marks = _marks(table, kind, columns)
    return scales.guess(marks, of) if marks else None


def _marks(table: Table, kind: str, columns: dict[str, str]) -> list[str]:
    return [mark for field in MARKS[kind] if field in columns for mark in table.column(columns[field])]


def _unknown(table: Table, kind: str, mapping: Mapping) -> list[str]:
    """Words of the file that the scale does not map."""
    found = scales.unknown_words(_marks(table, kind, mapping.columns), mapping.scale)
    return found if mapping.scale.kind == "words" else []


def _preview(opened: Opened, kind: str, guessed: Mapping) -> dict[str, Any]:
    rows = [
        {"number": row.number, "cells": {name: text[:PREVIEW_VALUE] for name, text in row.cells.items()}}
        for row in opened.table.rows[:PREVIEW_ROWS]
    ]
    index = opened.archive.index[0] if opened.archive else ""
    marks = _unknown(opened.table, kind, guessed)
    return {
        "marks": marks,
        "columns": opened.table.columns,
        "rows": rows,
        "index": index,
        "count": len(opened.table.rows),
    }


async def import_of(session: TenantSession, import_id: UUID, *, lock: bool = False) -> HistoryImport:
    """Raises NotFound."""
    query = select(HistoryImport).where(HistoryImport.id == import_id)
    row = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound
    return row


def mapping_of(row: HistoryImport) -> Mapping:
    return msgspec.convert(row.mapping, Mapping)


def findings_of(row: HistoryImport) -> list[Finding]:
    return msgspec.convert(row.findings or [], list[Finding])


async def dry_run(session: TenantSession, store: ObjectStore, row: HistoryImport, wanted: Mapping) -> Checked:
    """Keeps the mapping and what came of the check; the library stays as it is. Raises BadMapping, WrongState."""
    _expect(row, DRAFT, CHECKED, FAILED)
    opened = await opened_file(session, store, row)
    row.preview = {**(row.preview or {}), "marks": _unknown(opened.table, row.kind, wanted)}
    checked = await checking.check(session, opened.table, row.kind, wanted, opened.archive)
    row.mapping = msgspec.to_builtins(wanted)
    keep_findings(row, checked.findings)
    row.state, row.counts, row.checked_at, row.failure = CHECKED, checked.counts, now(), None
    audit.record(session, "history.checked", "import", row.id, after=row.counts)
    return checked


def keep_findings(row: HistoryImport, found: list[Finding]) -> None:
    row.findings = msgspec.to_builtins(found[:MOST_KEPT])


async def opened_file(session: TenantSession, store: ObjectStore, row: HistoryImport) -> Opened:
    data = await files.read(store, keys_of(session), row.id)
    return await asyncio.to_thread(files.open_file, row.file_name, data)


async def start(session: TenantSession, row: HistoryImport) -> None:
    """Leaves the writing to the worker. Raises WrongState, NothingToImport."""
    _expect(row, CHECKED)
    if not row.counts.get("ready"):
        raise errors.NothingToImport
    row.state, row.imported_by = IMPORTING, session.access.actor
    row.done, row.total = 0, int(row.counts["ready"])
    await session.flush()
    audit.record(session, "history.started", "import", row.id)
    await defer(session, IMPORT, lock=f"labels:{session.tenant_id}", import_id=str(row.id))


async def labels_on(session: TenantSession, import_id: UUID) -> int:
    """Ratings that people gave to answers of the import since."""
    query = (
        select(func.count())
        .select_from(Rating)
        .join(Example, (Example.tenant_id == Rating.tenant_id) & (Example.id == Rating.example_id))
        .where(Example.import_id == import_id, Rating.origin != "import")
    )
    return await session.scalar(query) or 0


async def undo(session: TenantSession, row: HistoryImport, *, sure: bool = False) -> int:
    """Everything the import brought goes, with its labels; how many rows that were. Raises WrongState, LabelsWouldGo."""
    _expect(row, IMPORTED)
    labels = await labels_on(session, row.id)
    if labels and not sure:
        raise errors.LabelsWouldGo(labels=labels)
    gone = await forgetting.examples(session, Example.import_id == row.id)
    later = delete(Outcome).where(Outcome.import_id == row.id).returning(Outcome.id)
    gone += len((await session.execute(later)).all())
    row.state, row.undone_by, row.undone_at = UNDONE, session.access.actor, now()
    row.findings_sealed = row.preview_sealed = None
    audit.record(session, "history.undone", "import", row.id, after={"rows": gone, "labels": labels})
    return gone


async def discard(session: TenantSession, store: ObjectStore, row: HistoryImport) -> None:
    """A file that was never imported. Raises WrongState."""
    _expect(row, DRAFT, CHECKED, FAILED)
    await files.forget(store, session.tenant_id, row.id)
    audit.record(session, "history.discarded", "import", row.id, before={"sha256": row.sha256})
    await session.delete(row)


def _expect(row: HistoryImport, *states: str) -> None:
    if row.state not in states:
        raise errors.WrongState(state=row.state)


async def imports(session: TenantSession, page: int = 1, size: int = 25) -> tuple[list[HistoryImport], bool]:
    """Newest first, and whether there are more."""
    query = select(HistoryImport).order_by(HistoryImport.id.desc()).offset((page - 1) * size).limit(size + 1)
    rows = list(await session.scalars(query))
    return rows[:size], len(rows) > size
