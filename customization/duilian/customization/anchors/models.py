"""Tables: which examples are anchors, and what came of scoring them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted
from duilian.infra.fields import sealed_text


class Anchor(Tenanted, Base):
    """A settled example that a person chose.

    heard: its recording as the recogniser `heard_by` (its versions) heard it last; None where there is no recording.
    """

    __tablename__ = "anchors"
    __table_args__ = (
        UniqueConstraint("tenant_id", "example_id"),
        ForeignKeyConstraint(
            ["tenant_id", "example_id"], ["examples.tenant_id", "examples.id"], ondelete="CASCADE"
        ),
    )

    example_id: Mapped[UUID]
    added_by: Mapped[str]
    added_at: Mapped[datetime]
    heard_sealed: Mapped[bytes | None]
    heard_by: Mapped[str | None]

    heard = sealed_text()


class AnchorRun(Tenanted, Base):
    """The anchors scored once. cause: versions (something changed), gate (before a promotion), person.

    versions: of what scored them; scores: level by example, null where it could not be scored; verdict: a
    `measurement.drift.Verdict`, state its state. is_baseline: what the next run is compared with.
    """

    __tablename__ = "anchor_runs"
    __table_args__ = (Index("ix_anchor_runs_ran_at", "tenant_id", "ran_at"),)

    cause: Mapped[str]
    versions: Mapped[JsonObject]
    scores: Mapped[JsonObject]
    verdict: Mapped[JsonObject]
    state: Mapped[str]
    is_baseline: Mapped[bool]
    ran_by: Mapped[str]
    ran_at: Mapped[datetime]
