"""Tables: the interview, its consents, its answers, marks an assessor set on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_text


class Interview(Tenanted, Base):
    """One person's run through one published question set. `status`: see states.py."""

    __tablename__ = "interviews"
    __table_args__ = (
        UniqueConstraint("tenant_id", "invitation_id"),
        ForeignKeyConstraint(["tenant_id", "invitation_id"], ["invitations.tenant_id", "invitations.id"]),
        ForeignKeyConstraint(["tenant_id", "unit_id"], ["org_units.tenant_id", "org_units.id"]),
    )

    invitation_id: Mapped[UUID]
    unit_id: Mapped[UUID]
    set_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(index=True)
    locale: Mapped[str]
    language: Mapped[str]  # spoken: zh or en
    deadline: Mapped[datetime]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    policy_version: Mapped[str | None]  # stamped when it was opened
    media_erased_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    device_check: Mapped[JsonObject | None]
    dry_run: Mapped[bool] = mapped_column(server_default=false())  # as its invitation
    human_reason_sealed: Mapped[bytes | None]

    human_reason = sealed_text()


class ConsentRecord(Tenanted, Base):
    """One decision on one purpose. Never updated: the newest counts, the earlier ones stay."""

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"]),
    )

    interview_id: Mapped[UUID] = mapped_column(index=True)
    purpose: Mapped[str]
    version: Mapped[str]
    text_sha256: Mapped[str]  # of the words that were shown
    granted: Mapped[bool]
    decided_at: Mapped[datetime]


class Answer(Tenanted, Base):
    """One question of one interview. `state`: see states.py."""

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "interview_id", "question_key"),
        ForeignKeyConstraint(["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"]),
    )

    interview_id: Mapped[UUID]
    question_key: Mapped[str]
    position: Mapped[int]
    state: Mapped[str]
    mode: Mapped[str | None]
    opened_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    take_number: Mapped[int | None]  # the take that counts
    text_sealed: Mapped[bytes | None]  # of a written answer
    events: Mapped[JsonObject]  # integrity facts as the page saw them
    marks: Mapped[list[Any]]  # steps the candidate ended: {"step", "at_ms"}
    failure: Mapped[JsonObject | None]  # {"code", "detail"} where it cannot be scored

    text = sealed_text()


class StepMark(Tenanted, Base):
    """When a step of a hands-on task ended, as an assessor saw it; it stands beside the candidate's own mark."""

    __tablename__ = "step_marks"
    __table_args__ = (
        UniqueConstraint("tenant_id", "answer_id", "step"),
        ForeignKeyConstraint(
            ["tenant_id", "answer_id"], ["answers.tenant_id", "answers.id"], ondelete="CASCADE"
        ),
    )

    answer_id: Mapped[UUID]
    step: Mapped[str]
    at_ms: Mapped[int]
    marked_by: Mapped[str]
    marked_at: Mapped[datetime]
