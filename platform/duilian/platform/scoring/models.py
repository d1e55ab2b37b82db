"""Table: what the models found in one answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_json


class Analysis(Tenanted, Base):
    """One row per answer, of its newest version. The documents are `serving.contracts` structures.

    refusal: {"code", "params"} where the answer cannot be scored; judged: the scorer's response, or None.
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
    refusal: Mapped[JsonObject | None]
    versions: Mapped[JsonObject]
    created_at: Mapped[datetime]

    transcript = sealed_json()
    observation = sealed_json()
    judged = sealed_json()
