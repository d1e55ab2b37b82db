"""Table: usage events. The unique key makes a repeated delivery harmless."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, Tenanted


class UsageEvent(Tenanted, Base):
    __tablename__ = "usage_events"
    __table_args__ = (UniqueConstraint("tenant_id", "idempotency_key"),)

    metric: Mapped[str]  # billable metric
    subject_id: Mapped[UUID]
    idempotency_key: Mapped[str]
    happened_at: Mapped[datetime]
