"""Erasing recordings for good: rows first, so that whoever still sends waits or is refused, then the bytes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select

from duilian.infra.database import TenantSession
from duilian.infra.objects import ObjectStore
from duilian.platform.media.models import Chunk, Recording, Segment, Take


async def object_names(session: TenantSession, store: ObjectStore, answer_ids: Sequence[UUID]) -> list[str]:
    """Every object that holds sound or pictures of the answers."""
    takes = list(await session.scalars(select(Take.id).where(Take.answer_id.in_(answer_ids))))
    names: list[str] = []
    for take_id in takes:
        names += await store.names(session.tenant_id, f"takes/{take_id}/")
        names += await store.names(session.tenant_id, f"recordings/{take_id}")
    return names


async def erase_media(
    session: TenantSession, store: ObjectStore, answer_ids: Sequence[UUID]
) -> dict[str, int]:
    """How many rows of each kind went. Bytes go before the transaction ends; repeated, it finds the rest."""
    take_ids = list(
        await session.scalars(select(Take.id).where(Take.answer_id.in_(answer_ids)).with_for_update())
    )
    counts = await _counts(session, take_ids)
    await session.execute(delete(Take).where(Take.id.in_(take_ids)))  # the rest of the rows go with it
    for take_id in take_ids:
        leftover = await store.names(session.tenant_id, f"takes/{take_id}/")
        await store.delete(session.tenant_id, [*leftover, f"recordings/{take_id}"])
    return counts


async def _counts(session: TenantSession, take_ids: list[UUID]) -> dict[str, int]:
    segments = select(Segment.id).where(Segment.take_id.in_(take_ids))
    return {
        "takes": len(take_ids),
        "chunks": await session.scalar(select(func.count()).where(Chunk.segment_id.in_(segments))) or 0,
        "recordings": await session.scalar(select(func.count()).where(Recording.take_id.in_(take_ids))) or 0,
    }
