"""Asking for the anchors to be scored again; `platform.measuring.anchoring` does it."""

from __future__ import annotations

from duilian.infra.database import TenantSession
from duilian.infra.jobs import defer

ANCHORS = "lab.anchors"


async def score_later(session: TenantSession, cause: str = "person") -> None:
    """cause: see `AnchorScorer`."""
    await defer(session, ANCHORS, lock=f"{ANCHORS}:{session.tenant_id}", cause=cause)
