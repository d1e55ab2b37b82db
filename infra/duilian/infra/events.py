"""Events: what happened, appended in the transaction in which it happened, delivered to listeners afterwards.

`append` writes the event and a job that delivers it. Each listener runs in a transaction of its own tenant, at
least once; it must be able to find its work done already.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra import audit
from duilian.infra.clock import now
from duilian.infra.database import Base, Database, JsonObject, Tenanted, TenantSession
from duilian.infra.jobs import defer

DELIVER = "events.deliver"


class Event(Tenanted, Base):
    """Append-only: the application's role may insert and read, nothing else."""

    __tablename__ = "events"

    kind: Mapped[str]
    subject_id: Mapped[UUID] = mapped_column(index=True)
    actor: Mapped[str]  # "candidate", "member:{id}", "system"
    data: Mapped[JsonObject]
    happened_at: Mapped[datetime]


Listener = Callable[[TenantSession, Event], Awaitable[None]]


async def append(session: TenantSession, kind: str, subject_id: UUID, actor: str, **data: Any) -> Event:
    """data: small facts without names or words of people. What happened also goes to the audit log."""
    event = Event(kind=kind, subject_id=subject_id, actor=actor, data=data, happened_at=now())
    session.add(event)
    audit.record(session, kind, kind.partition(".")[0], subject_id, after=data)
    await session.flush()
    await defer(session, DELIVER, event_id=str(event.id))
    return event


def deliverer(database: Database, listeners: dict[str, list[Listener]]) -> Callable[..., Awaitable[None]]:
    """The task that hands an event to all who listen for its kind."""

    async def deliver(tenant_id: UUID, event_id: str) -> None:
        async with database.begin(tenant_id) as session:
            event = await session.get_one(Event, (tenant_id, UUID(event_id)))
            for listen in listeners.get(event.kind, []):
                await listen(session, event)

    return deliver
