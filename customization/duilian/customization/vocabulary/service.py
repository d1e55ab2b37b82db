"""Versions of the vocabulary: begun, promoted by a person, taken back in one step, and what is listened for now."""

from __future__ import annotations

from uuid import UUID

import msgspec
from sqlalchemy import func, select, text, update

from duilian.customization.schemas import Question
from duilian.customization.training.errors import ReasonNeeded
from duilian.customization.training.releases import LEAST_REASON
from duilian.customization.vocabulary.errors import (
    NoVocabulary,
    VocabularyBusy,
    VocabularyNotDone,
    VocabularyRefused,
)
from duilian.customization.vocabulary.models import VocabularyVersion
from duilian.customization.vocabulary.proposing import Content
from duilian.infra import audit, events
from duilian.infra.clock import now
from duilian.infra.database import TenantSession
from duilian.infra.errors import NotFound
from duilian.infra.jobs import defer
from duilian.tenants.service import current_tenant

LEARN = "vocabulary.learn"
QUEUED, GATHERING, LISTENING, DONE, FAILED = "queued", "gathering", "listening", "done", "failed"
UNDER_WAY = (QUEUED, GATHERING, LISTENING)
NEVER, IN_FORCE, RETIRED = "", "in_force", "retired"
MARK = "vocabulary"  # its version among those that a transcript names
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('vocabulary:' || :tenant, 0))")


async def start(session: TenantSession) -> VocabularyVersion:
    """Writes the job. Raises VocabularyBusy."""
    await _one_at_a_time(session)
    busy = select(VocabularyVersion.id).where(VocabularyVersion.state.in_(UNDER_WAY)).limit(1)
    if await session.scalar(busy) is not None:
        raise VocabularyBusy
    newest = await session.scalar(select(func.max(VocabularyVersion.number))) or 0
    row = VocabularyVersion(
        number=newest + 1, state=QUEUED, share=0.0, content_sealed=None, sha256=None, sources=None, evaluation=None,
        gates=None, verdict=None, failure=None, created_by=session.access.actor, created_at=now(), ended_at=None,
        release=NEVER, promoted_by=None, promoted_at=None, retired_by=None, retired_at=None, previous_id=None, reason="",
    )  # fmt: skip
    session.add(row)
    await session.flush()
    audit.record(session, "vocabulary.started", "vocabulary", row.id, after={"number": row.number})
    await defer(session, LEARN, lock=f"{LEARN}:{session.tenant_id}", version_id=str(row.id))
    return row


async def version_of(session: TenantSession, version_id: UUID, *, lock: bool = False) -> VocabularyVersion:
    """Raises NotFound."""
    row = await session.get(VocabularyVersion, (session.tenant_id, version_id), with_for_update=lock or None)
    if row is None:
        raise NotFound
    return row


async def versions(session: TenantSession, most: int = 50) -> list[VocabularyVersion]:
    """Newest first."""
    query = select(VocabularyVersion).order_by(VocabularyVersion.number.desc()).limit(most)
    return list(await session.scalars(query))


async def in_force(session: TenantSession) -> VocabularyVersion | None:
    return await session.scalar(select(VocabularyVersion).where(VocabularyVersion.release == IN_FORCE))


def content_of(row: VocabularyVersion) -> Content | None:
    return None if row.content_sealed is None else msgspec.convert(row.content, Content)


async def listened_for(
    session: TenantSession, locale: str, question: Question | None = None, trial: Content | None = None
) -> tuple[list[str], dict[str, str]]:
    """Words for the recogniser, the question's own first, then the learned, then the tenant's; and the version in force.

    trial: learned words to listen for in place of those in force."""
    row, tenant = await in_force(session), await current_tenant(session)
    content = trial or (content_of(row) if row else None)
    learned = content.words(locale) if content else []
    own = question.vocabulary.get(locale, []) if question else []
    words = dict.fromkeys([*own, *learned, *tenant.vocabulary.get(locale, [])])
    return list(words), {MARK: (row.sha256 or "")[:12]} if row else {}


async def promote(session: TenantSession, version_id: UUID, reason: str) -> VocabularyVersion:
    """By a person. Raises NotFound, VocabularyNotDone, VocabularyRefused, ReasonNeeded."""
    await _one_at_a_time(session)
    row = await version_of(session, version_id, lock=True)
    if row.state != DONE or row.release == IN_FORCE:
        raise VocabularyNotDone
    if row.verdict == "refused":
        closed = [str(gate["name"]) for gate in row.gates or [] if gate["state"] == "failed"]
        raise VocabularyRefused(gates=", ".join(closed), count=len(closed))
    if row.verdict == "warned" and len(reason.strip()) < LEAST_REASON:
        raise ReasonNeeded(least=LEAST_REASON)
    before = await in_force(session)
    if before is not None:
        await _retire(session, before, "")
    # Whatever leads back to it leads to what was before it, so that going back comes to an end.
    led = update(VocabularyVersion).where(VocabularyVersion.previous_id == row.id)
    await session.execute(led.values(previous_id=row.previous_id))
    row.release, row.reason, row.previous_id = IN_FORCE, reason.strip(), before.id if before else None
    row.promoted_by, row.promoted_at = session.access.actor, now()
    row.retired_by, row.retired_at = None, None
    await session.flush()
    facts = {"number": row.number, "sha256": row.sha256, "before": before.number if before else None}
    await events.append(session, "vocabulary.promoted", row.id, session.access.actor, **facts)
    return row


async def roll_back(session: TenantSession, reason: str) -> VocabularyVersion | None:
    """To the version before, or None: to no learned words. Raises NoVocabulary."""
    await _one_at_a_time(session)
    row = await in_force(session)
    if row is None:
        raise NoVocabulary
    before = await version_of(session, row.previous_id) if row.previous_id else None
    await _retire(session, row, reason.strip())
    if before is not None:
        before.release, before.retired_by, before.retired_at = IN_FORCE, None, None
        await session.flush()
    facts = {"number": row.number, "to": before.number if before else None}
    await events.append(session, "vocabulary.rolled_back", row.id, session.access.actor, **facts)
    return before


async def _retire(session: TenantSession, row: VocabularyVersion, reason: str) -> None:
    row.release, row.retired_by, row.retired_at = RETIRED, session.access.actor, now()
    row.reason = reason or row.reason
    await session.flush()


async def _one_at_a_time(session: TenantSession) -> None:
    await session.execute(_LOCK, {"tenant": str(session.tenant_id)})
