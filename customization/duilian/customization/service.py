"""Publishing question sets, and finding the version that is in force."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from duilian.customization.errors import UnknownSet
from duilian.customization.models import PublishedSet
from duilian.customization.schemas import QuestionSet
from duilian.infra.clock import now
from duilian.infra.database import JsonObject, TenantSession

MOST_KNOWN = 500
_KNOWN: dict[tuple[UUID, UUID], QuestionSet] = {}


async def publish(
    session: TenantSession, question_set: QuestionSet, by: str, provenance: JsonObject | None = None
) -> PublishedSet:
    """A new version, or the newest one where nothing changed. provenance: see `PublishedSet`."""
    content = _content(question_set)
    digest = hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
    newest = await _newest(session, question_set.key)
    if newest is not None and newest.sha256 == digest:
        return newest
    row = PublishedSet(
        key=question_set.key,
        version=newest.version + 1 if newest else 1,
        content=content,
        sha256=digest,
        published_at=now(),
        published_by=by,
        provenance=provenance,
    )
    session.add(row)
    await session.flush()
    return row


def _content(question_set: QuestionSet) -> dict[str, Any]:
    """What came into the format later is left out where it says nothing: an unchanged set keeps its sha256."""
    content = msgspec.to_builtins(question_set)
    for question in content["questions"]:
        if question["procedure"] is None:
            del question["procedure"]
    return content


async def newest_set(session: TenantSession, key: str) -> PublishedSet:
    """Raises UnknownSet with the keys that there are."""
    row = await _newest(session, key)
    if row is None:
        known = ", ".join(s.key for s in await newest_sets(session)) or "-"
        raise UnknownSet(key=key, known=known)
    return row


async def newest_sets(session: TenantSession) -> list[PublishedSet]:
    """The newest version of each set, by key."""
    query = (
        select(PublishedSet)
        .distinct(PublishedSet.key)
        .order_by(PublishedSet.key, PublishedSet.version.desc())
    )
    return list(await session.scalars(query))


async def versions_of(session: TenantSession, key: str) -> list[PublishedSet]:
    """Every version of a set, newest first."""
    query = select(PublishedSet).where(PublishedSet.key == key).order_by(PublishedSet.version.desc())
    return list(await session.scalars(query))


_TITLES = (
    select(PublishedSet.key, PublishedSet.content["title"])
    .distinct(PublishedSet.key)
    .order_by(PublishedSet.key, PublishedSet.version.desc())
)


async def newest_titles(session: TenantSession) -> list[tuple[str, dict[str, str]]]:
    """Key and title of each set's newest version, without its questions."""
    return [(key, title) for key, title in await session.execute(_TITLES)]


async def set_version(session: TenantSession, set_id: UUID) -> PublishedSet:
    return await session.get_one(PublishedSet, (session.tenant_id, set_id))


async def questions_of(session: TenantSession, set_id: UUID) -> QuestionSet:
    """The content of a published version, read once a process: it never changes."""
    place = (session.tenant_id, set_id)
    known = _KNOWN.get(place)
    if known is None:
        known = content_of(await set_version(session, set_id))
        if len(_KNOWN) >= MOST_KNOWN:
            _KNOWN.pop(next(iter(_KNOWN)))
        _KNOWN[place] = known
    return known


def content_of(row: PublishedSet) -> QuestionSet:
    return msgspec.convert(row.content, QuestionSet)


async def _newest(session: TenantSession, key: str) -> PublishedSet | None:
    query = select(PublishedSet).where(PublishedSet.key == key).order_by(PublishedSet.version.desc()).limit(1)
    return await session.scalar(query)
