"""Whether an answer is to be judged by a model in the shadow as well (shadow.py does it)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from duilian.customization.training.models import HeadRelease
from duilian.customization.training.releases import SHADOW as IN_SHADOW
from duilian.infra.database import TenantSession
from duilian.infra.jobs import defer

SHADOW = "models.shadow"


async def shadow_later(session: TenantSession, answer_id: UUID, version: str) -> None:
    """Nothing where no model of the tenant is in the shadow."""
    if await session.scalar(select(HeadRelease.id).where(HeadRelease.state == IN_SHADOW).limit(1)):
        await defer(session, SHADOW, answer_id=str(answer_id), version=version)
