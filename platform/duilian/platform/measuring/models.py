"""Tables: figures as they were last computed, calibration sessions and their marks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted

_CALIBRATION = (["tenant_id", "calibration_id"], ["calibrations.tenant_id", "calibrations.id"])
_EXAMPLE = (["tenant_id", "example_id"], ["examples.tenant_id", "examples.id"])


class LabFigures(Tenanted, Base):
    """One kind of figures (`figures.KINDS`), aggregates only: no row of it is about one person."""

    __tablename__ = "lab_figures"
    __table_args__ = (UniqueConstraint("tenant_id", "kind"),)

    kind: Mapped[str]
    content: Mapped[JsonObject]
    computed_at: Mapped[datetime]


class Calibration(Tenanted, Base):
    """A session (校准) in which raters mark the same adjudicated answers without seeing what was decided."""

    __tablename__ = "calibrations"

    title: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class CalibrationExample(Tenanted, Base):
    __tablename__ = "calibration_examples"
    __table_args__ = (
        UniqueConstraint("tenant_id", "calibration_id", "example_id"),
        ForeignKeyConstraint(*_CALIBRATION, ondelete="CASCADE"),
        ForeignKeyConstraint(*_EXAMPLE, ondelete="CASCADE"),
    )

    calibration_id: Mapped[UUID]
    example_id: Mapped[UUID]
    position: Mapped[int]


class CalibrationMark(Tenanted, Base):
    """Given once: what was seen afterwards cannot change it."""

    __tablename__ = "calibration_marks"
    __table_args__ = (
        UniqueConstraint("tenant_id", "calibration_id", "example_id", "rater"),
        ForeignKeyConstraint(*_CALIBRATION, ondelete="CASCADE"),
        ForeignKeyConstraint(*_EXAMPLE, ondelete="CASCADE"),
    )

    calibration_id: Mapped[UUID]
    example_id: Mapped[UUID]
    rater: Mapped[str]
    level: Mapped[int]
    marked_at: Mapped[datetime]
