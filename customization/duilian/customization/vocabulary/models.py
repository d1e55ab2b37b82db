"""Table: versions of the words that the recogniser listens for, with what they were measured to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_json


class VocabularyVersion(Tenanted, Base):
    """state: queued, gathering, listening, done, failed. share: of the work done, 0–1. release: "", in_force, retired.

    content: `proposing.Content`; sealed, for words of a company's interviews. sha256: of its terms. sources: what was read, in
    numbers. evaluation: `evaluating.Evaluation`; gates: `training.gates.Gate`; verdict: passed, warned or refused.
    previous_id: what was in force before it, None for no learned words; going back leads there.
    """

    __tablename__ = "vocabulary_versions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        Index(
            "uq_vocabulary_versions_in_force", "tenant_id", unique=True,
            postgresql_where=text("release = 'in_force'"),
        ),
    )  # fmt: skip

    number: Mapped[int]
    state: Mapped[str]
    share: Mapped[float]
    content_sealed: Mapped[bytes | None]
    sha256: Mapped[str | None]
    sources: Mapped[JsonObject | None]
    evaluation: Mapped[JsonObject | None]
    gates: Mapped[list[Any] | None]
    verdict: Mapped[str | None]
    failure: Mapped[JsonObject | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    release: Mapped[str]
    promoted_by: Mapped[str | None]
    promoted_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]
    retired_at: Mapped[datetime | None]
    previous_id: Mapped[UUID | None]
    reason: Mapped[str]

    content = sealed_json()
