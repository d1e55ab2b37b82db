"""Table: reports. Written once per revision, never changed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_json


class Report(Tenanted, Base):
    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("tenant_id", "interview_id", "revision"),
        ForeignKeyConstraint(["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"]),
    )

    interview_id: Mapped[UUID]
    revision: Mapped[int]
    content_sealed: Mapped[bytes]
    total: Mapped[JsonObject]  # outcome and numbers, for sorting; the words are sealed
    flags: Mapped[int]  # number of integrity facts
    sha256: Mapped[str]
    created_at: Mapped[datetime]

    content = sealed_json()
