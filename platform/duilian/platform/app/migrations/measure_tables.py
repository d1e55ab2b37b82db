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


def _tenanted(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=f"pk_{name}"),
    )
    protect(name)


def _column(
    name: str, kind: sa.types.TypeEngine[Any], needed: bool = True
) -> sa.Column[Any]:  # Any: of every type
    return sa.Column(name, kind, nullable=not needed)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    """The row goes with what it is about."""
    return sa.ForeignKeyConstraint(
        ["tenant_id", column], [f"{other}.tenant_id", f"{other}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE"
    )  # fmt: skip


def _anchors() -> None:
    _tenanted(
        "anchors",
        _column("example_id", sa.Uuid()),
        _column("added_by", sa.String()),
        _column("added_at", TIME),
        _column("heard_sealed", sa.LargeBinary(), needed=False),
        _column("heard_by", sa.String(), needed=False),
        sa.UniqueConstraint("tenant_id", "example_id", name="uq_anchors_tenant_id_example_id"),
        _to("anchors", "example_id", "examples"),
    )
    by_parent("anchors", "examples", "example_id")
    grant("anchors")
    _tenanted(
        "anchor_runs",
        _column("cause", sa.String()),
        _column("versions", JSONB()),
        _column("scores", JSONB()),
        _column("verdict", JSONB()),
        _column("state", sa.String()),
        _column("is_baseline", sa.Boolean()),
        _column("ran_by", sa.String()),
        _column("ran_at", TIME),
    )
    op.create_index("ix_anchor_runs_ran_at", "anchor_runs", ["tenant_id", "ran_at"])
    grant("anchor_runs", "select, insert, update, delete")


def _figures() -> None:
    _tenanted(
        "lab_figures",
        _column("kind", sa.String()),
        _column("content", JSONB()),
        _column("computed_at", TIME),
        sa.UniqueConstraint("tenant_id", "kind", name="uq_lab_figures_tenant_id_kind"),
    )
    grant("lab_figures")


def _calibrations() -> None:
    _tenanted(
        "calibrations",
        _column("title", sa.String()),
        _column("created_by", sa.String()),
        _column("created_at", TIME),
        _column("closed_at", TIME, needed=False),
    )
    grant("calibrations", "select, insert, update")
    _tenanted(
        "calibration_examples",
        _column("calibration_id", sa.Uuid()),
        _column("example_id", sa.Uuid()),
        _column("position", sa.Integer()),
        sa.UniqueConstraint(
            "tenant_id", "calibration_id", "example_id", name="uq_calibration_examples_tenant_id_calibration_id_example_id"
        ),
        _to("calibration_examples", "calibration_id", "calibrations"),
        _to("calibration_examples", "example_id", "examples"),
    )  # fmt: skip
    by_parent("calibration_examples", "examples", "example_id")
    grant("calibration_examples", "select, insert, delete")
    _tenanted(
        "calibration_marks",
        _column("calibration_id", sa.Uuid()),
        _column("example_id", sa.Uuid()),
        _column("rater", sa.String()),
        _column("level", sa.Integer()),
        _column("marked_at", TIME),
        sa.CheckConstraint("level between 1 and 5", name="ck_calibration_marks_level"),
        sa.UniqueConstraint(
            "tenant_id", "calibration_id", "example_id", "rater",
            name="uq_calibration_marks_tenant_id_calibration_id_example_id_rater",
        ),
        _to("calibration_marks", "calibration_id", "calibrations"),
        _to("calibration_marks", "example_id", "examples"),
    )  # fmt: skip
    by_parent("calibration_marks", "examples", "example_id")
    grant("calibration_marks", "select, insert, delete")


def _declarations() -> None:
    """Seen in the candidate's own session, and read, never written, in one that says it makes statistics."""
    name = "declarations"
    _tenanted(
        name,
        _column("candidate_id", sa.Uuid()),
        _column("question", sa.String()),
        _column("answer", sa.LargeBinary()),
        _column("declared_at", TIME),
        sa.UniqueConstraint("tenant_id", "candidate_id", "question", name="uq_declarations_tenant_id_candidate_id_question"),
        _to(name, "candidate_id", "candidates"),
    )  # fmt: skip
    op.execute(
        f"create policy own_or_counted on {name} as restrictive for select using (({OWN}) or {STATISTICS})"
    )
    for command, clause in (("insert", "with check"), ("update", "using"), ("delete", "using")):
        op.execute(f"create policy own_{command} on {name} as restrictive for {command} {clause} ({OWN})")
    grant(name)
