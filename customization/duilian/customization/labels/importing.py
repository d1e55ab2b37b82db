"""The job `labels.import`: reads the file once more, has recordings transcribed, and writes everything in one transaction.

What was transcribed is kept beside the file, so that a run after a kill goes on where the last one stopped. Nothing
is in the library before everything is.
"""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

from duilian.customization.labels import checking, files, imports, writing
from duilian.customization.labels.archives import Archive
from duilian.customization.labels.checking import Checked
from duilian.customization.labels.findings import Finding, quoted
from duilian.customization.labels.items import LOCALE_OF
from duilian.customization.labels.models import HistoryImport
from duilian.customization.labels.rows import Draft
from duilian.customization.vocabulary.service import listened_for
from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Access, Database, JsonObject, TenantSession
from duilian.infra.errors import Problem
from duilian.infra.jobs import defer
from duilian.infra.objects import ObjectMissing, ObjectStore
from duilian.serving import contracts as c
from duilian.serving.audio import decode_audio
from duilian.serving.client import ServingClient
from duilian.serving.errors import TooLong
from duilian.tenants.keyring import OpenTenantKey, keys_of

PREDICT = "labels.predict"


class Importer:
    """May be killed anywhere and run again."""

    def __init__(self, database: Database, store: ObjectStore, serving: ServingClient) -> None:
        self._database, self._store, self._serving = database, store, serving

    async def run(self, tenant_id: UUID, import_id: str) -> None:
        async with self._database.begin(tenant_id) as session:
            row = await session.get(HistoryImport, (tenant_id, UUID(import_id)))
            if row is None or row.state != imports.IMPORTING:
                return
            access = Access(actor="system", on_behalf_of=row.imported_by or "")
            opened = await imports.opened_file(session, self._store, row)
            mapping, key = imports.mapping_of(row), keys_of(session)
            checked = await checking.check(session, opened.table, row.kind, mapping, opened.archive)
            vocabulary = {locale: (await listened_for(session, locale))[0] for locale in LOCALE_OF.values()}
        if opened.archive is not None:
            hearing = _Hearing(self._store, self._serving, key, UUID(import_id), opened.archive, vocabulary)
            checked = await self._transcribed(tenant_id, hearing, checked)
        async with self._database.begin(tenant_id, access) as session:
            await self._write(session, UUID(import_id), checked)
        await files.forget(self._store, tenant_id, UUID(import_id))

    async def _transcribed(self, tenant_id: UUID, hearing: _Hearing, checked: Checked) -> Checked:
        """With the words of every recording; those that nobody can hear become findings."""
        drafts: list[Draft] = []
        findings = list(checked.findings)
        for number, (draft, _) in enumerate(checked.drafts, 1):
            heard = await hearing.of(draft) if draft.audio else draft
            (drafts if isinstance(heard, Draft) else findings).append(heard)  # pyright: ignore[reportArgumentType]
            async with self._database.begin(tenant_id) as session:
                row = await imports.import_of(session, hearing.import_id)
                row.done = max(row.done, number)
        return Checked([(draft, b"") for draft in drafts], [], findings, checked.rows)

    async def _write(self, session: TenantSession, import_id: UUID, checked: Checked) -> None:
        """Duplicates are looked for once more: the library may have grown since."""
        row = await imports.import_of(session, import_id, lock=True)
        if row.state != imports.IMPORTING:
            return
        await writing.one_at_a_time(session)
        new, known = await checking.without_duplicates(session, [draft for draft, _ in checked.drafts])
        told = {(f.row, f.code) for f in checked.findings}
        findings = [*checked.findings, *(f for f in known if (f.row, f.code) not in told)]
        final = Checked(new, checked.outcomes, sorted(findings, key=lambda f: f.row), checked.rows)
        await writing.write(session, row, final)
        imports.keep_findings(row, final.findings)
        row.state, row.imported_at, row.counts = imports.IMPORTED, now(), final.counts
        row.done = row.total = final.ready
        row.preview_sealed = None
        audit.record(session, "history.imported", "import", row.id, after=row.counts)
        if final.drafts:
            await defer(session, PREDICT, lock=f"labels.predict:{session.tenant_id}", import_id=str(row.id))


class _Hearing:
    """Recordings of one archive → words, each asked for once."""

    def __init__(
        self, store: ObjectStore, serving: ServingClient, key: OpenTenantKey, import_id: UUID, archive: Archive,
        vocabulary: dict[str, list[str]],
    ) -> None:  # fmt: skip
        self.import_id = import_id
        self._store, self._serving, self._key, self._archive = store, serving, key, archive
        self._vocabulary = vocabulary

    async def of(self, draft: Draft) -> Draft | Finding:
        found = await self._kept(draft.row)
        if found is None:
            found = await self._heard(draft)
            name = files.transcript_name(self.import_id, draft.row)
            await self._store.put(self._key, name, json.dumps(found, ensure_ascii=False).encode())
        if text := str(found.get("text", "")).strip():
            return draft.said(text)
        params = {"value": quoted(draft.audio)}
        return Finding(
            row=draft.row, field="audio", code=str(found.get("fault", "recording-silent")), params=params
        )

    async def _kept(self, row: int) -> JsonObject | None:
        try:
            return json.loads(await self._store.get(self._key, files.transcript_name(self.import_id, row)))
        except ObjectMissing:
            return None

    async def _heard(self, draft: Draft) -> JsonObject:
        try:
            media = await asyncio.to_thread(self._archive.recording, draft.audio)
            samples = await asyncio.to_thread(decode_audio, media)
            language: c.Language = "zh" if draft.language == "zh" else "en"
            vocabulary = self._vocabulary.get(LOCALE_OF[language], [])
            asked = c.TranscribeRequest(audio=samples.tobytes(), language=language, vocabulary=vocabulary)
            return {"text": (await self._serving.transcribe(asked)).text}
        except TooLong:
            return {"fault": "recording-too-long"}
        except Problem as error:
            if error.status >= 500:  # a part of ours is down: tried again
                raise
            return {"fault": "recording-unreadable"}


async def give_up(database: Database, tenant_id: UUID, import_id: str) -> None:
    """The last attempt failed: nothing was written, and a person may try again."""
    async with database.begin(tenant_id) as session:
        row = await session.get(HistoryImport, (tenant_id, UUID(import_id)), with_for_update=True)
        if row is not None and row.state == imports.IMPORTING:
            row.state, row.failure = imports.FAILED, {"code": "job-failed"}
