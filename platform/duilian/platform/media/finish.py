"""Finishing a take: the server checks count and chain itself and signs what it found."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Annotated
from uuid import UUID

import msgspec
from sqlalchemy import select

from duilian.infra.clock import now
from duilian.infra.database import JsonObject, TenantSession
from duilian.platform.media import errors
from duilian.platform.media.chain import head
from duilian.platform.media.chunks import segments_of
from duilian.platform.media.models import Chunk, Take
from duilian.tenants.keyring import OpenTenantKey


class FinishedSegment(msgspec.Struct, frozen=True):
    """What the recorder says it made. head in hex; duration in milliseconds by its own clock."""

    chunks: Annotated[int, msgspec.Meta(ge=0, le=20_000)]
    head: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=36_000_000)]


async def finish_take(
    session: TenantSession,
    key: OpenTenantKey,
    take: Take,
    interview_id: UUID,
    question_key: str,
    claimed: list[FinishedSegment],
) -> JsonObject:
    """The certificate. Repeated, it gives the same one. Raises ChunksMissing, ChainMismatch.

    The recording's measured length is added when it has been assembled (`measured_seconds`).
    """
    if take.certificate is not None:
        return take.certificate
    certificate = await _verified(session, take, interview_id, question_key, claimed)
    certificate["signature"] = sign(key, certificate)
    take.certificate = certificate
    take.finished_at = now()
    return certificate


async def _verified(
    session: TenantSession, take: Take, interview_id: UUID, question_key: str, claimed: list[FinishedSegment]
) -> JsonObject:
    segments = await segments_of(session, take)
    missing: list[JsonObject] = []
    heads: list[str] = []
    total = count = 0
    for segment, claim in zip(segments, claimed, strict=False):
        query = select(Chunk).where(Chunk.segment_id == segment.id).order_by(Chunk.seq)
        chunks = {chunk.seq: chunk for chunk in await session.scalars(query)}
        gaps = [seq for seq in range(claim.chunks) if seq not in chunks]
        missing += [{"segment": segment.number, "chunks": gaps}] if gaps else []
        hashes = [chunks[seq].sha256 for seq in range(claim.chunks) if seq in chunks]
        heads.append(head(interview_id, question_key, take.number, segment.number, hashes))
        total += sum(chunk.size for chunk in chunks.values())
        count += len(chunks)
    if missing:
        raise errors.ChunksMissing(count=sum(len(gap["chunks"]) for gap in missing), missing=missing)
    if (
        len(claimed) != len(segments)
        or heads != [c.head for c in claimed]
        or count != sum(c.chunks for c in claimed)
    ):
        raise errors.ChainMismatch
    return {
        "interview": str(interview_id),
        "question": question_key,
        "take": take.number,
        "heads": heads,
        "chunks": count,
        "bytes": total,
        "duration_ms": sum(c.duration_ms for c in claimed),
        "verified": True,
        "verified_at": now().isoformat(),
    }


def sign(key: OpenTenantKey, certificate: JsonObject) -> str:
    """HMAC-SHA-256 in hex over the certificate in canonical JSON, under a key derived for this purpose."""
    body = msgspec.json.encode(certificate, order="sorted")
    return hmac.new(key.derive("recording-certificate"), body, sha256).hexdigest()
