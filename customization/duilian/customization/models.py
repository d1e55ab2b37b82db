"""Published content. A version, once published, never changes: a trigger refuses update and delete."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from duilian.infra.database import Base, JsonObject, Tenanted


class PublishedSet(Tenanted, Base):
    """One immutable version of a question set with its competencies and rubrics.

    provenance: {"proposal", "reason", "base"} where it came of a proposal, with "takes_back" where it undoes one.
    """

    __tablename__ = "published_sets"
    __table_args__ = (UniqueConstraint("tenant_id", "key", "version"),)

    key: Mapped[str]
    version: Mapped[int]
    content: Mapped[JsonObject]
    sha256: Mapped[str] = mapped_column()
    published_at: Mapped[datetime]
    published_by: Mapped[str]
    provenance: Mapped[JsonObject | None]
