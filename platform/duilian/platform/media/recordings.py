"""Finished recordings: assembling a take once, reading it, playing a byte range."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from duilian.infra.clock import now
from duilian.infra.database import Database, TenantSession
from duilian.infra.ids import new_id
from duilian.infra.objects import ObjectStore
from duilian.platform.media import errors
from duilian.platform.media.chunks import chunk_name, segments_of
from duilian.platform.media.finish import sign
from duilian.platform.media.models import Chunk, Recording, Segment, Take
from duilian.platform.media.remux import Playable, assemble
from duilian.tenants.keyring import OpenTenantKey, keys_of


async def recording_of(session: TenantSession, answer_id: UUID) -> Recording | None:
    """The recording of the newest take that has one."""
    query = (
        select(Recording)
        .join(Take, Take.id == Recording.take_id)
        .where(Recording.answer_id == answer_id)
        .order_by(Take.number.desc())
        .limit(1)
    )
    return await session.scalar(query)


class Assembler:
    """Makes the recording of a finished take. May be repeated and may be killed at any point."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def run(self, tenant_id: UUID, take_id: UUID, longest: float) -> tuple[Recording, bytes]:
        """The recording and its bytes. Raises BrokenRecording, EmptyRecording, RecordingTooLong, RecordingGone."""
        async with self._database.begin(tenant_id) as session:
            key = keys_of(session)
            existing = await session.scalar(select(Recording).where(Recording.take_id == take_id))
            names = await self._chunk_names(session, take_id)
        if existing is not None:
            data = await self._store.get(key, existing.object_name)
        else:
            segments = [b"".join([await self._store.get(key, name) for name in segment]) for segment in names]
            playable = await asyncio.to_thread(assemble, segments, longest)
            existing, data = await self._keep(tenant_id, key, take_id, playable), playable.data
        await self._forget_chunks(tenant_id, take_id)
        return existing, data

    async def _chunk_names(self, session: TenantSession, take_id: UUID) -> list[list[str]]:
        take = await session.get_one(Take, (session.tenant_id, take_id))
        names: list[list[str]] = []
        for segment in await segments_of(session, take):
            query = select(Chunk.seq).where(Chunk.segment_id == segment.id).order_by(Chunk.seq)
            names.append([chunk_name(take_id, segment.number, seq) for seq in await session.scalars(query)])
        return names

    async def _keep(
        self, tenant_id: UUID, key: OpenTenantKey, take_id: UUID, playable: Playable
    ) -> Recording:
        name = f"recordings/{take_id}"
        await self._store.put(key, name, playable.data)
        async with self._database.begin(tenant_id) as session:
            take = await session.get(Take, (tenant_id, take_id), with_for_update=True)
            if take is None:  # erased while it was put together: what was just stored goes too
                await self._store.delete(tenant_id, [name])
                raise errors.RecordingGone
            row = {
                "tenant_id": tenant_id,
                "id": new_id(),
                "take_id": take_id,
                "answer_id": take.answer_id,
                "object_name": name,
                "content_type": playable.content_type,
                "size": len(playable.data),
                "sha256": sha256(playable.data).hexdigest(),
                "duration": playable.duration,
                "created_at": now(),
            }
            await session.execute(insert(Recording).values(**row).on_conflict_do_nothing())
            if take.certificate is not None:
                take.certificate = _measured(key, take.certificate, playable.duration)
            return (await session.scalars(select(Recording).where(Recording.take_id == take_id))).one()

    async def _forget_chunks(self, tenant_id: UUID, take_id: UUID) -> None:
        """The rows stay as the proof of the chain; their bytes now lie in the recording."""
        leftover = await self._store.names(tenant_id, f"takes/{take_id}/")
        await self._store.delete(tenant_id, leftover)


def _measured(key: OpenTenantKey, certificate: dict[str, object], seconds: float) -> dict[str, object]:
    """The certificate with the length that the server measured, signed anew."""
    body = {k: v for k, v in certificate.items() if k != "signature"} | {
        "measured_seconds": round(seconds, 3)
    }
    return body | {"signature": sign(key, body)}


async def erase_takes(session: TenantSession, store: ObjectStore, answer_id: UUID, keep: UUID) -> None:
    """Earlier takes were replaced by the candidate: their bytes go."""
    takes = await session.scalars(select(Take).where(Take.answer_id == answer_id, Take.id != keep))
    for take in takes:
        names = await store.names(session.tenant_id, f"takes/{take.id}/")
        await store.delete(session.tenant_id, [*names, f"recordings/{take.id}"])
        for segment in await session.scalars(select(Segment).where(Segment.take_id == take.id)):
            await session.delete(segment)
        await session.delete(take)
