"""Receiving a recording: takes, segments and chunks, each command safe to repeat."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from duilian.infra import sniffing
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.ids import new_id
from duilian.infra.objects import ObjectStore
from duilian.platform.media import errors
from duilian.platform.media.models import Chunk, Segment, Take
from duilian.tenants.keyring import OpenTenantKey

CHUNK_LIMIT = 4 * 1024 * 1024
TAKE_LIMIT = 320 * 1024 * 1024
SEQUENCE_LIMIT = 20_000
SEGMENT_LIMIT = 50
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{44}):")


@dataclass(frozen=True)
class SegmentState:
    """next: the first number not yet here; missing: gaps below the highest number; hashes: of chunks [0, next)."""

    number: int
    next: int
    missing: list[int]
    chunks: int
    bytes: int
    hashes: list[str]


async def new_take(
    session: TenantSession, answer_id: UUID, mode: str, content_type: str, allowed: int
) -> Take:
    """Raises NoRetakesLeft. A take without a single chunk is used again, so that a double click costs nothing."""
    newest = await newest_take(session, answer_id)
    if newest is not None and newest.finished_at is None and await _is_unused(session, newest, mode):
        return newest
    number = newest.number + 1 if newest else 1
    if number > allowed:
        raise errors.NoRetakesLeft(allowed=allowed)
    take = Take(
        id=new_id(),
        answer_id=answer_id,
        number=number,
        mode=mode,
        created_at=now(),
        finished_at=None,
        certificate=None,
    )
    session.add(take)
    await session.flush()
    await add_segment(session, take, content_type)
    return take


async def _is_unused(session: TenantSession, take: Take, mode: str) -> bool:
    query = (
        select(func.count(Chunk.id))
        .join(Segment, Segment.id == Chunk.segment_id)
        .where(Segment.take_id == take.id)
    )
    return take.mode == mode and not await session.scalar(query)


async def newest_take(session: TenantSession, answer_id: UUID) -> Take | None:
    query = select(Take).where(Take.answer_id == answer_id).order_by(Take.number.desc()).limit(1)
    return await session.scalar(query)


async def take_numbered(session: TenantSession, answer_id: UUID, number: int) -> Take:
    """The take, if it is the newest: chunks for one that was replaced are refused. Raises NoSuchTake."""
    take = await newest_take(session, answer_id)
    if take is None or take.number != number:
        raise errors.NoSuchTake
    return take


async def add_segment(session: TenantSession, take: Take, content_type: str) -> int:
    """The number of the new segment. content_type: what its first chunk must turn out to be."""
    sniffing.require_known_media(content_type)
    if take.finished_at is not None:
        raise errors.TakeFinished
    number = await session.scalar(select(func.count()).where(Segment.take_id == take.id)) or 0
    if number >= SEGMENT_LIMIT:
        raise errors.BadSequence(seq=number, most=SEGMENT_LIMIT - 1)
    session.add(Segment(take_id=take.id, number=number, content_type=content_type[:100]))
    await session.flush()
    return number


async def put_chunk(
    session: TenantSession,
    store: ObjectStore,
    key: OpenTenantKey,
    take: Take,
    segment_number: int,
    seq: int,
    body: bytes,
    digest_header: str | None,
) -> SegmentState:
    """Keep a chunk; the acknowledgement is given only when bytes and row are both safe."""
    digest = _checked_digest(seq, body, digest_header)
    segment, taken, here = await _arrived(session, take, segment_number)
    known = here[seq][1] if seq in here else None
    if known is None:
        if seq == 0:
            sniffing.require_media(body, segment.content_type)
        if taken + len(body) > TAKE_LIMIT:
            raise errors.TakeTooLarge(limit="320 MiB")
        known = await _keep(session, store, key, segment, seq, body, digest)
    if known != digest:
        raise errors.ChunkAltered(seq=seq)
    return _state(segment.number, here | {seq: (len(body), digest)})


def _checked_digest(seq: int, body: bytes, header: str | None) -> str:
    if not 0 <= seq < SEQUENCE_LIMIT:
        raise errors.BadSequence(seq=seq, most=SEQUENCE_LIMIT - 1)
    if len(body) > CHUNK_LIMIT:
        raise errors.ChunkTooLarge(limit="4 MiB")
    if not body:
        raise errors.EmptyChunk(seq=seq)
    match = _DIGEST.fullmatch((header or "").strip())
    if match is None:
        raise errors.BadDigest(reason="Content-Digest")
    try:
        claimed = base64.b64decode(match[1], validate=True)
    except binascii.Error as error:
        raise errors.BadDigest(reason="Content-Digest") from error
    actual = sha256(body)
    if claimed != actual.digest():
        raise errors.DigestMismatch(seq=seq)
    return actual.hexdigest()


async def _arrived(
    session: TenantSession, take: Take, number: int
) -> tuple[Segment, int, dict[int, tuple[int, str]]]:
    """The segment, the bytes of the whole take, and the segment's chunks: number → (size, sha256). One statement."""
    if take.finished_at is not None:
        raise errors.TakeFinished
    query = (
        select(Segment, Chunk.seq, Chunk.size, Chunk.sha256)
        .outerjoin(Chunk, Chunk.segment_id == Segment.id)
        .where(Segment.take_id == take.id)
    )
    rows = (await session.execute(query)).all()
    segment = next((row.Segment for row in rows if row.Segment.number == number), None)
    if segment is None:
        raise errors.NoSuchTake
    here = {
        row.seq: (row.size, row.sha256)
        for row in rows
        if row.Segment.number == number and row.seq is not None
    }
    return segment, sum(row.size or 0 for row in rows), here


async def _keep(
    session: TenantSession,
    store: ObjectStore,
    key: OpenTenantKey,
    segment: Segment,
    seq: int,
    body: bytes,
    digest: str,
) -> str:
    """The hash now on record: ours, or that of a twin which arrived at the same moment."""
    values = {
        "tenant_id": session.tenant_id,
        "id": new_id(),
        "segment_id": segment.id,
        "seq": seq,
        "size": len(body),
        "sha256": digest,
        "received_at": now(),
    }
    # The row first: it serialises twins, so that the object always holds the bytes of the row's hash.
    made = await session.scalar(
        insert(Chunk).values(**values).on_conflict_do_nothing().returning(Chunk.sha256)
    )
    if made is None:
        return (
            await session.scalars(
                select(Chunk.sha256).where(Chunk.segment_id == segment.id, Chunk.seq == seq)
            )
        ).one()
    await store.put(key, chunk_name(segment.take_id, segment.number, seq), body)
    return made


async def segments_of(session: TenantSession, take: Take) -> list[Segment]:
    return list(
        await session.scalars(select(Segment).where(Segment.take_id == take.id).order_by(Segment.number))
    )


async def segment_state(session: TenantSession, segment: Segment) -> SegmentState:
    query = select(Chunk.seq, Chunk.size, Chunk.sha256).where(Chunk.segment_id == segment.id)
    rows = await session.execute(query)
    return _state(segment.number, {row.seq: (row.size, row.sha256) for row in rows})


def _state(number: int, here: dict[int, tuple[int, str]]) -> SegmentState:
    """here: the chunks that have arrived, number → (size, sha256)."""
    top = max(here, default=-1) + 1
    missing = [seq for seq in range(top) if seq not in here]
    following = missing[0] if missing else top
    size, hashes = sum(size for size, _ in here.values()), [here[seq][1] for seq in range(following)]
    return SegmentState(number, following, missing, len(here), size, hashes)


async def take_state(session: TenantSession, take: Take) -> list[SegmentState]:
    return [await segment_state(session, segment) for segment in await segments_of(session, take)]


def chunk_name(take_id: UUID, segment: int, seq: int) -> str:
    return f"takes/{take_id}/{segment}/{seq:05d}"
