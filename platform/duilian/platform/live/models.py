"""Tables: what of an interview is to be seen while it runs, and who watches. Rows live as long as the watching."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, Tenanted
from duilian.infra.fields import sealed_json, sealed_text


class LiveState(Tenanted, Base):
    """The newest moment of an answer under way, written once a second while somebody watches, removed afterwards.

    captions: "on", "off" (the candidate's choice) or "unavailable". said: {"stable", "tail"}. picture: JPEG, base64.
    """

    __tablename__ = "live_states"
    __table_args__ = (
        UniqueConstraint("tenant_id", "interview_id"),
        ForeignKeyConstraint(
            ["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"], ondelete="CASCADE"
        ),
    )

    interview_id: Mapped[UUID]
    question_key: Mapped[str]
    captions: Mapped[str]
    said_sealed: Mapped[bytes | None]
    picture_sealed: Mapped[bytes | None]
    picture_number: Mapped[int]
    updated_at: Mapped[datetime]

    said = sealed_json()
    picture = sealed_text()


class LiveWatcher(Tenanted, Base):
    """Somebody who watches; seen_at is renewed while they do."""

    __tablename__ = "live_watchers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "interview_id", "actor"),
        ForeignKeyConstraint(
            ["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"], ondelete="CASCADE"
        ),
    )

    interview_id: Mapped[UUID]
    actor: Mapped[str]
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
