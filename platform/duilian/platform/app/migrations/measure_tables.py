"""Tables of migration 0011: anchors and their runs, figures, calibration sessions, self-declared groups."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from duilian.platform.app.migrations.privacy_tables import OWN
from duilian.platform.app.migrations.protect import by_parent, grant, protect

TIME = sa.DateTime(timezone=True)
STATISTICS = "(select current_setting('app.statistics', true)) = 'on'"


def create() -> None:
    _anchors()
    _figures()
    _calibrations()
    _declarations()


def tenanted(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )
    protect(name)


def column(
    name: str, kind: sa.types.TypeEngine[Any], needed: bool = True
) -> sa.Column[Any]:  # Any: of every type
    return sa.Column(name, kind, nullable=not needed)


def to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    """The row goes with what it is about."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{other}.tenant_id", f"{other}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE"
    )  # fmt: skip


def _anchors() -> None:
    tenanted(
        "anchors",
        column("example_id", sa.Uuid()),
        column("added_by", sa.String()),
        column("added_at", TIME),
        column("heard_sealed", sa.LargeBinary(), needed=False),
        column("heard_by", sa.String(), needed=False),
        sa.UniqueConstraint("tenant_id", "example_id", name="uq_anchors_tenant_id_example_id"),
        to("anchors", "example_id", "examples"),
    )
    by_parent("anchors", "examples", "example_id")
    grant("anchors")
    tenanted(
        "anchor_runs",
        column("cause", sa.String()),
        column("versions", JSONB()),
        column("scores", JSONB()),
        column("verdict", JSONB()),
        column("state", sa.String()),
        column("is_baseline", sa.Boolean()),
        column("ran_by", sa.String()),
        column("ran_at", TIME),
    )
    op.create_index("ix_anchor_runs_ran_at", "anchor_runs", ["tenant_id", "ran_at"])
    grant("anchor_runs", "select, insert, update, delete")


def _figures() -> None:
    tenanted(
        "lab_figures",
        column("kind", sa.String()),
        column("content", JSONB()),
        column("computed_at", TIME),
        sa.UniqueConstraint("tenant_id", "kind", name="uq_lab_figures_tenant_id_kind"),
    )
    grant("lab_figures")


def _calibrations() -> None:
    tenanted(
        "calibrations",
        column("title", sa.String()),
        column("created_by", sa.String()),
        column("created_at", TIME),
        column("closed_at", TIME, needed=False),
    )
    grant("calibrations", "select, insert, update")
    tenanted(
        "calibration_examples",
        column("calibration_id", sa.Uuid()),
        column("example_id", sa.Uuid()),
        column("position", sa.Integer()),
        sa.UniqueConstraint(
            "tenant_id", "calibration_id", "example_id", name="uq_calibration_examples_tenant_id_calibration_id_example_id"
        ),
        to("calibration_examples", "calibration_id", "calibrations"),
        to("calibration_examples", "example_id", "examples"),
    )  # fmt: skip
    by_parent("calibration_examples", "examples", "example_id")
    grant("calibration_examples", "select, insert, delete")
    tenanted(
        "calibration_marks",
        column("calibration_id", sa.Uuid()),
        column("example_id", sa.Uuid()),
        column("rater", sa.String()),
        column("level", sa.Integer()),
        column("marked_at", TIME),
        sa.CheckConstraint("level between 1 and 5", name="ck_calibration_marks_level"),
        sa.UniqueConstraint(
            "tenant_id", "calibration_id", "example_id", "rater",
            name="uq_calibration_marks_tenant_id_calibration_id_example_id_rater",
        ),
        to("calibration_marks", "calibration_id", "calibrations"),
        to("calibration_marks", "example_id", "examples"),
    )  # fmt: skip
    by_parent("calibration_marks", "examples", "example_id")
    grant("calibration_marks", "select, insert, delete")


def _declarations() -> None:
    """Seen in the candidate's own session, and read, never written, in one that says it makes statistics."""
    name = "declarations"
    tenanted(
        name,
        column("candidate_id", sa.Uuid()),
        column("question", sa.String()),
        column("answer", sa.LargeBinary()),
        column("declared_at", TIME),
        sa.UniqueConstraint("tenant_id", "candidate_id", "question", name="uq_declarations_tenant_id_candidate_id_question"),
        to(name, "candidate_id", "candidates"),
    )  # fmt: skip
    op.execute(
        f"create policy own_or_counted on {name} as restrictive for select using (({OWN}) or {STATISTICS})"
    )
    for command, clause in (("insert", "with check"), ("update", "using"), ("delete", "using")):
        op.execute(f"create policy own_{command} on {name} as restrictive for {command} {clause} ({OWN})")
    grant(name)
