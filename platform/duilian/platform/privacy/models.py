"""Tables: legal holds, erasures with their receipts, who received data, practice attempts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_text

_CANDIDATE = (["tenant_id", "candidate_id"], ["candidates.tenant_id", "candidates.id"])
_INTERVIEW = (["tenant_id", "interview_id"], ["interviews.tenant_id", "interviews.id"])


class LegalHold(Tenanted, Base):
    """An interview that must be preserved (法律保全): nothing of it is erased while the hold stands."""

    __tablename__ = "legal_holds"
    __table_args__ = (ForeignKeyConstraint(*_INTERVIEW),)

    interview_id: Mapped[UUID] = mapped_column(index=True)
    reason_sealed: Mapped[bytes]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime]
    lifted_by: Mapped[str | None]
    lifted_at: Mapped[datetime | None]

    reason = sealed_text()


class Erasure(Tenanted, Base):
    """Something that is to be erased, and the receipt once it is.

    cause: request, withdrawal, retention. scope: all, recording, scores, face_check, training, media, records.
    interview_id: None where the whole person is meant. progress: what a run that was cut short had found already.
    """

    __tablename__ = "erasures"
    __table_args__ = (ForeignKeyConstraint(*_CANDIDATE), ForeignKeyConstraint(*_INTERVIEW))

    candidate_id: Mapped[UUID] = mapped_column(index=True)
    interview_id: Mapped[UUID | None]
    cause: Mapped[str]
    scope: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    due_at: Mapped[datetime]
    progress: Mapped[JsonObject]
    finished_at: Mapped[datetime | None]
    receipt: Mapped[JsonObject | None]


class DataRecipient(Tenanted, Base):
    """Somebody outside who received data of an interview (数据接收方). state: passed, to_tell, told."""

    __tablename__ = "data_recipients"
    __table_args__ = (ForeignKeyConstraint(*_INTERVIEW),)

    interview_id: Mapped[UUID] = mapped_column(index=True)
    recipient: Mapped[str]  # name of the system or organisation
    channel: Mapped[str]  # who tells it: a key of recipients.TELLERS
    what: Mapped[str]
    passed_at: Mapped[datetime]
    state: Mapped[str]
    told_at: Mapped[datetime | None]


class PracticeAttempt(Tenanted, Base):
    """What a candidate keeps for themselves: visible in that candidate's session only, sealed under the practice key."""

    __tablename__ = "practice_attempts"
    __table_args__ = (ForeignKeyConstraint(*_CANDIDATE),)

    candidate_id: Mapped[UUID] = mapped_column(index=True)
    set_key: Mapped[str]
    mode: Mapped[str]  # audio, video, text
    content_type: Mapped[str]
    seconds: Mapped[float | None]
    size: Mapped[int]
    ciphertext: Mapped[bytes] = mapped_column(deferred=True)
    created_at: Mapped[datetime]


class Declaration(Tenanted, Base):
    """What a candidate declared of themselves (自愿申报), for comparing groups only.

    Seen in the candidate's own session, and by `declarations.groups`, which counts. No other session sees a row, no
    relationship leads here. answer: a keyed hash of the choice, bound to the person: a copy of the table says nothing.
    """

    __tablename__ = "declarations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "candidate_id", "question"),
        ForeignKeyConstraint(*_CANDIDATE, ondelete="CASCADE"),
    )

    candidate_id: Mapped[UUID]
    question: Mapped[str]
    answer: Mapped[bytes]
    declared_at: Mapped[datetime]
