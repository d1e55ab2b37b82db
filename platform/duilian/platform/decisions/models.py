"""Tables: what people decided. Append-only; the newest counts, the earlier ones stay."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, Tenanted
from duilian.infra.fields import sealed_text


class Decision(Tenanted, Base):
    """A person's decision on an interview."""

    __tablename__ = "decisions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"]),
        ForeignKeyConstraint(["tenant_id", "member_id"], ["members.tenant_id", "members.id"]),
    )

    interview_id: Mapped[UUID] = mapped_column(index=True)
    member_id: Mapped[UUID]
    outcome: Mapped[str]  # advance, hold, reject, reinvite
    reason_sealed: Mapped[bytes | None]  # None once the words were erased
    decided_at: Mapped[datetime]

    reason = sealed_text()


class Override(Tenanted, Base):
    """A person's level for one competency, beside the AI's, with the reason."""

    __tablename__ = "overrides"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"]),
        ForeignKeyConstraint(["tenant_id", "member_id"], ["members.tenant_id", "members.id"]),
    )

    interview_id: Mapped[UUID] = mapped_column(index=True)
    member_id: Mapped[UUID]
    competency: Mapped[str]
    ai_level: Mapped[int | None]
    ai_score: Mapped[float | None]
    level: Mapped[int]
    score: Mapped[float]
    reason_sealed: Mapped[bytes | None]  # None once the words were erased
    decided_at: Mapped[datetime]

    reason = sealed_text()
