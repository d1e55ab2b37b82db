"""Tables of migration 0012: dataset versions, training runs, releases of scoring models, what the shadow said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.measure_tables import TIME, column, tenanted, to
from duilian.platform.app.migrations.protect import by_parent, grant


def create() -> None:
    _datasets()
    _runs()
    _releases()
    _shadow()


def _datasets() -> None:
    tenanted(
        "dataset_versions",
        column("competency", sa.String()),
        column("members", JSONB()),
        column("sha256", sa.String()),
        column("labels", sa.Integer()),
        column("people", sa.Integer()),
        column("created_by", sa.String()),
        column("created_at", TIME),
        sa.UniqueConstraint(
            "tenant_id", "competency", "sha256", name="uq_dataset_versions_tenant_id_competency_sha256"
        ),
    )
    grant("dataset_versions", "select, insert, delete")


def _runs() -> None:
    tenanted(
        "training_runs",
        column("dataset_id", sa.Uuid()),
        column("competency", sa.String()),
        column("state", sa.String()),
        column("share", sa.Float()),
        column("seconds", sa.Float(), needed=False),
        column("evaluation", JSONB(), needed=False),
        column("held_out", JSONB(), needed=False),
        column("card", JSONB(), needed=False),
        column("artefact", sa.String(), needed=False),
        column("gates", JSONB(), needed=False),
        column("verdict", sa.String(), needed=False),
        column("failure", JSONB(), needed=False),
        column("created_by", sa.String()),
        column("created_at", TIME),
        column("ended_at", TIME, needed=False),
        to("training_runs", "dataset_id", "dataset_versions"),
    )
    op.create_index("ix_training_runs_created_at", "training_runs", ["tenant_id", "created_at"])
    grant("training_runs")


def _releases() -> None:
    tenanted(
        "head_releases",
        column("competency", sa.String()),
        column("artefact", sa.String()),
        column("run_id", sa.Uuid()),
        column("state", sa.String()),
        column("shadowed_by", sa.String()),
        column("shadowed_at", TIME),
        column("promoted_by", sa.String(), needed=False),
        column("promoted_at", TIME, needed=False),
        column("retired_by", sa.String(), needed=False),
        column("retired_at", TIME, needed=False),
        column("previous_id", sa.Uuid(), needed=False),
        column("reason", sa.String()),
        sa.CheckConstraint("state in ('shadow', 'in_force', 'retired')", name="ck_head_releases_state"),
        to("head_releases", "run_id", "training_runs"),
    )
    for state in ("in_force", "shadow"):
        op.create_index(
            f"uq_head_releases_{state}", "head_releases", ["tenant_id", "competency"], unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )  # fmt: skip
    grant("head_releases")


def _shadow() -> None:
    tenanted(
        "shadow_scores",
        column("release_id", sa.Uuid()),
        column("answer_id", sa.Uuid()),
        column("version", sa.String()),
        column("counted", sa.Float(), needed=False),
        column("shadow", sa.Float(), needed=False),
        column("versions", JSONB()),
        column("created_at", TIME),
        sa.UniqueConstraint(
            "tenant_id", "release_id", "answer_id", name="uq_shadow_scores_tenant_id_release_id_answer_id"
        ),
        to("shadow_scores", "release_id", "head_releases"),
        # Whoever withdraws consent to scoring has the analysis erased; what the shadow said goes with it.
        sa.ForeignKeyConstraint(
            ["tenant_id", "answer_id"],
            ["analyses.tenant_id", "analyses.answer_id"],
            name="fk_shadow_scores_answer_id",
            ondelete="CASCADE",
        ),
    )
    by_parent("shadow_scores", "answers", "answer_id")
    grant("shadow_scores")
