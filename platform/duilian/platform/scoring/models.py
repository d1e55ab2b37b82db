"""Tables: what the models found in one answer, and how its speaker corrected the transcript."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_json, sealed_text


class Analysis(Tenanted, Base):
    """One row per answer, of its newest version. The documents are `serving.contracts` structures.

    refusal: {"code", "params"} where the answer cannot be scored; judged: the scorer's response, or None.
    corrected: the transcript that was scored, where the candidate corrected it; `transcript` stays as it was heard.
    voices: stretches in a second voice, [[start, end]] in seconds.
    """

    __tablename__ = "analyses"
    __table_args__ = (
        UniqueConstraint("tenant_id", "answer_id"),
        ForeignKeyConstraint(
            ["tenant_id", "answer_id"], ["answers.tenant_id", "answers.id"], ondelete="CASCADE"
        ),
    )

    answer_id: Mapped[UUID]
    version: Mapped[str]  # the answer's answered_at
    transcript_sealed: Mapped[bytes | None]
    observation_sealed: Mapped[bytes | None]
    judged_sealed: Mapped[bytes | None]
    corrected_sealed: Mapped[bytes | None]
    voices_sealed: Mapped[bytes | None]
    refusal: Mapped[JsonObject | None]
    versions: Mapped[JsonObject]
    created_at: Mapped[datetime]

    transcript = sealed_json()
    observation = sealed_json()
    judged = sealed_json()
    corrected = sealed_json()
    voices = sealed_json()


class TranscriptCorrection(Tenanted, Base):
    """What a candidate made of a transcript. The newest number counts; the earlier ones stay.

    changes: [{"heard", "corrected", "offset"}], offset in `text`. scored_at: when it had been scored again, None until then.
    """

    __tablename__ = "transcript_corrections"
    __table_args__ = (
        UniqueConstraint("tenant_id", "answer_id", "number"),
        ForeignKeyConstraint(
            ["tenant_id", "answer_id"], ["answers.tenant_id", "answers.id"], ondelete="CASCADE"
        ),
    )

    answer_id: Mapped[UUID]
    number: Mapped[int]
    original_sealed: Mapped[bytes]
    text_sealed: Mapped[bytes]
    changes_sealed: Mapped[bytes]
    changed_share: Mapped[float]
    made_at: Mapped[datetime]
    scored_at: Mapped[datetime | None]

    original = sealed_text()
    text = sealed_text()
    changes = sealed_json()
