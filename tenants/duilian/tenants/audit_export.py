"""Reading the audit log: searching it for people, writing it out for an auditor.

An export is lines of JSON: first the header (tenant, public keys of the seals), then every entry `{"seq", "entry",
"hash"}` in order, then the seals `{"day", "seq", "hash", "signature", "key"}`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from duilian.infra.audit import AuditEntry, AuditSeal
from duilian.infra.database import TenantSession
from duilian.tenants.models import ApiKey, ConsultantGrant, Member
from duilian.tenants.rights import Right

RIGHT = Right.AUDIT
PAGE = 50
FORMAT = 1


@dataclass(frozen=True)
class Wanted:
    """Filters: an action or the beginning of one ("report."), an actor's label or part of it, a subject's identifier,
    a day (UTC, ISO), and the sequence number that the page ends before (0: the newest).
    """

    action: str = ""
    actor: str = ""
    subject: str = ""
    day: str = ""
    before: int = 0

    @property
    def active(self) -> bool:
        return bool(self.action or self.actor or self.subject or self.day)


async def search(session: TenantSession, wanted: Wanted) -> tuple[list[AuditEntry], bool]:
    """Newest first, and whether there are more."""
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(PAGE + 1)
    if wanted.action:
        query = query.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.actor:
        query = query.where(AuditEntry.actor.contains(wanted.actor, autoescape=True))
    if wanted.subject:
        query = query.where(AuditEntry.subject_id == wanted.subject)
    if wanted.before:
        query = query.where(AuditEntry.seq < wanted.before)
    if begin := _day(wanted.day):
        query = query.where(
            AuditEntry.happened_at >= begin, AuditEntry.happened_at < begin + timedelta(days=1)
        )
    rows = list(await session.scalars(query))
    return rows[:PAGE], len(rows) > PAGE


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


async def actions(session: TenantSession) -> list[str]:
    """The actions that occur, for the filter."""
    return list(await session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))


async def names(session: TenantSession, rows: list[AuditEntry]) -> dict[str, str]:
    """Labels of actors → what people call them; who is gone keeps the label."""
    found: dict[str, str] = {}
    by_kind: dict[str, set[UUID]] = {}
    for label in {row.actor for row in rows}:
        kind, _, identifier = label.partition(":")
        if identifier and kind in ("member", "key", "consultant"):
            by_kind.setdefault(kind, set()).add(UUID(identifier))
    for member in await session.scalars(select(Member).where(Member.id.in_(by_kind.get("member", ())))):
        found[f"member:{member.id}"] = member.name
    for key in await session.scalars(select(ApiKey).where(ApiKey.id.in_(by_kind.get("key", ())))):
        found[f"key:{key.id}"] = key.name
    wanted = ConsultantGrant.id.in_(by_kind.get("consultant", ()))
    for grant in await session.scalars(select(ConsultantGrant).where(wanted)):
        found[f"consultant:{grant.id}"] = grant.label
    return found


async def newest_seal(session: TenantSession) -> AuditSeal | None:
    return await session.scalar(select(AuditSeal).order_by(AuditSeal.day.desc()).limit(1))


async def lines(session: TenantSession, slug: str) -> AsyncIterator[bytes]:
    seals = list(await session.scalars(select(AuditSeal).order_by(AuditSeal.day)))
    yield _line(
        {
            "format": FORMAT,
            "tenant": str(session.tenant_id),
            "slug": slug,
            "keys": sorted({seal.key_id for seal in seals}),
        }
    )
    async for row in await session.stream_scalars(select(AuditEntry).order_by(AuditEntry.seq)):
        yield _line({"seq": row.seq, "entry": row.entry, "hash": row.hash.hex()})
    for seal in seals:
        yield _line(
            {
                "day": seal.day.isoformat(),
                "seq": seal.seq,
                "hash": seal.hash.hex(),
                "signature": seal.signature.hex(),
                "key": seal.key_id,
            }
        )


def _line(document: dict[str, object]) -> bytes:
    return (json.dumps(document, ensure_ascii=False) + "\n").encode()
