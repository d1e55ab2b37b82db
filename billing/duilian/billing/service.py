"""Listening: a completed interview is a billable metric, one without a total is not charged; so is a trained model."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from duilian.billing.models import UsageEvent
from duilian.infra.database import TenantSession
from duilian.infra.events import Event
from duilian.infra.ids import new_id

COMPLETED, TRAINED = "interview.completed", "model.trained"


async def count_report(session: TenantSession, event: Event) -> None:
    """Listener of `report.ready`. An interview that could not be scored is free."""
    if event.data.get("outcome") != "scored":
        return
    await _count(session, COMPLETED, event)


async def count_training(session: TenantSession, event: Event) -> None:
    """Listener of `training.measured`; the event says what it took."""
    await _count(session, TRAINED, event)


async def _count(session: TenantSession, metric: str, event: Event) -> None:
    row = {
        "tenant_id": session.tenant_id,
        "id": new_id(),
        "metric": metric,
        "subject_id": event.subject_id,
        "idempotency_key": f"{metric}:{event.subject_id}",
        "happened_at": event.happened_at,
    }
    await session.execute(insert(UsageEvent).values(**row).on_conflict_do_nothing())


async def completed_interviews(session: TenantSession) -> int:
    query = select(func.count()).where(UsageEvent.metric == COMPLETED)
    return await session.scalar(query) or 0
