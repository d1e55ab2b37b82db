"""Tables: frozen labels, what was trained from them, which models judged when, what a model in the shadow said, and what
models are to forget."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from duilian.infra.database import Base, JsonObject, Tenanted


class DatasetVersion(Tenanted, Base):
    """The labels of a competency as they stood once. members: [[example id, [rating ids]]]; sha256: of their lines
    (`datasets.digest`), so that a run learns from exactly these or says that it cannot. people: different known ones."""

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("tenant_id", "competency", "sha256"),)

    competency: Mapped[str]
    members: Mapped[list[Any]]
    sha256: Mapped[str]
    labels: Mapped[int]
    people: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class TrainingRun(Tenanted, Base):
    """state: queued, reading, learning, adapting, evaluating, done, failed, cancelled. share: of the work done, 0–1.

    adapt: whether the encoder is to be fine-tuned as well.

    held_out: what the model said of each example without having seen its person, by example id. artefact: sha256.
    gates: see `gates.Gate`; verdict: passed, warned or refused. failure: {"code", "zh", "en"}; of a run under way: why it is
    tried again. estimate: `costs.Estimate`, as it was told; cost: `costs.Cost`, of runs that are done. taught_by: whose rows
    the artefact holds (`unlearning.Taught`). A run that had to forget people names the artefact without them, or none.
    """

    __tablename__ = "training_runs"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "dataset_id"], ["dataset_versions.tenant_id", "dataset_versions.id"]
        ),
        Index("ix_training_runs_created_at", "tenant_id", "created_at"),
    )

    dataset_id: Mapped[UUID]
    competency: Mapped[str]
    adapt: Mapped[bool]
    state: Mapped[str]
    share: Mapped[float]
    seconds: Mapped[float | None]
    estimate: Mapped[JsonObject | None]
    cost: Mapped[JsonObject | None]
    evaluation: Mapped[JsonObject | None]
    held_out: Mapped[JsonObject | None]
    taught_by: Mapped[JsonObject | None]
    card: Mapped[JsonObject | None]
    artefact: Mapped[str | None]
    gates: Mapped[list[Any] | None]
    verdict: Mapped[str | None]
    failure: Mapped[JsonObject | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class HeadRelease(Tenanted, Base):
    """state: shadow, in_force, retired. previous_id: what was in force before it, None for the scorer without labels;
    going back leads there. reason: why in spite of warnings, or why it was taken back.

    One in force and one in the shadow at most for each competency. The sealed shelf says what the worker uses
    (platform.scoring.heads); both are changed together.
    """

    __tablename__ = "head_releases"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "run_id"], ["training_runs.tenant_id", "training_runs.id"]),
        Index(
            "uq_head_releases_in_force", "tenant_id", "competency", unique=True,
            postgresql_where=text("state = 'in_force'"),
        ),
        Index(
            "uq_head_releases_shadow", "tenant_id", "competency", unique=True,
            postgresql_where=text("state = 'shadow'"),
        ),
    )  # fmt: skip

    competency: Mapped[str]
    artefact: Mapped[str]
    run_id: Mapped[UUID]
    state: Mapped[str]
    shadowed_by: Mapped[str]
    shadowed_at: Mapped[datetime]
    promoted_by: Mapped[str | None]
    promoted_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]
    retired_at: Mapped[datetime | None]
    previous_id: Mapped[UUID | None]
    reason: Mapped[str]


class ShadowScore(Tenanted, Base):
    """What the model in the shadow said of a live answer beside what counted: mean levels 1–5, None without evidence.
    It goes with the answer's analysis."""

    __tablename__ = "shadow_scores"
    __table_args__ = (
        UniqueConstraint("tenant_id", "release_id", "answer_id"),
        ForeignKeyConstraint(
            ["tenant_id", "release_id"], ["head_releases.tenant_id", "head_releases.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "answer_id"], ["analyses.tenant_id", "analyses.answer_id"], ondelete="CASCADE"
        ),
    )

    release_id: Mapped[UUID]
    answer_id: Mapped[UUID]
    version: Mapped[str]
    counted: Mapped[float | None]
    shadow: Mapped[float | None]
    versions: Mapped[JsonObject]
    created_at: Mapped[datetime]


class Forgetting(Tenanted, Base):
    """Labels are gone, and what models learned from them has to go too. Written in the transaction that lets them go.

    examples: ids; people: pseudonyms, hexadecimal; both empty once it is done. erasure_id: whose receipt tells of it.
    rows: that left stored models, None before.
    """

    __tablename__ = "forgettings"
    __table_args__ = (
        Index("ix_forgettings_open", "tenant_id", "id", postgresql_where=text("done_at is null")),
    )

    examples: Mapped[list[Any]]
    people: Mapped[list[Any]]
    erasure_id: Mapped[UUID | None]
    rows: Mapped[int | None]
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
