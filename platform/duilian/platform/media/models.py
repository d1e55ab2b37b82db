"""Tables: takes of an answer, their segments and chunks, the finished recording."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, JsonObject, Tenanted


class Take(Tenanted, Base):
    """One attempt at an answer. The newest counts; earlier ones are erased when it is finished."""

    __tablename__ = "takes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "answer_id", "number"),
        ForeignKeyConstraint(["tenant_id", "answer_id"], ["answers.tenant_id", "answers.id"]),
    )

    answer_id: Mapped[UUID] = mapped_column(index=True)
    number: Mapped[int]
    mode: Mapped[str]  # video or audio
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    certificate: Mapped[JsonObject | None]


class Segment(Tenanted, Base):
    """A stretch recorded without a break; recording goes on after a crash as the next segment."""

    __tablename__ = "segments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "take_id", "number"),
        ForeignKeyConstraint(["tenant_id", "take_id"], ["takes.tenant_id", "takes.id"], ondelete="CASCADE"),
    )

    take_id: Mapped[UUID]
    number: Mapped[int]
    content_type: Mapped[str]


class Chunk(Tenanted, Base):
    """About a second of recording, stored sealed. sha256 is of the plaintext, in hex."""

    __tablename__ = "chunks"
    __table_args__ = (
        UniqueConstraint("tenant_id", "segment_id", "seq"),
        ForeignKeyConstraint(
            ["tenant_id", "segment_id"], ["segments.tenant_id", "segments.id"], ondelete="CASCADE"
        ),
    )

    segment_id: Mapped[UUID]
    seq: Mapped[int]
    size: Mapped[int]
    sha256: Mapped[str]
    received_at: Mapped[datetime]


class Recording(Tenanted, Base):
    """The playable object made of a finished take. size in bytes, duration in seconds."""

    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("tenant_id", "take_id"),
        ForeignKeyConstraint(["tenant_id", "take_id"], ["takes.tenant_id", "takes.id"], ondelete="CASCADE"),
    )

    take_id: Mapped[UUID]
    answer_id: Mapped[UUID] = mapped_column(index=True)
    object_name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    duration: Mapped[float]
    created_at: Mapped[datetime]
