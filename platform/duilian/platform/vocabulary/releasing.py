"""Releasing a vocabulary: what the recogniser hears may change, so the anchors are heard and scored again."""

from __future__ import annotations

from uuid import UUID

from duilian.customization.anchors.later import score_later
from duilian.customization.vocabulary import service
from duilian.customization.vocabulary.models import VocabularyVersion
from duilian.infra.database import TenantSession


async def promote(session: TenantSession, version_id: UUID, reason: str) -> VocabularyVersion:
    """From the next recording on. Raises what `service.promote` raises."""
    row = await service.promote(session, version_id, reason)
    await score_later(session)
    return row


async def roll_back(session: TenantSession, reason: str) -> VocabularyVersion | None:
    """Raises NoVocabulary."""
    before = await service.roll_back(session, reason)
    await score_later(session)
    return before
